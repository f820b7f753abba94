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
    /// `git -c gpg.ssh.allowedSignersFile=FILE verify-commit COMMIT`
    public func verify(_ target: Target, by signers: Signers) throws(GitError) {
        var reasons: [String] = []
        if let tag = target.tag {
            guard let reason = try objection("verify-tag", tag, "the tag", signers) else { return }
            reasons.append(reason)
        }
        guard let reason = try objection("verify-commit", target.commit, "the commit", signers) else { return }
        reasons.append(reason)
        throw GitError(
            .signature,
            "\(reasons.joined(separator: "; ")) (allowed: the keys in \(signers.allowedSigners.terminalSafe) and in the keyring "
                + "\(signers.keyring.terminalSafe))")
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
