internal import Model
internal import Planner
internal import Reconciler

/// One look at the host, and what is done about it: the plan and the apply of `apply` and `reconcile`, for when nobody
/// watches.
struct Repair {
    let global: GlobalOptions
    let rounds: RoundFolder
    /// What was read of nftables holds from one look to the next, as long as nobody changes it.
    private let memory = FirewallMemory()
    private let compartments: NamespaceMemory

    init(global: GlobalOptions, rounds: RoundFolder, compartments: NamespaceMemory) {
        self.global = global
        self.rounds = rounds
        self.compartments = compartments
    }

    /// What a repair came to.
    enum Outcome {
        /// There was nothing to do.
        case inSync
        /// Somebody else is at work, or rounds are suspended; nothing was changed.
        case busy(String)
        /// It may not or cannot be planned; nothing was changed.
        case refused([Diagnostic])
        /// It was done, read back and verified; with what is worth knowing, and the number in the history.
        case done(Plan, notes: [Diagnostic], number: Int?)
        /// It failed, and the host is as it was before, or else what is left; `contested` is what somebody undid meanwhile,
        /// where that is why.
        case failed(Plan, [Diagnostic], left: [String], contested: Set<String>, number: Int?)
    }

    /// Reads the host and plans, without the lock: whoever only looks keeps nobody from working.
    func look(_ standing: Standing) throws -> Comparison {
        try Comparison.attempt(
            standing.prepared.state, warnings: standing.prepared.warnings, sources: standing.prepared.sources, global,
            try standing.options(global),
            session: HostSession(try global.folders(), memory: memory, compartments: compartments),
            warnsOfOthers: false)
    }

    /// What stands against doing a plan unattended.
    func objections(_ comparison: Comparison, _ standing: Standing) -> [Diagnostic] {
        do {
            try MassDeletion.check(comparison, standing.prepared.state)
            return []
        } catch {
            return [Diagnostic(.error, Failures.text(error), at: nil)]
        }
    }

    /// Does what there is to do, if `isWanted` says so when nobody else can apply anything any more. It gets the latest look
    /// where that is still true, or else looks again under the lock. What is `contested` may be undone by others meanwhile.
    func carryOut(
        _ standing: Standing, contested: Set<String> = [], lately: () -> Comparison? = { nil },
        _ isWanted: () throws -> Bool
    ) throws -> Outcome {
        guard case .begun(let round) = try rounds.begin() else { return .busy("a round of `reconcile` is under way") }
        defer { round.release() }
        // Whoever suspends waits for the lock of rounds.
        if let suspension = rounds.suspension() { return .busy(SuspensionWords.text(suspension)) }
        do {
            let change = try Change(global, yes: true)
            guard try isWanted() else { return .busy("something else was just applied") }
            let comparison = try lately() ?? look(standing)
            let objections = objections(comparison, standing)
            guard objections.isEmpty else { return .refused(objections) }
            return enforce(comparison, change, standing, contested)
        } catch let complaint as Complaint where complaint.status == .locked {
            // Its own words count seconds.
            return .busy("another bulkhead is at work, or a change waits for its confirmation")
        } catch let rejected as Rejected {
            return .refused(rejected.diagnostics.filter { $0.severity == .error })
        }
    }

    private func enforce(
        _ comparison: Comparison, _ change: Change, _ standing: Standing, _ contested: Set<String>
    ) -> Outcome {
        let plan = comparison.plan
        if global.verbose { Terminal.err(PlanText.render(plan)) }
        let result = change.enforce(comparison, standing.prepared.state, standing.occasion, contested: contested)
        let number = result.number
        switch result.outcome {
        case .done: return plan.isInSync ? .inSync : .done(plan, notes: result.notes, number: number)
        case .undone(let errors):
            return .failed(plan, errors, left: [], contested: result.contested, number: number)
        case .broken(let errors, let left):
            return .failed(plan, errors, left: left, contested: result.contested, number: number)
        }
    }
}
