internal import Addressing
internal import Model

extension Reachability {
    /// The published port that a connection to the host meets, if any.
    func publication(_ connection: Connection) -> Publication? {
        guard connection.destination == .host, case .transport(let transport, let port) = connection.service
        else { return nil }
        let found = publications(transport, to: connection.destinationAddress)
            .filter { $0.mapping.hostPorts.first <= port && port <= $0.mapping.hostPorts.last }
        // A mapping on the very address comes before one on all addresses, as in the kernel's maps.
        return found.first { $0.mapping.hostAddress != nil } ?? found.first
    }

    /// Everything that is published on an address of the host.
    func publications(_ transport: PortProtocol, to address: IPAddress) -> [Publication] {
        // No path leads away from ::1.
        if address.family == .ipv6 && address.isLoopback { return [] }
        return desired.endpoints.flatMap { endpoint -> [Publication] in
            guard !endpoint.portMappings.isEmpty,
                let target = endpoint.addresses.first(where: { $0.address.family == address.family })?.address
            else { return [] }
            return endpoint.portMappings.filter { mapping in
                mapping.transport == transport && mapping.families.contains(address.family)
                    && mapping.hostAddress.map { $0 == address } ?? true
            }.map { Publication(endpoint: endpoint.metadata.name, address: target, mapping: $0) }
        }
    }
}
