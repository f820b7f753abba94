internal import Addressing
internal import ArgumentParser
internal import JSON
internal import Manifest
internal import Model
internal import Planner
internal import Reconciler
internal import SystemCalls

/// `bulkhead apply`.
struct Apply: Verb {
    static let configuration = CommandConfiguration(
        commandName: "apply",
        abstract: "Plan, show, ask, apply, and verify, or undo.",
        discussion:
            "A PATH that `bulkhead plan --out` wrote is done as it was saved, or refused. Status 1: the host is as it was before. Status 3: it is not, and what is left is listed. Status 75: another bulkhead is at work."
    )

    @OptionGroup var paths: PathArguments
    @OptionGroup var global: GlobalOptions

    @Flag(inversion: .prefixedNo, help: "Delete what no manifest declares any more.")
    var prune = true

    @OptionGroup var options: ChangeOptions

    func run() throws {
        let confirmation = try options.confirmation()
        if let file = PlanFile.find(paths.chosen) { return try applySaved(file, confirmation) }
        let change = try Change(global, yes: options.yes)
        let session = Comparison.sessionAhead(global, forChange: true)
        let prepared = try Preparation.load(paths.chosen, global)
        var planning = try Comparison.options(global)
        planning.prunes = prune
        planning.adopts = try AdoptArguments.parse(options.adopt)
        let comparison = try Comparison.live(
            prepared.state, warnings: prepared.warnings + (try Comparison.pathWarning(paths.chosen, global)),
            sources: prepared.sources, global, planning, session: session)
        if !options.allowMassDelete { try MassDeletion.check(comparison, prepared.state) }
        try change.carryOut(
            comparison, prepared.state, .applying(Comparison.resolved(paths.chosen), prepared), confirmation)
    }

    /// Does exactly the steps of a saved plan, if the same plan comes out again.
    private func applySaved(_ file: String, _ confirmation: Confirmation?) throws {
        guard prune, options.adopt.isEmpty else {
            throw Complaint("a saved plan holds its own options; leave out --no-prune and --adopt", .usage)
        }
        let change = try Change(global, yes: options.yes)
        let session = Comparison.sessionAhead(global, forChange: true)
        let saved = try PlanFile.read(file, global)
        let prepared = try Preparation.load(saved.paths, global)
        var planning = try Comparison.options(global)
        planning.prunes = saved.prunes
        planning.adopts = Set(saved.adopts)
        var comparison = try Comparison.live(
            prepared.state, sources: prepared.sources, global, planning, session: session)
        try PlanFile.check(saved, against: comparison.plan, file)
        comparison.plan = saved.plan
        if !options.allowMassDelete { try MassDeletion.check(comparison, prepared.state) }
        try change.carryOut(comparison, prepared.state, .applying(saved.paths, prepared), confirmation)
    }
}

/// `bulkhead destroy`.
struct Destroy: Verb {
    static let configuration = CommandConfiguration(
        commandName: "destroy",
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
        let session = Comparison.sessionAhead(global, forChange: true)
        var options = try Comparison.options(global)
        options.canBeUndone = false
        let scope = try global.scopeName()
        let nothing = DesiredState(scope: scope, host: global.hostName())
        var sources: [SourceText] = []
        if !all {
            let prepared = try Preparation.load(paths.chosen, global)
            sources = prepared.sources
            let state = prepared.state
            options.removesOnly = Set(
                state.networks.map(\.id) + state.compartments.map(\.id) + state.endpoints.map(\.id)
                    + state.policies.map(\.id))
            options.leavesBridges = Set(state.networks.filter { !$0.ownsBridge }.map(\.bridge.text))
        }
        let comparison = try Comparison.live(nothing, sources: sources, global, options, session: session)
        let given = Comparison.resolved(paths.paths)
        let occasion = Occasion(.destroy, paths: given, manifests: [], revision: Revision.of(given))
        try change.carryOut(comparison, nothing, occasion)
    }
}
