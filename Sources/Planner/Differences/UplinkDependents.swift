internal import Addressing
internal import Model

extension Builder {
    /// Whether something stands against moving addresses away from a link: what lies on it and does not move along. The
    /// plan names the first.
    mutating func isHeld(
        _ link: ObservedLink, _ what: String, cure: String, owner: ObjectID, source: SourceLocation?
    ) -> Bool {
        guard let reason = immobile(on: link) else { return false }
        fail("\(owner): \(what): \(reason); delete it, and make it again afterwards\(cure)", at: source)
        return true
    }

    private func immobile(on link: ObservedLink) -> String? {
        let name = link.name.terminalSafe
        if let entry = context.neighbours[.host]?[link.index]?.first(where: {
            // Our own go with the network that they are of.
            $0.address != nil && $0.origin != RouteEntry.bulkhead
        }),
            let address = entry.address
        {
            return "the \(entry.isProxy ? "proxy entry" : "permanent neighbour") \(address) on \(name) would be lost"
        }
        let route = context.routes[.host]?[link.index]?.first { route in
            // Those of the kernel come by themselves; learnt ones have an error of their own.
            !route.isOfHost && ![1, 2, 9].contains(route.origin)
                && !(route.table == 255 && route.destination.address.isMulticast)
        }
        return route.map { "\(words($0, link.name)) would be lost" } ?? rivals(on: link)
    }

    /// Routes of one prefix, table and metric, as `ip route append` makes them: the first of them counts, and which that is
    /// would not be as before.
    private func rivals(on link: ObservedLink) -> String? {
        let places = context.routesByPlace[.host]
        let own = Set((context.addresses[.host]?[link.index] ?? []).map(\.address.address))
        let all = context.routes[.host]
        let routes = (all?.keys ?? []).sorted().flatMap { all?[$0] ?? [] }.filter { route in
            let isHere =
                route.link == link.index || route.nextHopLinks.contains(link.index)
                || route.preferredSource.map(own.contains) ?? false
            return isHere && route.isOfHost
        }
        for route in routes {
            guard let same = places?[RoutePlace(route)], same.count > 1 else { continue }
            let name = route.link.flatMap { context.hostLinkNames[$0] } ?? link.name
            return
                "the host has \(same.count) routes to \(route.destination) in table \(route.table) with metric \(route.metric), and \(words(route, name)) would lose its place among them"
        }
        return nil
    }

    private func words(_ route: ObservedRoute, _ link: String) -> String {
        "the host's route `\(route.entry(on: LinkReference(.host, link)))` on \(link.terminalSafe)"
    }
}
