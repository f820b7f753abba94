internal import Addressing

extension AddressMessage {
    /// Whether an address is taken along to a link that stands for the one it came from, or brought back.
    public enum Journey: Sendable {
        /// To the bridge that its link becomes a port of.
        case out
        /// From there.
        case back
        /// From one such bridge to another.
        case across
    }

    /// `ip address add` of the very address that the kernel told of, on another link.
    ///
    /// On the bridge it is used at once: nobody else got it meanwhile, so duplicates are not looked for. That this was
    /// bulkhead's doing is said by `IFA_PROTO`, so that on the way back it is as it was.
    public static func move(
        _ body: [UInt8], of name: String, to link: UInt32, _ journey: Journey, operation: String
    ) throws(WireError) -> Request {
        var header = StructReader(body[...], "address message")
        let family = try header.number(UInt8.self)
        let length = try header.number(UInt8.self)
        _ = try header.number(UInt8.self)
        let scope = try header.number(UInt8.self)
        _ = try header.number(UInt32.self)
        var writer = MessageWriter()
        for byte in [family, length, 0, scope] { writer.number(byte) }
        writer.number(link)
        var flags: UInt32 = 0
        var origin: UInt8 = 0
        var attributes = AttributeReader(header.remainder)
        while let attribute = try attributes.next() {
            switch attribute.type {
            // IFA_LABEL, where it is more than the link's name; IFA_CACHEINFO is told, not set.
            case 3 where attribute.text == name: continue
            case 6: continue
            case 8: flags = try attribute.uint32("IFA_FLAGS")
            case 11: origin = try attribute.uint8("IFA_PROTO")
            case _: writer.attribute(attribute.type, attribute.payload)
            }
        }
        let nodad: UInt32 = 0x02
        if family == AddressFamily.ipv6.number {
            switch journey {
            case .out where flags & nodad == 0 && origin == 0: (flags, origin) = (flags | nodad, ours)
            case .back where origin == ours: (flags, origin) = (flags & ~nodad, 0)
            case .out, .back, .across: break
            }
        }
        // Those that are states, not settings: tentative, failed, deprecated.
        writer.attribute(8, number: flags & ~0x68)
        if origin != 0 { writer.attribute(11, number: origin) }
        return Request(.newAddress, [.create, .exclusive], operation: operation, body: writer)
    }

    private static let ours: UInt8 = 98
}
