internal import Addressing
internal import Model

extension Reachability {
    /// What closes the way of a connection that no published port leads.
    func bound(_ connection: Connection, _ ignoringRoutes: Bool) -> Bound? {
        if let disabled = disabled(connection.source) ?? disabled(connection.destination) { return disabled }
        if let vacant = vacant(connection.source, connection.sourceAddress)
            ?? vacant(connection.destination, connection.destinationAddress)
        {
            return vacant
        }
        if let closed = closed(connection) { return closed }
        if case .endpoint = connection.source, connection.destinationAddress.isLoopback {
            return .ownLoopback(connection.destinationAddress)
        }
        return ignoringRoutes ? nil : routeless(connection)
    }

    /// What closes the way of a connection to a published port. Whoever reaches the host's address reaches it, except
    /// that internal and private networks have no traffic with others but their peers.
    func bound(_ connection: Connection, to publication: Publication, _ ignoringRoutes: Bool) -> Bound? {
        let target = Party.endpoint(publication.endpoint)
        if let disabled = disabled(connection.source) ?? disabled(target) { return disabled }
        if connection.destinationAddress.isLoopback, connection.source != .host {
            return .loopback(connection.destinationAddress)
        }
        if let from = network(of: connection.source), let to = network(of: target) {
            guard from.hasHostSide else { return .type(from.metadata.name, from.type, .toHost) }
            let isApart = from.metadata.name != to.metadata.name && !arePeers(from, to)
            if !from.reachesOutside, isApart { return .notPeers(from.metadata.name, to.metadata.name) }
        }
        return ignoringRoutes ? nil : routeless(connection, backFrom: publication)
    }

    /// An address in the prefix of a network, of nobody there: the host knows no other way to it, and takes it from
    /// nobody.
    private func vacant(_ party: Party, _ address: IPAddress) -> Bound? {
        guard party == .outside else { return nil }
        let network = desired.networks.first { network in
            network.type.isOfEndpointsAlone
                && network.subnets.contains { $0.prefix.contains(address) && !$0.isGroup(address) }
        }
        return network.map { .nobody(address, $0.metadata.name) }
    }

    /// Whether a policy says of an endpoint of the party's network what may come in.
    public func hasPoliced(neighboursOf party: Party) -> Bool {
        guard let network = network(of: party) else { return false }
        return desired.endpoints.contains {
            $0.network == network.metadata.name && program.isPoliced(.ingress, $0.metadata.name)
        }
    }

    private func disabled(_ party: Party) -> Bound? {
        guard case .endpoint(let name) = party, let endpoint = endpoints[name], !endpoint.enabled else { return nil }
        return .disabled(name)
    }

    /// Type, `inbound` and `peerNetworks`.
    private func closed(_ connection: Connection) -> Bound? {
        let (from, to) = (network(of: connection.source), network(of: connection.destination))
        switch (from, to) {
        case (nil, nil): return nil
        case (let from?, let to?):
            if from.metadata.name == to.metadata.name { return nil }
            guard arePeers(from, to) else { return .notPeers(from.metadata.name, to.metadata.name) }
            return unrouted(connection, from, to)
        case (let from?, nil):
            if connection.destination == .host {
                return from.hasHostSide ? nil : .type(from.metadata.name, from.type, .toHost)
            }
            return from.reachesOutside ? nil : .type(from.metadata.name, from.type, .toOutside)
        case (nil, let to?):
            if connection.source == .host {
                return to.hasHostSide ? nil : .type(to.metadata.name, to.type, .fromHost)
            }
            guard to.reachesOutside else { return .type(to.metadata.name, to.type, .fromOutside) }
            return to.isOpen ? nil : .inbound(to.metadata.name)
        }
    }

    /// The router of an overlay leads from addresses of endpoints in prefixes with a gateway to such of peers, and from and to
    /// nothing else.
    private func unrouted(_ connection: Connection, _ from: Network, _ to: Network) -> Bound? {
        guard from.overlay != nil, case .endpoint(let source) = connection.source,
            case .endpoint(let destination) = connection.destination
        else { return nil }
        func isRouted(_ address: IPAddress, _ network: Network, _ name: ObjectName) -> Bool {
            network.routedPrefixes.contains { $0.contains(address) }
                && endpoints[name]?.addresses.contains { $0.address == address } ?? false
        }
        guard isRouted(connection.destinationAddress, to, destination) else {
            return .noRoute(source, to: connection.destinationAddress)
        }
        return isRouted(connection.sourceAddress, from, source)
            ? nil : .noRoute(destination, to: connection.sourceAddress)
    }

    func network(of party: Party) -> Network? {
        guard case .endpoint(let name) = party, let endpoint = endpoints[name] else { return nil }
        return networks[endpoint.network]
    }

    private func arePeers(_ one: Network, _ other: Network) -> Bool {
        one.peers.contains(other.metadata.name) && other.peers.contains(one.metadata.name)
    }
}

extension Network {
    /// Whether its endpoints may speak with the world.
    var reachesOutside: Bool {
        switch type {
        case .nat, .transparent, .l2bridge, .l2tunnel: true
        case .internal, .private, .overlay: false
        }
    }

    /// Whether the world may begin a connection with its endpoints, published ports aside.
    var isOpen: Bool {
        switch type {
        case .nat: inbound == .routed
        case .transparent, .l2bridge, .l2tunnel: true
        case .internal, .private, .overlay: false
        }
    }
}
