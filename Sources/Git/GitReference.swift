internal import Model

/// A branch, a tag or a commit, as a user names it.
public struct GitReference: Hashable, Sendable, CustomStringConvertible {
    /// As given.
    public let description: String
    /// The commit, where it is a whole hexadecimal object name; git writes them small, people sometimes large.
    var commit: String? {
        let id = description.lowercased()
        return ObjectID.isOne(id) ? id : nil
    }
    /// What an annotated tag of that name calls itself.
    public var tagName: String {
        description.hasPrefix("refs/tags/") ? String(description.dropFirst("refs/tags/".count)) : description
    }

    /// Names that `git check-ref-format` accepts, and fewer: nothing that git or a shell could read as something else.
    public init(_ text: String) throws(GitError) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        let isName =
            text.utf8.count <= 200 && !text.isEmpty && text.utf8.allSatisfy(Self.allowed.contains)
            && parts.allSatisfy { part in
                !part.isEmpty && !part.hasPrefix(".") && !part.hasPrefix("-") && !part.hasSuffix(".")
                    && !part.hasSuffix(".lock") && !part.contains("..")
            }
        guard isName else {
            throw GitError(
                .usage,
                "--ref '\(text.terminalSafe)' must be a branch, a tag or a whole commit id: letters, digits and / . _ - + @ "
                    + "(not at the start: - and .)")
        }
        description = text
    }

    private static let allowed = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+@".utf8)

    /// What it may be on the other side; a branch comes before a tag of the same name, so that whoever may push tags
    /// cannot stand in for the branch.
    var candidates: [String] {
        description.hasPrefix("refs/") ? [description] : ["refs/heads/\(description)", "refs/tags/\(description)"]
    }

    /// Whole hexadecimal object names, of SHA-1 or SHA-256.
    enum ObjectID {
        static func isOne(_ text: some StringProtocol) -> Bool {
            [40, 64].contains(text.utf8.count) && text.utf8.allSatisfy(digits.contains)
        }
        private static let digits = Set("0123456789abcdef".utf8)
    }
}

/// A folder of a repository.
public struct GitPath: Hashable, Sendable, CustomStringConvertible {
    /// Relative, without `.` and `..`; empty for the whole repository.
    public let description: String

    /// A relative path; `.` and slashes at the end are the same without them.
    public init(_ text: String) throws(GitError) {
        let parts = text.split(separator: "/").filter { $0 != "." }
        guard !text.hasPrefix("/"), !parts.contains(".."), text.utf8.count <= 4096,
            text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f })
        else {
            throw GitError(
                .usage, "--path '\(text.terminalSafe)' must be a folder of the repository: a relative path without '..'"
            )
        }
        description = parts.joined(separator: "/")
    }
}
