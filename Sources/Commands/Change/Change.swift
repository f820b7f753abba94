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
        if global.output == .text && !(global.quiet && yes) { Terminal.out(PlanText.render(plan)) }
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
        Signals.deferTermination()
        let pending = try confirmation.map { try PendingStart.begin($0, comparison, occasion, global) }
        let application = Application(
            session, desired: desired, options: comparison.options, journal: pending?.journal, progress: progress)
        let outcome = application.run(plan)
        if case .done = outcome, let pending, let confirmation {
            return try awaitConfirmation(pending, confirmation, comparison, occasion)
        }
        // What failed is undone already, as far as it could be.
        warning("what was written down for undoing could not be removed") { try pending?.folder.end() }
        try finish(outcome, comparison, occasion)
    }

    /// Does a plan without a word and without asking, and records what became of it; for when nobody watches. The number
    /// is that of the record, if there is one.
    func enforce(_ comparison: Comparison, _ desired: DesiredState, _ occasion: Occasion) -> (ApplyOutcome, Int?) {
        let plan = comparison.plan
        guard !plan.isInSync, let session = comparison.session else {
            note(occasion, plan, succeeded: true)
            return (.done, recordUnchanged(occasion, comparison))
        }
        Signals.deferTermination()
        let outcome = Application(session, desired: desired, options: comparison.options).run(plan)
        switch outcome {
        case .done:
            note(occasion, plan, succeeded: true)
            return (outcome, record(occasion, comparison, .applied))
        case .undone(let reason):
            note(occasion, plan, succeeded: false)
            return (outcome, record(occasion, comparison, .undone, reason))
        case .broken(let reason, let left):
            note(occasion, plan, succeeded: false)
            return (outcome, record(occasion, comparison, .broken, reason, left))
        }
    }

    /// The change is done, and stays if it is confirmed.
    private func awaitConfirmation(
        _ pending: PendingStart, _ confirmation: Confirmation, _ comparison: Comparison, _ occasion: Occasion
    ) throws {
        let number = record(occasion, comparison, .pending)
        let change: PendingChange
        do {
            change = try pending.folder.wait(pending.change, number: number)
        } catch {
            // The guard undoes a change that never came to wait as soon as nobody holds the lock.
            Terminal.err("bulkhead: the change could not be written down: \(Failures.text(error)); it is undone\n")
            state.release()
            let end = try PendingEnd(global)
            if case .reverted(let left) = try end.awaitEnd(pending.change) {
                try end.report(PendingOutcome(id: pending.change.id, left: left))
            }
            throw Finish(.failed)
        }
        tellDone(comparison.plan, pendingUntil: change.until, isProbed: confirmation.probe != nil)
        state.release()
        try Awaiting(global: global, change: change, confirmation: confirmation).run()
    }

    private func tellDone(_ plan: Plan, pendingUntil: String? = nil, isProbed: Bool = false) {
        if global.output == .json {
            return report(plan, pendingUntil == nil ? "applied" : "pending", pendingUntil: pendingUntil)
        }
        if !global.quiet {
            Terminal.tell(
                "\nDone: \(plan.count(.create)) created, \(plan.count(.update)) changed, \(plan.count(.replace)) replaced, "
                    + "\(plan.count(.delete)) deleted; read back and verified.\n")
        }
        guard let pendingUntil, !isProbed else { return }
        Terminal.tell(
            "It is undone at \(pendingUntil) unless you confirm it: `bulkhead confirm` keeps it, `bulkhead revert` undoes "
                + "it now.\n")
    }

    private func finish(_ outcome: ApplyOutcome, _ comparison: Comparison, _ occasion: Occasion) throws {
        let plan = comparison.plan
        switch outcome {
        case .done:
            note(occasion, plan, succeeded: true)
            record(occasion, comparison, .applied)
            tellDone(plan)
        case .undone(let reason):
            note(occasion, plan, succeeded: false)
            record(occasion, comparison, .undone, reason)
            complain(plan, "undone", reason, [])
            if global.output == .text { Terminal.err("Everything was undone: the host is as it was before.\n") }
            throw Finish(.failed)
        case .broken(let reason, let left):
            note(occasion, plan, succeeded: false)
            record(occasion, comparison, .broken, reason, left)
            complain(plan, "broken", reason, left)
            throw Finish(.broken)
        }
    }

    /// What the kernel has does not depend on whether it could be noted: the status says what became of the change.
    private func note(_ occasion: Occasion, _ plan: Plan, succeeded: Bool) {
        // What is destroyed says nothing about where the scope is applied from.
        guard occasion.verb != .destroy else { return }
        warning("the result could not be recorded") {
            try state.record(paths: occasion.paths, scope: plan.scope, succeeded: succeeded)
        }
    }

    /// The number of the record; nil where it could not be written.
    @discardableResult private func record(
        _ occasion: Occasion, _ comparison: Comparison, _ result: HistoryRecord.Result, _ errors: [Diagnostic] = [],
        _ left: [String] = []
    ) -> Int? {
        let record = occasion.record(start, comparison.plan, comparison.options, result, errors, left)
        let manifests = occasion.manifests.map { (name: $0.name, bytes: $0.bytes) }
        let plan = Array(PlanDocument.make(comparison.plan).text().utf8)
        var number: Int?
        warning("the history could not be written") {
            number = try state.add(record, manifests: manifests, plan: plan)
        }
        return number
    }

    @discardableResult private func recordUnchanged(_ occasion: Occasion, _ comparison: Comparison) -> Int? {
        var number: Int?
        warning("the history could not be read") {
            guard try occasion.isNews(in: state.history, scope: comparison.plan.scope) else { return }
            number = record(occasion, comparison, .unchanged)
        }
        return number
    }

    private func warning(_ words: String, _ body: () throws -> Void) {
        do {
            try body()
        } catch {
            Terminal.err("warning: \(words): \(Failures.text(error))\n")
        }
    }

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
