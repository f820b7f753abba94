public import JSON
public import Model
public import Planner
internal import SystemCalls

/// `STATE/pending`: a change that waits for its confirmation, with all that undoing it takes.
public struct PendingFolder: Sendable {
    let path: String

    /// In these folders.
    public init(_ folders: Folders) { path = "\(folders.state)/pending" }

    private var changeFile: String { "\(path)/change.json" }
    private var outcomeFile: String { "\(path)/outcome.json" }
    private var planFile: String { "\(path)/plan.json" }
    private var journalFile: String { "\(path)/journal" }
    private var guardFile: String { "\(path)/guard" }
    private static let limit = 256 << 20

    /// The pending change; nil where there is none.
    public func change() throws -> PendingChange? {
        guard let change = try document(changeFile, PendingChange.self) else { return nil }
        guard change.format == PendingChange.format else {
            throw StateError("\(changeFile) is of another version of bulkhead ('\(change.format.terminalSafe)')")
        }
        return change
    }

    /// What became of a change that is not pending any more and was undone; nil where it was confirmed.
    public func outcome(of change: PendingChange) throws -> PendingOutcome? {
        try document(outcomeFile, PendingOutcome.self).flatMap { $0.id == change.id ? $0 : nil }
    }

    private func document<Value: Decodable>(_ file: String, _ type: Value.Type) throws -> Value? {
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try Files.read(file, limit: Self.limit)
        } catch {
            if error.code == .noEntry || error.code == .notDirectory { return nil }
            throw error
        }
        do {
            return try JSON(parsing: bytes).decode(type)
        } catch {
            throw StateError("\(file) cannot be read (\(error)); look at it, then remove \(path)")
        }
    }

    /// Writes down a change that is about to begin. Only who holds the lock calls this.
    public func begin(
        _ change: PendingChange, _ plan: SavedPlan, readable: JSON, manifests: [[UInt8]]
    ) throws -> Journal {
        try clear()
        try Files.makeDirectory(path, mode: 0o700)
        guard try Files.status(path, followingLinks: false).kind == .directory else {
            throw StateError("\(path) is no folder")
        }
        for (index, text) in manifests.enumerated() {
            try Files.writeAtomically("\(path)/manifest-\(index)", text, mode: 0o600)
        }
        let text = try plan.document(readable: readable).text(pretty: false)
        try Files.writeAtomically(planFile, Array(text.utf8), mode: 0o600)
        let journal = try Journal(journalFile)
        try write(change)
        return journal
    }

    /// The plan of the pending change.
    public func plan() throws -> SavedPlan { try SavedPlan(reading: try Files.read(planFile, limit: Self.limit)) }

    /// The manifests of the pending change, in their order.
    public func manifests(of change: PendingChange) throws -> [(name: String, bytes: [UInt8])] {
        try change.manifests.enumerated().map { index, name in
            (name, try Files.read("\(path)/manifest-\(index)", limit: Self.limit))
        }
    }

    /// How many steps of the plan were begun.
    public func stepsBegun() -> Int { Journal.stepsBegun(journalFile) }

    /// Writes the change anew, for its phase.
    func write(_ change: PendingChange) throws {
        let text = try JSON(encoding: change).text(pretty: true)
        try Files.writeAtomically(changeFile, Array(text.utf8), mode: 0o600)
    }

    /// The change is done and waits from now on; what was written down.
    public func wait(_ change: PendingChange, number: Int?) throws -> PendingChange {
        var change = change
        change.phase = .waiting
        change.number = number
        change.deadline = Detachment.bootTime() + UInt64(change.seconds) * 1_000_000_000
        change.until = Timestamp.text(Host.now() + Int64(change.seconds))
        try write(change)
        return change
    }

    /// Asks the guard to undo the change now.
    public func demandRevert(_ change: PendingChange) throws {
        var change = change
        change.phase = .reverting
        try write(change)
    }

    /// Ends it: nothing is pending from now on, and the change stays.
    public func end() throws {
        try Files.remove(changeFile)
        tidy()
    }

    /// Ends a change that was undone. That it is undone does not depend on whether it can be written down.
    func finish(_ outcome: PendingOutcome) {
        if let text = try? JSON(encoding: outcome).text(pretty: true) {
            try? Files.writeAtomically(outcomeFile, Array(text.utf8), mode: 0o600)
        }
        try? Files.remove(changeFile)
        tidy()
    }

    private func tidy() {
        guard (try? Files.status(path, followingLinks: false).kind) == .directory else { return }
        for name in (try? Files.list(path)) ?? [] where !["outcome.json", "guard"].contains(name) {
            try? Files.remove("\(path)/\(name)")
        }
    }

    /// Whether the folder is there.
    var exists: Bool { (try? Files.status(path)) != nil }

    /// Writes a change down again whose folder somebody removed: its time is over.
    func restore(_ change: PendingChange) throws {
        try Files.makeDirectories(path, mode: 0o700)
        var change = change
        change.phase = .waiting
        change.deadline = 0
        try write(change)
    }

    private func clear() throws {
        guard let kind = try? Files.status(path, followingLinks: false).kind else { return }
        guard kind == .directory else { throw StateError("\(path) is no folder") }
        try Files.remove(outcomeFile)
        if (try? Files.status(changeFile)) != nil { try end() }
    }

    /// Takes the guard's place; nil where a guard is alive.
    func takeGuardLock() throws -> FileLock? {
        let holder = "pid \(Host.processID), since \(Timestamp.text(Host.now()))"
        switch try FileLock.acquire(guardFile, holder: holder) {
        case .acquired(let lock): return lock
        case .held: return nil
        }
    }

    /// Whether a guard is at its post: it holds the lock of its file.
    public func isGuarded() -> Bool {
        guard exists else { return false }
        do {
            guard let lock = try takeGuardLock() else { return true }
            lock.release()
            return false
        } catch {
            // What cannot be asked counts as unguarded: nothing is begun then, and nobody waits for it.
            return false
        }
    }

    /// Whether the change is of an earlier life of the machine, of which the kernel has nothing.
    public func isBeforeReboot(_ change: PendingChange) -> Bool { change.boot != OriginalsFile.bootID() }

    /// A change about to begin, on this boot.
    public static func newChange(
        scope: ObjectName, host: String, seconds: Int, manifests: [String]
    ) -> PendingChange {
        let id = String(UInt64.random(in: .min ... .max), radix: 16)
        return PendingChange(
            id: id, boot: OriginalsFile.bootID(), scope: scope, host: host, user: Host.userName(), seconds: seconds,
            manifests: manifests)
    }
}

extension PendingChange {
    /// Seconds until it is undone; nil before it waits, 0 where the time is up.
    public var secondsLeft: Int? {
        deadline.map { deadline in
            let now = Detachment.bootTime()
            return deadline > now ? Int((deadline - now + 999_999_999) / 1_000_000_000) : 0
        }
    }

    /// Whether the time is up.
    public var isOver: Bool { deadline.map { Detachment.bootTime() >= $0 } ?? false }
}
