internal import SystemCalls

/// The Git commit that a folder stands at, read from the repository's files. Git is never run: hooks, filters and
/// settings of a repository are programs of whoever can write it.
public enum Revision {
    private static let limit = 16 << 20

    /// The commit of all PATHs that lie in a work tree; nil where none does, or where they differ.
    public static func of(_ paths: [String]) -> String? {
        let found = Set(paths.compactMap(commit))
        return found.count == 1 ? found.first : nil
    }

    /// The nearest work tree counts, going up from the PATH.
    private static func commit(_ path: String) -> String? {
        guard path.hasPrefix("/") else { return nil }
        var folder = path
        if (try? Files.status(path).kind) != .directory { folder = parent(path) }
        while true {
            if let repository = repository(folder) { return repository.head() }
            guard folder != "/" else { return nil }
            folder = parent(folder)
        }
    }

    private static func parent(_ path: String) -> String {
        let parts = path.split(separator: "/").dropLast()
        return "/" + parts.joined(separator: "/")
    }

    /// `.git` is a folder, or in a linked work tree or submodule a file that says where it is.
    private static func repository(_ folder: String) -> Repository? {
        guard let status = try? Files.status("\(folder)/.git", followingLinks: false) else { return nil }
        switch status.kind {
        case .directory: return Repository("\(folder)/.git")
        case .regular:
            guard let line = firstLine(folder, ".git"), line.hasPrefix("gitdir: ") else { return nil }
            return Repository(absolute(String(line.dropFirst(8)), in: folder))
        case .link, .other: return nil
        }
    }

    private static func absolute(_ path: String, in folder: String) -> String {
        path.hasPrefix("/") ? path : "\(folder)/\(path)"
    }

    private static func firstLine(_ folder: String, _ name: String) -> String? {
        guard case .file(let bytes)? = try? Files.readBeneath(folder, name, limit: limit) else { return nil }
        return String(decoding: bytes.prefix { $0 != 0x0a && $0 != 0x0d }, as: UTF8.self)
    }

    private struct Repository {
        let folder: String
        /// Where branches are; another folder than `folder` in a linked work tree.
        let common: String

        init(_ folder: String) {
            self.folder = folder
            common = firstLine(folder, "commondir").map { absolute($0, in: folder) } ?? folder
        }

        /// Symbolic references may point at others; five are more than anybody has.
        func head() -> String? {
            var name = "HEAD"
            for _ in 0..<5 {
                guard let line = firstLine(folder, name) ?? firstLine(common, name) else { return packed(name) }
                guard line.hasPrefix("ref: ") else { return Self.isCommit(line) ? line : nil }
                name = String(line.dropFirst(5))
                guard name.hasPrefix("refs/"), !name.split(separator: "/").contains("..") else { return nil }
            }
            return nil
        }

        /// Lines of `packed-refs` are `COMMIT NAME`.
        private func packed(_ name: String) -> String? {
            guard case .file(let bytes)? = try? Files.readBeneath(common, "packed-refs", limit: limit) else {
                return nil
            }
            let wanted = Array(" \(name)".utf8)
            for line in bytes.split(separator: 0x0a) where line.count > 40 && line.suffix(wanted.count) == wanted[...] {
                let commit = String(decoding: line.dropLast(wanted.count), as: UTF8.self)
                return Self.isCommit(commit) ? commit : nil
            }
            return nil
        }

        private static func isCommit(_ text: String) -> Bool {
            [40, 64].contains(text.utf8.count) && text.utf8.allSatisfy { Set("0123456789abcdef".utf8).contains($0) }
        }
    }
}
