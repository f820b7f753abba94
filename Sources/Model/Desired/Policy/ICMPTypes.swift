public import Addressing

/// Types of ICMP and ICMPv6 messages by the names that nft(8) has for them.
public enum ICMPTypes {
    /// ICMP (RFC 792 and others), by number.
    public static let ipv4: [(name: String, number: UInt8)] = [
        ("echo-reply", 0), ("destination-unreachable", 3), ("source-quench", 4), ("redirect", 5), ("echo-request", 8),
        ("router-advertisement", 9), ("router-solicitation", 10), ("time-exceeded", 11), ("parameter-problem", 12),
        ("timestamp-request", 13), ("timestamp-reply", 14), ("info-request", 15), ("info-reply", 16),
        ("address-mask-request", 17), ("address-mask-reply", 18),
    ]
    /// ICMPv6 (RFC 4443, 4861 and others), by number.
    public static let ipv6: [(name: String, number: UInt8)] = [
        ("destination-unreachable", 1), ("packet-too-big", 2), ("time-exceeded", 3), ("parameter-problem", 4),
        ("echo-request", 128), ("echo-reply", 129), ("mld-listener-query", 130), ("mld-listener-report", 131),
        ("mld-listener-done", 132), ("nd-router-solicit", 133), ("nd-router-advert", 134),
        ("nd-neighbor-solicit", 135), ("nd-neighbor-advert", 136), ("nd-redirect", 137), ("router-renumbering", 138),
        ("ind-neighbor-solicit", 141), ("ind-neighbor-advert", 142), ("mld2-listener-report", 143),
    ]

    /// The table of a family.
    public static func table(_ family: AddressFamily) -> [(name: String, number: UInt8)] {
        switch family {
        case .ipv4: ipv4
        case .ipv6: ipv6
        }
    }

    /// A type from its name or its decimal number.
    public static func number(_ text: String, _ family: AddressFamily) -> UInt8? {
        if let named = table(family).first(where: { $0.name == text }) { return named.number }
        guard text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
        return UInt8(text)
    }

    /// The name of a type, or its number where it has none.
    public static func name(_ number: UInt8, _ family: AddressFamily) -> String {
        table(family).first { $0.number == number }?.name ?? "\(number)"
    }

    /// Types whose messages connection tracking takes for the beginning of a connection of its own
    /// (`nf_conntrack_proto_icmp.c`, `nf_conntrack_proto_icmpv6.c`); answers and errors only ever follow one, and
    /// neighbour discovery is not tracked.
    public static func startsConnection(_ number: UInt8, _ family: AddressFamily) -> Bool {
        switch family {
        case .ipv4: [8, 13, 15, 17].contains(number)
        case .ipv6: [128, 139].contains(number)
        }
    }
}
