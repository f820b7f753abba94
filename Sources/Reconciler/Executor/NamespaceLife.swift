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

    /// The id that a namespace has for the host's, which it gets where it has none: a link that is made in there on an interface
    /// of the host names the host by it.
    func hostID(in reference: NamespaceRef) throws -> Int32 {
        let connection = try connection(in: reference)
        if let id = try connection.namespaceID(descriptor: hostNamespace.rawValue) { return id }
        // The kernel chooses.
        try connection.perform(
            NamespaceIDMessage.set(
                descriptor: hostNamespace.rawValue, id: -1, operation: "name the host in \(reference)"))
        guard let id = try connection.namespaceID(descriptor: hostNamespace.rawValue) else {
            throw StateError("\(reference) has no id for the host's network namespace")
        }
        return id
    }

    /// Only a file that an aborted run of bulkhead left is removed.
    private func makeRoom(at path: String, _ name: String) throws {
        switch try Files.readBeneath(folders.namespaces, name, limit: 4096) {
        case .missing: return
        case .other, .large: throw TakenError(object: "the file \(path.terminalSafe)")
        case .file(let bytes):
            guard OwnershipMark(String(decoding: bytes, as: UTF8.self).prefix { $0 != "\n" }) != nil else {
                throw TakenError(object: "the file \(path.terminalSafe)")
            }
            try Files.remove(path)
        }
    }

    /// Takes the name away. The namespace itself is held until the session ends, so that this can be undone.
    func deleteNamespace(_ name: String) throws {
        if let error = deleteNamespaces([name])[0] { throw error }
    }

    /// Takes the names away; nil for each that went. For each the kernel waits until nobody can be looking at what was bound
    /// there any more: whoever waits at the same time waits together.
    func deleteNamespaces(_ names: [String]) -> [(any Error)?] {
        var results = [(any Error)?](repeating: nil, count: names.count)
        var bound: [Int] = []
        for (position, name) in names.enumerated() {
            do {
                if try openAlone(.named(name)) == nil {
                    try makeRoom(at: path(.named(name)), name)
                } else {
                    bound.append(position)
                }
            } catch {
                results[position] = error
            }
        }
        let paths = bound.map { path(.named(names[$0])) }
        let remove = { @Sendable (path: String) throws in
            try Namespaces.unbind(path)
            try Files.remove(path)
        }
        let removed =
            paths.count < Self.company
            ? paths.map { path in Result { try remove(path) } }
            : NamespaceWorker.start(companions(), count: paths.count, tools: { _ in () }) { position, _, _ in
                try remove(paths[position])
            }.wait()
        for (position, result) in zip(bound, removed) {
            do {
                try result.get()
                release(.named(names[position]))
            } catch {
                results[position] = error
            }
        }
        return results
    }

    /// So many names in a row are worth it.
    private static let company = 8

    /// Threads that only wait, and so may be more than there are cores.
    private func companions() -> [NamespaceWorker] {
        workers + (workers.count..<16).compactMap { _ in try? NamespaceWorker() }
    }

    /// Gives a released namespace its name again: the same one, with all that is in it.
    func bindNamespace(_ name: String, scope: ObjectName) throws {
        let reference = NamespaceRef.named(name)
        let path = path(reference)
        guard let space = released[reference] else { throw SystemError("bind namespace", path, .noEntry) }
        try makeRoom(at: path, name)
        let mark = space.id.flatMap { OwnershipMark.owner(ofNamespace: name, id: $0, scope: scope) }
        try Files.create(path, mark.map { Array(($0.text + "\n").utf8) } ?? [], mode: 0o444)
        try Namespaces.bind(space.descriptor.descriptor, to: path)
        adopt(space, as: reference)
    }
}
