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

    /// How an address is made again on another link.
    public struct Arrival: Sendable {
        /// Makes it.
        public let add: Request
        /// Makes it as it was, when all that needs it is there; nil where it is already.
        public let settle: Request?
    }

    /// `ip address add` of the very address that the kernel told of, on another link, with what is left of its lifetimes.
    ///
    /// It is used at once: nobody else got it meanwhile, so duplicates are not looked for, and routes from it are refused
    /// while they are. On the bridge this stays so. That it was bulkhead's doing is said by `IFA_PROTO`, so that on the way
    /// back it is as it was.
    public static func move(
        _ body: [UInt8], of name: String, to link: UInt32, _ journey: Journey, operation: String
    ) throws(WireError) -> Arrival {
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
        var lifetimes: [UInt8] = []
        var attributes = AttributeReader(header.remainder)
        while let attribute = try attributes.next() {
            switch attribute.type {
            // IFA_LABEL, where it is more than the link's name.
            case 3 where attribute.text == name: continue
            case 6: lifetimes = Array(attribute.payload)
            case 8: flags = try attribute.uint32("IFA_FLAGS")
            case 11: origin = try attribute.uint8("IFA_PROTO")
            case _: writer.attribute(attribute.type, attribute.payload)
            }
        }
        // IFA_CACHEINFO begins with them, the preferred one first. Of an IPv4 address without end the kernel says that it is
        // preferred for ever, and by IFA_F_DEPRECATED that it is not.
        if flags & 0x20 != 0, lifetimes.count >= 4 { lifetimes.replaceSubrange(0..<4, with: [0, 0, 0, 0]) }
        if lifetimes.prefix(8).contains(where: { $0 != 0xff }) { writer.attribute(6, lifetimes) }
        let nodad: UInt32 = 0x02
        let isIPv6 = family == AddressFamily.ipv6.number
        if isIPv6 {
            switch journey {
            case .out where flags & nodad == 0 && origin == 0: (flags, origin) = (flags | nodad, ours)
            case .back where origin == ours: (flags, origin) = (flags & ~nodad, 0)
            case .out, .back, .across: break
            }
        }
        // Without those that are states, not settings: tentative, failed, deprecated.
        flags &= ~0x68
        func request(_ flags: UInt32, _ how: RequestFlags) -> Request {
            var writer = writer
            writer.attribute(8, number: flags)
            if origin != 0 { writer.attribute(11, number: origin) }
            return Request(.newAddress, how, operation: operation, body: writer)
        }
        guard isIPv6, flags & nodad == 0 else {
            return Arrival(add: request(flags, [.create, .exclusive]), settle: nil)
        }
        return Arrival(add: request(flags | nodad, [.create, .exclusive]), settle: request(flags, .replace))
    }

    private static let ours: UInt8 = 98

    /// Whether it is the kernel's word of an address that ends by itself (IFA_F_PERMANENT is not set).
    public static func ends(_ body: [UInt8]) -> Bool {
        guard let message = try? AddressMessage(decoding: body[...]) else { return false }
        return !message.isPermanent
    }
}
