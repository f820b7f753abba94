/// A next hop that is an object of its own (`struct nhmsg` and `NHA_*`), by which routes may go (`nhid`).
public struct NextHopMessage: Hashable, Sendable {
    /// `NHA_OIF`; nil for groups and for those that drop.
    public let link: UInt32?
    /// Header and attributes as they came.
    public let body: [UInt8]

    /// Decodes the body of an `RTM_NEWNEXTHOP`.
    public init(decoding body: ArraySlice<UInt8>) throws(WireError) {
        var header = StructReader(body, "next hop message")
        for _ in 0..<4 { _ = try header.number(UInt8.self) }
        _ = try header.number(UInt32.self)
        self.body = Array(body)
        var link: UInt32?
        var attributes = AttributeReader(header.remainder)
        while let attribute = try attributes.next() {
            if attribute.type == 5 { link = try attribute.uint32("NHA_OIF") }
        }
        self.link = link
    }

    /// `RTM_GETNEXTHOP` of all.
    public static func dump() -> Request {
        var writer = MessageWriter()
        for _ in 0..<4 { writer.number(UInt8(0)) }
        writer.number(UInt32(0))
        return Request(.getNextHop, .dump, operation: "read next hops", body: writer)
    }

    /// `ip nexthop replace` of the very object that the kernel told of, through another link. Routes by it stay.
    public static func move(_ body: [UInt8], to link: UInt32, operation: String) throws(WireError) -> Request {
        var header = StructReader(body[...], "next hop message")
        var writer = MessageWriter()
        let family = try header.number(UInt8.self)
        // The scope is told, not set.
        _ = try header.number(UInt8.self)
        let origin = try header.number(UInt8.self)
        _ = try header.number(UInt8.self)
        for byte in [family, 0, origin, 0] { writer.number(byte) }
        // RTNH_F_ONLINK; all others tell of states.
        writer.number(try header.number(UInt32.self) & 4)
        var attributes = AttributeReader(header.remainder)
        while let attribute = try attributes.next() {
            if attribute.type == 5 {
                writer.attribute(5, number: link)
            } else {
                writer.attribute(attribute.type, attribute.payload)
            }
        }
        return Request(.newNextHop, [.create, .replace], operation: operation, body: writer)
    }
}
