public import Addressing
public import Model

/// A mapping, as far as it makes the same of a port before and after.
struct PublishedPort: Hashable, Comparable {
    let endpoint: ObjectName
    let transport: PortProtocol
    let hostAddress: IPAddress?
    let hostPorts: PortRange
    let ports: PortRange

    init(_ endpoint: ObjectName, _ mapping: PortMapping) {
        self.endpoint = endpoint
        transport = mapping.transport
        hostAddress = mapping.hostAddress
        hostPorts = mapping.hostPorts
        ports = mapping.ports
    }

    /// Those of a state, with the families they work for.
    static func all(_ state: DesiredState) -> [PublishedPort: [AddressFamily]] {
        var result: [PublishedPort: [AddressFamily]] = [:]
        for endpoint in state.endpoints {
            for mapping in endpoint.portMappings {
                result[PublishedPort(endpoint.metadata.name, mapping), default: []] += mapping.families
            }
        }
        return result.mapValues { families in AddressFamily.allCases.filter(families.contains) }
    }

    private var order: (String, String, PortRange) { (endpoint.text, transport.rawValue, hostPorts) }

    static func < (left: Self, right: Self) -> Bool {
        left.order == right.order
            ? (left.hostAddress?.description ?? "", left.ports) < (right.hostAddress?.description ?? "", right.ports)
            : left.order < right.order
    }
}

extension Reachability {
    /// Those of a mapping's ports of the host by which a place reaches the endpoint, in any family.
    public func openPorts(_ mapping: PortMapping, of endpoint: ObjectName, from place: Place) -> [PortRange] {
        let port = PublishedPort(endpoint, mapping)
        return mapping.families.reduce(into: []) { result, family in
            result += openPorts(port, from: place, family).flatMap { $0.without(result) }
        }.sorted()
    }

    /// Those of a mapping's ports of the host that lead a side to its endpoint in a family.
    func openPorts(_ port: PublishedPort, from place: Place, _ family: AddressFamily) -> [PortRange] {
        guard let address = address(of: port, family), let source = source(place, address),
            let publication = publications(port.transport, to: address)
                .first(where: { PublishedPort($0.endpoint, $0.mapping) == port })
        else { return [] }
        let connection = Connection(
            from: source.party, source.address, to: .host, address,
            .transport(port.transport, port: port.hostPorts.first))
        return answers(connection, to: publication).filter(\.answer.allows).map(\.ports).joinedNeighbours
    }

    /// By which of its addresses a place asks for an address of the host.
    private func source(_ place: Place, _ address: IPAddress) -> (party: Party, address: IPAddress)? {
        switch place {
        case .host: (.host, address)
        case .endpoint(let name): addresses(of: name, address.family).first.map { (.endpoint(name), $0) }
        case .world: unnamedOutside(address.family).map { (.outside, $0) }
        case .address(let own): own.family == address.family ? (party(of: own), own) : nil
        }
    }

    /// An address of the host by which the port is asked for: the mapping's own, else one that has no mapping of its own.
    private func address(of port: PublishedPort, _ family: AddressFamily) -> IPAddress? {
        if let address = port.hostAddress { return address.family == family ? address : nil }
        let taken = Set(desired.endpoints.flatMap(\.portMappings).compactMap(\.hostAddress))
        let last = family == .ipv4 ? IPAddress("192.0.2.254") : IPAddress("2001:db8::ffff")
        return last.flatMap { last in
            (0...taken.count).lazy.compactMap { IPAddress(family: family, value: last.value - UInt128($0)) }
                .first { !taken.contains($0) }
        }
    }
}
