internal import Addressing
internal import Model

extension Context {
    /// Routes of a router's card: to the subnets that it leads to. Those to the subnets of its own addresses the kernel makes.
    func routerRoutes(_ card: Endpoint, link: LinkReference) -> [(entry: RouteEntry, source: SourceLocation)] {
        guard let owner = card.router.flatMap({ networks[$0] }), let network = networks[card.network],
            owner.metadata.name != network.metadata.name
        else { return [] }
        // What has no gateway here sends nothing there.
        let families = Set(owner.routedPrefixes.map(\.family))
        return network.routedPrefixes.filter { families.contains($0.family) }.map { prefix in
            (
                RouteEntry(link: link, destination: prefix, gateway: nil, metric: defaultMetric(prefix.family)),
                owner.metadata.source
            )
        }
    }

    /// A neighbour for every address that a router's card can lead to, on this host and on others, so that it asks nobody.
    func routerEntries(_ card: Endpoint, link: LinkReference) -> [NeighbourEntry] {
        guard let network = networks[card.network] else { return [] }
        let hasIPv6 = network.families.contains(.ipv6) && observed.features.ipv6
        let all =
            (endpointsByNetwork[network.metadata.name] ?? [])
            + (remotesByNetwork[network.metadata.name] ?? []).map(\.endpoint)
        // Of the network itself, where solicitations come from, too.
        let isOwn = card.router == card.network
        return all.flatMap { endpoint in
            let own = endpoint.addresses.map(\.address).filter { $0.family == .ipv4 || hasIPv6 }
            let local = isOwn && hasIPv6 && !own.isEmpty ? [IPAddress.v6(endpoint.mac.linkLocal)] : []
            return (own + local).map { NeighbourEntry(link: link, address: $0, mac: endpoint.mac) }
        }
    }
}
