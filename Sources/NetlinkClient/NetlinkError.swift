public import SystemCalls

/// A request that the kernel refused: what was attempted, and all it said.
public struct NetlinkError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was attempted, with the object: `create bridge bh-web`.
    public let operation: String
    /// The error number.
    public let code: Errno
    /// The kernel's words (extended ack), where it had any.
    public let text: String?

    /// The attribute of the request that the kernel took offence at, where it said so: `IFLA_MTU`.
    public let attribute: String?

    /// An error.
    public init(operation: String, code: Errno, text: String?, attribute: String? = nil) {
        self.operation = operation
        self.code = code
        self.text = text
        self.attribute = attribute
    }

    /// `create bridge bh-web: ERANGE (…): mtu less than device minimum [IFLA_MTU]`.
    public var description: String {
        let words = text.map { ": \($0)" } ?? ""
        return "\(operation): \(code.name) (\(code.text))\(words)\(attribute.map { " [\($0)]" } ?? "")"
    }
}
