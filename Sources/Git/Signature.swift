internal import Model
internal import SystemCalls

/// Whose signatures count.
public struct Signers: Hashable, Sendable {
    /// SSH keys and the names they stand for (`ALLOWED SIGNERS` in `ssh-keygen(1)`).
    public let allowedSigners: String
    /// Folder of an OpenPGP keyring (`GNUPGHOME`); every key in it counts.
    public let keyring: String

    /// Absolute paths.
    public init(allowedSigners: String, keyring: String) {
        self.allowedSigners = allowedSigners
        self.keyring = keyring
    }
}

extension GitRepository {
    /// Lets git check the signature of a fetched tag, or of the commit: it must be good, and by somebody who counts.
    ///
    /// A tag's signature counts for the name that was signed with it: whoever can push could put it under another.
    ///
    /// `git -c gpg.ssh.allowedSignersFile=FILE verify-commit COMMIT`
    public func verify(_ target: Target, as reference: GitReference, by signers: Signers) throws(GitError) {
        var reasons: [String] = []
        if let tag = target.tag {
            let name = try field("tag", of: tag, "tag")
            if name != reference.tagName {
                reasons.append("the tag was made as '\(name.terminalSafe)', and its signature does not count here")
            } else if let reason = try objection("verify-tag", tag, "the tag", signers) {
                reasons.append(reason)
            } else {
                return
            }
        }
        guard let reason = try objection("verify-commit", target.commit, "the commit", signers) else { return }
        reasons.append(reason)
        throw GitError(
            .signature,
            "\(reasons.joined(separator: "; ")) (allowed: the keys in \(signers.allowedSigners.terminalSafe) and in the keyring "
                + "\(signers.keyring.terminalSafe))")
    }

    /// When a fetched commit was committed, in seconds since 1970; nil where it does not say so. It is signed with the rest.
    public func committed(_ target: Target) throws(GitError) -> Int64? {
        // `NAME <ADDRESS> SECONDS ZONE`
        let words = try field("committer", of: target.commit, "commit").split(separator: " ")
        return words.count < 2 ? nil : Int64(words[words.count - 2])
    }

    /// What the head of an object says; empty where it says nothing of the kind.
    private func field(_ name: String, of object: String, _ type: String) throws(GitError) -> String {
        let command = git.command(["cat-file", type, object])
        let text = try git.output(command, "read \(object.prefix(12))")
        let head = text.split(separator: 0x0a, omittingEmptySubsequences: false).prefix { !$0.isEmpty }
        let line = head.first { $0.starts(with: "\(name) ".utf8) }
        return String(decoding: line?.dropFirst(name.utf8.count + 1) ?? [], as: UTF8.self)
    }

    private func objection(_ verb: String, _ object: String, _ noun: String, _ signers: Signers) throws(GitError)
        -> String?
    {
        let command = git.command(
            [verb, object], settings: ["gpg.ssh.allowedSignersFile=\(signers.allowedSigners)"],
            environment: ["GNUPGHOME=\(signers.keyring)"])
        let result = try git.run(command, "verify \(object.prefix(12))")
        if result.ending == .exited(0) { return nil }
        let words = GitWords(result.errors + result.output).text
        return words.isEmpty || words.contains("no signature found")
            ? "\(noun) bears no signature" : "\(noun)'s signature is not accepted: \(words)"
    }
}
