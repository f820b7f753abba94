/// An 802.1Q VLAN id, 1…4094.
public struct VLANID: Hashable, Comparable, Sendable {
    /// The number.
    public let value: UInt16
    /// An id; nil outside 1…4094.
    public init?(_ value: Int) {
        guard (1...4094).contains(value) else { return nil }
        self.value = UInt16(value)
    }
    /// Numeric order.
    public static func < (left: Self, right: Self) -> Bool { left.value < right.value }
}

/// A VXLAN network identifier, 1…16 777 215 (`IFLA_VXLAN_ID`).
public struct VNI: Hashable, Comparable, Sendable {
    /// The number.
    public let value: UInt32
    /// An identifier; nil outside 1…2^24−1.
    public init?(_ value: Int) {
        guard (1...0xff_ffff).contains(value) else { return nil }
        self.value = UInt32(value)
    }
    /// Numeric order.
    public static func < (left: Self, right: Self) -> Bool { left.value < right.value }
}

extension VNI: CustomStringConvertible {
    /// Decimal.
    public var description: String { String(value) }
}

/// A port or an unbroken range of ports of TCP, UDP or SCTP, 1…65535, both ends included.
public struct PortRange: Hashable, Comparable, Sendable {
    /// Lowest port.
    public let first: UInt16
    /// Highest port.
    public let last: UInt16

    /// A range; nil where an end is 0, past 65535, or they are the wrong way round.
    public init?(_ first: Int, _ last: Int) {
        guard (1...65535).contains(first), (1...65535).contains(last), first <= last else { return nil }
        self.first = UInt16(first)
        self.last = UInt16(last)
    }

    /// Parses `80` or `8000-8100`.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "-", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count <= 2, parts.allSatisfy({ (1...5).contains($0.utf8.count) }),
            parts.allSatisfy({ $0.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 } }),
            let low = parts.first.flatMap({ Int($0) }), let high = parts.last.flatMap({ Int($0) })
        else { return nil }
        self.init(low, high)
    }

    /// How many ports.
    public var count: Int { Int(last) - Int(first) + 1 }
    /// Whether the two share a port.
    public func overlaps(_ other: Self) -> Bool { first <= other.last && other.first <= last }
    /// By first port, then last.
    public static func < (left: Self, right: Self) -> Bool {
        left.first == right.first ? left.last < right.last : left.first < right.first
    }
}

extension PortRange {
    /// What is left of it beside others, by port.
    public func without(_ others: [PortRange]) -> [PortRange] {
        others.reduce([self]) { rest, other in
            rest.flatMap { range -> [PortRange?] in
                guard range.overlaps(other) else { return [range] }
                return [
                    PortRange(Int(range.first), Int(other.first) - 1), PortRange(Int(other.last) + 1, Int(range.last)),
                ]
            }.compactMap(\.self)
        }
    }
}

extension [PortRange] {
    /// The same ports: ranges that follow one another without a gap are one. They are sorted and share no port.
    public var joinedNeighbours: [PortRange] {
        reduce(into: []) { result, range in
            if let last = result.last, Int(last.last) + 1 == Int(range.first),
                let wider = PortRange(Int(last.first), Int(range.last))
            {
                result[result.count - 1] = wider
            } else {
                result.append(range)
            }
        }
    }
}

extension PortRange: CustomStringConvertible {
    /// `80` or `8000-8100`.
    public var description: String { first == last ? "\(first)" : "\(first)-\(last)" }
}

/// A data rate in bits a second.
public struct BitRate: Hashable, Comparable, Sendable {
    /// Bits a second, 8 000 (below, token buckets stand still) … 10^15.
    public let bitsPerSecond: UInt64

    /// Parses `100Mbit`, `1Gbit`, `64Kibit`, `12MBps` in the units of `tc(8)`: bit, Kbit, Mbit, Gbit, Tbit, their
    /// binary forms with `i`, and the same with `bps` for bytes.
    public init?(_ text: some StringProtocol) {
        guard let (number, unit) = splitUnit(text) else { return nil }
        let lower = unit.lowercased()
        let factor: UInt64
        let prefix: String
        if lower.hasSuffix("bit") {
            (factor, prefix) = (1, String(lower.dropLast(3)))
        } else if lower.hasSuffix("bps") {
            (factor, prefix) = (8, String(lower.dropLast(3)))
        } else {
            return nil
        }
        guard let scale = unitScale(prefix) else { return nil }
        let (bits, overflow) = number.multipliedReportingOverflow(by: scale)
        guard !overflow, bits <= 1_000_000_000_000_000 / factor, bits * factor >= 8_000 else { return nil }
        self.bitsPerSecond = bits * factor
    }

    /// Numeric order.
    public static func < (left: Self, right: Self) -> Bool { left.bitsPerSecond < right.bitsPerSecond }
}

/// A number of bytes, as a token bucket's burst.
public struct ByteSize: Hashable, Comparable, Sendable {
    /// Bytes, 1 … 2^32−1.
    public let bytes: UInt32

    /// Parses `64KiB`, `1MB`, `1500` or `1500B`.
    public init?(_ text: some StringProtocol) {
        guard let (number, unit) = splitUnit(text) else { return nil }
        var prefix = unit.lowercased()
        if prefix.hasSuffix("b") { prefix.removeLast() }
        guard let scale = unitScale(prefix) else { return nil }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: scale)
        guard !overflow, bytes > 0, let exact = UInt32(exactly: bytes) else { return nil }
        self.bytes = exact
    }

    /// Numeric order.
    public static func < (left: Self, right: Self) -> Bool { left.bytes < right.bytes }
}

/// Splits `100Mbit` into its whole number and its unit.
private func splitUnit(_ text: some StringProtocol) -> (UInt64, String)? {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard !digits.isEmpty, digits.utf8.count <= 18, let number = UInt64(digits) else { return nil }
    return (number, String(text.dropFirst(digits.count)))
}

/// What a unit prefix in lower case multiplies by.
private func unitScale(_ prefix: String) -> UInt64? {
    switch prefix {
    case "": 1
    case "k": 1_000
    case "m": 1_000_000
    case "g": 1_000_000_000
    case "t": 1_000_000_000_000
    case "ki": 1 << 10
    case "mi": 1 << 20
    case "gi": 1 << 30
    case "ti": 1 << 40
    case _: nil
    }
}
