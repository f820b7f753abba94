/// A DNS-1123 label: 1…63 of `a-z`, `0-9` and `-`, a letter or digit at both ends.
public struct ObjectName: Hashable, Comparable, Sendable {
    /// The name.
    public let text: String

    /// A name; nil where it is no DNS-1123 label.
    public init?(_ text: some StringProtocol) {
        let bytes = text.utf8
        guard let first = bytes.first, let last = text.utf8.reversed().first, bytes.count <= 63 else { return nil }
        func plain(_ byte: UInt8) -> Bool { (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte) }
        guard plain(first), plain(last), bytes.allSatisfy({ plain($0) || $0 == 0x2d }) else { return nil }
        self.text = String(text)
    }

    /// Byte order.
    public static func < (left: Self, right: Self) -> Bool { left.text < right.text }
}

extension ObjectName: CustomStringConvertible {
    /// The name.
    public var description: String { text }
}
