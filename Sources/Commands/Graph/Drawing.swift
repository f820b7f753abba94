internal import Addressing
internal import Model
internal import Reachability

/// What a picture of a host shows, whatever draws it: networks, groups of endpoints that may do the same, and who may
/// reach whom.
struct Drawing {
    /// An endpoint.
    struct Member {
        var name: String
        /// Addresses, compartment, published ports.
        var lines: [String]
        var isEnabled: Bool
    }

    /// Endpoints of one network to which, and from which, the same is allowed.
    struct Group {
        var network: Int
        var members: [Member]
        /// What is allowed among themselves, and from and to host and world.
        var notes: [String] = []

        /// `web-1`; `web-1 … web-9 (9)`.
        var name: String {
            guard members.count > 1, let first = members.first, let last = members.last else {
                return members.first?.name ?? ""
            }
            return members.count == 2
                ? "\(first.name), \(last.name)" : "\(first.name) … \(last.name) (\(members.count))"
        }
    }

    struct Box {
        var name: String
        /// Type, prefixes, bridge.
        var lines: [String]
    }

    /// What one group may send to another.
    struct Path: Hashable {
        var from: Int
        var to: Int
        /// `all`, `tcp 80, 443; ping`.
        var label: String
    }

    var title: String
    var networks: [Box]
    var groups: [Group] = []
    var paths: [Path] = []
    /// What the picture leaves out.
    var remarks: [String] = []

    /// Most pairs of endpoints that are asked about.
    static let pairLimit = 20_000

    init(_ state: DesiredState) {
        title = "host \(state.host), scope \(state.scope)"
        networks = state.networks.map { network in
            Box(
                name: network.metadata.name.text,
                lines: ["\(network.type.rawValue), \(network.isMacvlan ? "macvlan" : "bridge \(network.bridge)")"]
                    + (network.subnets.isEmpty
                        ? [] : [network.subnets.map { $0.prefix.description }.joined(separator: ", ")]))
        }
        let places = Dictionary(
            state.networks.enumerated().map { ($0.element.metadata.name, $0.offset) },
            uniquingKeysWith: { first, _ in first })
        // What is on other hosts belongs to the picture as far as it fits in.
        let remotes = state.remotes.filter { places[$0.endpoint.network] != nil }
        let count = state.endpoints.count + remotes.count
        let isWhole = count * count <= Self.pairLimit
        if !isWhole { remarks = state.networks.compactMap { Self.remark($0, remotes) } }
        let hosts = Dictionary(
            isWhole ? remotes.map { ($0.endpoint.metadata.name, $0.host) } : [], uniquingKeysWith: { first, _ in first }
        )
        let endpoints = (state.endpoints + (isWhole ? remotes.map(\.endpoint) : []))
            .filter { places[$0.network] != nil }
            .map { (order: NaturalOrder($0.metadata.name.text), endpoint: $0) }.sorted { $0.order < $1.order }.map(
                \.endpoint)
        let reachability = Reachability(state)
        guard endpoints.count * endpoints.count <= Self.pairLimit else {
            for (name, members) in Dictionary(grouping: endpoints, by: \.network).sorted(by: { $0.key < $1.key }) {
                groups.append(Group(network: places[name] ?? 0, members: members.map { Self.member($0, reachability) }))
            }
            remarks.append(
                "\(endpoints.count) endpoints are too many for drawing who may reach whom; `bulkhead trace` says it")
            return
        }
        let matrix = AllowedMatrix(endpoints, reachability, elsewhere: hosts)
        for class0 in matrix.classes {
            let first = endpoints[class0[0]]
            groups.append(
                Group(
                    network: places[first.network] ?? 0,
                    members: class0.map {
                        Self.member(endpoints[$0], reachability, on: hosts[endpoints[$0].metadata.name])
                    },
                    notes: matrix.notes(class0)))
        }
        draw(matrix)
    }

    /// What a network has on other hosts.
    private static func remark(_ network: Network, _ remotes: [RemoteEndpoint]) -> String? {
        let others = remotes.filter { $0.endpoint.network == network.metadata.name }
        let hosts = Set(others.map(\.host)).map { NaturalOrder($0.text) }.sorted().map(\.text)
        guard let host = hosts.first else { return nil }
        let count = others.count == 1 ? "one endpoint" : "\(others.count) endpoints"
        let places = hosts.count == 1 ? host : "\(hosts.count) other hosts"
        return
            "\(network.metadata.name) has \(count) on \(places) as well; `--host \(host)` draws that host, and `bulkhead trace` says "
            + "who may reach whom"
    }

    private static func member(
        _ endpoint: Endpoint, _ reachability: Reachability, on host: ObjectName? = nil
    ) -> Member {
        // Its ports, its compartment and its host's world are that host's picture.
        if let host {
            return Member(
                name: endpoint.metadata.name.text,
                lines: endpoint.addresses.map(\.address.description) + ["on \(host)"]
                    + (endpoint.enabled ? [] : ["disabled"]), isEnabled: endpoint.enabled)
        }
        let published = endpoint.portMappings.map { mapping in
            let address = mapping.hostAddress.map { "\($0) " } ?? ""
            return "⇠ \(address)\(mapping.transport.rawValue) \(mapping.hostPorts) → \(mapping.ports), "
                + audience(mapping, endpoint, reachability)
        }
        let compartment: [String] =
            switch endpoint.device {
            case .nic(let seat), .macvlan(let seat):
                seat.compartment == endpoint.metadata.name ? [] : ["in \(seat.compartment)"]
            case .tap: ["tap \(endpoint.hostInterface)"]
            case .macvtap: ["macvtap \(endpoint.hostInterface)"]
            }
        return Member(
            name: endpoint.metadata.name.text,
            lines: endpoint.addresses.map(\.address.description) + compartment + published
                + (endpoint.enabled ? [] : ["disabled"]), isEnabled: endpoint.enabled)
    }

    /// Who outside of the networks may use a published port.
    private static func audience(
        _ mapping: PortMapping, _ endpoint: Endpoint, _ reachability: Reachability
    ) -> String {
        let isLocal = mapping.hostAddress?.isLoopback ?? false
        let open = reachability.openPorts(mapping, of: endpoint.metadata.name, from: isLocal ? .host : .world)
        let side = isLocal ? "host" : "world"
        if open.isEmpty { return "closed to \(side)" }
        return open == [mapping.hostPorts]
            ? "open to \(side)" : "open to \(side): \(open.map(\.description).joined(separator: ", "))"
    }

    /// Paths between groups; those inside a network in which everybody may do everything are one remark.
    private mutating func draw(_ matrix: AllowedMatrix) {
        var found: [Path] = []
        for (from, sources) in matrix.classes.enumerated() {
            for (to, targets) in matrix.classes.enumerated() where from != to {
                if let label = matrix.label(sources[0], targets[0]) {
                    found.append(Path(from: from, to: to, label: label))
                }
            }
        }
        for network in networks.indices {
            let own = groups.indices.filter { groups[$0].network == network }
            let inside = found.filter { own.contains($0.from) && own.contains($0.to) }
            let inner = own.filter { groups[$0].members.count > 1 }.map { matrix.inner(matrix.classes[$0]) }
            let isFree =
                inside.count == own.count * (own.count - 1) && inside.allSatisfy { $0.label == "all" }
                && inner.allSatisfy { $0 == "all" }
            guard isFree, own.reduce(0, { $0 + groups[$1].members.count }) > 1 else { continue }
            networks[network].lines.append("every endpoint may reach every other one of it")
            found.removeAll { own.contains($0.from) && own.contains($0.to) }
        }
        paths = found
    }
}

/// What is allowed between any two of some endpoints, and from and to host and world.
struct AllowedMatrix {
    /// Places of endpoints that are alike, in order.
    private(set) var classes: [[Int]] = []
    private let endpoints: [Endpoint]
    private var labels: [String?] = []
    private var outside: [[String?]] = []
    private let reachability: Reachability
    /// Hosts of those that are on others.
    private let hosts: [ObjectName: ObjectName]

    init(_ endpoints: [Endpoint], _ reachability: Reachability, elsewhere hosts: [ObjectName: ObjectName] = [:]) {
        self.endpoints = endpoints
        self.hosts = hosts
        self.reachability = reachability
        let names = endpoints.map { Place.endpoint($0.metadata.name) }
        for from in names.indices {
            for to in names.indices { labels.append(from == to ? nil : allowed(names[from], names[to])) }
            guard hosts[endpoints[from].metadata.name] == nil else {
                outside.append([])
                continue
            }
            outside.append([
                allowed(names[from], .world), allowed(names[from], .host),
                Self.withPublished(endpoints[from], allowed(.world, names[from]), reachability),
                allowed(.host, names[from]),
            ])
        }
        for place in endpoints.indices {
            if let like = classes.firstIndex(where: { isLike($0, place) }) {
                classes[like].append(place)
            } else {
                classes.append([place])
            }
        }
    }

    /// What comes from the world, beside what it may send to the endpoint's own address.
    private static func withPublished(
        _ endpoint: Endpoint, _ allowed: String?, _ reachability: Reachability
    ) -> String? {
        let isOpen = endpoint.portMappings.contains { mapping in
            !(mapping.hostAddress?.isLoopback ?? false)
                && !reachability.openPorts(mapping, of: endpoint.metadata.name, from: .world).isEmpty
        }
        guard isOpen else { return allowed }
        return allowed.map { "\($0); published ports" } ?? "published ports"
    }

    /// What one endpoint may send to another; nil where that is nothing.
    func label(_ from: Int, _ to: Int) -> String? { labels[from * endpoints.count + to] }

    /// What members of a class may send to one another.
    func inner(_ members: [Int]) -> String? { members.count > 1 ? label(members[0], members[1]) : nil }

    private func isLike(_ members: [Int], _ place: Int) -> Bool {
        let first = members[0]
        guard endpoints[first].network == endpoints[place].network,
            hosts[endpoints[first].metadata.name] == hosts[endpoints[place].metadata.name],
            endpoints[first].enabled == endpoints[place].enabled,
            outside[first] == outside[place], label(first, place) == label(place, first)
        else { return false }
        if members.count > 1, inner(members) != label(first, place) { return false }
        return endpoints.indices.allSatisfy { other in
            other == first || other == place
                || (label(first, other) == label(place, other) && label(other, first) == label(other, place))
        }
    }

    /// What is not drawn as a path.
    func notes(_ members: [Int]) -> [String] {
        let words = ["to world", "to host", "from world", "from host"]
        let among = members.count > 1 ? ["among themselves: \(inner(members) ?? "nothing")"] : []
        return among + zip(words, outside[members[0]]).map { "\($0): \($1 ?? "nothing")" }
    }

    private func allowed(_ from: Place, _ to: Place) -> String? {
        var texts: [(text: String?, family: AddressFamily)] = []
        for family in AddressFamily.allCases {
            guard let pair = reachability.pairs(from, to, family).first else { continue }
            texts.append((services(pair, family), family))
        }
        guard let first = texts.first else { return nil }
        if texts.allSatisfy({ $0.text == first.text }) { return first.text }
        return texts.compactMap { item in item.text.map { "\($0) (\(item.family.rawValue))" } }.joined(separator: "; ")
    }

    private func services(_ pair: AddressPair, _ family: AddressFamily) -> String? {
        var parts: [String] = []
        var isAll = true
        for transport in PortProtocol.allCases {
            let found = reachability.answers(pair.connection(.transport(transport, port: 1)), transport)
            let ranges = found.filter(\.answer.allows).map(\.ports).joinedNeighbours
            if ranges.count == 1, ranges[0].count == 65535 {
                parts.append("\(transport.rawValue)")
                continue
            }
            isAll = false
            guard !ranges.isEmpty else { continue }
            parts.append("\(transport.rawValue) \(ranges.map(\.description).joined(separator: ", "))")
        }
        let echo = ConnectionService.icmp(type: family == .ipv4 ? 8 : 128)
        for (service, name) in [(echo, "ping"), (.other(253), "other protocols")] {
            if reachability.answer(pair.connection(service)).allows { parts.append(name) } else { isAll = false }
        }
        return isAll ? "all" : parts.isEmpty ? nil : parts.joined(separator: "; ")
    }
}
