internal import Model
internal import SystemCalls

/// Files below the netns-etc folder, `FOLDER/NAME/FILE`.
///
/// Their first line says whose they are, or the id of the namespace NAME does: whoever is in there writes them. Others may
/// have put one of theirs into the place since the plan was made: that is left alone.
struct NamespaceFiles {
    private let session: HostSession
    private let root: String
    private let scope: ObjectName
    /// Larger than any that is read.
    private static let limit = 64 << 20

    init(_ session: HostSession, _ scope: ObjectName) {
        self.session = session
        root = session.folders.namespaceFiles
        self.scope = scope
    }

    /// In place where the file exists, because processes inside have it mounted; else made whole.
    func write(_ path: String, _ content: String) throws {
        let folder = Self.folder(of: path)
        try Files.makeDirectories(folder)
        guard try Files.status(folder, followingLinks: false).kind == .directory else {
            throw SystemError("write", path, .notDirectory)
        }
        let bytes = Array(content.utf8)
        guard try isOurs(path) else { return try Files.createAtomically(path, in: folder, bytes, mode: 0o644) }
        try Files.writeInPlace(path, bytes)
    }

    /// Removes the file, and its folder where nothing else is in it.
    func remove(_ path: String) throws {
        if try isOurs(path) { try Files.remove(path) }
        let folder = Self.folder(of: path)
        // On a read-only disk the kernel complains before it looks whether there is anything to remove.
        do throws(SystemError) {
            _ = try Files.status(folder, followingLinks: false)
        } catch {
            if error.code == .noEntry { return }
            throw error
        }
        try Files.removeEmptyDirectory(folder)
    }

    /// Whether a file of ours is there; one without contents, which guards nobody's words, counts as ours. Throws where
    /// somebody else's is, or a link leads elsewhere.
    private func isOurs(_ path: String) throws -> Bool {
        let below = path.dropFirst(path.hasPrefix(root + "/") ? root.utf8.count + 1 : 0)
        let isKnown: Bool
        switch try Files.readBeneath(root, String(below), limit: Self.limit) {
        case .missing: return false
        case .other: throw TakenError(object: "the file \(path.terminalSafe)")
        case .large: isKnown = false
        case .file(let bytes):
            let text = String(decoding: bytes, as: UTF8.self)
            isKnown = text.isEmpty || ObservedFile(path: path, content: text).mark?.scope == scope
        }
        if try isKnown || isInOwnedFolder(path) { return true }
        throw TakenError(object: "the file \(path.terminalSafe)")
    }

    /// Whether it lies in the folder of a namespace that is there and ours. What lies there without one was put there by
    /// somebody else, also where the namespace comes back.
    private func isInOwnedFolder(_ path: String) throws -> Bool {
        guard let place = CompartmentFiles.namespace(of: path, below: root), !place.isMark else { return false }
        guard let id = try session.open(.named(place.name))?.id else { return false }
        return OwnershipMark.owner(ofNamespace: place.name, id: id, scope: scope) != nil
    }

    private static func folder(of path: String) -> String {
        String(path.prefix(upTo: path.lastIndex(of: "/") ?? path.startIndex))
    }
}
