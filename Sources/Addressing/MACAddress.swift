/// A 48-bit Ethernet address.
public struct MACAddress: Hashable, Comparable, Sendable {
    /// The address as a number below 2^48.
    public let value: UInt64

    /// An address from the lower 48 bits of a number.
    public init(value: UInt64) { self.value = value & 0xffff_ffff_ffff }

    /// An address from six bytes.
    public init?(bytes: some Collection<UInt8>) { self.init(bytes: Array(bytes)[...]) }

    /// The same from a part of a message, not generic for the same reason as that of `IPAddress`.
    public init?(bytes: ArraySlice<UInt8>) {
        guard bytes.count == 6 else { return nil }
        self.value = bytes.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    }

    /// Parses `02:00:00:00:00:01`; also with dashes, in either case.
    public init?(_ text: some StringProtocol) {
        var value: UInt64 = 0
        let bytes = Array(text.utf8)
        guard bytes.count == 17 else { return nil }
        for (index, byte) in bytes.enumerated() {
            if index % 3 == 2 {
                guard byte == bytes[2], byte == UInt8(ascii: ":") || byte == UInt8(ascii: "-") else { return nil }
                continue
            }
            guard let digit = hexadecimalDigit(byte) else { return nil }
            value = value << 4 | UInt64(digit)
        }
        self.value = value
    }

    /// Six bytes in network order.
    public var bytes: [UInt8] { (0..<6).map { UInt8(truncatingIfNeeded: value >> UInt64(40 - 8 * $0)) } }
    /// Group bit set: never a source.
    public var isMulticast: Bool { value >> 40 & 1 == 1 }
    /// The locally administered bit.
    public var isLocal: Bool { value >> 41 & 1 == 1 }

    /// The EUI-64 link-local address that Linux gives an interface with this MAC (`addr_gen_mode eui64`).
    public var linkLocal: IPv6Address {
        let high = UInt128(value >> 24) ^ 0x020000
        let low = UInt128(value & 0xff_ffff)
        return IPv6Address(value: UInt128(0xfe80) << 112 | high << 40 | UInt128(0xfffe) << 24 | low)
    }

    /// Numeric order.
    public static func < (left: Self, right: Self) -> Bool { left.value < right.value }
}

extension MACAddress: CustomStringConvertible {
    /// Lower case with colons, as `ip` prints it.
    public var description: String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
    }
}
