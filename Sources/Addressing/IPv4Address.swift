/// An IPv4 address, kept as one number in host order.
public struct IPv4Address: Hashable, Comparable, Sendable {
    /// The address as a number; 10.0.0.1 is `0x0a000001`.
    public let value: UInt32

    /// An address from its number in host order.
    public init(value: UInt32) { self.value = value }

    /// Parses dotted decimal as `inet_pton(3)` does: four parts, no leading zeros, nothing around it.
    ///
    /// Leading zeros are refused because some readers take them for octal.
    public init?(_ text: some StringProtocol) {
        var value: UInt32 = 0
        var parts = 0
        var digits = 0
        var part: UInt32 = 0
        var leadingZero = false
        for byte in text.utf8 {
            if byte == UInt8(ascii: ".") {
                guard digits > 0, parts < 3 else { return nil }
                value = value << 8 | part
                parts += 1
                (digits, part, leadingZero) = (0, 0, false)
                continue
            }
            guard byte >= 0x30, byte <= 0x39, !leadingZero, digits < 3 else { return nil }
            leadingZero = digits == 0 && byte == 0x30
            part = part * 10 + UInt32(byte - 0x30)
            digits += 1
            guard part <= 255 else { return nil }
        }
        guard parts == 3, digits > 0 else { return nil }
        self.value = value << 8 | part
    }

    /// The four bytes in network order.
    public var bytes: [UInt8] {
        [
            UInt8(truncatingIfNeeded: value >> 24), UInt8(truncatingIfNeeded: value >> 16),
            UInt8(truncatingIfNeeded: value >> 8), UInt8(truncatingIfNeeded: value),
        ]
    }

    /// Numeric order.
    public static func < (left: Self, right: Self) -> Bool { left.value < right.value }
}

extension IPv4Address: CustomStringConvertible {
    /// Dotted decimal.
    public var description: String {
        let parts = bytes
        return "\(parts[0]).\(parts[1]).\(parts[2]).\(parts[3])"
    }
}
