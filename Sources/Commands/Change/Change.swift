internal import JSON
internal import Manifest
internal import Model
internal import Planner
internal import Reconciler
internal import SystemCalls

/// What every verb that writes does around its plan: lock, show, ask, run, report.
struct Change {
    private let global: GlobalOptions
    private let yes: Bool
    private let state: StateFolder
    private let start = Occasion.Start()

    /// Takes the lock, or ends: without a terminal nobody can be asked (64), and one change runs at a time (75).
    init(_ global: GlobalOptions, yes: Bool) throws {
        guard yes || Host.isTerminal(0) else {
            throw Complaint("there is no terminal to ask on; add --yes to go ahead without asking", .usage)
        }
        try Comparison.requireRights()
        try Self.requireVisibility(try global.folders())
        switch try StateFolder.acquire(try global.folders()) {
        case .acquired(let folder): state = folder
        case .held(let holder):
            throw Complaint("another bulkhead holds the lock (\(holder.terminalSafe)); nothing was changed", .locked)
        }
        self.global = global
        self.yes = yes
        try PendingEnd(global).settle(state)
        warning("the history could not be written") { try state.noteInterruption() }
    }

    /// A namespace that is bound where nobody else sees it is of no use to anybody.
    private static func requireVisibility(_ folders: Folders) throws {
        guard MountView.isPrivate(folders.namespaces) else { return }
        throw Complaint(
            "this process has a mount namespace of its own, so that what it binds in \(folders.namespaces.terminalSafe) would be "
                + "invisible to everybody else; nothing was changed; in a systemd unit, leave out ProtectSystem=, ProtectHome=, "
                + "PrivateTmp= and whatever else makes one (`systemd-analyze verify` does not tell), or enter the host's with "
                + "`nsenter --target 1 --mount`")
    }

    /// Shows the plan, asks, does it, and records what became of it.
    func carryOut(
        _ comparison: Comparison, _ desired: DesiredState, _ occasion: Occasion, _ confirmation: Confirmation? = nil
    ) throws {
        let plan = comparison.plan
        if global.output == .text {
            if global.quiet && yes {
                for warning in plan.warnings { Terminal.err("\(warning.headline)\n") }
            } else {
                Terminal.out(PlanText.render(plan))
            }
        }
        guard !plan.isInSync else {
            if global.output == .json { report(plan, "unchanged") }
            note(occasion, plan, succeeded: true)
            recordUnchanged(occasion, comparison)
            return
        }
        guard yes || ask() else {
            if global.output == .json { report(plan, "declined") } else { Terminal.out("Nothing was changed.\n") }
            return
        }
        guard let session = comparison.session else { return }
        let beginning = try StartingPoint.read(session, plan, observed: comparison.observed)
        Signals.deferTermination()
        let ledger = Ledger(state, occasion, start, comparison)
        ledger.begin()
        let pending = try confirmation.map { confirmation in
            do {
                return try PendingStart.begin(
                    confirmation, comparison, beginning, occasion, number: ledger.number, global)
            } catch {
                ledger.conclude(.undone, [Diagnostic(.error, Failures.text(error), at: nil)])
                throw error
            }
        }
        let application = Application(
            session, desired: desired, options: comparison.options, observed: comparison.observed,
            firewall: comparison.firewall, start: beginning,
            precedent: RecordedState(global: global, number: ledger.number).precedent, journal: pending?.journal,
            progress: progress)
        let outcome = application.run(plan)
        for note in application.notes { Terminal.err("\(note.headline)\n") }
        if case .done = outcome, let pending, let confirmation {
            return try awaitConfirmation(pending, confirmation, plan, ledger)
        }
        // What failed is undone already, as far as it could be.
        warning("what was written down for undoing could not be removed") {
            if let pending { try pending.folder.end(pending.change, as: .withdrawn) }
        }
        try finish(outcome, plan, occasion, ledger)
    }

    /// What became of a plan that was enforced.
    struct Enforcement {
        let outcome: ApplyOutcome
        /// That of the record, if there is one.
        let number: Int?
        /// What is worth knowing though all was done.
        var notes: [Diagnostic] = []
        /// What others undid while it was being done (`Step.thing`), where it failed because of that.
        var contested: Set<String> = []
    }

    /// Does a plan without a word and without asking, and records what became of it; for when nobody watches. `contested` is
    /// for who looks again at once (`Application`).
    func enforce(
        _ comparison: Comparison, _ desired: DesiredState, _ occasion: Occasion, contested: Set<String>? = nil
    ) -> Enforcement {
        let plan = comparison.plan
        guard !plan.isInSync, let session = comparison.session else {
            note(occasion, plan, succeeded: true)
            return Enforcement(outcome: .done, number: recordUnchanged(occasion, comparison))
        }
        Signals.deferTermination()
        let ledger = Ledger(state, occasion, start, comparison)
        ledger.begin()
        let outcome: ApplyOutcome
        var (notes, thwarting): ([Diagnostic], Set<String>) = ([], [])
        do {
            let beginning = try StartingPoint.read(session, plan, observed: comparison.observed)
            let application = Application(
                session, desired: desired, options: comparison.options, observed: comparison.observed,
                firewall: comparison.firewall, start: beginning,
                precedent: RecordedState(global: global, number: ledger.number).precedent, contested: contested)
            outcome = application.run(plan)
            (notes, thwarting) = (application.notes, application.thwarting)
        } catch {
            outcome = .undone(reason: [Diagnostic(.error, Failures.text(error), at: nil)])
        }
        switch outcome {
        case .done: ledger.conclude(.applied)
        case .undone(let reason): ledger.conclude(.undone, reason)
        case .broken(let reason, let left): ledger.conclude(.broken, reason, left)
        }
        if case .done = outcome {
            note(occasion, plan, succeeded: true)
        } else {
            note(occasion, plan, succeeded: false)
        }
        return Enforcement(outcome: outcome, number: ledger.number, notes: notes, contested: thwarting)
    }

    /// The change is done, and stays if it is confirmed.
    private func awaitConfirmation(
        _ pending: PendingStart, _ confirmation: Confirmation, _ plan: Plan, _ ledger: Ledger
    ) throws {
        ledger.conclude(.pending)
        let change: PendingChange
        do {
            change = try pending.folder.wait(pending.change)
        } catch {
            // The guard undoes a change that never came to wait as soon as nobody holds the lock.
            Terminal.err("bulkhead: the change could not be written down: \(Failures.text(error)); it is undone\n")
            state.release()
            return try tellEnd(plan, pending.change) { try PendingEnd(global).awaitEnd(pending.change) }
        }
        let awaiting = Awaiting(global: global, change: change, confirmation: confirmation)
        if confirmation.probe == nil {
            tellDone(plan, pendingUntil: change.until)
        } else if global.output == .text {
            tellDone(plan)
        }
        state.release()
        try tellEnd(plan, change, awaiting.run)
    }

    /// Waits for the end of a change under guard and says what became of it: in JSON by the one document, which comes
    /// when that is known.
    private func tellEnd(_ plan: Plan, _ change: PendingChange, _ wait: () throws -> PendingEnd.Result?) throws {
        let end = try PendingEnd(global)
        let result: PendingEnd.Result?
        do {
            result = try wait()
        } catch let complaint as Complaint where global.output == .json {
            report(plan, "pending", [Diagnostic(.error, complaint.message, at: nil)], pendingUntil: change.until)
            throw Finish(complaint.status)
        }
        switch result {
        case nil: return
        case .confirmed: if global.output == .json { report(plan, "confirmed") }
        case .reverted(let left):
            if global.output == .json { report(plan, left.isEmpty ? "reverted" : "broken", [], left) }
            if left.isEmpty { Terminal.err("Not confirmed; undone: the host is as it was before.\n") }
            try end.report(PendingOutcome(id: change.id, left: left))
            throw Finish(.failed)
        }
    }

    private func tellDone(_ plan: Plan, pendingUntil: String? = nil) {
        if global.output == .json {
            return report(plan, pendingUntil == nil ? "applied" : "pending", pendingUntil: pendingUntil)
        }
        if !global.quiet {
            Terminal.tell(
                "\nDone: \(plan.count(.create)) created, \(plan.count(.update)) changed, \(plan.count(.replace)) replaced, "
                    + "\(plan.count(.delete)) deleted; read back and verified.\n")
        }
        guard let pendingUntil else { return }
        Terminal.tell(
            "It is undone at \(pendingUntil) unless you confirm it: `bulkhead confirm` keeps it, `bulkhead revert` undoes "
                + "it now.\n")
    }

    private func finish(_ outcome: ApplyOutcome, _ plan: Plan, _ occasion: Occasion, _ ledger: Ledger) throws {
        switch outcome {
        case .done:
            note(occasion, plan, succeeded: true)
            ledger.conclude(.applied)
            tellDone(plan)
        case .undone(let reason):
            note(occasion, plan, succeeded: false)
            ledger.conclude(.undone, reason)
            complain(plan, "undone", reason, [])
            if global.output == .text { Terminal.err("Everything was undone: the host is as it was before.\n") }
            throw Finish(.failed)
        case .broken(let reason, let left):
            note(occasion, plan, succeeded: false)
            ledger.conclude(.broken, reason, left)
            complain(plan, "broken", reason, left)
            throw Finish(.broken)
        }
    }

    /// What the kernel has does not depend on whether it could be noted: the status says what became of the change.
    private func note(_ occasion: Occasion, _ plan: Plan, succeeded: Bool) {
        // What is destroyed says nothing about where the scope is applied from.
        guard occasion.verb != .destroy else { return }
        warning("the result could not be recorded") {
            guard let fallback = occasion.fallback else {
                return try state.record(paths: occasion.paths, scope: plan.scope, succeeded: succeeded)
            }
            let last = StateFolder.lastPaths(try global.folders(), scope: plan.scope) ?? occasion.paths
            try state.record(paths: last, scope: plan.scope, succeeded: succeeded && fallback == .otherwise)
        }
    }

    @discardableResult private func recordUnchanged(_ occasion: Occasion, _ comparison: Comparison) -> Int? {
        let ledger = Ledger(state, occasion, start, comparison)
        warning("the history could not be read") {
            guard try occasion.isNews(in: state.history, scope: comparison.plan.scope) else { return }
            ledger.conclude(.unchanged)
        }
        return ledger.number
    }

    private func warning(_ words: String, _ body: () throws -> Void) { Ledger.warning(words, body) }

    private func complain(_ plan: Plan, _ result: String, _ reason: [Diagnostic], _ left: [String]) {
        guard global.output == .text else { return report(plan, result, reason, left) }
        for item in reason { Terminal.err(item.headline + "\n") }
        guard !left.isEmpty else { return }
        Terminal.err("The host could not be put back completely; this is left:\n")
        for item in left { Terminal.err("  \(item.terminalSafe)\n") }
    }

    /// The plan, with what became of it.
    private func report(
        _ plan: Plan, _ result: String, _ reason: [Diagnostic] = [], _ left: [String] = [], pendingUntil: String? = nil
    ) {
        guard case .object(var document) = PlanDocument.make(plan) else { return }
        if let pendingUntil { document["pendingUntil"] = .string(pendingUntil) }
        document["result"] = [
            "status": .string(result), "errors": .array(reason.map(PlanDocument.diagnostic)),
            "left": .array(left.map { .string($0) }),
        ]
        Terminal.tell(JSON.object(document).text(pretty: true))
    }

    private func ask() -> Bool {
        Detachment.forgetTyping()
        Terminal.err("\nApply? [y/N] ")
        let answer = Host.readLineFromTerminal() ?? ""
        return ["y", "yes"].contains(answer.lowercased())
    }

    /// On a terminal, long work says how far it is.
    private func progress(_ done: Int, _ all: Int) {
        guard !global.quiet, all >= 200, Host.isTerminal(2), done % 100 == 0 || done == all else { return }
        Terminal.err("\r\(done) of \(all) steps\(done == all ? "\n" : "")")
    }
}
