public import SystemCalls

/// A request that the kernel refused: what was attempted, and all it said.
public struct NetlinkError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was attempted, with the object: `create bridge bh-web`.
    public let operation: String
    /// The error number.
    public let code: Errno
    /// The kernel's words (extended ack), where it had any.
    public let text: String?

    /// An error.
    public init(operation: String, code: Errno, text: String?) {
        self.operation = operation
        self.code = code
        self.text = text
    }

    /// `create bridge bh-web: EEXIST (File exists): …`.
    public var description: String {
        "\(operation): \(code.name) (\(code.text))\(text.map { ": \($0)" } ?? "")"
    }
}
