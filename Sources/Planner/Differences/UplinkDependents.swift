internal import Addressing
internal import Model

extension Builder {
    /// Whether something stands against moving addresses away from a link: routes by other interfaces from them, which the
    /// kernel then deletes or changes, and what lies on the link and does not move along. The plan names the first.
    mutating func isHeld(
        _ link: ObservedLink, by addresses: [CarriedAddress], _ what: String, cure: String, owner: ObjectID,
        source: SourceLocation?
    ) -> Bool {
        guard let reason = route(from: addresses, besides: link) ?? immobile(on: link) else { return false }
        fail("\(owner): \(what): \(reason); delete it, and make it again afterwards\(cure)", at: source)
        return true
    }

    /// Routes that the kernel made go and come with addresses of their own interface.
    private func route(from addresses: [CarriedAddress], besides link: ObservedLink) -> String? {
        let sources = Set(addresses.map(\.address.address))
        let found = context.observed.host.routes.first { route in
            route.link != link.index && route.origin != 2 && route.preferredSource.map(sources.contains) ?? false
        }
        guard let found else { return nil }
        let index = found.link ?? found.nextHopLinks.first
        let name = index.flatMap { context.hostLinkNames[$0] } ?? "?"
        return "\(words(found, name)) has its source address there, and would be lost or changed"
    }

    private func immobile(on link: ObservedLink) -> String? {
        let name = link.name.terminalSafe
        if let entry = context.neighbours[.host]?[link.index]?.first(where: { $0.address != nil }),
            let address = entry.address
        {
            return "the \(entry.isProxy ? "proxy entry" : "permanent neighbour") \(address) on \(name) would be lost"
        }
        let route = context.routes[.host]?[link.index]?.first { route in
            // Those of the kernel come by themselves; learnt ones and those with several next hops have errors of their own.
            !route.isOfHost && ![1, 2, 9].contains(route.origin) && route.nextHopLinks.isEmpty
                && !(route.table == 255 && route.destination.address.isMulticast)
        }
        return route.map { "\(words($0, link.name)) would be lost" }
    }

    private func words(_ route: ObservedRoute, _ link: String) -> String {
        "the host's route `\(route.entry(on: LinkReference(.host, link)))` on \(link.terminalSafe)"
    }
}
