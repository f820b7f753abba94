internal import Addressing
internal import Model

extension Reachability {
    /// A connection needs routes there and back inside the compartments.
    func routeless(_ connection: Connection) -> Bound? {
        unroutable(connection.source, from: connection.sourceAddress, to: connection.destinationAddress)
            ?? unroutable(connection.destination, from: connection.destinationAddress, to: connection.sourceAddress)
    }

    /// The same for a published port. Within one network, and from loopback addresses of the host, the way back is the
    /// gateway's address.
    func routeless(_ connection: Connection, backFrom publication: Publication) -> Bound? {
        if let bound = unroutable(connection.source, from: connection.sourceAddress, to: connection.destinationAddress)
        {
            return bound
        }
        let target = Party.endpoint(publication.endpoint)
        let isMasqueraded =
            connection.sourceAddress.isLoopback
            || (network(of: connection.source) != nil
                && network(of: connection.source)?.metadata.name == network(of: target)?.metadata.name)
        return isMasqueraded
            ? nil : unroutable(target, from: publication.address, to: connection.sourceAddress)
    }

    private func unroutable(_ party: Party, from own: IPAddress, to address: IPAddress) -> Bound? {
        guard case .endpoint(let name) = party, let endpoint = endpoints[name] else { return nil }
        // What a compartment does with addresses that are not bulkhead's (`allowedAddresses`) is its own matter.
        if own.family == .ipv6, own.isLinkLocal {
            return address.isLinkLocal ? nil : .noRoute(name, to: address)
        }
        guard endpoint.addresses.contains(where: { $0.address == own }) else { return nil }
        return routes(endpoint, to: address) ? nil : .noRoute(name, to: address)
    }

    /// Whether the compartment's longest match for the address leads through this card.
    private func routes(_ endpoint: Endpoint, to address: IPAddress) -> Bool {
        if address.family == .ipv6, address.isLinkLocal { return true }
        let all = (endpoint.compartment.flatMap { cards[$0] } ?? [endpoint]).filter(\.enabled)
        let best = all.compactMap { Self.longestMatch($0, address) }.max() ?? -1
        return best >= 0 && Self.longestMatch(endpoint, address) == best
    }

    /// Length of the longest prefix behind the card that holds the address.
    private static func longestMatch(_ card: Endpoint, _ address: IPAddress) -> Int? {
        var lengths = card.addresses.map(\.prefix).filter { $0.contains(address) }.map(\.length)
        lengths += card.routes.map(\.destination).filter { $0.contains(address) }.map(\.length)
        if card.defaultGateways.contains(where: { $0.family == address.family }) { lengths.append(0) }
        return lengths.max()
    }
}
