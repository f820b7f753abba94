/// An IPv6 address, kept as one 128-bit number in host order.
public struct IPv6Address: Hashable, Comparable, Sendable {
    /// The address as a number; `::1` is 1.
    public let value: UInt128

    /// An address from its number in host order.
    public init(value: UInt128) { self.value = value }

    /// Parses RFC 4291 text, a dotted IPv4 tail included; zones (`%eth0`) are refused.
    public init?(_ text: some StringProtocol) {
        let bytes = Array(text.utf8)
        guard bytes.count >= 2, bytes.count <= 45 else { return nil }
        guard let gap = Self.gap(bytes) else { return nil }
        switch gap {
        case .none:
            guard let groups = Self.groups(bytes[...]), groups.count == 8 else { return nil }
            self.value = Self.join(groups)
        case .some(let at):
            guard let head = Self.groups(bytes[..<at], isTail: false), let tail = Self.groups(bytes[(at + 2)...]),
                head.count + tail.count <= 7
            else { return nil }
            self.value = Self.join(head + Array(repeating: 0, count: 8 - head.count - tail.count) + tail)
        }
    }

    /// The sixteen bytes in network order.
    public var bytes: [UInt8] {
        (0..<16).map { UInt8(truncatingIfNeeded: value >> UInt128(120 - 8 * $0)) }
    }

    /// Numeric order.
    public static func < (left: Self, right: Self) -> Bool { left.value < right.value }

    /// Where `::` stands: nil for malformed text, `.none` for no gap.
    private static func gap(_ bytes: [UInt8]) -> Int?? {
        var found: Int?
        var index = 0
        while index + 1 < bytes.count {
            if bytes[index] == UInt8(ascii: ":"), bytes[index + 1] == UInt8(ascii: ":") {
                guard found == nil else { return nil }
                found = index
                index += 1
            }
            index += 1
        }
        return .some(found)
    }

    private static func groups(_ bytes: ArraySlice<UInt8>, isTail: Bool = true) -> [UInt16]? {
        guard !bytes.isEmpty else { return [] }
        var result: [UInt16] = []
        let parts = bytes.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            if part.contains(UInt8(ascii: ".")) {
                guard isTail, index == parts.count - 1, let tail = IPv4Address(String(decoding: part, as: UTF8.self))
                else {
                    return nil
                }
                result.append(UInt16(truncatingIfNeeded: tail.value >> 16))
                result.append(UInt16(truncatingIfNeeded: tail.value))
                continue
            }
            guard !part.isEmpty, part.count <= 4, let group = hexadecimal(part) else { return nil }
            result.append(group)
        }
        return result.count <= 8 ? result : nil
    }

    private static func hexadecimal(_ bytes: ArraySlice<UInt8>) -> UInt16? {
        var value: UInt16 = 0
        for byte in bytes {
            guard let digit = hexadecimalDigit(byte) else { return nil }
            value = value << 4 | UInt16(digit)
        }
        return value
    }

    private static func join(_ groups: [UInt16]) -> UInt128 {
        groups.reduce(UInt128(0)) { $0 << 16 | UInt128($1) }
    }
}

extension IPv6Address: CustomStringConvertible {
    /// RFC 5952: lower case, the longest run of two or more zero groups as `::`, IPv4-mapped addresses dotted.
    public var description: String {
        if value >> 32 == 0xffff { return "::ffff:\(IPv4Address(value: UInt32(truncatingIfNeeded: value)))" }
        let groups = (0..<8).map { UInt16(truncatingIfNeeded: value >> UInt128(112 - 16 * $0)) }
        var best = 0..<0
        var start = 0
        while start < 8 {
            var end = start
            while end < 8, groups[end] == 0 { end += 1 }
            if end - start > max(best.count, 1) { best = start..<end }
            start = max(end, start + 1)
        }
        func text(_ part: ArraySlice<UInt16>) -> String {
            part.map { String($0, radix: 16) }.joined(separator: ":")
        }
        if best.isEmpty { return text(groups[...]) }
        return text(groups[..<best.lowerBound]) + "::" + text(groups[best.upperBound...])
    }
}

/// The value of one hexadecimal digit, in either case.
func hexadecimalDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x61...0x66: byte - 0x61 + 10
    case 0x41...0x46: byte - 0x41 + 10
    case _: nil
    }
}
