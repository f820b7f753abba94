internal import Git
internal import Manifest
internal import Model

/// The manifests in a folder of a commit: what `InputLoader` would find in a work tree of it, and nothing from outside
/// of the folder.
struct TreeLoader {
    /// Everything that was read.
    private(set) var sources: [SourceText] = []
    /// What stands against reading the rest.
    private(set) var problems: [Diagnostic] = []

    private typealias Bytes = [UInt8]
    private var chosen: [(name: String, entry: TreeEntry)] = []
    private var seen: Set<[Bytes]> = []
    private var files: [[Bytes]: TreeEntry] = [:]
    private var folders: Set<[Bytes]> = []
    private var ignores: [[Bytes]: IgnorePatterns] = [:]
    private let prefix: String

    /// Most files, links and submodules in the folder.
    static let entryLimit = 50_000
    /// Most bytes of manifests.
    static let byteLimit = 64 << 20
    /// Longest text of a link, and of ignore patterns, that is read.
    private static let linkLimit = 4095
    private static let ignoreLimit = 1 << 20

    /// Reads what is below a folder of a fetched commit.
    init(_ repository: GitRepository, _ target: GitRepository.Target, _ path: GitPath) throws {
        prefix = path.description.isEmpty ? "" : path.description + "/"
        let entries = try repository.entries(of: target, below: path)
        guard entries.count <= Self.entryLimit else {
            fail("\(entries.count) files; at most \(Self.entryLimit) may lie below --path")
            return
        }
        index(entries)
        try readIgnores(entries, repository)
        let visible = entries.filter { !isHidden($0) && !isIgnored($0) }
        let links = visible.filter { $0.kind == .link }
        let readable = links.filter { $0.size <= Self.linkLimit }
        let targets = Dictionary(
            zip(readable.map(\.path), try repository.contents(of: readable)), uniquingKeysWith: { first, _ in first })
        for entry in visible { visit(entry, leadsTo: targets[entry.path]) }
        try readChosen(repository)
    }

    private mutating func fail(_ message: String) { problems.append(Diagnostic(.error, message, at: nil)) }

    private mutating func index(_ entries: [TreeEntry]) {
        for entry in entries {
            files[entry.path] = entry
            for count in 0..<entry.path.count { folders.insert(Array(entry.path.prefix(count))) }
        }
    }

    private mutating func readIgnores(_ entries: [TreeEntry], _ repository: GitRepository) throws {
        let name = Bytes(".bulkheadignore".utf8)
        let found = entries.filter { $0.kind == .file && $0.path.last == name && $0.size <= Self.ignoreLimit }
        guard found.reduce(0, { $0 + $1.size }) <= Self.byteLimit else {
            return fail("the .bulkheadignore files are larger than \(Self.byteLimit >> 20) MiB")
        }
        for (entry, bytes) in zip(found, try repository.contents(of: found)) {
            ignores[entry.path.dropLast()] = IgnorePatterns(String(decoding: bytes, as: UTF8.self))
        }
    }

    private func isHidden(_ entry: TreeEntry) -> Bool { entry.path.contains { $0.first == UInt8(ascii: ".") } }

    /// A folder that is ignored is so with all that it holds.
    private func isIgnored(_ entry: TreeEntry) -> Bool {
        guard !ignores.isEmpty else { return false }
        let names = entry.path.map { String(decoding: $0, as: UTF8.self) }
        return (1...names.count).contains { count in
            var verdict = false
            for depth in 0..<count {
                guard let patterns = ignores[Array(entry.path.prefix(depth))] else { continue }
                let isFolder = count < names.count || entry.kind == .submodule
                verdict = patterns.verdict(Array(names[depth..<count]), isFolder: isFolder) ?? verdict
            }
            return verdict
        }
    }

    private mutating func visit(_ entry: TreeEntry, leadsTo target: Bytes?) {
        let shown = name(entry.path)
        let isManifest = shown.hasSuffix(".yaml") || shown.hasSuffix(".yml")
        switch entry.kind {
        case .file: if isManifest { choose(shown, entry) }
        case .submodule:
            fail(
                "\(shown.terminalSafe) is a submodule, which is not read; name it in a .bulkheadignore to leave it out")
        case .link:
            guard let target, let path = Self.follow(target, from: entry.path.dropLast()) else {
                return fail(
                    "\(shown.terminalSafe) is a link that leads out of \(prefix.isEmpty ? "the repository" : prefix.terminalSafe); "
                        + "put the file itself there")
            }
            // What is in a folder is read where it is.
            if folders.contains(path) { return }
            guard isManifest else { return }
            guard let file = files[path], file.kind == .file else {
                return fail("\(shown.terminalSafe) is a link to nothing, or to another link; put the file itself there")
            }
            choose(shown, file)
        }
    }

    private func name(_ path: [Bytes]) -> String {
        prefix + path.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "/")
    }

    private mutating func choose(_ shown: String, _ entry: TreeEntry) {
        guard entry.path.allSatisfy({ String(validating: $0, as: UTF8.self) != nil }) else {
            return fail("\(shown.terminalSafe): the name is not UTF-8; rename it")
        }
        if seen.insert(entry.path).inserted { chosen.append((shown, entry)) }
    }

    /// Where a link leads, from the text of it alone; nil where that is outside.
    private static func follow(_ target: Bytes, from folder: [Bytes]) -> [Bytes]? {
        guard target.first != UInt8(ascii: "/") else { return nil }
        var path = folder
        for part in target.split(separator: UInt8(ascii: "/")) {
            if part.elementsEqual(".".utf8) { continue }
            guard part.elementsEqual("..".utf8) else {
                path.append(Bytes(part))
                continue
            }
            if path.popLast() == nil { return nil }
        }
        return path
    }

    private mutating func readChosen(_ repository: GitRepository) throws {
        guard problems.isEmpty else { return }
        for (shown, entry) in chosen where entry.size > Decoder.byteLimit {
            fail("\(shown.terminalSafe): larger than \(Decoder.byteLimit >> 20) MiB")
        }
        let bytes = chosen.reduce(0) { $0 + min($1.entry.size, Self.byteLimit + 1) }
        if bytes > Self.byteLimit { fail("the manifests are larger than \(Self.byteLimit >> 20) MiB together") }
        if chosen.isEmpty {
            fail("no manifests (*.yaml, *.yml) in \(prefix.isEmpty ? "the repository" : prefix.terminalSafe)")
        }
        guard problems.isEmpty else { return }
        let texts = try repository.contents(of: chosen.map(\.entry))
        sources = zip(chosen, texts).map { SourceText(name: $0.name, bytes: $1) }
    }
}
