/// The two address families that bulkhead speaks.
public enum AddressFamily: String, Hashable, Comparable, CaseIterable, Codable, Sendable {
    /// `AF_INET`, 2.
    case ipv4
    /// `AF_INET6`, 10.
    case ipv6

    /// Bits of an address: 32 or 128.
    public var width: Int {
        switch self {
        case .ipv4: 32
        case .ipv6: 128
        }
    }

    /// IPv4 before IPv6.
    public static func < (left: Self, right: Self) -> Bool { left == .ipv4 && right == .ipv6 }
}

/// An address of either family. All IPv4 addresses sort before all IPv6 addresses.
public enum IPAddress: Hashable, Comparable, Sendable {
    /// An IPv4 address.
    case v4(IPv4Address)
    /// An IPv6 address.
    case v6(IPv6Address)

    /// Parses either family; a colon makes it IPv6.
    public init?(_ text: some StringProtocol) {
        if text.utf8.contains(UInt8(ascii: ":")) {
            guard let address = IPv6Address(text) else { return nil }
            self = .v6(address)
        } else {
            guard let address = IPv4Address(text) else { return nil }
            self = .v4(address)
        }
    }

    /// An address from its number; nil where it does not fit the family.
    public init?(family: AddressFamily, value: UInt128) {
        switch family {
        case .ipv4:
            guard let value = UInt32(exactly: value) else { return nil }
            self = .v4(IPv4Address(value: value))
        case .ipv6: self = .v6(IPv6Address(value: value))
        }
    }

    /// The IPv4 address that an IPv4-mapped one (`::ffff:192.0.2.1`, RFC 4291) stands for: sockets of IPv6 serve IPv4 by
    /// it. Itself for all others.
    public var unmapped: IPAddress {
        guard case .v6(let address) = self, address.value >> 32 == 0xffff else { return self }
        return .v4(IPv4Address(value: UInt32(truncatingIfNeeded: address.value)))
    }

    /// An address from 4 or 16 bytes in network order.
    public init?(bytes: some Collection<UInt8>) { self.init(bytes: Array(bytes)[...]) }

    /// The same from a part of a message, of which thousands are read: not generic, because a generic one of another
    /// module is not specialized.
    public init?(bytes: ArraySlice<UInt8>) {
        guard bytes.count <= 16 else { return nil }
        let value = bytes.reduce(UInt128(0)) { $0 << 8 | UInt128($1) }
        switch bytes.count {
        case 4: self = .v4(IPv4Address(value: UInt32(truncatingIfNeeded: value)))
        case 16: self = .v6(IPv6Address(value: value))
        case _: return nil
        }
    }

    /// Which family it is of.
    public var family: AddressFamily {
        switch self {
        case .v4: .ipv4
        case .v6: .ipv6
        }
    }

    /// The address as a number.
    public var value: UInt128 {
        switch self {
        case .v4(let address): UInt128(address.value)
        case .v6(let address): address.value
        }
    }

    /// 4 or 16 bytes in network order.
    public var bytes: [UInt8] {
        switch self {
        case .v4(let address): address.bytes
        case .v6(let address): address.bytes
        }
    }

    /// `0.0.0.0` or `::`.
    public var isUnspecified: Bool { value == 0 }

    /// 127.0.0.0/8 or ::1.
    public var isLoopback: Bool {
        switch self {
        case .v4(let address): address.value >> 24 == 127
        case .v6(let address): address.value == 1
        }
    }

    /// 169.254.0.0/16 or fe80::/10.
    public var isLinkLocal: Bool {
        switch self {
        case .v4(let address): address.value >> 16 == 0xa9fe
        case .v6(let address): address.value >> 118 == 0x3fa
        }
    }

    /// 224.0.0.0/4 or ff00::/8.
    public var isMulticast: Bool {
        switch self {
        case .v4(let address): address.value >> 28 == 0xe
        case .v6(let address): address.value >> 120 == 0xff
        }
    }

    /// By family, then numerically.
    public static func < (left: Self, right: Self) -> Bool {
        (left.family == right.family) ? left.value < right.value : left.family < right.family
    }
}

extension IPAddress: CustomStringConvertible {
    /// As `ip` prints it.
    public var description: String {
        switch self {
        case .v4(let address): address.description
        case .v6(let address): address.description
        }
    }
}
