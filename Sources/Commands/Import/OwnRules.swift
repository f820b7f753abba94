internal import Addressing
internal import Firewall
internal import JSON

/// Published ports as the scope's own rules have them, of which the manifests may be lost.
struct OwnRules {
    /// One port of the host, and where it leads.
    private struct Port: Hashable {
        var transport: String
        var hostPort: Int64
        var address: String?
        var port: Int64
    }

    private var families: [Port: Set<AddressFamily>] = [:]
    private var targets: [Port: Set<IPAddress>] = [:]

    init(_ firewall: Ruleset) {
        let sets = firewall.table(.inet)?.sets ?? []
        for family in AddressFamily.allCases {
            for suffix in ["", "_at"] {
                let name = (family == .ipv4 ? "published4" : "published6") + suffix
                let ports = Dictionary(
                    (sets.first { $0.name == "\(name)_port" }?.elements ?? []).map { ($0.key, $0.data) },
                    uniquingKeysWith: { first, _ in first })
                for element in sets.first(where: { $0.name == name })?.elements ?? [] {
                    note(element, family, port: ports[element.key].flatMap { $0 }?.int)
                }
            }
        }
    }

    private mutating func note(_ element: Element, _ family: AddressFamily, port: Int64?) {
        let parts = element.key["concat"]?.array ?? []
        let names = ["6": "tcp", "17": "udp", "132": "sctp"]
        guard let number = parts.first.flatMap({ $0.int.map(String.init) ?? $0.string }),
            let hostPort = parts.last?.int,
            let target = element.data?.string.flatMap({ IPAddress($0) }), let port
        else { return }
        let key = Port(
            transport: names[number] ?? number, hostPort: hostPort, address: parts.count == 3 ? parts[1].string : nil,
            port: port)
        families[key, default: []].insert(family)
        targets[key, default: []].insert(target)
    }

    /// Entries of `portMappings` for an endpoint with these addresses.
    func mappings(to addresses: [IPAddress]) -> [JSON] {
        let own = Set(addresses)
        let present = Set(addresses.map(\.family))
        return targets.filter { !$0.value.isDisjoint(with: own) }.keys.sorted {
            ($0.transport, $0.hostPort, $0.address ?? "") < ($1.transport, $1.hostPort, $1.address ?? "")
        }.map { port in
            var mapping: JSONObject = [
                "protocol": .string(port.transport), "hostPort": .int(port.hostPort), "port": .int(port.port),
            ]
            if let address = port.address {
                mapping["hostAddress"] = .string(address)
            } else if let families = families[port], families != present, let family = families.first {
                mapping["hostAddress"] = .string(family == .ipv4 ? "0.0.0.0" : "::")
            }
            return .object(mapping)
        }
    }
}
