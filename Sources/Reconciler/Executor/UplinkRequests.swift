internal import Addressing
internal import NetlinkCodec
internal import Planner

/// What moves.
struct UplinkLoad {
    /// The move, with what lies on its link by now.
    let move: UplinkMove
    /// Bodies of the next-hop objects there.
    let nextHops: [[UInt8]]
    /// How routes arrive that others have taken the place of.
    var arrivals: [CarriedRoute: RouteMessage.Arrival] = [:]
}

extension UplinkMove {
    /// With what lies there by now.
    func requests(_ indexes: some LinkIndexes) throws -> [Request] {
        let load = try indexes.cargo(of: self)
        return try load.move.requests(indexes, load)
    }

    /// In one datagram: routes and addresses go from the one link, the interface changes its place, they come on the
    /// other.
    private func requests(_ indexes: some LinkIndexes, _ load: UplinkLoad) throws -> [Request] {
        let new = try indexes.index(of: to)
        var requests = try indexes.indexWhileThere(of: from).map { removals(from: $0, load) } ?? []
        if previousMaster != master {
            var change = LinkRequest.Change()
            change.master = try master.map { try indexes.index(of: .init(uplink.namespace, $0)) } ?? 0
            requests.append(LinkRequest.set(name: uplink.name, change))
        }
        let arrivals = try arriving.map { address in
            let title = "add address \(address.address) to \(to)"
            return try AddressMessage.move(address.body, of: from.name, to: new, journey, operation: title)
        }
        requests += arrivals.map(\.add)
        // A route by one of them stays all the time, and goes by the other link from now on.
        for hop in load.nextHops {
            requests.append(try NextHopMessage.move(hop, to: new, operation: "change a next hop from \(from) to \(to)"))
        }
        for route in routes {
            let title = "add route \(route.words) on \(to)"
            let arrival = load.arrivals[route] ?? .alone
            switch route.kind {
            case .through(let told):
                requests.append(RouteMessage.move(route.body, from: told, to: new, arrival, operation: title))
            case .elsewhere:
                requests.append(RouteMessage.move(route.body, from: 0, to: 0, arrival, operation: title))
            case .byObject: break
            }
        }
        return requests + arrivals.compactMap(\.settle)
    }

    /// Of IPv6 the kernel puts a new address before the others, and prefers it; of IPv4 behind them.
    private var arriving: [CarriedAddress] {
        addresses.filter { $0.address.address.family == .ipv4 }
            + addresses.filter { $0.address.address.family == .ipv6 }.reversed()
    }

    private func removals(from old: UInt32, _ load: UplinkLoad) -> [Request] {
        var requests: [Request] = []
        for route in routes.reversed() where load.arrivals[route] != .instead {
            let title = "remove route \(route.words) from \(from)"
            switch route.kind {
            case .through(let told):
                requests.append(RouteMessage.remove(route.body, named: told, from: old, operation: title))
            case .elsewhere:
                requests.append(RouteMessage.remove(route.body, named: 0, from: 0, operation: title))
            case .byObject: break
            }
        }
        // The last one first: with the first of a prefix the kernel may take the others.
        for address in addresses.reversed() {
            let title = "remove address \(address.address) from \(from)"
            requests.append(AddressMessage.remove(address.address, link: old, operation: title))
        }
        return requests
    }

    private var journey: AddressMessage.Journey {
        if from == uplink { return .out }
        return to == uplink ? .back : .across
    }
}
