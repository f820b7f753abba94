public import Addressing

/// A routing rule (`struct fib_rule_hdr` and `FRA_*`, `linux/fib_rules.h`; `ip rule`).
///
/// A rule has no name: it is removed, and made again, by the very bytes that the kernel says of it, as `ip rule flush`
/// and `ip rule restore` do.
public struct RuleMessage: Hashable, Sendable {
    /// Family.
    public let family: AddressFamily
    /// `FRA_PRIORITY`.
    public let priority: UInt32
    /// As `ip rule` writes it, as far as it is about addresses, marks, interfaces and tables; anything else is named by
    /// its number: `100: from 10.0.0.0/8 fwmark 0x7 lookup 77`.
    public let words: String
    /// Header and attributes as they came.
    public let body: [UInt8]

    /// Decodes the body of an `RTM_NEWRULE`; nil for families other than IPv4 and IPv6.
    public init?(decoding body: ArraySlice<UInt8>) throws(WireError) {
        var header = StructReader(body, "rule message")
        let family = AddressFamily(number: try header.number())
        let lengths = (to: Int(try header.number(UInt8.self)), from: Int(try header.number(UInt8.self)))
        let service = try header.number(UInt8.self)
        var table = UInt32(try header.number(UInt8.self))
        _ = try header.number(UInt16.self)
        let action = try header.number(UInt8.self)
        let flags = try header.number(UInt32.self)
        guard let family else { return nil }
        var priority: UInt32 = 0
        var from = "all"
        var words: [String] = []
        var attributes = AttributeReader(header.remainder)
        while let attribute = try attributes.next() {
            switch attribute.type {
            case 1: words.append("to \(Self.prefix(attribute, lengths.to))")
            case 2: from = Self.prefix(attribute, lengths.from)
            case 3: words.append("iif \(attribute.text)")
            case 6: priority = try attribute.uint32("FRA_PRIORITY")
            case 10: words.append("fwmark 0x\(String(try attribute.uint32("FRA_FWMARK"), radix: 16))")
            // FRA_SUPPRESS_PREFIXLEN and FRA_SUPPRESS_IFGROUP: −1 is none.
            case 13, 14: if try attribute.uint32("FRA_SUPPRESS") != .max { words.append("suppress \(attribute.type)") }
            case 15: table = try attribute.uint32("FRA_TABLE")
            // FRA_FWMASK, where it is not all of the mark.
            case 16: if try attribute.uint32("FRA_FWMASK") != .max { words.append("masked") }
            case 17: words.append("oif \(attribute.text)")
            // FRA_PAD, FRA_PROTOCOL.
            case 18, 21: continue
            case _: words.append("attribute \(attribute.type)")
            }
        }
        if service != 0 { words.append("tos \(service)") }
        let invert = flags & 2 != 0 ? "not " : ""
        self.family = family
        self.priority = priority
        self.words = (["\(priority): \(invert)from \(from)"] + words.sorted() + [Self.action(action, table)])
            .joined(separator: " ")
        self.body = Array(body)
    }

    private static func prefix(_ attribute: Attribute, _ length: Int) -> String {
        IPAddress(bytes: attribute.payload).map { "\(IPPrefix(containing: $0, length: length))" } ?? "?"
    }

    /// `FR_ACT_TO_TBL` is 1.
    private static func action(_ action: UInt8, _ table: UInt32) -> String {
        guard action == 1 else { return "action \(action)" }
        switch table {
        case 253: return "lookup default"
        case 254: return "lookup main"
        case 255: return "lookup local"
        case _: return "lookup \(table)"
        }
    }

    /// The rules that every namespace begins with (`fib_default_rules_init`, `fib6_rules_net_init`).
    public static func initial(_ family: AddressFamily) -> [RuleMessage] {
        var rules = [initial(family, 0, 255), initial(family, 32_766, 254)]
        if family == .ipv4 { rules.append(initial(family, 32_767, 253)) }
        return rules.compactMap(\.self)
    }

    private static func initial(_ family: AddressFamily, _ priority: UInt32, _ table: UInt8) -> RuleMessage? {
        var writer = MessageWriter()
        writer.number(family.number)
        for byte in [UInt8(0), 0, 0, table, 0, 0, 1] { writer.number(byte) }
        writer.number(UInt32(0))
        writer.attribute(6, number: priority)
        writer.attribute(15, number: UInt32(table))
        // RTPROT_KERNEL.
        writer.attribute(21, number: UInt8(2))
        return try? RuleMessage(decoding: writer.bytes[...])
    }

    /// `ip rule show`, both families.
    public static func dump() -> Request {
        var writer = MessageWriter()
        for _ in 0..<12 { writer.number(UInt8(0)) }
        return Request(.getRule, .dump, operation: "read rules", body: writer)
    }

    /// `ip rule add`.
    public static func add(_ body: [UInt8], operation: String) -> Request {
        Request(.newRule, [.create, .exclusive], operation: operation, body: MessageWriter(raw: body))
    }

    /// `ip rule delete`.
    public static func remove(_ body: [UInt8], operation: String) -> Request {
        Request(.deleteRule, operation: operation, body: MessageWriter(raw: body))
    }
}
