internal import Addressing
internal import Model

extension Builder {
    /// Addresses of endpoints for which the host answers on the uplink of a network that it routes to. The uplink is
    /// nobody's: an entry says itself that it is bulkhead's (`NDA_PROTOCOL`).
    mutating func compareProxies() {
        let staying = context.stayingAddresses()
        var rest = context.ownProxies().filter { entry in !(entry.address.map(staying.contains) ?? false) }
        for network in context.desired.networks where network.isRouted {
            guard let uplink = context.attached[network.metadata.name] else { continue }
            for endpoint in context.endpointsByNetwork[network.metadata.name] ?? [] {
                for address in endpoint.addresses.map(\.address) {
                    let entry = NeighbourEntry(
                        link: LinkReference(.host, uplink.name), address: address, mac: nil,
                        origin: RouteEntry.bulkhead)
                    if rest.remove(entry) == nil { appendProxy(entry, address, endpoint) }
                }
            }
        }
        for entry in rest.sorted(by: { ($0.link.name, $0.words) < ($1.link.name, $1.words) }) { removeProxy(entry) }
    }

    private static func id(_ entry: NeighbourEntry) -> String {
        "proxy/\(entry.link.name)/\(entry.address.map { "\($0)" } ?? "")"
    }

    private mutating func appendProxy(_ entry: NeighbourEntry, _ address: IPAddress, _ endpoint: Endpoint) {
        steps.append(
            Step(
                id: Self.id(entry), action: .create, owner: endpoint.id, kind: .neighbour,
                summary: "answer for \(address) on \(entry.link)",
                reason: "the physical network finds \(endpoint.id) by the host's MAC",
                source: endpoint.metadata.source, after: [Property("proxy", "\(address)")],
                operations: [.addNeighbour(entry)], inverse: [.removeNeighbour(entry)], phase: .host))
    }

    private mutating func removeProxy(_ entry: NeighbourEntry) {
        let what = entry.address.map { "\($0)" } ?? ""
        steps.append(
            Step(
                id: Self.id(entry), action: .delete, owner: nil, kind: .neighbour,
                summary: "answer for \(what) on \(entry.link) no more", reason: "no manifest gives it",
                source: nil, before: [Property("proxy", what)], operations: [.removeNeighbour(entry)],
                inverse: [.addNeighbour(entry)], phase: .reduce))
    }
}

extension Context {
    /// Addresses in cards of endpoints that no manifest declares any more, and that this plan leaves alone all the same.
    func stayingAddresses() -> Set<IPAddress> {
        let cards = observed.host.links.filter { link in
            link.isCard
                && link.mark.map { mark in
                    mark.scope == desired.scope && mark.owner.kind == .endpoint
                        && !endpointNames.contains(mark.owner.name)
                        && !mayRemove(mark.owner)
                } ?? false
        }
        return Set(
            cards.compactMap { peer(of: $0) }.flatMap { space, inner in
                (addresses[space.reference]?[inner.index] ?? []).map(\.address.address)
            })
    }

    /// Entries of this scope: all that say they are bulkhead's, but for those of an address to which the host has a route
    /// by a bridge of another scope.
    fileprivate func ownProxies() -> Set<NeighbourEntry> {
        let others = Set(
            observed.host.routes.filter { route in
                route.link.flatMap { link($0, in: .host)?.mark }.map { $0.scope != desired.scope } ?? false
            }.map(\.destination))
        let all = observed.host.neighbours.filter { $0.isProxy && $0.origin == RouteEntry.bulkhead }
        return Set(
            all.compactMap { entry in
                guard let name = hostLinkNames[entry.link], let address = entry.address,
                    !others.contains(IPPrefix(host: address))
                else { return nil }
                return entry.entry(on: LinkReference(.host, name))
            })
    }
}
