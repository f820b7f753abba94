/// Bytes that are no valid netlink message.
public enum WireError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A header, fixed structure or attribute reaches past the end.
    case truncated(what: String)
    /// An attribute's length is below its header's.
    case malformed(what: String)
    /// An attribute's payload has another size than its type has.
    case wrongSize(what: String, expected: Int, found: Int)

    /// What is wrong with which part.
    public var description: String {
        switch self {
        case .truncated(let what): "netlink \(what) reaches past the end of its message"
        case .malformed(let what): "netlink \(what) has an impossible length"
        case .wrongSize(let what, let expected, let found):
            "netlink attribute \(what) has \(found) bytes where \(expected) are expected"
        }
    }
}
