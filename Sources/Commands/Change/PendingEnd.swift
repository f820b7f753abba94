internal import Manifest
internal import Model
internal import Planner
internal import Reconciler
internal import SystemCalls

/// The ways in which a pending change ends.
struct PendingEnd {
    let global: GlobalOptions
    let folder: PendingFolder

    init(_ global: GlobalOptions) throws {
        self.global = global
        folder = PendingFolder(try global.folders())
    }

    /// What became of it.
    enum Result {
        case confirmed
        case reverted(left: [String])
    }

    /// Lets nobody write while a change is pending. One that nobody guards any more is undone first where its time is
    /// up, and one from before a restart of the machine is gone with it.
    func settle(_ state: StateFolder) throws {
        guard let change = try folder.change() else { return }
        if folder.isBeforeReboot(change) {
            try forget(change, state)
            return global.say("note: a change that nobody confirmed was undone by the restart of the machine")
        }
        let isGuarded = folder.isGuarded()
        guard !isGuarded, change.phase != .waiting || change.isOver else {
            throw Complaint(Self.refusal(change, isGuarded: isGuarded), .locked)
        }
        global.say("A change that nobody confirmed in time lost its guard; it is undone first.")
        try report(try revertHere(change, state))
    }

    private func forget(_ change: PendingChange, _ state: StateFolder) throws {
        try folder.end(change, as: .reverted)
        if let number = change.number { try? state.rewriteResult(of: number, to: .reverted) }
    }

    private static func refusal(_ change: PendingChange, isGuarded: Bool) -> String {
        guard let left = change.secondsLeft, let until = change.until, change.phase == .waiting, left > 0 else {
            return "a change of scope \(change.scope) is being undone; nothing was changed, so try again in a moment"
        }
        let lost = isGuarded ? "" : "its guard died; "
        return "a change of scope \(change.scope) by \(change.user.terminalSafe) waits for confirmation until \(until) "
            + "(\(left) s left); \(lost)`bulkhead confirm` keeps it, `bulkhead revert` undoes it; nothing was changed"
    }

    /// Keeps the pending change; with an id only that one.
    func confirm(_ id: String? = nil) throws {
        let state = try lock()
        defer { state.release() }
        guard let change = try folder.change(), !folder.isBeforeReboot(change), id.map({ $0 == change.id }) ?? true
        else { throw Self.nothing }
        guard change.phase == .waiting, !change.isOver || !folder.isGuarded() else {
            throw Complaint("the time is up: the change is being undone", .failed)
        }
        // What the record takes is read before it goes; keeping the change does not depend on it.
        let paths = Swift.Result { try folder.plan().paths }
        try folder.end(change, as: .confirmed)
        do {
            if let number = change.number { try state.rewriteResult(of: number, to: .confirmed) }
            try state.record(paths: try paths.get(), scope: change.scope, succeeded: true)
        } catch {
            global.warn("the confirmation could not be recorded: \(Failures.text(error))")
        }
    }

    /// Undoes the pending change now, with an id only that one; nil where a restart of the machine has.
    func revert(_ id: String? = nil) throws -> Result? {
        let state = try lock()
        defer { state.release() }
        guard let change = try folder.change(), id.map({ $0 == change.id }) ?? true else { throw Self.nothing }
        if folder.isBeforeReboot(change) {
            try forget(change, state)
            return nil
        }
        guard folder.isGuarded() else { return .reverted(left: try revertHere(change, state).left) }
        do {
            try folder.demandRevert()
        } catch {
            throw Complaint(
                "the guard could not be told: \(Failures.text(error)); it undoes the change by itself when its time is up"
            )
        }
        state.release()
        return try awaitEnd(change)
    }

    /// Waits until the change is not pending any more; somebody else ends it. A guard that does nothing is not waited
    /// for: nobody else may undo the change beside it, because it may go on at any time, and holds what undoing takes.
    func awaitEnd(_ change: PendingChange) throws -> Result {
        var patience = GuardPatience()
        var absences = 0
        while absences < Self.absenceLimit {
            switch try folder.end(of: change) {
            case .confirmed: return .confirmed
            case .undone(let left): return .reverted(left: left)
            case nil: break
            }
            if try folder.change()?.id != change.id {
                // That it is gone does not say that it was confirmed; its guard writes it down again.
                absences += 1
            } else if folder.isGuarded() {
                try patience.check(folder)
            } else if case .acquired(let state) = try StateFolder.acquire(try global.folders(), probing: false) {
                defer { state.release() }
                guard let now = try folder.change(), now.id == change.id else { continue }
                return .reverted(left: try revertHere(now, state).left)
            }
            Detachment.pause(milliseconds: 100)
        }
        throw Complaint(
            "what became of the change cannot be told, for somebody removed what was written down of it; `bulkhead plan` "
                + "shows whether it is in force", .broken)
    }

    /// So many looks, a tenth of a second apart, find no trace of a change.
    private static let absenceLimit = 100

    /// Says what is left, and ends with 3, where something is.
    func report(_ outcome: PendingOutcome) throws {
        guard !outcome.left.isEmpty else { return }
        Terminal.err("The host could not be put back completely; this is left:\n")
        for item in outcome.left { Terminal.err("  \(item.terminalSafe)\n") }
        throw Finish(.broken)
    }

    /// Undoes it from what lies in the state folder.
    private func revertHere(_ change: PendingChange, _ state: StateFolder) throws -> PendingOutcome {
        let stand: Guard
        do {
            stand = try makeGuard(change)
        } catch let error as StateError {
            throw Complaint(
                "the change cannot be undone, for its guard is gone and \(error); then apply the manifests that are to be "
                    + "in force", .broken)
        }
        return stand.revert(change, state)
    }

    /// A guard of the change that was written down.
    func makeGuard(_ change: PendingChange) throws -> Guard {
        var owner = global
        owner.scope = change.scope.text
        owner.host = change.host
        let (plan, start) = (try folder.plan(), try folder.start())
        let sources = try folder.manifests(of: change).map { SourceText(name: $0.name, bytes: $0.bytes) }
        let desired =
            sources.isEmpty
            ? DesiredState(scope: change.scope, host: change.host)
            : try Preparation.load(sources, named: change.manifests, owner).state
        var options = PlanOptions(netnsEtcDirectory: try global.folders().namespaceFiles)
        options.prunes = plan.prunes
        options.adopts = Set(plan.adopts)
        return try Guard(
            try global.folders(), change, plan, start: start, desired: desired, options: options,
            precedent: RecordedState(global: owner, number: change.number).precedent)
    }

    /// The guard holds the lock for a moment when it looks, and longer when it undoes the change.
    private func lock() throws -> StateFolder {
        var holder = ""
        for _ in 0..<100 {
            switch try StateFolder.acquire(try global.folders(), probing: false) {
            case .acquired(let state): return state
            case .held(let other): holder = other
            }
            Detachment.pause(milliseconds: 50)
        }
        throw Complaint("another bulkhead holds the lock (\(holder.terminalSafe)); nothing was changed", .locked)
    }

    private static let nothing = Complaint("no change waits for a confirmation")
}

/// How long a guard is waited for: as long as it does anything.
private struct GuardPatience {
    private var turns: Int?
    private var checks = 0
    /// So many checks, a tenth of a second apart, without a sign of life are enough: a guard looks ten times a second,
    /// and while it undoes the change it has a processor now and then.
    private static let limit = 150

    mutating func check(_ folder: PendingFolder) throws {
        let process = folder.guardProcess()
        let now = process.flatMap(Detachment.turns)
        checks = now == turns ? checks + 1 : 0
        turns = now
        guard checks >= Self.limit else { return }
        let name = process.map { "pid \($0)" } ?? "whose pid is not known"
        let number = process.map { "\($0)" } ?? "PID"
        throw Complaint(
            "the change is still pending, for its guard (\(name)) does nothing, as if it were stopped; let it go on "
                + "(`kill -CONT \(number)`), or else end it (`kill -KILL \(number)`) and call `bulkhead revert` again",
            .locked)
    }
}
