internal import Manifest
internal import Model
internal import Reconciler
internal import SystemCalls

/// Reads the files behind the PATHs of a command line.
struct InputLoader {
    /// Everything that was read.
    private(set) var sources: [SourceText] = []
    /// What stands against reading the rest.
    private(set) var problems: [Diagnostic] = []
    private var seen: Set<String> = []
    private var seenFolders: Set<String> = []

    /// Most files that one input may have.
    private static let fileLimit = 100_000
    /// Deepest folder.
    private static let depthLimit = 64

    /// Reads files, folders and standard input, in the order given.
    init(_ paths: [String]) {
        for path in paths {
            if path == "-" { readStandardInput() } else { readPath(path) }
        }
        if sources.isEmpty && problems.isEmpty {
            fail("no manifests (*.yaml, *.yml) in \(paths.map(\.terminalSafe).joined(separator: ", "))")
        }
    }

    private mutating func fail(_ message: String) {
        problems.append(Diagnostic(.error, message, at: nil))
    }

    private mutating func readStandardInput() {
        do {
            sources.append(SourceText(name: "<stdin>", bytes: try Host.readStandardInput(limit: Decoder.byteLimit + 1)))
        } catch {
            fail("read standard input: \(error)")
        }
    }

    private mutating func readPath(_ path: String) {
        do {
            let real = try Files.realPath(path)
            switch try Files.status(real).kind {
            case .directory:
                let prefix = path == "." ? "" : path.hasSuffix("/") ? path : path + "/"
                readFolder(Folder(real: real, shown: prefix, root: real, parts: [], ignores: []))
            case .regular: readFile(path, real: real)
            // A pipe would be waited for, maybe for ever.
            case .link, .other:
                fail("\(path.terminalSafe) is neither a file nor a folder; to read from a pipe, give - and pipe it in")
            }
        } catch {
            fail(
                "\(path.terminalSafe): \(error.code.name) (\(error.code.text)); give files, folders or - for standard input"
            )
        }
    }

    private mutating func readFile(_ shown: String, real: String) {
        guard seen.insert(real).inserted else { return }
        guard sources.count < Self.fileLimit else {
            if sources.count == Self.fileLimit { fail("more than \(Self.fileLimit) files") }
            return
        }
        do {
            // One byte more than allowed, so that the decoder sees that it is too much.
            sources.append(SourceText(name: shown, bytes: try Files.readPrefix(real, limit: Decoder.byteLimit + 1)))
        } catch {
            fail("read \(shown.terminalSafe): \(words(error))")
        }
    }

    /// What the kernel said. Of remedies for what is its own only one fits files of manifests, too.
    private func words(_ error: SystemError) -> String {
        "\(error.code.name) (\(error.code.text))\(error.code == .tooManyFiles ? Remedy.of(error) : "")"
    }

    /// A folder under way: its real path, how names in it are shown, and the ignore files above it.
    private struct Folder {
        var real: String
        var shown: String
        var root: String
        var parts: [String]
        var ignores: [(depth: Int, patterns: IgnorePatterns)]

        func ignores(_ name: String, isFolder: Bool) -> Bool {
            let path = parts + [name]
            var verdict = false
            for (depth, patterns) in ignores {
                verdict = patterns.verdict(Array(path[depth...]), isFolder: isFolder) ?? verdict
            }
            return verdict
        }
    }

    private mutating func readFolder(_ folder: Folder) {
        var folder = folder
        guard seenFolders.insert(folder.real).inserted else { return }
        guard folder.parts.count < Self.depthLimit else {
            return fail("\(folder.shown.terminalSafe): folders are nested deeper than \(Self.depthLimit)")
        }
        do {
            if case .file(let bytes) = try Files.readBeneath(folder.real, ".bulkheadignore", limit: 1 << 20) {
                let patterns = IgnorePatterns(String(decoding: bytes, as: UTF8.self))
                folder.ignores.append((folder.parts.count, patterns))
            }
            for name in try Files.list(folder.real) where !name.hasPrefix(".") { try visit(name, in: folder) }
        } catch {
            fail("read folder \(folder.shown.terminalSafe): \(words(error))")
        }
    }

    private mutating func visit(_ name: String, in folder: Folder) throws(SystemError) {
        let path = "\(folder.real)/\(name)"
        let shown = folder.shown + name
        let isManifest = name.hasSuffix(".yaml") || name.hasSuffix(".yml")
        var kind = try Files.status(path, followingLinks: false).kind
        var real = path
        if kind == .link {
            guard !folder.ignores(name, isFolder: false) else { return }
            guard let target = try? Files.realPath(path), let status = try? Files.status(target) else {
                if isManifest { fail("\(shown.terminalSafe) is a link to nothing") }
                return
            }
            let isInside = target == folder.root || target.hasPrefix(folder.root == "/" ? "/" : folder.root + "/")
            guard isInside else {
                if isManifest || status.kind == .directory {
                    fail(
                        "\(shown.terminalSafe) is a link that leads out of \(folder.root.terminalSafe); put the file itself there, "
                            + "or give its place as a PATH of its own")
                }
                return
            }
            (kind, real) = (status.kind, target)
        }
        guard !folder.ignores(name, isFolder: kind == .directory) else { return }
        switch kind {
        case .directory:
            readFolder(
                Folder(
                    real: real, shown: shown + "/", root: folder.root, parts: folder.parts + [name],
                    ignores: folder.ignores))
        case .regular: if isManifest { readFile(shown, real: real) }
        case .link, .other: break
        }
    }
}
