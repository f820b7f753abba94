internal import Git
internal import Model
internal import SystemCalls

/// Where a round gets its commit from, and what it judges it by.
struct RoundSource {
    let address: RepositoryAddress
    let reference: GitReference
    let path: GitPath
    /// Nil where commits need no signature.
    let signers: Signers?

    /// How the history and messages name it.
    var label: String {
        let folder = path.description.isEmpty ? "" : "//\(path)"
        return "\(address)\(folder)@\(reference)"
    }

    /// Changes whenever a commit might be judged otherwise: other options, keys, or another bulkhead.
    func key(_ global: GlobalOptions, _ tag: String?) -> String {
        var parts = [Version.number, global.hostName(), global.scope, path.description, tag ?? ""]
        if let signers {
            // A signed tag counts under its own name.
            if tag != nil { parts.append(reference.tagName) }
            let files = [signers.allowedSigners] + ["pubring.kbx", "pubring.gpg"].map { "\(signers.keyring)/\($0)" }
            parts += files.map { file in
                SHA256.hex((try? Files.read(file, limit: 16 << 20)) ?? [])
            }
        }
        return SHA256.hex(Array(parts.joined(separator: "\0").utf8))
    }
}
