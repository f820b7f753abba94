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
        if let entry = context.neighbours[.host]?[link.index]?.first(where: { $0.address != nil }),
            let address = entry.address
        {
            return "the \(entry.isProxy ? "proxy entry" : "permanent neighbour") \(address) on \(name) would be lost"
        }
        let route = context.routes[.host]?[link.index]?.first { route in
            // Those of the kernel come by themselves; learnt ones have an error of their own.
            !route.isOfHost && ![1, 2, 9].contains(route.origin)
                && !(route.table == 255 && route.destination.address.isMulticast)
        }
        return route.map { "\(words($0, link.name)) would be lost" }
    }

    private func words(_ route: ObservedRoute, _ link: String) -> String {
        "the host's route `\(route.entry(on: LinkReference(.host, link)))` on \(link.terminalSafe)"
    }
}
