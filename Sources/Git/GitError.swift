/// Why a repository did not give what was asked of it.
public struct GitError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What stands in the way.
    public enum Kind: Hashable, Sendable {
        /// The address, reference or path is not one.
        case usage
        /// Git cannot be run, or the repository cannot be reached: another time it may work.
        case unavailable
        /// The repository has no such branch, tag or commit.
        case missing
        /// More than the bounds allow.
        case tooLarge
        /// Objects that git or bulkhead refuses to take.
        case refused
        /// No signature, or none of a known signer.
        case signature
    }

    /// What stands in the way.
    public let kind: Kind
    /// What was attempted, what git said, and the remedy; safe for terminals.
    public let description: String

    init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }
}
