internal import Firewall
public import Model
public import Planner
internal import SystemCalls

/// Undoes a change that nobody confirmed in time.
///
/// It runs in a process of its own from before the first write, so it holds what only a process can hold: the
/// namespaces that the change deletes, and the firewall as it was. Should it die, another one can still undo the change
/// from what lies in the state folder, but for those namespaces.
public final class Guard {
    private let folders: Folders
    private let folder: PendingFolder
    private let change: PendingChange
    private let plan: SavedPlan
    private let desired: DesiredState
    private let options: PlanOptions
    private let session: HostSession
    private let firewall: Ruleset
    /// The change as it was last seen.
    private var last: PendingChange?

    /// A guard of a change whose manifests were resolved to a desired state.
    public init(
        _ folders: Folders, _ change: PendingChange, _ plan: SavedPlan, desired: DesiredState, options: PlanOptions
    ) throws {
        self.folders = folders
        self.change = change
        self.plan = plan
        self.desired = desired
        self.options = options
        folder = PendingFolder(folders)
        session = try HostSession(folders)
        firewall = try session.firewall().list(Compiler.tableName(desired.scope))
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
        while true {
            do {
                if try isOver() { return }
            } catch {
                // A full disk, or a file that somebody broke: all that undoing takes is held here, so it is tried again
                // until it goes, and done without the files when the time is up.
                if let last, last.isOver, case .acquired(let state)? = try? StateFolder.acquire(folders, probing: false)
                {
                    defer { state.release() }
                    _ = revert(last, state)
                    return
                }
            }
            Detachment.pause(milliseconds: 100)
        }
    }

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
        switch now.phase {
        case .reverting: break
        case .waiting: guard now.isOver else { return false }
        // Whoever carries it out holds the lock as long as it lives.
        case .running: break
        }
        guard case .acquired(let state) = try StateFolder.acquire(folders, probing: false) else { return false }
        defer { state.release() }
        // It may have been confirmed, or may have begun to wait, a moment ago.
        guard let current = try folder.change(), current.id == change.id else { return try isEnded() }
        guard current.phase != .waiting || current.isOver else { return false }
        _ = revert(current, state)
        return true
    }

    /// Whether somebody ended the change. Where the folder itself is gone nobody has: the change is written down again,
    /// as waiting and over.
    private func isEnded() throws -> Bool {
        if folder.exists { return true }
        try folder.restore(change)
        return false
    }

    /// Undoes the change: of a plan that was carried out all steps, of one that was not those that were begun. What
    /// could not be put back is the result.
    public func revert(_ change: PendingChange, _ state: StateFolder) -> PendingOutcome {
        let steps = plan.plan.steps
        let begun = change.phase == .running ? folder.stepsBegun() : steps.count
        let executor = Executor(session, desired: desired)
        executor.assume(done: steps.prefix(begun))
        let left = Undoing(session, executor, desired: desired, options: options, firewall: firewall).run(plan.plan)
        let outcome = PendingOutcome(id: change.id, left: left)
        if let number = change.number {
            try? state.rewriteResult(of: number, to: left.isEmpty ? .reverted : .broken)
        }
        folder.finish(outcome)
        return outcome
    }
}
