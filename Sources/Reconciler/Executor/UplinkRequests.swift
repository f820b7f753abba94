internal import NetlinkCodec
internal import Planner

extension UplinkMove {
    /// In one datagram: routes and addresses go from the one link, the interface changes its place, they come on the
    /// other.
    func requests(_ indexes: some LinkIndexes) throws -> [Request] {
        let (old, new) = (try indexes.index(of: from), try indexes.index(of: to))
        var requests: [Request] = []
        for route in routes.reversed() {
            let title = "remove route \(route.words) from \(from)"
            requests.append(RouteMessage.remove(route.body, from: old, operation: title))
        }
        // The last one first: with the first of a prefix the kernel may take the others.
        for address in addresses.reversed() {
            let title = "remove address \(address.address) from \(from)"
            requests.append(AddressMessage.remove(address.address, link: old, operation: title))
        }
        if previousMaster != master {
            var change = LinkRequest.Change()
            change.master = try master.map { try indexes.index(of: .init(uplink.namespace, $0)) } ?? 0
            requests.append(LinkRequest.set(name: uplink.name, change))
        }
        for address in addresses {
            let title = "add address \(address.address) to \(to)"
            requests.append(
                try AddressMessage.move(address.body, of: from.name, to: new, journey, operation: title))
        }
        for route in routes {
            let title = "add route \(route.words) on \(to)"
            requests.append(RouteMessage.move(route.body, to: new, operation: title))
        }
        return requests
    }

    private var journey: AddressMessage.Journey {
        if from == uplink { return .out }
        return to == uplink ? .back : .across
    }
}
