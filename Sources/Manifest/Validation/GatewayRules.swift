internal import Addressing
internal import Model

/// What an overlay with a gateway needs, and its peers.
extension Validator {
    mutating func checkGateway(_ network: NetworkDocument) {
        guard network.hasGateway else {
            if let place = network.hostAccessAt {
                fail("'hostAccess' is not used by an overlay without gateway, which has no path to the host", at: place)
            }
            if let place = network.head.place("peerNetworks"), !network.peers.isEmpty {
                fail("'peerNetworks' of an overlay need a gateway: give its subnets 'gateway'", at: place)
            }
            return
        }
        if let place = network.hostAccessAt {
            fail(
                "'hostAccess' of an overlay is not in this version yet: its gateway leads to peers, and nothing passes "
                    + "between endpoints and the host", at: place)
        }
        checkPeersOfGateway(network)
    }

    private mutating func checkPeersOfGateway(_ network: NetworkDocument) {
        let name = network.head.name
        var taken = network.subnets.map { (name.text, $0.prefix.value) }
        for peer in network.peers {
            guard let other = networks[peer.value], peer.value != name.text else { continue }
            guard other.type.value == .overlay else {
                fail(
                    "peerNetworks: Network/\(peer.value) is of type \(other.type.value.rawValue); peers of an overlay are "
                        + "overlays", at: peer.at)
                continue
            }
            checkMeeting(network, other, at: peer.at)
            // Each router leads to its own peers alone, so others may overlap.
            let pair = other.subnets.lazy.compactMap { subnet in
                taken.first { $0.1.overlaps(subnet.prefix.value) }.map { ($0, subnet.prefix.value) }
            }.first
            if let ((owner, own), prefix) = pair, owner != peer.value {
                let whose = owner == name.text ? "this network" : "Network/\(owner), which is a peer, too"
                fail(
                    "peerNetworks: \(prefix) of Network/\(peer.value) overlaps \(own) of \(whose); a gateway leads by "
                        + "address, so what it leads to needs prefixes of its own", at: peer.at)
            }
            taken += other.subnets.map { (peer.value, $0.prefix.value) }
        }
    }

    /// A family in which both have a gateway, and the same Hosts: an answer comes by the gateway of the host that it is sent on.
    private mutating func checkMeeting(_ network: NetworkDocument, _ other: NetworkDocument, at place: SourceLocation) {
        let names = (network.head.name, other.head.name)
        if other.hasGateway, network.gatewayFamilies.isDisjoint(with: other.gatewayFamilies) {
            fail(
                "peerNetworks: Network/\(names.0) and Network/\(names.1) have gateways of different families, and so no way "
                    + "to one another", at: place)
        }
        let apart = documents.hosts.filter { network.exists(on: $0) && !other.exists(on: $0) }
        if let host = apart.map(\.head.name).min() {
            fail(
                "peerNetworks: Network/\(names.1) does not exist on Host/\(host), where Network/\(names.0) does; peers that are "
                    + "overlays need the same Hosts (hostSelector)", at: place)
        }
    }

    /// What an endpoint may send from beside its addresses must not be a peer's: by it an endpoint would be taken for one of
    /// those.
    mutating func checkAllowed(_ endpoint: EndpointDocument, _ network: NetworkDocument) {
        guard network.type.value == .overlay, network.hasGateway else { return }
        let subnets = network.peers.compactMap { networks[$0.value] }.flatMap { peer in
            peer.subnets.map { (peer.head.name, $0.prefix.value) }
        }
        for allowed in endpoint.allowedAddresses {
            guard let (peer, prefix) = subnets.first(where: { $0.1.overlaps(allowed) }) else { continue }
            fail(
                "'allowedAddresses' of Endpoint/\(endpoint.head.name) has \(allowed), where \(prefix) of Network/\(peer) is, a "
                    + "peer: what comes from there would be taken for the endpoint's; name what is behind the endpoint",
                at: endpoint.head.at)
        }
    }

    /// Names that routers have in the netns folder are no compartment's.
    mutating func checkRouterNames() {
        var routers: [String: ObjectName] = [:]
        for network in documents.networks where network.type.value == .overlay && network.hasGateway {
            routers[Naming.router(network.head.name).text] = network.head.name
            routers[Router.prefix + network.head.name.text] = network.head.name
        }
        guard !routers.isEmpty else { return }
        for compartment in documents.compartments {
            let name = compartment.head.name
            let chosen = compartment.namespaceName
            guard let network = routers[name.text] ?? chosen.flatMap({ routers[$0.value] }) else { continue }
            fail(
                "Compartment/\(name) would be taken for the namespace of the gateway of Network/\(network), which is called "
                    + "\(Router.prefix)\(network); choose another name", at: chosen?.at ?? compartment.head.at)
        }
        for name in cards.keys.sorted() where compartments[name] == nil {
            guard let network = routers[name], let card = cards[name]?.first else { continue }
            fail(
                "Endpoint/\(card.head.name): its compartment \(name) would be taken for the namespace of the gateway of "
                    + "Network/\(network); set another `spec.compartment`", at: card.head.at)
        }
    }

    /// Names of the ports of a network's router, with what needs them.
    func routerPorts(_ network: NetworkDocument) -> [(name: InterfaceName, at: SourceLocation)] {
        guard network.type.value == .overlay, network.hasGateway else { return [] }
        let own = Naming.gateway(network.head.name).map { [($0.interface, network.head.at)] } ?? []
        return own
            + network.peers.compactMap { peer in
                ObjectName(peer.value).flatMap { Naming.leg(of: network.head.name, on: $0) }
                    .map { ($0.interface, peer.at) }
            }
    }
}

extension NetworkDocument {
    /// Whether any subnet is given one.
    var hasGateway: Bool { subnets.contains { $0.gateway != nil } }

    /// Families in which it has one.
    fileprivate var gatewayFamilies: Set<AddressFamily> { Set(subnets.compactMap { $0.gateway?.value.family }) }
}
