internal import Model
internal import SystemCalls

/// A bare repository in the state folder, into which single commits are fetched. Nothing is ever checked out: files are
/// read from the objects, so there are no links to follow, no filters, no hooks, and no names that a file system
/// could take for others.
public struct GitRepository: Sendable {
    /// What a reference stands for on the other side.
    public struct Target: Hashable, Sendable {
        /// The commit.
        public let commit: String
        /// The annotated tag that names it, where there is one.
        public let tag: String?
        /// What is fetched.
        var object: String { tag ?? commit }

        /// A commit, and the tag by which it came.
        public init(commit: String, tag: String? = nil) {
            self.commit = commit
            self.tag = tag
        }
    }

    /// What a commit is kept for.
    public enum Keeper: String, Sendable {
        /// It was fetched last.
        case candidate
        /// It is in force.
        case good
    }

    let git: GitProgram
    private let folder: String

    /// Largest pack that is taken.
    private static let packLimit = 256 << 20

    /// The repository of a folder, which is made when the first commit is fetched.
    public init(folder: String) throws(GitError) {
        git = try GitProgram(folder: folder)
        self.folder = folder
    }

    /// Objects are named by SHA-1 or SHA-256, and a repository knows one of them only.
    private func prepare(for target: Target) throws(GitError) {
        // Git would take what is no folder for a pointer to one.
        if (try? Files.status(folder, followingLinks: false).kind) ?? .directory != .directory {
            try? Files.remove(folder)
        }
        let format = target.object.utf8.count == 64 ? "sha256" : "sha1"
        guard (try? Files.status("\(folder)/HEAD", followingLinks: false)) != nil else {
            let command = git.command(
                ["init", "--quiet", "--bare", "--template=", "--object-format=\(format)", "--", folder])
            _ = try git.output(command, "make the repository \(folder.terminalSafe)")
            return
        }
        let known = try git.output(
            git.command(["rev-parse", "--show-object-format"]), "look at \(folder.terminalSafe)")
        guard String(decoding: known, as: UTF8.self) == format + "\n" else {
            throw GitError(
                .unavailable,
                "\(folder.terminalSafe) knows no objects of \(format), to which the repository has changed")
        }
    }

    /// Whether the copy is whole, and of the kind that the repository has now: what went wrong is not its doing.
    public func isSound(for target: Target) -> Bool {
        guard (try? Files.status("\(folder)/HEAD", followingLinks: false)) != nil else { return true }
        guard (try? prepare(for: target)) != nil else { return false }
        var command = git.command(["fsck", "--full", "--no-dangling", "--no-progress"])
        command.secondsLimit = 600
        guard let result = try? git.run(command, "check \(folder)") else { return true }
        return result.ending == .exited(0)
    }

    /// Removes the copy with all that it holds; the next fetch makes another.
    public func discard() throws(GitError) {
        do throws(SystemError) {
            try Files.removeTree(folder)
        } catch {
            throw GitError(.unavailable, "the damaged copy \(folder.terminalSafe) could not be removed: \(error)")
        }
    }

    /// Asks the other side what a reference stands for.
    public func resolve(_ reference: GitReference, at address: RepositoryAddress) throws(GitError) -> Target {
        if let commit = reference.commit { return Target(commit: commit) }
        try address.requireTrust()
        let names = reference.candidates
        var command = git.command(
            ["ls-remote", "--quiet", "--", address.description] + names + names.map { "\($0)^{}" },
            transport: address.transport)
        command.outputLimit = 16 << 20
        // Of the copy, which may be damaged, nothing is needed.
        command.environment.insert("GIT_DIR=\(folder)/none", at: 0)
        let output = try git.output(command, "ask \(address.description.terminalSafe)")
        var objects: [String: String] = [:]
        for line in String(decoding: output, as: UTF8.self).split(separator: "\n") {
            let fields = line.split(separator: "\t")
            guard fields.count == 2, GitReference.ObjectID.isOne(fields[0]) else { continue }
            objects[String(fields[1])] = String(fields[0])
        }
        for name in names {
            guard let object = objects[name] else { continue }
            guard let commit = objects["\(name)^{}"] else { return Target(commit: object) }
            return Target(commit: commit, tag: object)
        }
        throw GitError(
            .missing,
            "\(address.description.terminalSafe) has no branch and no tag '\(reference.description.terminalSafe)'")
    }

    /// Fetches a commit without its history, unless it was fetched last. What comes is checked object by object.
    public func fetch(_ target: Target, from address: RepositoryAddress) throws(GitError) {
        // Whoever ended both at once left nobody to tidy up.
        removeRemains()
        try prepare(for: target)
        guard kept(as: .candidate) != target.object else { return }
        try address.requireTrust()
        let what = "fetch \(target.commit.prefix(12)) from \(address.description.terminalSafe)"
        var command = git.command(
            [
                "fetch", "--quiet", "--no-tags", "--depth=1", "--no-recurse-submodules", "--no-auto-maintenance",
                "--no-write-fetch-head", "--force", "--", address.description,
                "+\(target.object):\(Self.reference(.candidate))",
            ], transport: address.transport)
        command.fileSizeLimit = Self.packLimit
        command.secondsLimit = 600
        let result = try git.run(command, what)
        let isCut = result.ending != .exited(0) && removeRemains()
        let words = GitWords(result.errors).text
        if words.contains("fsck error") { throw GitError(.refused, "\(what): \(words)") }
        // Git's own child wrote too much (SIGXFSZ), of which git says the one thing or the other.
        if isCut || words.contains("died of signal 25") {
            throw GitError(.tooLarge, "\(what): it is larger than \(Self.packLimit >> 20) MiB")
        }
        _ = try git.output(result, of: command, what)
        try tidy()
    }

    /// A tag may name a tree or a file as well.
    public func requireCommit(_ target: Target) throws(GitError) {
        let what = "look at \(target.commit.prefix(12))"
        let type = try git.output(git.command(["cat-file", "-t", target.commit]), what)
        let word = String(decoding: type.filter { $0 != 0x0a }, as: UTF8.self)
        guard word == "commit" else {
            throw GitError(.refused, "\(target.commit.prefix(12)) is no commit, but a \(word.terminalSafe)")
        }
    }

    /// Keeps a commit until another takes its place.
    public func keep(_ target: Target, as keeper: Keeper) throws(GitError) {
        let command = git.command(["update-ref", Self.reference(keeper), target.object])
        _ = try git.output(command, "keep \(target.commit.prefix(12))")
    }

    private func kept(as keeper: Keeper) -> String? {
        let command = git.command(["rev-parse", "--quiet", "--verify", Self.reference(keeper)])
        guard let result = try? git.run(command, ""), result.ending == .exited(0) else { return nil }
        return String(decoding: result.output.filter { $0 != 0x0a }, as: UTF8.self)
    }

    private static func reference(_ keeper: Keeper) -> String { "refs/bulkhead/\(keeper.rawValue)" }

    /// Removes what a git that was killed left half written, and its locks: nobody else is at work here, for a round has a
    /// lock of its own. Whether a pack was among it that had reached the limit.
    @discardableResult
    private func removeRemains() -> Bool {
        let packs = "\(folder)/objects/pack"
        var isCut = false
        for name in (try? Files.list(packs)) ?? [] where name.hasPrefix("tmp_") {
            let path = "\(packs)/\(name)"
            isCut = isCut || ((try? Files.status(path, followingLinks: false).size) ?? 0) >= Self.packLimit
            try? Files.remove(path)
        }
        for keeper in [Keeper.candidate, .good] { try? Files.remove("\(folder)/\(Self.reference(keeper)).lock") }
        for name in ["HEAD", "config", "packed-refs", "shallow"] { try? Files.remove("\(folder)/\(name).lock") }
        return isCut
    }

    /// Each fetch brings a pack; what no kept commit needs goes as soon as there are many, or large ones.
    private func tidy() throws(GitError) {
        let places = "\(folder)/objects/pack"
        let packs = ((try? Files.list(places)) ?? []).filter { $0.hasSuffix(".pack") }
        let bytes = packs.reduce(0) { $0 + ((try? Files.status("\(places)/\($1)", followingLinks: false).size) ?? 0) }
        guard packs.count > 8 || packs.count > 2 && bytes > Self.packLimit / 4 else { return }
        var command = git.command(["gc", "--quiet", "--prune=now"])
        command.secondsLimit = 600
        _ = try git.output(command, "tidy \(folder.terminalSafe)")
    }
}
