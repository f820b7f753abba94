internal import Addressing
internal import Model

extension Validator {
    /// A route of an endpoint must lead to a neighbour, and to where nothing else leads.
    mutating func checkRoute(_ route: RouteDocument, _ endpoint: EndpointDocument, _ network: NetworkDocument) {
        guard let addresses = endpoint.addresses,
            let subnet = network.subnets.first(where: { $0.prefix.value.contains(route.via.value) })
        else { return }
        if addresses.contains(where: { $0.value == route.via.value }) {
            fail("next hop \(route.via.value) is Endpoint/\(endpoint.head.name) itself", at: route.via.at)
        } else if !addresses.contains(where: { subnet.prefix.value.contains($0.value) }) {
            fail(
                "next hop \(route.via.value) lies in \(subnet.prefix.value), where Endpoint/\(endpoint.head.name) has no address",
                at: route.via.at)
        }
    }

    private struct RouteClaim {
        var route: RouteDocument
        var card: EndpointDocument
        var isOfNetwork: Bool
        /// Whose it is, in words.
        var owner: String
    }

    /// Routes of the cards of one compartment; one table holds one route of a destination and metric.
    mutating func checkRoutes(of cards: [EndpointDocument], in compartment: String) {
        var claims: [String: RouteClaim] = [:]
        for card in cards {
            guard let network = networks[card.network.value] else { continue }
            let isDefault = (card.defaultRoute?.value ?? (cards.count == 1)) && Self.givesDefaultRoute(network)
            let families = isDefault ? Self.families(card, network) : []
            for claim in claimed(card, network) {
                let route = claim.route
                if route.to.value.isDefault, route.metric == nil, families.contains(route.to.value.family) {
                    fail(
                        "route to \(route.to.value) stands against the default route of Endpoint/\(card.head.name) via the gateway; "
                            + "give it a 'metric', or the endpoint 'defaultRoute: false'", at: route.to.at)
                }
                let key = "\(route.to.value) \(route.metric.map(String.init) ?? "")"
                guard let other = claims.updateValue(claim, forKey: key) else { continue }
                // What one list holds twice is told where the list is checked; one network may be there twice.
                let isOneList = other.isOfNetwork == claim.isOfNetwork && other.card.head.name == card.head.name
                let isOneNetwork =
                    other.isOfNetwork && claim.isOfNetwork && other.card.network.value == card.network.value
                guard !isOneList, !isOneNetwork else { continue }
                fail(
                    "route to \(route.to.value) of \(claim.owner) is also that of \(other.owner) (\(other.route.to.at)), and both are in "
                        + "Compartment/\(compartment); give one of them another 'metric'", at: route.to.at)
            }
        }
    }

    /// Routes that a card brings, those of its network first.
    private func claimed(_ card: EndpointDocument, _ network: NetworkDocument) -> [RouteClaim] {
        let given = network.routes.filter { route in
            guard let addresses = card.addresses else { return true }
            guard let subnet = network.subnets.first(where: { $0.prefix.value.contains(route.via.value) })
            else { return false }
            return addresses.contains { subnet.prefix.value.contains($0.value) }
        }
        return given.map {
            RouteClaim(route: $0, card: card, isOfNetwork: true, owner: "Network/\(network.head.name)")
        }
            + card.routes.map {
                RouteClaim(route: $0, card: card, isOfNetwork: false, owner: "Endpoint/\(card.head.name)")
            }
    }
}
