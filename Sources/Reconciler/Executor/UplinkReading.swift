internal import Addressing
internal import Model
internal import NetlinkClient
internal import NetlinkCodec
internal import Planner

/// What the host has on the link of a move when its turn comes. Since the plan was made lifetimes went on, and others may
/// have set the link down or changed what is there.
struct UplinkReading {
    private let link: LinkReference
    private let isUp: Bool
    private let cargo: Cargo
    private let addresses: [ObservedAddress]
    private let routes: [ObservedRoute]
    private let index: UInt32?
    /// Next-hop objects through the link, as the kernel tells of them.
    let nextHops: [[UInt8]]

    /// Reads the link that has this index; nil where it is gone.
    init(_ connection: NetlinkConnection, on link: LinkReference, _ index: UInt32?) throws {
        self.link = link
        self.index = index
        isUp = index == nil ? false : try connection.link(link.name)?.isUp ?? false
        addresses = try connection.addresses().map { ObservedAddress($0, keepsBody: true) }
        routes = try connection.routes().filter(ObservedRoute.matters).map { ObservedRoute($0, keepsBody: true) }
        // No link has the index 0.
        cargo = Cargo(on: link, index: index ?? 0, addresses: addresses, routes: routes)
        nextHops = index == nil ? [] : try connection.nextHops().filter { $0.link == index }.map(\.body)
    }

    /// Whether the host has nothing there.
    var isEmpty: Bool { cargo.addresses.isEmpty && cargo.routes.isEmpty }

    /// The move with what is there now; throws where that is not what the plan says.
    func current(_ move: UplinkMove) throws -> UplinkMove {
        if let difference = cargo.difference(from: move) {
            let state = isUp ? "" : "it is down, "
            throw StateError(
                "\(link) is not as it was when the plan was made: \(state)\(difference); plan again")
        }
        var current = move
        current.addresses = cargo.addresses
        current.routes = cargo.routes + dependents(move)
        return current
    }

    /// The move back, with what was there in the first place, but for what ended by itself meanwhile.
    func returning(_ move: UplinkMove) -> UplinkMove {
        var current = move
        current.addresses = move.addresses.compactMap { planned in
            guard index != nil, AddressMessage.ends(planned.body) else { return planned }
            return cargo.addresses.first { $0.address == planned.address }
        }
        current.routes = move.routes.filter { $0.kind != .elsewhere }.compactMap { planned in
            guard index != nil, RouteMessage.ends(planned.body) else { return planned }
            return cargo.routes.first { $0.words == planned.words }
        }
        current.routes += dependents(move)
        return current
    }

    /// How routes come back whose place others have taken meanwhile (`ip route append`): before those that are behind them
    /// now, else behind all. IPv6 knows no before: there the first changes its link without leaving its place.
    func arrivals(of carried: [CarriedRoute]) -> [CarriedRoute: RouteMessage.Arrival] {
        let places = Dictionary(grouping: routes, by: RoutePlace.init)
        var arrivals: [CarriedRoute: RouteMessage.Arrival] = [:]
        for route in carried {
            let same = place(of: route).flatMap { places[$0] } ?? []
            let own = same.firstIndex { isSame($0, route) }
            guard same.count > (own == nil ? 0 : 1) else { continue }
            arrivals[route] = own != same.startIndex ? .last : isIPv6(route) ? .instead : .first
        }
        return arrivals
    }

    /// Routes of a move before which others have put theirs (`ip route prepend`), so that these count.
    func preceded(_ move: UplinkMove) -> Set<CarriedRoute> {
        let places = Dictionary(grouping: routes, by: RoutePlace.init)
        return Set(
            move.routes.filter { route in
                let same = place(of: route).flatMap { places[$0] } ?? []
                guard let first = same.first, same.contains(where: { isSame($0, route) }) else { return false }
                // Of IPv6 routes of one place the kernel makes one with several next hops.
                return !isSame(first, route) && !(index.map(first.nextHopLinks.contains) ?? false)
            })
    }

    /// What a move took that is on the link again, but does not count any more; it is no news of those that were `preceded`
    /// before they came back.
    func displaced(from move: UplinkMove, besides preceded: Set<CarriedRoute>) -> [String] {
        let now = self.preceded(move).subtracting(preceded)
        return move.routes.filter(now.contains).map { route in
            let family = isIPv6(route) ? "-6 " : ""
            return
                "the route \(route.words) is back on \(link), behind one for the same that somebody put in its place "
                + "meanwhile, and that counts: delete that one if you do not want it (`ip \(family)route`)"
        }
    }

    private func isSame(_ other: ObservedRoute, _ route: CarriedRoute) -> Bool {
        route.kind == .elsewhere
            ? other.body == route.body : other.link == index && other.staying(on: link).words == route.words
    }

    private func place(of route: CarriedRoute) -> RoutePlace? {
        guard let told = try? RouteMessage(decoding: route.body[...]) else { return nil }
        return RoutePlace(ObservedRoute(told, keepsBody: false))
    }

    /// What a move took from the link that is not on it again, but for what ended by itself, and how to make it again.
    func missing(from move: UplinkMove) -> [String] {
        let addresses = Set(cargo.addresses.map(\.address))
        let words = Set(cargo.routes.map(\.words))
        // Of IPv6 routes of one place the kernel makes one with several next hops.
        let joined = Set(routes.filter { index.map($0.nextHopLinks.contains) ?? false }.map(RoutePlace.init))
        let lostAddresses = move.addresses.filter {
            !addresses.contains($0.address) && !AddressMessage.ends($0.body)
        }
        let lostRoutes = move.routes.filter {
            $0.kind != .elsewhere && !words.contains($0.words) && !RouteMessage.ends($0.body)
                && !(place(of: $0).map(joined.contains) ?? false)
        }
        return lostAddresses.map { line("address \($0.address)", "address add \($0.address) dev \(link)") }
            + lostRoutes.map { line("route \($0.words)", command($0)) }
    }

    /// What makes a route again (`ip`); nil where that has no words for it.
    private func command(_ route: CarriedRoute) -> String? {
        guard let told = try? RouteMessage(decoding: route.body[...]), told.isCommand else { return nil }
        // `boot` is what `ip route add` takes by itself.
        let origin = told.origin == 3 ? "" : " proto \(told.origin)"
        let family = isIPv6(route) ? "-6 " : ""
        switch route.kind {
        // The object says the next hop.
        case .byObject:
            let words = told.gateway.map { route.words.replacing(" via \($0)", with: "", maxReplacements: 1) }
            return "\(family)route add \(words ?? route.words)\(origin)"
        case .through, .elsewhere: return "\(family)route add \(route.words)\(origin) dev \(link)"
        }
    }

    private func line(_ what: String, _ command: String?) -> String {
        let first = isUp ? "" : "ip link set \(link) up; "
        guard let command else {
            let up = isUp ? "" : "set \(link) up (`ip link set \(link) up`), and "
            return
                "\(link) has not got back the \(what), for which there is no simple command: \(up)make it as it was"
        }
        return "\(link) has not got back the \(what); it comes with `\(first)ip \(command)`"
    }

    private func isIPv6(_ route: CarriedRoute) -> Bool { place(of: route)?.isIPv6 ?? false }

    /// Routes of the host by other links from addresses that move.
    private func dependents(_ move: UplinkMove) -> [CarriedRoute] {
        guard let index else { return [] }
        let sources = Set(move.addresses.map(\.address.address))
        return routes.filter { route in
            route.link != index && !route.nextHopLinks.contains(index) && route.origin != 2 && route.table != 255
                && route.preferredSource.map(sources.contains) ?? false
        }.map { $0.staying(on: link) }
    }
}
