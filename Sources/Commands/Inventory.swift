internal import Addressing
internal import Firewall
internal import JSON
internal import Model
internal import Planner
internal import Reconciler
internal import SystemCalls

/// What a scope owns right now, found by the marks in the kernel alone.
struct Inventory {
    struct Network {
        var name: String
        var link: ObservedLink
        var addresses: [InterfaceAddress]
        var ports: Int
        /// By what its policies see the state of bridged connections: `br_netfilter`, or `none` where frames pass it by.
        var tracking: String
        var health: String
        /// Whether the link is not its bridge but the interface whose macvlans its endpoints are.
        var isMacvlan = false
        /// What it has learnt, where it is an overlay on BGP EVPN.
        var routing: Routing?
    }

    /// Sessions, nil where FRR does not say, and entries that came by them.
    struct Routing {
        var sessions: [RoutingSurvey.Session]?
        var learnt: [RoutingSurvey.Learnt]
    }

    struct Compartment {
        var name: String
        var namespace: String
        var path: String
        var cards: [String]
        var health: String
        /// Whether it is somebody else's.
        var isAdopted = false

        /// Files that a process inside shall see in place of the host's; those of an adopted one are its owner's affair.
        func files(_ folder: String) throws -> [(source: String, target: String)] {
            isAdopted
                ? []
                : CompartmentFiles.names.compactMap { file in
                    let source = "\(folder)/\(namespace)/\(file)"
                    guard (try? Files.status(source)) != nil else { return nil }
                    return (source, "/etc/\(file)")
                }
        }
    }

    struct Endpoint {
        var name: String
        var network: String?
        var compartment: String?
        var namespacePath: String?
        /// The host's side; a macvlan has none, and is it itself.
        var outer: ObservedLink
        var inner: ObservedLink?
        /// What its guest shall have, where it is a tap and the manifests in force say so.
        var guest: Guest?
        var addresses: [InterfaceAddress]
        var state: String
        var health: String
    }

    /// What a virtual machine gives its card.
    struct Guest {
        var mac: MACAddress
        var gateways: [IPAddress]
    }

    var scope: ObjectName
    var host: String
    var networks: [Network]
    var compartments: [Compartment]
    var endpoints: [Endpoint]
    var policies: [PolicyReport] = []

    /// Reads the kernel and sorts what is there by mark.
    static func read(_ global: GlobalOptions) throws -> Inventory {
        try Comparison.requireRights()
        let folders = try global.folders()
        let scope = try global.scopeName()
        let desired = DesiredState(scope: scope, host: global.hostName())
        let session = try HostSession(folders)
        let adoptions = try Adoptions.read(global)
        let paths = adoptions.paths
        var observation = try Observer(session, desired: desired, adopted: paths, counters: true).observe()
        let strays = try Adoptions.strays(observation.state, scope: scope, in: session)
        if !strays.isEmpty {
            observation = try Observer(session, desired: desired, adopted: paths + strays, counters: true).observe()
        }
        var inventory = InventoryReader(observation, scope: scope, folders: folders, adoptions: adoptions)
            .inventory(host: global.hostName())
        inventory.policies = PolicyReport.all(observation.firewall)
        try inventory.addRouting(observation.state, session)
        return inventory
    }

    /// The tunnel of an overlay that learns is a locked port.
    private mutating func addRouting(_ state: ObservedState, _ session: HostSession) throws {
        let tunnels = state.host.links.filter { $0.vxlan != nil && $0.port?.locked ?? false }
        guard !tunnels.isEmpty else { return }
        let survey = try RoutingSurvey(session)
        for index in networks.indices {
            let bridge = networks[index].link.index
            guard let tunnel = tunnels.first(where: { $0.master == bridge }) else { continue }
            let routing = Routing(
                sessions: survey.sessions, learnt: survey.learnt(bridge: bridge, tunnel: tunnel.index))
            networks[index].routing = routing
            if networks[index].health == "ok", let problem = ShowRouting.problem(routing) {
                networks[index].health = problem
            }
        }
    }
}

/// Sorts an observed state by marks.
private struct InventoryReader {
    let state: ObservedState
    let scope: ObjectName
    let folders: Folders
    let adoptions: Adoptions
    let links: [UInt32: ObservedLink]
    let spaces: [Int32: ObservedNamespace]
    /// Names of compartments by namespace, where that is called otherwise.
    let names: [String: String]
    /// Networks with macvlans, by name of their interface.
    let stems: [(network: String, uplink: String)]
    /// Names of networks by index of the bridge, where that is somebody else's and has no mark.
    let guests: [UInt32: String]

    init(_ observation: Observation, scope: ObjectName, folders: Folders, adoptions: Adoptions) {
        let state = observation.state
        self.state = state
        let shared = observation.firewall.table(.inet)?.sets.first { $0.name == "shared" }?.elements ?? []
        let owners = shared.compactMap { element -> (UInt32, String)? in
            guard let bridge = element.key.string, let link = state.host.link(named: bridge), link.mark == nil,
                let name = element.comment?.split(separator: "/").last
            else { return nil }
            return (link.index, String(name))
        }
        guests = Dictionary(owners, uniquingKeysWith: { first, _ in first })
        stems = observation.firewall.macvlanUplinks
        self.scope = scope
        self.folders = folders
        self.adoptions = adoptions
        links = Dictionary(state.host.links.map { ($0.index, $0) }, uniquingKeysWith: { first, _ in first })
        spaces = Dictionary(
            state.namespaces.compactMap { space in space.namespaceID.map { ($0, space) } },
            uniquingKeysWith: { first, _ in first })
        var names: [String: String] = [:]
        for file in state.files {
            guard let place = CompartmentFiles.namespace(of: file.path, below: folders.namespaceFiles), place.isMark,
                let mark = file.mark, mark.scope == scope, mark.owner.kind == .compartment
            else { continue }
            names[place.name] = mark.owner.name.text
        }
        self.names = names
    }

    func inventory(host: String) -> Inventory {
        let cards = state.host.links.filter {
            $0.mark?.scope == scope && $0.mark?.owner.kind == .endpoint && $0.kind != "ifb"
        }
        let endpoints = (cards.compactMap(endpoint) + macvlans()).sorted { $0.name < $1.name }
        return Inventory(
            scope: scope, host: host, networks: (networks() + macvlanNetworks()).sorted { $0.name < $1.name },
            compartments: compartments(endpoints), endpoints: endpoints)
    }

    private func networks() -> [Inventory.Network] {
        state.host.links.compactMap { link in
            // Its tunnels and the cards of its router are marked as its own, too.
            guard link.kind == "bridge" || guests[link.index] != nil, let name = networkName(link) else { return nil }
            let ports = state.host.links.count { $0.master == link.index }
            let own = state.host.addresses.filter { $0.link == link.index && $0.isPermanent && !isKernels($0) }
            // The kernel takes the attribute without the module, too.
            let own4 = link.bridge?.netfilterIPv4 ?? false, own6 = link.bridge?.netfilterIPv6 ?? false
            let all = SharedSetting.bridgeTracking.map { state.host.settings[$0]?.first == "1" }
            let isTracked = state.features.bridgeNetfilter && (own4 || all[0]) && (own6 || all[1])
            return Inventory.Network(
                name: name, link: link, addresses: (own.map(\.address) + gateways(name)).sorted(), ports: ports,
                tracking: isTracked ? "br_netfilter" : "none",
                health: !link.isUp
                    ? "bridge is down" : isTracked ? "ok" : "bridged connections pass the policies untracked")
        }.sorted { $0.name < $1.name }
    }

    /// Addresses of an overlay's gateway, which are its router's.
    private func gateways(_ network: String) -> [InterfaceAddress] {
        guard
            let space = state.namespaces.first(where: { isRouter($0) && $0.reference.text == Router.prefix + network })
        else { return [] }
        return space.addresses.filter { address in
            !isKernels(address) && space.links.contains { $0.index == address.link && !$0.isLoopback }
        }.map(\.address)
    }

    /// The network that a bridge is, by its mark, or by the firewall where it is somebody else's.
    private func networkName(_ link: ObservedLink) -> String? {
        if let guest = guests[link.index] { return guest }
        guard let mark = link.mark, mark.scope == scope, mark.owner.kind == .network else { return nil }
        return mark.owner.name.text
    }

    private func isKernels(_ address: ObservedAddress) -> Bool {
        address.address.address.family == .ipv6 && address.address.address.isLinkLocal
    }

    private func endpoint(_ link: ObservedLink) -> Inventory.Endpoint? {
        guard let mark = link.mark else { return nil }
        if link.tap != nil { return tap(link, mark.owner.name.text) }
        if link.kind == "macvtap" { return macvtap(link, mark.owner.name.text) }
        let space = link.peerNamespaceID.flatMap { spaces[$0] }
        let inner = space.flatMap { space in link.peerIndex.flatMap { space.link(index: $0) } }
        let own = (space?.addresses ?? []).filter { $0.link == inner?.index && !isKernels($0) }
        var problems: [String] = []
        if inner == nil { problems.append("its card is in no known namespace") }
        if link.master == nil { problems.append("not on a bridge") }
        if let inner, !inner.isUp { problems.append("card is down") }
        if own.contains(where: \.isTentative) { problems.append("an address is not usable") }
        let name = space.flatMap { compartmentName($0) }
        return Inventory.Endpoint(
            name: mark.owner.name.text,
            network: link.master.flatMap { links[$0] }.flatMap(networkName),
            compartment: name, namespacePath: space.map { path($0.reference) }, outer: link, inner: inner,
            addresses: own.map(\.address).sorted(), state: link.isUp ? "up" : "disabled",
            health: problems.isEmpty ? "ok" : problems.joined(separator: ", "))
    }

    /// Cards of the scope that are macvlans, by the marks inside their compartments.
    private func macvlans() -> [Inventory.Endpoint] {
        state.namespaces.flatMap { space in
            space.links.compactMap { link -> Inventory.Endpoint? in
                guard link.kind == "macvlan", link.peerNamespaceID != nil, link.peerNamespaceID == space.hostID,
                    let mark = link.mark, mark.scope == scope, mark.owner.kind == .endpoint
                else { return nil }
                let own = space.addresses.filter { $0.link == link.index && !isKernels($0) }
                var problems = link.isUp ? [] : ["card is down"]
                if own.contains(where: \.isTentative) { problems.append("an address is not usable") }
                let uplink = link.peerIndex.flatMap { links[$0] }
                return Inventory.Endpoint(
                    name: mark.owner.name.text, network: stems.first { $0.uplink == uplink?.name }?.network,
                    compartment: compartmentName(space), namespacePath: path(space.reference), outer: link,
                    inner: link, addresses: own.map(\.address).sorted(),
                    state: link.macvlan == .source ? "disabled" : "up",
                    health: problems.isEmpty ? "ok" : problems.joined(separator: ", "))
            }
        }
    }

    private func macvlanNetworks() -> [Inventory.Network] {
        stems.compactMap { network, uplink in
            guard let link = state.host.link(named: uplink) else { return nil }
            let cards = state.namespaces.reduce(0) { count, space in
                count
                    + space.links.count {
                        $0.kind == "macvlan" && $0.peerIndex == link.index && $0.peerNamespaceID != nil
                            && $0.peerNamespaceID == space.hostID
                    }
            }
            let taps = state.host.links.count { $0.kind == "macvtap" && $0.peerIndex == link.index && $0.mark != nil }
            return Inventory.Network(
                name: network, link: link, addresses: [], ports: cards + taps, tracking: "none",
                health: link.isUp ? "ok" : "uplink is down", isMacvlan: true)
        }
    }

    /// What a virtual machine has behind its card no kernel of ours knows.
    private func tap(_ link: ObservedLink, _ name: String) -> Inventory.Endpoint {
        let endpoint = adoptions.taps[name]
        return Inventory.Endpoint(
            name: name, network: link.master.flatMap { links[$0] }.flatMap(networkName), outer: link,
            guest: endpoint.map { Inventory.Guest(mac: $0.mac, gateways: $0.defaultGateways) },
            addresses: endpoint?.addresses ?? [],
            state: !link.isUp ? "disabled" : link.isRunning ? "up" : "not open",
            health: link.master == nil ? "not on a bridge" : "ok")
    }

    /// Who has its file open the kernel does not tell.
    private func macvtap(_ link: ObservedLink, _ name: String) -> Inventory.Endpoint {
        let endpoint = adoptions.taps[name]
        let uplink = link.peerIndex.flatMap { links[$0] }
        return Inventory.Endpoint(
            name: name, network: stems.first { $0.uplink == uplink?.name }?.network, outer: link,
            guest: (endpoint?.mac ?? link.mac).map {
                Inventory.Guest(mac: $0, gateways: endpoint?.defaultGateways ?? [])
            },
            addresses: endpoint?.addresses ?? [], state: link.isUp ? "up" : "disabled",
            health: uplink?.isUp ?? false ? "ok" : "uplink is down")
    }

    private func path(_ reference: NamespaceRef) -> String {
        switch reference {
        case .host: "/proc/self/ns/net"
        case .named(let name): "\(folders.namespaces)/\(name)"
        case .path(let path): path
        }
    }

    private func compartmentName(_ space: ObservedNamespace) -> String {
        switch space.reference {
        case .host, .named: names[space.reference.text] ?? space.reference.text
        case .path(let path): adoptions.names[path] ?? path
        }
    }

    private func isRouter(_ space: ObservedNamespace) -> Bool {
        guard case .named(let name) = space.reference, let id = space.namespaceID else { return false }
        return OwnershipMark.owner(ofNamespace: name, id: id, scope: scope)?.owner.kind == .network
    }

    private func compartments(_ endpoints: [Inventory.Endpoint]) -> [Inventory.Compartment] {
        let byName = Dictionary(grouping: endpoints, by: \.compartment)
        return state.namespaces.compactMap { space in
            // A router is its network's.
            if isRouter(space) { return nil }
            let name = compartmentName(space)
            let isAdopted = if case .path = space.reference { true } else { false }
            if isAdopted && !adoptions.areInForce && byName[name] == nil { return nil }
            let loopback = space.links.first(where: \.isLoopback)
            return Inventory.Compartment(
                name: name, namespace: space.reference.text, path: path(space.reference),
                cards: (byName[name] ?? []).map(\.name),
                health: loopback?.isUp ?? false ? "ok" : "loopback is down", isAdopted: isAdopted)
        }.sorted { $0.name < $1.name }
    }
}

extension Inventory.Endpoint {
    /// Of the card inside, or of the tap, which has no other.
    var cardName: String? { machineKind == nil ? inner?.name : outer.name }

    /// `tap` or `macvtap` where a virtual machine has it.
    var machineKind: String? { outer.tap != nil ? "tap" : outer.kind == "macvtap" ? "macvtap" : nil }

    /// As the card counts them: what the host's side of a tap sends, the guest receives.
    var cardCounters: LinkCounters? {
        guard outer.tap != nil else { return machineKind == nil ? inner?.counters : outer.counters }
        return outer.counters.map { own in
            LinkCounters(
                receivedPackets: own.sentPackets, receivedBytes: own.sentBytes, receivedDropped: own.sentDropped,
                sentPackets: own.receivedPackets, sentBytes: own.receivedBytes, sentDropped: own.receivedDropped)
        }
    }
}
