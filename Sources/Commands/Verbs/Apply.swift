internal import ArgumentParser
internal import JSON
internal import Manifest
internal import Model
internal import Planner
internal import Reconciler
internal import SystemCalls

/// `bulkhead apply`.
struct Apply: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Plan, show, ask, apply, and verify, or undo.",
        discussion:
            "A PATH that `bulkhead plan --out` wrote is done as it was saved, or refused. Status 1: the host is as it was before. Status 3: it is not, and what is left is listed. Status 75: another bulkhead is at work."
    )

    @OptionGroup var paths: PathArguments
    @OptionGroup var global: GlobalOptions

    @Flag(help: "Do not ask.")
    var yes = false

    @Flag(inversion: .prefixedNo, help: "Delete what no manifest declares any more.")
    var prune = true

    @Flag(help: "Allow deleting more than half, and more than five, of the scope's objects.")
    var allowMassDelete = false

    @Option(help: ArgumentHelp("Take over an existing object that bears no mark.", valueName: "KIND/NAME"))
    var adopt: [String] = []

    func run() throws {
        if let file = PlanFile.find(paths.chosen) { return try applySaved(file) }
        let change = try Change(global, yes: yes)
        let prepared = try Preparation.load(paths.chosen, global)
        var options = try Comparison.options(global)
        options.prunes = prune
        options.adopts = try AdoptArguments.parse(adopt)
        let comparison = try Comparison.live(
            prepared.state, warnings: prepared.warnings + (try Comparison.pathWarning(paths.chosen, global)),
            sources: prepared.sources, global, options)
        if !allowMassDelete { try MassDeletion.check(comparison) }
        try change.carryOut(comparison, prepared.state, .applying(Comparison.resolved(paths.chosen), prepared))
    }

    /// Does exactly the steps of a saved plan, if the same plan comes out again.
    private func applySaved(_ file: String) throws {
        guard prune, adopt.isEmpty else {
            throw Complaint("a saved plan holds its own options; leave out --no-prune and --adopt", .usage)
        }
        let change = try Change(global, yes: yes)
        let saved = try PlanFile.read(file, global)
        let prepared = try Preparation.load(saved.paths, global)
        var options = try Comparison.options(global)
        options.prunes = saved.prunes
        options.adopts = Set(saved.adopts)
        var comparison = try Comparison.live(prepared.state, sources: prepared.sources, global, options)
        try PlanFile.check(saved, against: comparison.plan, file)
        comparison.plan = saved.plan
        if !allowMassDelete { try MassDeletion.check(comparison) }
        try change.carryOut(comparison, prepared.state, .applying(saved.paths, prepared))
    }
}

/// `bulkhead destroy`.
struct Destroy: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Remove what bulkhead owns, and nothing else.",
        discussion: "With PATHs the objects of these manifests, with --all everything of the scope.")

    @OptionGroup var paths: PathArguments
    @OptionGroup var global: GlobalOptions

    @Flag(help: "Do not ask.")
    var yes = false

    @Flag(help: "Remove everything that the scope owns.")
    var all = false

    func validate() throws {
        guard all != !paths.paths.isEmpty else {
            throw ValidationError("give either PATHs or --all")
        }
    }

    func run() throws {
        let change = try Change(global, yes: yes)
        var options = try Comparison.options(global)
        let scope = try global.scopeName()
        let nothing = DesiredState(scope: scope, host: global.hostName())
        var sources: [SourceText] = []
        if !all {
            let prepared = try Preparation.load(paths.chosen, global)
            sources = prepared.sources
            let state = prepared.state
            options.removesOnly = Set(
                state.networks.map(\.id) + state.compartments.map(\.id) + state.endpoints.map(\.id))
        }
        let comparison = try Comparison.live(nothing, sources: sources, global, options)
        let given = Comparison.resolved(paths.paths)
        let occasion = Occasion(.destroy, paths: given, manifests: [], revision: Revision.of(given))
        try change.carryOut(comparison, nothing, occasion)
    }
}

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
        switch try StateFolder.acquire(try global.folders()) {
        case .acquired(let folder): state = folder
        case .held(let holder):
            throw Complaint("another bulkhead holds the lock (\(holder.terminalSafe)); nothing was changed", .locked)
        }
        self.global = global
        self.yes = yes
    }

    /// Shows the plan, asks, does it, and records what became of it.
    func carryOut(_ comparison: Comparison, _ desired: DesiredState, _ occasion: Occasion) throws {
        let plan = comparison.plan
        if global.output == .text && !(global.quiet && yes) { Terminal.out(PlanText.render(plan)) }
        guard !plan.isInSync else {
            if global.output == .json { report(plan, "unchanged") }
            note(occasion, plan, succeeded: true)
            return recordUnchanged(occasion, comparison)
        }
        guard yes || ask() else {
            if global.output == .json { report(plan, "declined") } else { Terminal.out("Nothing was changed.\n") }
            return
        }
        guard let session = comparison.session else { return }
        Signals.deferTermination()
        let application = Application(session, desired: desired, options: comparison.options, progress: progress)
        try finish(application.run(plan), comparison, occasion)
    }

    private func finish(_ outcome: ApplyOutcome, _ comparison: Comparison, _ occasion: Occasion) throws {
        let plan = comparison.plan
        switch outcome {
        case .done:
            note(occasion, plan, succeeded: true)
            record(occasion, comparison, .applied)
            if global.output == .json { return report(plan, "applied") }
            if !global.quiet {
                Terminal.tell(
                    "\nDone: \(plan.count(.create)) created, \(plan.count(.update)) changed, \(plan.count(.replace)) replaced, "
                        + "\(plan.count(.delete)) deleted; read back and verified.\n")
            }
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

    private func record(
        _ occasion: Occasion, _ comparison: Comparison, _ result: HistoryRecord.Result, _ errors: [Diagnostic] = [],
        _ left: [String] = []
    ) {
        let record = occasion.record(start, comparison.plan, comparison.options, result, errors, left)
        let manifests = occasion.manifests.map { (name: $0.name, bytes: $0.bytes) }
        let plan = Array(PlanDocument.make(comparison.plan).text().utf8)
        warning("the history could not be written") { try state.add(record, manifests: manifests, plan: plan) }
    }

    private func recordUnchanged(_ occasion: Occasion, _ comparison: Comparison) {
        warning("the history could not be read") {
            guard try occasion.isNews(in: state.history, scope: comparison.plan.scope) else { return }
            record(occasion, comparison, .unchanged)
        }
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
    private func report(_ plan: Plan, _ result: String, _ reason: [Diagnostic] = [], _ left: [String] = []) {
        guard case .object(var document) = PlanDocument.make(plan) else { return }
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

/// The guard against deleting nearly everything by mistake.
enum MassDeletion {
    static func check(_ comparison: Comparison) throws {
        let scope = comparison.plan.scope
        let links = comparison.observed.host.links.compactMap(\.mark)
        let spaces = comparison.observed.namespaces.compactMap { space -> OwnershipMark? in
            guard case .named(let name) = space.reference, let id = space.namespaceID else { return nil }
            return OwnershipMark.owner(ofNamespace: name, id: id, scope: scope)
        }
        let owned = Set((links + spaces).filter { $0.scope == scope }.map(\.owner))
        let deleted = Set(
            comparison.plan.steps.filter { $0.action == .delete && $0.isIrreversible }.compactMap(\.owner)
        ).intersection(owned)
        guard deleted.count > 5, deleted.count * 2 > owned.count else { return }
        throw Complaint(
            "this would delete \(deleted.count) of the \(owned.count) objects of scope \(scope); if that is meant, add "
                + "--allow-mass-delete")
    }
}
