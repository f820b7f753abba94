/// A name that the kernel takes for a network interface (`dev_valid_name`, `IFNAMSIZ`), and that cannot disturb a
/// terminal or a path.
public struct InterfaceName: Hashable, Comparable, Sendable {
    /// 1…15 bytes of visible ASCII.
    public let text: String

    /// A name; nil where it is empty, over 15 bytes, `.` or `..`, begins with `@`, or holds `/`, `:`, `%`, `"`, `\`, `*`, space or
    /// anything that is not visible ASCII.
    ///
    /// The kernel allows more; these are refused because they mean something to sysctl paths, nft (to which `@name` is a set) or shells.
    public init?(_ text: some StringProtocol) {
        let bytes = text.utf8
        guard !bytes.isEmpty, bytes.count <= 15, text != ".", text != "..", bytes.first != UInt8(ascii: "@")
        else { return nil }
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "/"), UInt8(ascii: ":"), UInt8(ascii: "%"), UInt8(ascii: "\""), UInt8(ascii: "\\"),
                UInt8(ascii: "*"):
                return nil
            case 0x21...0x7e: continue
            case _: return nil
            }
        }
        self.text = String(text)
    }

    /// Byte order.
    public static func < (left: Self, right: Self) -> Bool { left.text < right.text }
}

extension InterfaceName: CustomStringConvertible {
    /// The name.
    public var description: String { text }
}
