public import JSON
public import Model
public import Planner
internal import SystemCalls

/// `STATE/pending`: a change that waits for its confirmation, with all that undoing it takes.
public struct PendingFolder: Sendable {
    let path: String
    let state: String

    /// In these folders.
    public init(_ folders: Folders) { self.init(state: folders.state) }

    init(state: String) {
        self.state = state
        path = "\(state)/pending"
    }

    static let changeFile = "change.json"
    static let outcomeFile = "outcome.json"
    private static let planFile = "plan.json"
    private static let startFile = "start.json"
    private static let guardFile = "guard"
    private static let journalFile = "journal"
    /// Renamed to `revertFile` when the change is to be undone now: that takes no room.
    private static let patienceFile = "patience"
    private static let revertFile = "revert"
    private static let limit = 256 << 20

    /// The pending change; nil where there is none.
    public func change() throws -> PendingChange? {
        guard var change = try document(Self.changeFile, PendingChange.self) else { return nil }
        guard change.format == PendingChange.format else {
            throw StateError(
                "\(path)/\(Self.changeFile) is of another version of bulkhead ('\(change.format.terminalSafe)')")
        }
        // It becomes part of a file's name.
        guard !change.id.isEmpty, change.id.utf8.count <= 16, change.id.utf8.allSatisfy(Self.digits.contains) else {
            throw damaged(Self.changeFile, "its id is none")
        }
        if (try? Files.status("\(path)/\(Self.revertFile)", followingLinks: false)) != nil { change.phase = .reverting }
        return change
    }

    private static let digits = Set("0123456789abcdef".utf8)

    func document<Value: Decodable>(_ file: String, _ type: Value.Type) throws -> Value? {
        guard let bytes = try read(file) else { return nil }
        do {
            return try JSON(parsing: bytes).decode(type)
        } catch {
            throw damaged(file, "\(error)")
        }
    }

    /// A file of the folder; nil where it is missing. Whatever somebody put there is not followed and not waited for.
    func read(_ file: String) throws -> [UInt8]? {
        try checkFolder()
        switch try Files.readBeneath(state, "pending/\(file)", limit: Self.limit) {
        case .missing: return nil
        case .other: throw damaged(file, "it is no regular file")
        case .large: throw damaged(file, "it is larger than any that bulkhead writes")
        case .file(let bytes): return bytes
        }
    }

    private func require(_ file: String) throws -> [UInt8] {
        guard let bytes = try read(file) else { throw damaged(file, "it is gone") }
        return bytes
    }

    private func damaged(_ file: String, _ reason: String) -> StateError {
        StateError("\(path)/\(file) cannot be read (\(reason.terminalSafe)); look at it, then remove \(path)")
    }

    func checkFolder() throws {
        guard let kind = try? Files.status(path, followingLinks: false).kind, kind != .directory else { return }
        throw StateError("\(path) is no folder; look at it, then remove it")
    }

    /// Writes down a change that is about to begin. Only who holds the lock calls this.
    public func begin(
        _ change: PendingChange, _ plan: SavedPlan, start: StartingPoint, readable: JSON, manifests: [[UInt8]]
    ) throws -> Journal {
        try clear()
        try Files.makeDirectory(path, mode: 0o700)
        try checkFolder()
        for (index, text) in manifests.enumerated() {
            try Files.writeAtomically("\(path)/manifest-\(index)", text, mode: 0o600)
        }
        try write(try JSON(encoding: start), to: Self.startFile)
        try write(try plan.document(readable: readable), to: Self.planFile)
        try Files.create("\(path)/\(Self.patienceFile)", [], mode: 0o600)
        let journal = try Journal("\(path)/\(Self.journalFile)")
        try write(change)
        return journal
    }

    /// The plan of the pending change.
    public func plan() throws -> SavedPlan {
        do {
            return try SavedPlan(reading: try require(Self.planFile))
        } catch let error as SavedPlanError {
            throw damaged(Self.planFile, error.description)
        }
    }

    /// The host before the pending change.
    public func start() throws -> StartingPoint {
        guard let start = try document(Self.startFile, StartingPoint.self) else {
            throw damaged(Self.startFile, "it is gone")
        }
        return start
    }

    /// The manifests of the pending change, in their order.
    public func manifests(of change: PendingChange) throws -> [(name: String, bytes: [UInt8])] {
        try change.manifests.enumerated().map { index, name in (name, try require("manifest-\(index)")) }
    }

    /// How many steps of the plan were begun; nil where nobody can tell.
    public func stepsBegun() -> Int? {
        (try? read(Self.journalFile)).flatMap(\.self).flatMap(Journal.stepsBegun)
    }

    /// Writes the change anew, for its phase.
    func write(_ change: PendingChange) throws { try write(try JSON(encoding: change), to: Self.changeFile) }

    func write(_ document: JSON, to file: String) throws {
        try Files.writeAtomically("\(path)/\(file)", Array(document.text(pretty: true).utf8), mode: 0o600)
    }

    /// The change is done and waits from now on; what was written down.
    public func wait(_ change: PendingChange) throws -> PendingChange {
        var change = change
        change.phase = .waiting
        change.deadline = Detachment.bootTime() + UInt64(change.seconds) * 1_000_000_000
        change.until = Timestamp.text(Host.now() + Int64(change.seconds))
        try write(change)
        return change
    }

    /// Asks the guard to undo the change now.
    public func demandRevert() throws {
        let (patience, demand) = ("\(path)/\(Self.patienceFile)", "\(path)/\(Self.revertFile)")
        do throws(SystemError) {
            try Files.rename(patience, to: demand)
        } catch {
            guard error.code == .noEntry else { throw error }
            // Somebody removed it.
            try Files.writeAtomically(demand, [], mode: 0o600)
        }
    }

    /// Removes all that only undoing the change takes.
    func tidy() {
        guard (try? Files.status(path, followingLinks: false).kind) == .directory else { return }
        let kept = Set(marks().map(\.file) + [Self.changeFile, Self.outcomeFile, Self.guardFile])
        for name in (try? Files.list(path)) ?? [] where !kept.contains(name) { try? Files.remove("\(path)/\(name)") }
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
        guard kind == .directory else { return try checkFolder() }
        for file in [Self.outcomeFile, Self.changeFile] { try Files.remove("\(path)/\(file)") }
        // The history does not know yet what the others say.
        for mark in marks() where (try? number(of: mark)) == nil { try Files.remove("\(path)/\(mark.file)") }
        tidy()
    }

    /// Takes the guard's place; nil where a guard is alive.
    func takeGuardLock() throws -> FileLock? {
        let holder = "pid \(Host.processID), since \(Timestamp.text(Host.now()))"
        switch try FileLock.acquire("\(path)/\(Self.guardFile)", holder: holder) {
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

    /// Process id of the guard, as it wrote it down; nil where that cannot be read.
    public func guardProcess() -> Int32? {
        guard let text = (try? read(Self.guardFile)).flatMap(\.self).map({ String(decoding: $0, as: UTF8.self) }),
            text.hasPrefix("pid ")
        else { return nil }
        return Int32(text.dropFirst(4).prefix { $0 != "," })
    }

    /// Whether the change is of an earlier life of the machine, of which the kernel has nothing.
    public func isBeforeReboot(_ change: PendingChange) -> Bool { change.boot != OriginalsFile.bootID() }

    /// A change about to begin, on this boot.
    public static func newChange(
        scope: ObjectName, host: String, seconds: Int, number: Int?, manifests: [String]
    ) -> PendingChange {
        let id = String(UInt64.random(in: .min ... .max), radix: 16)
        return PendingChange(
            id: id, boot: OriginalsFile.bootID(), scope: scope, host: host, user: Host.userName(), seconds: seconds,
            number: number, manifests: manifests)
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
