internal import Model
internal import Planner
internal import SystemCalls

/// Makes bulkhead's part of FRR's configuration what an operation says, from whatever of it is there.
struct RoutingWriter {
    private let folders: Folders
    private let scope: ObjectName

    init(_ folders: Folders, _ scope: ObjectName) {
        self.folders = folders
        self.scope = scope
    }

    func apply(_ change: RoutingChange) throws {
        switch change.place {
        case .running: try configure(change.part)
        case .startup: try write(change.part)
        }
    }

    private func configure(_ part: RoutingPart?) throws {
        guard let shell = RoutingShell(folders) else {
            // Without FRR there is nothing to take away.
            if part == nil { return }
            throw StateError("FRR: \(RoutingShell.absence)")
        }
        let found = try RoutingReading(folders).running()
        try check(found, "FRR's peer group \(RoutingPart.group)")
        let lines = RoutingCommands.lines(from: found, to: part)
        if !lines.isEmpty { try shell.configure(lines) }
    }

    /// Owner and mode of the file stay: FRR's daemons, which are not root, read it.
    private func write(_ part: RoutingPart?) throws {
        guard let (path, content) = try RoutingReading(folders).startupFile() else {
            if part == nil { return }
            throw SystemError("write", "\(folders.routingFiles)/frr.conf", .noEntry)
        }
        guard let content else { throw TakenError(object: "the file \(path.terminalSafe)") }
        try check(RoutingConfiguration(content), "the peer group \(RoutingPart.group) in \(path.terminalSafe)")
        let text = RoutingFile.replacing(content, with: part)
        if text == content { return }
        try Files.replaceAtomically(path, Array(text.utf8))
    }

    private func check(_ found: RoutingConfiguration, _ object: String) throws {
        guard let mark = found.part?.mark, mark.scope != scope else { return }
        throw TakenError(object: object)
    }
}
