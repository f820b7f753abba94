public import Addressing
internal import JSON
public import Model
internal import Reachability

/// Turns the desired state into tables: constant rules, and sets and maps that hold what differs.
///
/// A packet costs the same however many endpoints there are, and adding an endpoint adds elements only (and one small
/// chain where its neighbour discovery is checked).
public enum Compiler {
    /// Name of a scope's tables.
    public static func tableName(_ scope: ObjectName) -> String {
        scope.text == "default" ? "bulkhead" : "bulkhead-\(scope)"
    }

    /// The tables that enforce a desired state; none where there is no network.
    public static func compile(_ desired: DesiredState, _ facts: HostFacts) -> Ruleset {
        let switched = desired.switched
        let hooks = hookTable(desired, facts).map { [$0] } ?? []
        let input = CompilerInput(switched, facts, deaf: deafLinks(desired, facts))
        guard !switched.networks.isEmpty else { return Ruleset(tables: groundTables(input) + hooks) }
        return Ruleset(tables: [bridgeTable(input), inetTable(input), arpTable(input)] + hooks)
    }
}

extension DesiredState {
    /// What has ports on the host: macvlans pass none of its bridges. Cards of routers follow from the networks.
    fileprivate var switched: DesiredState {
        var state = self
        state.endpoints.removeAll { $0.router != nil }
        guard networks.contains(where: \.isMacvlan) else { return state }
        state.networks.removeAll(where: \.isMacvlan)
        state.endpoints.removeAll(where: \.isOnGround)
        return state
    }
}

/// A desired state with what the compiler looks up in it.
struct CompilerInput {
    let desired: DesiredState
    let facts: HostFacts
    /// Links besides ports by which the host hears nobody.
    let deaf: [Element]
    let networks: [ObjectName: Network]
    let tableName: String
    let program: PolicyProgram
    /// Endpoints on other hosts for which an enforced policy says there what may come in.
    let policedRemotes: [Endpoint]
    /// Networks with an endpoint, here or there, for which an enforced policy says what may come in.
    private let policedNetworks: Set<ObjectName>

    init(_ desired: DesiredState, _ facts: HostFacts, deaf: [Element] = []) {
        self.desired = desired
        self.facts = facts
        self.deaf = deaf
        networks = Dictionary(desired.networks.map { ($0.metadata.name, $0) }, uniquingKeysWith: { first, _ in first })
        tableName = Compiler.tableName(desired.scope)
        let program = PolicyProgram(desired)
        self.program = program
        let remote = PolicyProgram.remote(desired)
        policedRemotes = desired.remotes.map(\.endpoint).filter { remote.isPoliced(.ingress, $0.metadata.name) }
        policedNetworks = Set(
            (desired.endpoints.filter { program.isPoliced(.ingress, $0.metadata.name) } + policedRemotes).map(\.network)
        )
    }

    /// One element a network that fulfils the condition: the name of its bridge.
    func bridges(where condition: (Network) -> Bool = { _ in true }) -> [Element] {
        desired.networks.filter(condition).map {
            Element(key: .string($0.bridge.text), comment: $0.id.description)
        }
    }

    /// The prefixes that lie behind the bridges of these networks.
    func subnets(_ name: String, _ family: AddressFamily, of condition: (Network) -> Bool) -> NamedSet {
        NamedSet(
            name: "\(name)\(family.suffix)", keyTypes: ["ifname", family.setType], isInterval: true,
            elements: desired.networks.filter(condition).flatMap { network in
                network.prefixes.filter { $0.family == family }.map {
                    Element(
                        key: Nft.concat(.string(network.bridge.text), Nft.prefix($0)), comment: network.id.description)
                }
            })
    }

    /// The interface by which each network that the host routes to is on the physical network.
    var routedUplinks: [(network: Network, uplink: String)] {
        desired.networks.compactMap { network in
            network.isRouted ? facts.routedUplinks[network.metadata.name].map { (network, $0) } : nil
        }
    }

    /// IPv4 addresses that mean all on a segment; those of IPv6 are one prefix.
    func groups4() -> [Element] {
        // Prefixes of overlays may be equal.
        var seen: Set<IPAddress> = []
        let broadcasts = desired.networks.flatMap { network in
            network.prefixes.filter { $0.family == .ipv4 && $0.length < 31 }
                .filter { seen.insert($0.last).inserted }
                .map { Element(key: .string($0.last.description), comment: network.id.description) }
        }
        return [Element(key: ["prefix": ["addr": "224.0.0.0", "len": 4]], comment: nil)] + broadcasts
            + [Element(key: "255.255.255.255", comment: nil)]
    }

    /// The host's own addresses on its bridges, link-local ones included.
    func gateways(_ family: AddressFamily) -> [Element] {
        let own = desired.networks.filter { $0.hasHostSide && !$0.isShared }.flatMap { network -> [IPAddress] in
            let gateways = network.subnets.compactMap(\.gateway).filter { $0.family == family }
            return gateways + (family == .ipv6 ? [.v6(network.mac.linkLocal)] : [])
        }
        return Set(own).sorted().map { Element(key: .string($0.description), comment: nil) }
    }

    /// Networks whose endpoints never reach one another: not even frames pass, as long as no policy opens a way.
    func isSecluded(_ network: Network) -> Bool {
        network.deniesIntraNetwork && !isPoliced(network) && !network.hasRouter
    }

    /// Whether an enforced policy says of an endpoint of the network what may come in.
    func isPoliced(_ network: Network) -> Bool { policedNetworks.contains(network.metadata.name) }

    /// Link-local addresses that the MACs of endpoints give, each once.
    func endpointLocals() -> [Element] {
        var owners: [IPv6Address: String] = [:]
        for endpoint in desired.endpoints {
            for local in endpoint.linkLocals { owners[local] = endpoint.id.description }
        }
        return owners.sorted { $0.key < $1.key }.map { Element(key: .string($0.key.description), comment: $0.value) }
    }

    /// One element an endpoint that fulfils the condition: the name of its port.
    func ports(where condition: (Endpoint, Network) -> Bool = { _, _ in true }) -> [Element] {
        desired.endpoints.filter { endpoint in networks[endpoint.network].map { condition(endpoint, $0) } ?? false }
            .map { Element(key: .string($0.hostInterface.text), comment: $0.id.description) }
    }
}

extension Ruleset {
    /// The addresses from which endpoints may send by these rules, as `source(_:_:)` writes them.
    public var checkedSources: Set<String> {
        let sets = table(.bridge)?.sets.filter { ["sources4", "sources6", "locals_own"].contains($0.name) } ?? []
        return Set(sets.flatMap(\.elements).map { $0.key.text() })
    }

    /// A source of an endpoint as rules have it.
    public static func source(_ endpoint: Endpoint, _ prefix: IPPrefix) -> String {
        Nft.concat(.string(endpoint.hostInterface.text), Nft.prefix(prefix)).text()
    }
}

extension Endpoint {
    /// Everything by which its packets are known as its own, of both families.
    public var identities: [IPPrefix] { AddressFamily.allCases.flatMap(identities) }

    /// With neither addresses nor `allowedAddresses` only the MAC is checked.
    public var checksAddresses: Bool { antiSpoof && !(addresses.isEmpty && allowedAddresses.isEmpty) }

    /// Everything it may send from in a family: overlapping entries once, as interval sets want it.
    func sources(_ family: AddressFamily) -> [IPPrefix] {
        let all = (addresses.map { IPPrefix(host: $0.address) } + allowedAddresses).filter { $0.family == family }
        var result: [IPPrefix] = []
        for prefix in all.sorted() where !(result.last?.contains(prefix) ?? false) { result.append(prefix) }
        return result
    }

    /// Link-local addresses that its MACs give.
    var linkLocals: [IPv6Address] { ([mac] + allowedMACs).map(\.linkLocal) }
}
