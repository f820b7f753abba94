public import Model
public import Planner
internal import SystemCalls

/// Undoes a change that nobody confirmed in time.
///
/// It runs in a process of its own from before the first write, so it holds what only a process can hold: the
/// namespaces that the change deletes. Should it die, another one can still undo the change from what lies in the state
/// folder, but for those namespaces.
public final class Guard {
    private let folders: Folders
    private let folder: PendingFolder
    private let change: PendingChange
    private let plan: SavedPlan
    private let start: StartingPoint
    private let desired: DesiredState
    private let options: PlanOptions
    private let precedent: Precedent
    private let session: HostSession
    /// The lock of the state folder, opened while that can be done.
    private let door: StateDoor?
    /// The change as it was last seen.
    private var last: PendingChange
    /// Set when the change is undone, and that could not be written down yet.
    private var outcome: PendingOutcome?
    /// Ends of other changes that were there before this one began.
    private let earlier: Set<PendingFolder.Mark>

    /// A guard of a change whose manifests were resolved to a desired state; `precedent` tells what was in force before.
    public init(
        _ folders: Folders, _ change: PendingChange, _ plan: SavedPlan, start: StartingPoint, desired: DesiredState,
        options: PlanOptions, precedent: Precedent
    ) throws {
        self.folders = folders
        self.change = change
        self.plan = plan
        self.start = start
        self.desired = desired
        self.options = options
        self.precedent = precedent
        last = change
        folder = PendingFolder(folders)
        earlier = Set(folder.marks())
        session = try HostSession(folders)
        door = try? StateDoor(folders)
    }

    /// Holds what the plan deletes, takes its post, and stays until the change is confirmed or undone.
    public func stand() throws {
        for operation in plan.plan.steps.flatMap(\.operations) {
            guard case .deleteNamespace(let name) = operation else { continue }
            _ = try session.open(.named(name))
            session.release(.named(name))
        }
        guard let post = try takePost() else { return }
        defer { post.release() }
        var pause = Self.shortPause
        while true {
            do {
                if try isOver() { return }
                pause = Self.shortPause
            } catch {
                if pause == Self.shortPause {
                    Host.tellSystem(
                        "the guard of change \(change.id) cannot use \(folders.state): \(error); it goes on trying")
                }
                actWithoutFiles()
                pause = min(2 * pause, Self.longPause)
            }
            Detachment.pause(milliseconds: UInt32(min(pause, last.millisecondsLeft ?? pause)))
        }
    }

    /// Between two looks, milliseconds.
    private static let shortPause = 100
    /// The longest between two attempts that fail.
    private static let longPause = 10_000

    /// Who asks whether there is a guard holds its lock for a moment.
    private func takePost() throws -> FileLock? {
        for _ in 0..<50 {
            if let lock = try folder.takeGuardLock() { return lock }
            Detachment.pause(milliseconds: 100)
        }
        return nil
    }

    /// Looks once, and acts where it is time.
    private func isOver() throws -> Bool {
        guard let now = try folder.change(), now.id == change.id else { return try isEnded() }
        last = now
        if outcome == nil, now.phase == .waiting, !now.isOver { return false }
        // Whoever carries it out holds the lock as long as it lives.
        guard case .acquired(let state) = try StateFolder.acquire(folders, probing: false) else { return false }
        defer { state.release() }
        // It may have been confirmed, or may have begun to wait, a moment ago.
        guard let current = try folder.change(), current.id == change.id else { return try isEnded() }
        guard outcome != nil || current.phase != .waiting || current.isOver else { return false }
        let done = outcome ?? undo(current)
        outcome = done
        try record(done, of: current, in: state)
        return true
    }

    /// A full disk, a folder that can only be read, or a file that somebody broke: all that undoing takes is held here,
    /// so it is done when it is time, and written down when that can be done.
    private func actWithoutFiles() {
        guard outcome == nil, last.phase != .waiting || last.isOver else { return }
        let state: StateFolder?
        do {
            switch try StateFolder.acquire(folders, probing: false) {
            case .acquired(let folder): state = folder
            case .held: state = nil
            }
        } catch {
            state = door?.take()
        }
        guard let state else { return }
        defer { state.release() }
        let current: PendingChange
        do {
            // Where it ended a moment ago, the next look says so.
            guard let now = try folder.change(), now.id == change.id else { return }
            current = now
        } catch {
            // Nobody can confirm what cannot be read.
            current = last
        }
        guard current.phase != .waiting || current.isOver else { return }
        let done = undo(current)
        outcome = done
        Host.tellSystem("the guard of change \(change.id) has undone it")
        try? record(done, of: current, in: state)
    }

    /// Whether somebody ended the change: that it is not there proves nothing. Where nobody says what became of it, the
    /// history included, it is written down again, as waiting and over.
    private func isEnded() throws -> Bool {
        // Another one began meanwhile, or began and ended.
        if try folder.change() != nil || !earlier.isSuperset(of: folder.marks()) { return true }
        // Its traces are gone with the folder, and the history knows.
        if try folder.end(of: change) != nil { return true }
        try folder.restore(change)
        return false
    }

    /// Undoes the change and writes that down as far as that goes.
    public func revert(_ change: PendingChange, _ state: StateFolder) -> PendingOutcome {
        let outcome = undo(change)
        try? record(outcome, of: change, in: state)
        return outcome
    }

    /// Undoes all steps of a plan that was carried out, and those that were begun of one that was not. What could not be
    /// put back is in the result.
    private func undo(_ change: PendingChange) -> PendingOutcome {
        let steps = plan.plan.steps
        // What was not done is not undone either: every step is looked at, so one too many does no harm.
        let begun = change.phase == .running ? folder.stepsBegun() ?? steps.count : steps.count
        let executor = Executor(session, desired: desired, start: start)
        executor.assume(done: steps.prefix(begun))
        let left = Undoing(
            session, executor, desired: desired, options: options, firewall: start.firewall, precedent: precedent
        ).run(plan.plan)
        return PendingOutcome(id: change.id, left: left)
    }

    private func record(_ outcome: PendingOutcome, of change: PendingChange, in state: StateFolder) throws {
        try folder.end(change, outcome)
        for item in outcome.left { Host.tellSystem("change \(change.id) was undone, but for this: \(item)") }
        // Where there is no room for that now, the next run that writes does it, and readers know from the end itself.
        guard let number = change.number, let result = outcome.ending.result else { return }
        try? state.rewriteResult(of: number, to: result)
    }
}

extension PendingChange {
    /// Milliseconds until its time is up; nil before it waits, and when it is up.
    fileprivate var millisecondsLeft: Int? {
        let now = Detachment.bootTime()
        guard let deadline, phase == .waiting, deadline > now else { return nil }
        return Int((deadline - now) / 1_000_000) + 1
    }
}
