internal import Addressing
public import NetlinkCodec
internal import SystemCalls

/// Whole tables, one dump each.
extension NetlinkConnection {
    /// `ip -d link show`; of another namespace by the id that the connection's gave it.
    public func links(counters: Bool, target: Int32? = nil) throws -> [LinkMessage] {
        try dump(LinkRequest.dump(counters: counters, target: target)) { message in
            guard message.type == .newLink else { return nil }
            return try LinkMessage(decoding: message.body)
        }
    }

    /// `ip address show`.
    public func addresses() throws -> [AddressMessage] {
        try dump(AddressMessage.dump()) { message in
            guard message.type == .newAddress else { return nil }
            return try AddressMessage(decoding: message.body)
        }
    }

    /// `ip route show table all`, both families.
    public func routes() throws -> [RouteMessage] {
        try AddressFamily.allCases.flatMap { family in
            try dump(RouteMessage.dump(family)) { message in
                guard message.type == .newRoute else { return nil }
                return try RouteMessage(decoding: message.body)
            }
        }
    }

    /// `ip nexthop show`; none where the kernel knows no such objects (before Linux 5.3).
    public func nextHops() throws -> [NextHopMessage] {
        do {
            return try dump(NextHopMessage.dump()) { message in
                guard message.type == .newNextHop else { return nil }
                return try NextHopMessage(decoding: message.body)
            }
        } catch let error as NetlinkError where error.code == .notSupported {
            return []
        }
    }

    /// `ip neighbour show` (family 0), or `bridge fdb show` (7).
    public func neighbours(family: UInt8) throws -> [NeighbourMessage] {
        try neighbours(NeighbourMessage.dump(family: family))
    }

    /// `ip neighbour show proxy`, both families.
    public func proxies() throws -> [NeighbourMessage] { try neighbours(NeighbourMessage.dumpProxies()) }

    private func neighbours(_ request: Request) throws -> [NeighbourMessage] {
        try dump(request) { message in
            guard message.type == .newNeighbour else { return nil }
            return try NeighbourMessage(decoding: message.body)
        }
    }

    /// `ip rule show`, both families.
    public func rules() throws -> [RuleMessage] {
        try dump(RuleMessage.dump()) { message in
            guard message.type == .newRule else { return nil }
            return try RuleMessage(decoding: message.body)
        }
    }

    /// `tc qdisc show`, those that somebody made.
    public func qdiscs() throws -> [QdiscMessage] {
        try dump(QdiscMessage.dump()) { message in
            guard message.type == .newQdisc else { return nil }
            let qdisc = try QdiscMessage(decoding: message.body)
            return qdisc.handle == 0 ? nil : qdisc
        }
    }

    /// `tc filter show dev LINK parent ffff:`.
    public func filters(link: UInt32) throws -> [FilterMessage] {
        try dump(FilterMessage.dump(link: link)) { message in
            message.type == .newFilter ? try FilterMessage(decoding: message.body) : nil
        }
    }

    /// `ip netns list-id`.
    public func namespaceIDs() throws -> [Int32] {
        try dump(NamespaceIDMessage.dump()) { message in
            guard message.type == .newNamespaceID else { return nil }
            return try NamespaceIDMessage(decoding: message.body).id
        }
    }

    /// The ids that another namespace has given out (`ip netns list-id target-nsid ID`), each with the one that the
    /// connection's namespace gave the same, which is −1 where it gave none.
    ///
    /// Linux 6.9 and later tell of no more than fit into one answer, some nine hundred.
    public func namespaceIDs(of target: Int32) throws -> [NamespaceIDMessage] {
        try dump(NamespaceIDMessage.dump(target: target)) { message in
            guard message.type == .newNamespaceID else { return nil }
            return try NamespaceIDMessage(decoding: message.body)
        }
    }

    /// The id of the namespace open as a descriptor; nil where this namespace gave it none.
    public func namespaceID(descriptor: Int32) throws -> Int32? {
        guard let message = try get(NamespaceIDMessage.get(descriptor: descriptor)) else { return nil }
        let id = try NamespaceIDMessage(decoding: message.body).id
        return id < 0 ? nil : id
    }

    /// The interface of that name.
    public func link(_ name: String) throws -> LinkMessage? {
        try get(LinkRequest.get(name: name)).map { try LinkMessage(decoding: $0.body) }
    }

    /// Index of the interface of that name.
    public func linkIndex(_ name: String) throws -> UInt32 {
        guard let message = try get(LinkRequest.get(name: name)) else { return 0 }
        return try LinkMessage(decoding: message.body).index
    }

    /// `conntrack -L`, on a socket of netfilter.
    public func trackedConnections() throws -> [ConntrackMessage] {
        try dump(ConntrackMessage.dump()) { message in
            guard message.type == ConntrackMessage.new else { return nil }
            return try ConntrackMessage(decoding: message.body)
        }
    }

    /// The number of the last change of nftables, on a socket of netfilter.
    public func firewallGeneration() throws -> UInt32? {
        try get(FirewallGeneration.get()).map { try FirewallGeneration.id(decoding: $0.body) }
    }

    /// `nft list set`, on a socket of netfilter; `family` as in `TableMessage`.
    public func setElements(family: UInt8, table: String, set: String) throws -> [SetElementMessage] {
        try dump(SetElementMessage.dump(family: family, table: table, set: set)) { message in
            guard message.type == SetElementMessage.new else { return nil }
            return try SetElementMessage(decoding: message.body)
        }
    }

    /// `nft list chains FAMILY`, on a socket of netfilter; `family` as in `ChainMessage`.
    public func firewallChains(family: UInt8) throws -> [ChainMessage] {
        try dump(ChainMessage.dump(family: family)) { message in
            guard message.type == ChainMessage.new else { return nil }
            return try ChainMessage(decoding: message.body)
        }
    }

    /// `nft list tables`, on a socket of netfilter.
    public func firewallTables() throws -> [TableMessage] {
        try dump(TableMessage.dump()) { message in
            guard message.type == TableMessage.new else { return nil }
            return try TableMessage(decoding: message.body)
        }
    }
}
