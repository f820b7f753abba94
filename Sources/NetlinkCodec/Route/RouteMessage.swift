public import Addressing

/// A route (`struct rtmsg` and `RTA_*`).
public struct RouteMessage: Hashable, Sendable {
    /// Destination; the default prefix where there is no `RTA_DST`.
    public var destination: IPPrefix
    /// `RTA_GATEWAY`.
    public var gateway: IPAddress?
    /// `RTA_OIF`.
    public var link: UInt32?
    /// `RTA_PRIORITY`.
    public var metric: UInt32
    /// `RTA_TABLE`, else `rtm_table`.
    public var table: UInt32
    /// `rtm_protocol`.
    public var origin: UInt8
    /// `rtm_type`.
    public var type: UInt8
    /// `rtm_flags`: 0x200 is `RTM_F_CLONED`.
    public var flags: UInt32
    /// `RTA_PREFSRC`.
    public var preferredSource: IPAddress?
    /// `RTA_MULTIPATH`.
    public var nextHops: [NextHop]
    /// Interfaces of `RTA_MULTIPATH`.
    public var nextHopLinks: [UInt32] { nextHops.map(\.link) }
    /// Which packets it is for beside their destination, as `ip route` writes it: `from fd00:77::/64`, `tos 0x08`.
    public var selector: String
    /// What else it says that a `Value` cannot, in words: `nhid 9`, `onlink`.
    public var specialties: [String]
    /// Header and attributes as they came.
    public let body: [UInt8]

    /// Decodes the body of an `RTM_NEWROUTE`; nil for families other than IPv4 and IPv6.
    public init?(decoding body: ArraySlice<UInt8>) throws(WireError) {
        var header = StructReader(body, "route message")
        let family = AddressFamily(number: try header.number())
        let length = Int(try header.number(UInt8.self))
        let sourceLength = Int(try header.number(UInt8.self))
        let service = try header.number(UInt8.self)
        table = UInt32(try header.number(UInt8.self))
        origin = try header.number()
        let scope = try header.number(UInt8.self)
        type = try header.number()
        flags = try header.number()
        metric = 0
        nextHops = []
        self.body = Array(body)
        guard let family, let unspecified = IPAddress(family: family, value: 0) else { return nil }
        destination = IPPrefix(containing: unspecified, length: 0)
        (selector, specialties) = (service == 0 ? "" : "tos 0x\(String(service, radix: 16))", [])
        var attributes = AttributeReader(header.remainder)
        while let attribute = try attributes.next() {
            switch attribute.type {
            case 1:
                guard let address = IPAddress(bytes: attribute.payload) else { continue }
                destination = IPPrefix(containing: address, length: length)
            case 2:
                guard let address = IPAddress(bytes: attribute.payload) else { continue }
                selector = "from \(IPPrefix(containing: address, length: sourceLength))"
            case 4: link = try attribute.uint32("RTA_OIF")
            case 5: gateway = IPAddress(bytes: attribute.payload)
            case 6: metric = try attribute.uint32("RTA_PRIORITY")
            case 7: preferredSource = IPAddress(bytes: attribute.payload)
            case 15: table = try attribute.uint32("RTA_TABLE")
            case _: try takeSpecialty(attribute)
            }
        }
        // RTNH_F_ONLINK, and a scope that is not the one that a route of its kind has.
        if flags & 4 != 0 { specialties.append("onlink") }
        let isOwn = !specialties.contains { $0.hasPrefix("nhid") }
        let hasGateway = gateway != nil || !nextHops.isEmpty
        if family == .ipv4, isOwn, scope != Value.scope(family, type, hasGateway: hasGateway) {
            specialties.append("scope \(scope)")
        }
    }

    /// Whether it says more than a `Value` can.
    public var isSpecial: Bool { !selector.isEmpty || !specialties.isEmpty }

    /// Whether `ip route add` makes it of its words, with `proto` and `dev` behind them.
    public var isCommand: Bool {
        !specialties.contains { specialty in
            specialty.hasPrefix("attribute ") || specialty.hasSuffix(" next hops")
                || ["inet6", "pref", "encap", "metrics"].contains(specialty)
        }
    }

    /// Whether it names a next hop object (`RTA_NH_ID`).
    public var hasNextHopObject: Bool { specialties.contains { $0.hasPrefix("nhid ") } }

    private mutating func takeSpecialty(_ attribute: Attribute) throws(WireError) {
        switch attribute.type {
        case 9:
            nextHops = try Self.nextHops(attribute.payload)
            specialties.append("\(nextHops.count) next hops")
        // RTA_VIA: a gateway of the other family.
        case 18:
            gateway = IPAddress(bytes: attribute.payload.dropFirst(2))
            specialties.append("inet6")
        // RTA_PREF: 0 is medium.
        case 20:
            switch try attribute.uint8("RTA_PREF") {
            case 0: break
            case 1: specialties.append("pref high")
            case 3: specialties.append("pref low")
            case _: specialties.append("pref")
            }
        case 30: specialties.append("nhid \(try attribute.uint32("RTA_NH_ID"))")
        case 8: specialties.append(try RouteMetrics.words(attribute) ?? "metrics")
        // RTA_FLOW: the realm of the source and that of the destination.
        case 11:
            let (from, to) = (try attribute.uint32("RTA_FLOW") >> 16, try attribute.uint32("RTA_FLOW") & 0xffff)
            specialties.append("realms \(from == 0 ? "" : "\(from)/")\(to)")
        case 22: specialties.append("encap")
        // RTA_CACHEINFO, RTA_PAD, RTA_ENCAP_TYPE, which comes with RTA_ENCAP.
        case 12, 21, 24: break
        case _: specialties.append("attribute \(attribute.type)")
        }
    }

    /// One of several next hops.
    public struct NextHop: Hashable, Sendable {
        /// Interface.
        public let link: UInt32
        /// `RTA_GATEWAY`.
        public let gateway: IPAddress?
    }

    /// `struct rtnexthop`: length, flags, hops, interface, attributes.
    private static func nextHops(_ bytes: ArraySlice<UInt8>) throws(WireError) -> [NextHop] {
        var rest = bytes
        var hops: [NextHop] = []
        while rest.count >= 8 {
            var hop = StructReader(rest, "next hop")
            let length = Int(try hop.number(UInt16.self))
            _ = try hop.number(UInt16.self)
            let link: UInt32 = try hop.number()
            guard length >= 8, length <= rest.count else { throw .malformed(what: "next hop") }
            var gateway: IPAddress?
            var attributes = AttributeReader(rest.dropFirst(8).prefix(length - 8))
            while let attribute = try attributes.next() {
                if attribute.type == 5 { gateway = IPAddress(bytes: attribute.payload) }
            }
            hops.append(NextHop(link: link, gateway: gateway))
            rest = rest.dropFirst((length + 3) & ~3)
        }
        return hops
    }

    /// `RTM_GETROUTE` of all routes of all tables.
    public static func dump(_ family: AddressFamily) -> Request {
        var writer = MessageWriter()
        writer.number(family.number)
        for _ in 0..<3 { writer.number(UInt8(0)) }
        for _ in 0..<4 { writer.number(UInt8(0)) }
        writer.number(UInt32(0))
        return Request(.getRoute, .dump, operation: "read \(family.rawValue) routes", body: writer)
    }

    /// What a route request says.
    public struct Value: Sendable {
        /// Destination.
        public var destination: IPPrefix
        /// Next hop.
        public var gateway: IPAddress?
        /// Interface.
        public var link: UInt32
        /// Priority.
        public var metric: UInt32
        /// Table.
        public var table: UInt32
        /// Protocol.
        public var origin: UInt8
        /// `rtm_type`.
        public var type: UInt8
        /// `RTA_PREFSRC`.
        public var preferredSource: IPAddress?
        /// What a message from the kernel said, where it says more than this; the route is made and removed by it.
        public var body: [UInt8]
        /// A route.
        public init(
            destination: IPPrefix, gateway: IPAddress?, link: UInt32, metric: UInt32, table: UInt32, origin: UInt8,
            type: UInt8 = 1, preferredSource: IPAddress? = nil, body: [UInt8] = []
        ) {
            self.destination = destination
            self.gateway = gateway
            self.link = link
            self.metric = metric
            self.table = table
            self.origin = origin
            self.type = type
            self.preferredSource = preferredSource
            self.body = body
        }

        /// `RTN_BLACKHOLE`, `RTN_UNREACHABLE`, `RTN_PROHIBIT`, `RTN_THROW`: it leads nowhere.
        var hasLink: Bool { !(6...9).contains(type) }

        var scope: UInt8 { Self.scope(destination.family, type, hasGateway: gateway != nil) }

        /// `RT_SCOPE_HOST` for local ones, `RT_SCOPE_LINK` without a gateway, else `RT_SCOPE_UNIVERSE`; IPv6 ignores it.
        static func scope(_ family: AddressFamily, _ type: UInt8, hasGateway: Bool) -> UInt8 {
            guard family == .ipv4, !(6...9).contains(type) else { return 0 }
            return type == 2 ? 254 : hasGateway ? 0 : 253
        }
    }

    /// `ip route add`, or `replace`.
    public static func add(_ route: Value, replacing: Bool, operation: String) -> Request {
        // Several may lie in one place of a table.
        if !route.body.isEmpty {
            let body = RouteBody(route.body, link: route.link)
            return Request(.newRoute, [.create, .append], operation: operation, body: MessageWriter(raw: body.bytes))
        }
        return Request(
            .newRoute, replacing ? [.create, .replace] : [.create, .exclusive], operation: operation,
            body: body(route, scope: route.scope))
    }

    /// `ip route delete`.
    public static func remove(_ route: Value, operation: String) -> Request {
        if !route.body.isEmpty {
            let body = RouteBody(route.body, link: route.link, isRemoved: true)
            return Request(.deleteRoute, operation: operation, body: MessageWriter(raw: body.bytes))
        }
        // RT_SCOPE_NOWHERE: whatever its scope.
        return Request(
            .deleteRoute, operation: operation,
            body: body(route, scope: route.destination.family == .ipv4 ? 255 : 0))
    }

    private static func body(_ route: Value, scope: UInt8) -> MessageWriter {
        var writer = MessageWriter()
        writer.number(route.destination.family.number)
        writer.number(UInt8(route.destination.length))
        writer.number(UInt16(0))
        writer.number(UInt8(truncatingIfNeeded: min(route.table, 252) == 252 && route.table > 255 ? 252 : route.table))
        writer.number(route.origin)
        writer.number(scope)
        writer.number(route.type)
        writer.number(UInt32(0))
        if !route.destination.isDefault { writer.attribute(1, route.destination.address.bytes) }
        if route.hasLink { writer.attribute(4, number: route.link) }
        if let gateway = route.gateway { writer.attribute(5, gateway.bytes) }
        if let source = route.preferredSource { writer.attribute(7, source.bytes) }
        if route.metric != 0 { writer.attribute(6, number: route.metric) }
        writer.attribute(15, number: route.table)
        return writer
    }
}
