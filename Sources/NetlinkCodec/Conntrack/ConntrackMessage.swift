public import Addressing

/// A tracked connection (`CTA_*` of `linux/netfilter/nfnetlink_conntrack.h`, `conntrack -L`).
public struct ConntrackMessage: Hashable, Sendable {
    /// One direction of a connection.
    public struct Tuple: Hashable, Sendable {
        /// `CTA_IP_V4_SRC`, `CTA_IP_V6_SRC`.
        public var source: IPAddress
        /// `CTA_IP_V4_DST`, `CTA_IP_V6_DST`.
        public var destination: IPAddress
        /// `CTA_PROTO_NUM`.
        public var transport: UInt8
        /// `CTA_PROTO_SRC_PORT`; 0 where the protocol has none.
        public var sourcePort: UInt16
        /// `CTA_PROTO_DST_PORT`; 0 where the protocol has none.
        public var destinationPort: UInt16
        /// `CTA_PROTO_ICMP_TYPE`, `CTA_PROTO_ICMPV6_TYPE`.
        public var type: UInt8?
        /// `CTA_TUPLE_ZONE`, of connections whose directions have different zones; 0 where absent.
        public var zone: UInt16
    }

    /// As the first packet came in.
    public var original: Tuple
    /// As answers come in: its source is where the connection really leads, after translation.
    public var reply: Tuple
    /// `CTA_ZONE`; 0 where absent.
    public var zone: UInt16
    /// The attributes by which the kernel finds it again, as they came.
    private let identity: [UInt8]
    private let family: UInt8

    /// `nfgenmsg` of family, version and resource.
    private static let headerLength = 4
    /// `NFNL_SUBSYS_CTNETLINK << 8` and the message's number.
    private static let get = MessageType(rawValue: 0x101)
    private static let delete = MessageType(rawValue: 0x102)
    /// `IPCTNL_MSG_CT_NEW`: what a dump is made of.
    public static let new = MessageType(rawValue: 0x100)

    /// Decodes the body of an `IPCTNL_MSG_CT_NEW`; nil where one direction is missing.
    public init?(decoding body: ArraySlice<UInt8>) throws(WireError) {
        guard body.count >= Self.headerLength, let family = body.first else {
            throw .truncated(what: "conntrack message")
        }
        var original: Tuple?
        var reply: Tuple?
        var zone: UInt16 = 0
        var identity = MessageWriter()
        var attributes = AttributeReader(body.dropFirst(Self.headerLength))
        while let attribute = try attributes.next() {
            switch attribute.type {
            case 1:
                original = try Tuple(attribute)
                identity.attribute(attribute.type | Self.nested, attribute.payload)
            case 2: reply = try Tuple(attribute)
            case 12: identity.attribute(attribute.type, attribute.payload)
            case 18:
                zone = try attribute.uint16("CTA_ZONE").byteSwapped
                identity.attribute(attribute.type, attribute.payload)
            case _: break
            }
        }
        guard let original, let reply else { return nil }
        self.original = original
        self.reply = reply
        self.zone = zone
        self.identity = identity.bytes
        self.family = family
    }

    /// `NLA_F_NESTED`.
    private static let nested: UInt16 = 0x8000

    /// All tracked connections (`conntrack -L`).
    public static func dump() -> Request {
        Request(get, .dump, operation: "read tracked connections", body: header(0))
    }

    /// `conntrack -D` of this very connection: the id is given too, so that a new one in its place is spared.
    public func removal(operation: String) -> Request {
        var writer = Self.header(family)
        for byte in identity { writer.number(byte) }
        return Request(Self.delete, operation: operation, body: writer)
    }

    private static func header(_ family: UInt8) -> MessageWriter {
        var writer = MessageWriter()
        writer.number(family)
        writer.number(UInt8(0))
        writer.number(UInt16(0))
        return writer
    }
}

extension ConntrackMessage.Tuple {
    /// Nil where the addresses are missing.
    fileprivate init?(_ attribute: Attribute) throws(WireError) {
        var source: IPAddress?
        var destination: IPAddress?
        var transport: UInt8 = 0
        var ports: (source: UInt16, destination: UInt16) = (0, 0)
        var type: UInt8?
        var zone: UInt16 = 0
        var parts = attribute.nested
        while let part = try parts.next() {
            if part.type == 3 {
                zone = try part.uint16("CTA_TUPLE_ZONE").byteSwapped
                continue
            }
            var values = part.nested
            while let value = try values.next() {
                switch (part.type, value.type) {
                case (1, 1), (1, 3): source = IPAddress(bytes: value.payload)
                case (1, 2), (1, 4): destination = IPAddress(bytes: value.payload)
                case (2, 1): transport = try value.uint8("CTA_PROTO_NUM")
                case (2, 2): ports.source = try value.uint16("CTA_PROTO_SRC_PORT").byteSwapped
                case (2, 3): ports.destination = try value.uint16("CTA_PROTO_DST_PORT").byteSwapped
                case (2, 5), (2, 8): type = try value.uint8("CTA_PROTO_ICMP_TYPE")
                case (_, _): break
                }
            }
        }
        guard let source, let destination else { return nil }
        self.init(
            source: source, destination: destination, transport: transport, sourcePort: ports.source,
            destinationPort: ports.destination, type: type, zone: zone)
    }
}
