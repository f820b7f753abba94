internal import Addressing
internal import Model

extension Context {
    /// Prefixes of other scopes, whether the host has an address in them or not; those of overlays may overlap.
    func prefixesElsewhere() -> [(prefix: IPPrefix, what: String)] {
        observed.otherScopes.flatMap { other in
            other.prefixes.filter { !isOverlay($0.bridge) }.map { entry in
                (entry.prefix, "\(entry.prefix) of \(entry.owner ?? entry.bridge) of scope \(other.scope)")
            }
        }
    }

    private func isOverlay(_ bridge: String) -> Bool {
        guard let index = hostLinks[bridge]?.index else { return false }
        return portsByBridge[index]?.contains { $0.kind == "vxlan" } ?? false
    }
}

extension Builder {
    /// Which of two scopes gets what comes to a port that both publish, nothing says: the rules of both are asked, in
    /// the order in which they were made.
    mutating func checkPortsElsewhere() {
        struct Key: Hashable {
            let transport: PortProtocol
            let port: UInt16
        }
        var taken: [Key: [(port: OtherScope.Port, scope: ObjectName)]] = [:]
        for other in context.observed.otherScopes {
            for port in other.ports {
                taken[Key(transport: port.transport, port: port.port), default: []].append((port, other.scope))
            }
        }
        guard !taken.isEmpty else { return }
        for endpoint in context.desired.endpoints {
            for mapping in endpoint.portMappings {
                var named: Set<String> = []
                for number in mapping.hostPorts.first...mapping.hostPorts.last {
                    for (port, scope) in taken[Key(transport: mapping.transport, port: number)] ?? [] {
                        let owner = "\(port.owner ?? "an endpoint") of scope \(scope)"
                        guard mapping.overlaps(port), named.insert(owner).inserted else { continue }
                        fail(
                            "host port \(number)/\(mapping.transport.rawValue) of \(endpoint.id) is published by \(owner); "
                                + "choose another hostPort, or a hostAddress of its own for each of the two",
                            at: mapping.source, about: .publishedPort)
                    }
                }
            }
        }
    }
}

extension PortMapping {
    /// Whether one packet may be for both; those of one address and those of all are.
    fileprivate func overlaps(_ other: OtherScope.Port) -> Bool {
        guard families.contains(other.family) else { return false }
        guard let own = hostAddress, let address = other.address else { return true }
        return own == address
    }
}
