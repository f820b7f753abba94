internal import Model
internal import NetlinkClient
internal import NetlinkCodec
internal import SystemCalls

/// Making and unmaking named namespaces.
extension HostSession {
    /// A namespace that nobody can reach gets its mark first, then its name: whatever is bound in the folder is marked.
    ///
    /// The file says whose it is until the namespace is bound over it, so that a run that died in between leaves
    /// nothing that the next one does not know.
    func createNamespace(_ name: String, mark: OwnershipMark, id: Int32) throws {
        let path = path(.named(name))
        try Namespaces.prepare(folder: folders.namespaces)
        let descriptor = try workers[0].createNamespace()
        try connection.perform(
            NamespaceIDMessage.set(descriptor: descriptor.rawValue, id: id, operation: "mark namespace \(name)"))
        try makeRoom(at: path, name)
        try Files.create(path, Array((mark.text + "\n").utf8), mode: 0o444)
        do throws(SystemError) {
            try Namespaces.bind(descriptor.descriptor, to: path)
        } catch {
            try Files.remove(path)
            throw error
        }
        let inode = try Files.status(of: descriptor.descriptor, path).inode
        adopt(OpenNamespace(descriptor: descriptor, inode: inode, id: id), as: .named(name))
    }

    /// Only a file that an aborted run of bulkhead left is removed.
    private func makeRoom(at path: String, _ name: String) throws {
        guard case .file(let bytes) = try Files.readBeneath(folders.namespaces, name, limit: 4096) else { return }
        let text = String(decoding: bytes, as: UTF8.self)
        guard OwnershipMark(text.prefix { $0 != "\n" }) != nil else { return }
        try Files.remove(path)
    }

    /// Takes the name away. The namespace itself is held until the session ends, so that this can be undone.
    func deleteNamespace(_ name: String) throws {
        let reference = NamespaceRef.named(name)
        _ = try open(reference)
        try Namespaces.unbind(path(reference))
        try Files.remove(path(reference))
        release(reference)
    }

    /// Gives a released namespace its name again: the same one, with all that is in it.
    func bindNamespace(_ name: String) throws {
        let reference = NamespaceRef.named(name)
        guard let space = released[reference] else {
            throw SystemError("bind namespace", path(reference), .noEntry)
        }
        try Files.create(path(reference), [], mode: 0o444)
        try Namespaces.bind(space.descriptor.descriptor, to: path(reference))
        adopt(space, as: reference)
    }
}

/// Files below the netns-etc folder, `FOLDER/NAME/FILE`.
enum NamespaceFiles {
    /// In place where the file exists, because processes inside have it mounted; else made whole.
    static func write(_ path: String, _ content: String) throws(SystemError) {
        let folder = String(path.prefix(upTo: path.lastIndex(of: "/") ?? path.startIndex))
        try Files.makeDirectories(folder)
        guard try Files.status(folder, followingLinks: false).kind == .directory else {
            throw SystemError("write", path, .notDirectory)
        }
        let bytes = Array(content.utf8)
        do throws(SystemError) {
            try Files.writeInPlace(path, bytes)
        } catch {
            guard error.code == .noEntry else { throw error }
            try Files.createAtomically(path, in: folder, bytes, mode: 0o644)
        }
    }

    /// Removes the file, and its folder where nothing else is in it.
    static func remove(_ path: String) throws(SystemError) {
        let folder = String(path.prefix(upTo: path.lastIndex(of: "/") ?? path.startIndex))
        try Files.remove(path)
        try Files.removeEmptyDirectory(folder)
    }
}
