internal import Addressing
internal import JSON
internal import Model

/// What of macvlans the host sees: frames to the wire leave by their interface, frames from the wire come in by it, and
/// so does what one macvlan sends to one other (the kernel shows it to the interface's sniffers). By which of them a frame
/// was sent nobody tells, so that a sender is known by its MAC alone; and what one sends to all others passes no hook.
extension Compiler {
    /// The table of the interfaces' hooks; nil where no network has macvlans.
    static func hookTable(_ desired: DesiredState, _ facts: HostFacts) -> Table? {
        let stems = desired.networks.compactMap { network -> Stem? in
            guard network.isMacvlan, let uplink = facts.macvlanUplinks[network.metadata.name] else { return nil }
            return Stem(
                network: network, uplink: uplink,
                endpoints: desired.endpoints.filter { $0.network == network.metadata.name })
        }
        guard !stems.isEmpty else { return nil }
        return Table(
            family: .netdev, name: tableName(desired.scope),
            sets: stems.flatMap(\.sets).sorted { $0.name < $1.name },
            chains: stems.flatMap { stem in stem.chains + stem.endpoints.flatMap { stem.claims($0) } }
                .sorted { $0.name < $1.name })
    }
}

extension Ruleset {
    /// Names of networks with macvlans, and of the interfaces on which their hooks hang.
    public var macvlanUplinks: [(network: String, uplink: String)] {
        (table(.netdev)?.chains ?? []).compactMap { chain in
            guard chain.name.hasPrefix(Stem.exit), let network = Stem.network(ofChain: chain.name),
                let uplink = chain.base?.devices?.first
            else { return nil }
            return (String(network), uplink)
        }
    }
}

/// An interface with the macvlans of a network.
struct Stem {
    let network: Network
    let uplink: HostFacts.Uplink
    let endpoints: [Endpoint]

    static let before: Int64 = -200
    static let source = Nft.payload("ether", "saddr")
    static let target = Nft.payload("ether", "daddr")
    static let tags = Nft.set(["8021q", "8021ad"])

    func name(_ what: String) -> String { "\(what)-\(network.metadata.name)" }
    func set(_ what: String) -> JSON { .string("@\(name(what))") }

    // MARK: Sets

    var sets: [NamedSet] {
        let senders = AddressFamily.allCases.map { family in
            NamedSet(
                name: name("sources\(family.suffix)"), keyTypes: ["ether_addr", family.setType], isInterval: true,
                elements: pairs { endpoint in endpoint.sources(family).map(Nft.prefix) })
        }
        let owned = AddressFamily.allCases.map { family in
            NamedSet(name: name("owned\(family.suffix)"), keyTypes: [family.setType], elements: ownedAddresses(family))
        }
        return [
            NamedSet(name: name("cards"), keyTypes: ["ether_addr"], elements: cards { _ in true }),
            NamedSet(name: name("checked"), keyTypes: ["ether_addr"], elements: cards(where: \.checksAddresses)),
            NamedSet(name: name("disabled"), keyTypes: ["ether_addr"], elements: cards { !$0.enabled }),
            NamedSet(
                name: name("locals"), keyTypes: ["ether_addr", "ipv6_addr"],
                elements: pairs { endpoint in Self.locals(endpoint).map { .string($0.description) } }),
            NamedSet(
                name: name("macs"), keyTypes: ["ether_addr", "ether_addr"],
                elements: pairs { endpoint in Self.macs(endpoint).map { .string($0.description) } }),
            NamedSet(name: name("taken"), keyTypes: ["ipv6_addr"], elements: takenLocals()),
        ]
            + Claims.Kind.allCases.map { kind in
                NamedSet(
                    name: name(kind.map), keyTypes: ["ether_addr"], dataType: "verdict",
                    elements: endpoints.flatMap { endpoint in
                        Self.macs(endpoint).map { mac in
                            Element(
                                key: .string(mac.description), data: Nft.jump(Self.chain(kind, endpoint)),
                                comment: endpoint.id.description)
                        }
                    })
            } + senders + owned
    }

    private static func macs(_ endpoint: Endpoint) -> [MACAddress] {
        Set([endpoint.mac] + endpoint.allowedMACs).sorted()
    }
    static func locals(_ endpoint: Endpoint) -> [IPv6Address] { Set(endpoint.linkLocals).sorted() }

    private func cards(where condition: (Endpoint) -> Bool) -> [Element] {
        endpoints.filter(condition).flatMap { endpoint in
            Self.macs(endpoint).map { Element(key: .string($0.description), comment: endpoint.id.description) }
        }
    }

    /// Each of an endpoint's MACs with each of these values.
    private func pairs(_ values: (Endpoint) -> [JSON]) -> [Element] {
        endpoints.flatMap { endpoint in
            Self.macs(endpoint).flatMap { mac in
                values(endpoint).map {
                    Element(key: Nft.concat(.string(mac.description), $0), comment: endpoint.id.description)
                }
            }
        }
    }

    /// Addresses of endpoints and of the next hops, each once.
    func owners(_ family: AddressFamily) -> [(address: IPAddress, owner: String)] {
        var owners: [IPAddress: String] = [:]
        for router in network.subnets.compactMap(\.router) { owners[router] = network.id.description }
        for endpoint in endpoints {
            for address in endpoint.addresses { owners[address.address] = endpoint.id.description }
        }
        return owners.filter { $0.key.family == family }.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    private func ownedAddresses(_ family: AddressFamily) -> [Element] {
        owners(family).map { Element(key: .string($0.address.description), comment: $0.owner) }
    }

    private func takenLocals() -> [Element] {
        var owners: [IPAddress: String] = [:]
        for (address, owner) in self.owners(.ipv6) where address.isLinkLocal { owners[address] = owner }
        for endpoint in endpoints {
            for local in endpoint.linkLocals { owners[.v6(local)] = endpoint.id.description }
        }
        return owners.sorted { $0.key < $1.key }.map { Element(key: .string($0.key.description), comment: $0.value) }
    }
}
