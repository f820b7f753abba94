/// One thing to say about the input, for people.
public struct Diagnostic: Hashable, Codable, Sendable {
    /// How bad it is.
    public enum Severity: String, Hashable, Codable, Sendable {
        /// Nothing is done.
        case error
        /// Worth a look; things go on.
        case warning
    }

    /// What it is about, where somebody decides by it what to do; words are for people.
    public enum Subject: Hashable, Sendable {
        /// A published port.
        case publishedPort
        /// A published port behind which something listens on the host, as `allowShadow` would let it.
        case shadowedListener
    }

    /// How bad it is.
    public let severity: Severity
    /// One sentence without a full stop; a remedy behind a semicolon.
    public let message: String
    /// Where, if it is about a place in the input.
    public let location: SourceLocation?
    /// The offending line of the input, without its newline.
    public let sourceLine: String?
    /// What it is about; for this process only, and written down nowhere.
    public private(set) var subject: Subject?

    private enum CodingKeys: String, CodingKey { case severity, message, location, sourceLine }

    /// A diagnostic.
    public init(
        _ severity: Severity, _ message: String, at location: SourceLocation?, about subject: Subject? = nil,
        sourceLine: String? = nil
    ) {
        self.severity = severity
        self.message = message
        self.location = location
        self.sourceLine = sourceLine
        self.subject = subject
    }

    /// `file:line:column: error: message`, without the source line.
    public var headline: String {
        let place = location.map { "\($0): " } ?? ""
        return "\(place)\(severity.rawValue): \(message.terminalSafe)"
    }
}
