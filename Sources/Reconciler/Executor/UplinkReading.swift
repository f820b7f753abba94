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

    /// How routes of a move stand to those that others have put in the same place; nothing of one that is not there.
    func standings(of move: UplinkMove) -> [CarriedRoute: RouteStanding] {
        let places = Dictionary(grouping: routes, by: RoutePlace.init)
        var standings: [CarriedRoute: RouteStanding] = [:]
        for route in move.routes {
            for (number, other) in (place(of: route).flatMap { places[$0] } ?? []).enumerated() {
                guard let standing = standing(of: route, in: other, number) else { continue }
                standings[route] = standing
                break
            }
        }
        return standings
    }

    /// What a move took that is on the link again, but counts less than it did; it is no news where it stood so `before` it
    /// came back.
    func displaced(from move: UplinkMove, since before: [CarriedRoute: RouteStanding]) -> [String] {
        let now = standings(of: move)
        return move.routes.compactMap { route in
            guard let standing = now[route], !standing.isAlone else { return nil }
            if let before = before[route], !standing.isWorse(than: before) { return nil }
            let family = isIPv6(route) ? "-6 " : ""
            let how =
                standing.before > 0
                ? "behind one for the same that somebody put in its place meanwhile, and that counts"
                : "as one of \(standing.hops) next hops by which packets go, because somebody put a route for the same in its "
                    + "place meanwhile"
            return
                "the route \(route.words) is back on \(link), \(how): delete that one if you do not want it "
                + "(`ip \(family)route`)"
        }
    }

    private func standing(of route: CarriedRoute, in other: ObservedRoute, _ number: Int) -> RouteStanding? {
        if isSame(other, route) { return RouteStanding(before: number) }
        // Of IPv6 routes of one place the kernel makes one with several next hops.
        guard route.kind != .elsewhere, !other.nextHopLinks.isEmpty, isIPv6(route),
            let hops = (try? RouteMessage(decoding: other.body[...]))?.nextHops,
            let told = try? RouteMessage(decoding: route.body[...]),
            let own = hops.firstIndex(where: { $0.link == index && $0.gateway == told.gateway })
        else { return nil }
        return RouteStanding(before: number, hopsBefore: own, hops: hops.count)
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
        let there = Set(standings(of: move).keys)
        let lostAddresses = move.addresses.filter {
            !addresses.contains($0.address) && !AddressMessage.ends($0.body)
        }
        let lostRoutes = move.routes.filter {
            $0.kind != .elsewhere && !words.contains($0.words) && !RouteMessage.ends($0.body)
                && !there.contains($0)
        }
        return lostAddresses.map {
            line("address \($0.address)", "address add \($0.address) dev \(link.name.shellWord)")
        }
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
        case .through, .elsewhere: return "\(family)route add \(route.words)\(origin) dev \(link.name.shellWord)"
        }
    }

    private func line(_ what: String, _ command: String?) -> String {
        let first = isUp ? "" : "ip link set \(link.name.shellWord) up; "
        guard let command else {
            let up = isUp ? "" : "set \(link) up (`ip link set \(link.name.shellWord) up`), and "
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
