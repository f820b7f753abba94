internal import Addressing
internal import Model

extension Context {
    /// A warning where a step changes the way by which the client of the SSH session is reached: the link, the local
    /// address that the session ends at, the route to the client, or a new one that takes precedence over it.
    func sessionWarning(_ steps: [Step]) -> Diagnostic? {
        guard let session = options.session, let client = options.sessionClient, !client.isLoopback,
            let way = way(to: client)
        else { return nil }
        let link = hostLinkNames[way.link] ?? "?"
        let doors = doors(of: way, client)
        let cut = steps.first { step in
            step.operations.contains {
                endangers($0, way, link: link, doors: doors, client: client, local: session.address)
            }
        }
        guard let cut else { return nil }
        let cure =
            options.canBeUndone
            ? "add `--confirm-within 60s`, which undoes the change unless you confirm it"
            : "`destroy` has no deadline, so apply manifests without these objects instead, with `--confirm-within 60s`, which "
                + "undoes the change unless you confirm it"
        return Diagnostic(
            .warning,
            "your SSH session from \(client)\(way.isBound ? "%\(link.terminalSafe)" : "") comes in by \(link.terminalSafe), and this plan changes that way (\(cut.summary)); "
                + "if it cuts you off, nobody can put it back from here: \(cure)", at: cut.source)
    }

    /// A route of the host, and the link that it leads to.
    private struct Way {
        let link: UInt32
        let destination: IPPrefix
        let metric: UInt32
        /// Whether no other link will do: addresses of the session are link-local.
        var isBound = false
    }

    /// The longest prefix wins, then the lowest metric (`ip route get`).
    private func way(to client: IPAddress) -> Way? {
        if let zone = options.sessionLink {
            let links = observed.host.links
            let found = links.first { $0.name == zone } ?? links.first { String($0.index) == zone }
            return found.map { link in
                Way(
                    link: link.index, destination: IPPrefix(containing: client, length: 64), metric: 0, isBound: true)
            }
        }
        return observed.host.routes.compactMap { route in
            guard route.type == 1, route.table == 254, route.destination.contains(client),
                let link = route.link ?? route.nextHopLinks.first
            else { return nil }
            return Way(link: link, destination: route.destination, metric: route.metric)
        }.max { ($0.destination.length, $1.metric) < ($1.destination.length, $0.metric) }
    }

    /// Links behind that of the way: the card of the endpoint that the client is in, and cards of the host in a bridge.
    private func doors(of way: Way, _ client: IPAddress) -> Set<LinkReference> {
        let inside = observed.host.links.filter { link in
            guard let inner = peer(of: link) else { return false }
            let own = addresses[inner.namespace.reference]?[inner.link.index] ?? []
            return own.contains { $0.address.address == client }
        }
        let ports = (portsByBridge[way.link] ?? []).filter { $0.mark == nil }
        return Set((inside + ports).map { LinkReference(.host, $0.name) })
    }

    private func endangers(
        _ operation: Operation, _ way: Way, link: String, doors: Set<LinkReference>, client: IPAddress, local: IPAddress
    ) -> Bool {
        let used = LinkReference(.host, link)
        func isUsed(_ route: RouteEntry) -> Bool { route.link == used && route.destination == way.destination }
        func takesOver(_ destination: IPPrefix) -> Bool {
            !way.isBound && destination.contains(client) && destination.length >= way.destination.length
        }
        switch operation {
        case .deleteLink(let other): return other == used || doors.contains(other)
        case .changeLink(let other, let changes):
            return (other == used || doors.contains(other)) && changes.contains(where: \.interrupts)
        case .removeAddress(let other, let address):
            return other == used && (address.address == local || address.prefix == way.destination)
        case .addAddress(let other, let address):
            return other.namespace == .host && other != used && takesOver(address.prefix)
        case .removeRoute(let route): return isUsed(route)
        case .addRoute(let route):
            return route.link.namespace == .host && route.link != used && takesOver(route.destination)
        case .replaceRoute(let route, let old): return isUsed(old) && route != old
        case .moveUplink(let move): return move.uplink == used || move.from == used
        case _: return false
        }
    }
}

extension LinkChange {
    /// Whether packets may be lost by it.
    fileprivate var interrupts: Bool {
        switch self {
        case .up(let isUp): !isUp
        case .resolvesNeighbours, .hearsAllGroups, .mtu, .mac, .master, .bridge, .macvlan, .macvtap: true
        case .name, .alias, .addAlternativeName, .removeAlternativeName, .addressGeneration, .port, .forwards: false
        }
    }
}
