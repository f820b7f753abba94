internal import Model
internal import SystemCalls

/// A file, link or submodule of a commit.
public struct TreeEntry: Hashable, Sendable {
    /// What it is.
    public enum Kind: Hashable, Sendable {
        /// An ordinary file.
        case file
        /// A symbolic link; its contents are where it leads.
        case link
        /// A commit of another repository.
        case submodule
    }

    /// What it is.
    public let kind: Kind
    /// Name of its contents.
    public let object: String
    /// Bytes; 0 for a submodule.
    public let size: Int
    /// Names of the folders it lies in, and its own, as bytes: nothing says that they are text.
    public let path: [[UInt8]]

    /// A record of `git ls-tree -r -z -l`: `MODE TYPE OBJECT SIZE<tab>PATH`.
    init?(_ record: ArraySlice<UInt8>) {
        guard let tab = record.firstIndex(of: 0x09) else { return nil }
        let fields = record[..<tab].split(separator: 0x20).map { String(decoding: $0, as: UTF8.self) }
        guard fields.count == 4, GitReference.ObjectID.isOne(fields[2]) else { return nil }
        switch (fields[0], fields[1]) {
        case ("160000", "commit"): kind = .submodule
        case ("120000", "blob"): kind = .link
        case (let mode, "blob") where mode.hasPrefix("100"): kind = .file
        case _: return nil
        }
        object = fields[2]
        size = kind == .submodule ? 0 : Int(fields[3]) ?? .max
        path = record[(tab + 1)...].split(separator: 0x2f, omittingEmptySubsequences: false).map(Array.init)
    }
}

extension GitRepository {
    /// Most bytes of a listing, some 100 000 names.
    private static let listingLimit = 16 << 20

    /// All files, links and submodules below a folder of a fetched commit.
    public func entries(of target: Target, below path: GitPath) throws(GitError) -> [TreeEntry] {
        let place = path.description.isEmpty ? "" : " below \(path.description.terminalSafe)"
        let what = "list commit \(target.commit.prefix(12))\(place)"
        let folder = "\(target.commit):\(path.description)"
        let type = try? git.output(git.command(["cat-file", "-t", folder]), what)
        guard let type, String(decoding: type, as: UTF8.self) == "tree\n" else {
            throw GitError(
                .missing, "commit \(target.commit.prefix(12)) has no folder '\(path.description.terminalSafe)' (--path)"
            )
        }
        var command = git.command(["ls-tree", "-r", "-z", "-l", "--full-tree", folder])
        command.outputLimit = Self.listingLimit
        let output = try git.output(command, what)
        return try output.split(separator: 0).map { record throws(GitError) in
            guard let entry = TreeEntry(record) else {
                let words = String(decoding: record.prefix(200), as: UTF8.self).terminalSafe
                throw GitError(.refused, "\(what): git printed what bulkhead does not know: \(words)")
            }
            return entry
        }
    }

    /// Contents of files and links, in their order; the sum of their sizes is bounded by whoever asks.
    public func contents(of entries: [TreeEntry]) throws(GitError) -> [[UInt8]] {
        guard !entries.isEmpty else { return [] }
        var command = git.command(["cat-file", "--batch"])
        command.input = Array(entries.map { "\($0.object)\n" }.joined().utf8)
        command.outputLimit = entries.reduce(0) { $0 + $1.size + 128 }
        let output = try git.output(command, "read \(entries.count) files")
        var rest = output[...]
        return try entries.map { entry throws(GitError) in
            let head = Array("\(entry.object) blob \(entry.size)\n".utf8)
            guard rest.starts(with: head), rest.count > head.count + entry.size else {
                throw GitError(.refused, "read object \(entry.object): git printed something else")
            }
            let text = rest.dropFirst(head.count).prefix(entry.size)
            rest = rest.dropFirst(head.count + entry.size + 1)
            return Array(text)
        }
    }
}
