internal import Addressing
internal import ArgumentParser
internal import JSON
internal import Manifest
internal import Model
internal import Planner
internal import Reachability
internal import Reconciler

/// `bulkhead plan`.
struct PlanVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "plan", abstract: "Show the ordered steps from the live state to the manifests.",
        discussion: "Nothing is written. With --detailed-exitcode the status is 2 where there is something to do.")
    static let outputs: [GlobalOptions.Output] = [.text, .json, .markdown]

    @OptionGroup var paths: PathArguments
    @OptionGroup var global: GlobalOptions

    @Flag(help: "End with status 2 where there is something to do.")
    var detailedExitcode = false

    @Flag(help: "Plan for a host with nothing on it; needs neither root nor the host.")
    var assumeEmpty = false

    @Option(
        help: ArgumentHelp(
            "Plan for the host that `show --full --output json` saved; needs neither root nor the host.",
            valueName: "file"),
        completion: .file())
    var against: String?

    @Option(
        help: ArgumentHelp(
            "Manifests before the change, to say which connections it opens and closes.", valueName: "path"),
        completion: .file())
    var base: [String] = []

    @Flag(help: "Print the `addresses:` lines that fix automatic addresses, instead of a plan.")
    var pin = false

    @Flag(inversion: .prefixedNo, help: "Delete what no manifest declares any more.")
    var prune = true

    @Option(help: ArgumentHelp("Take over an existing object that bears no mark.", valueName: "KIND/NAME"))
    var adopt: [String] = []

    @Option(
        help: ArgumentHelp("Save the plan, for `bulkhead apply FILE`.", valueName: "file"), completion: .file())
    var out: String?

    func validate() throws {
        guard out == nil || !(assumeEmpty || pin || against != nil) else {
            throw ValidationError(
                "--out saves a plan against the live state; leave out --assume-empty, --against and --pin")
        }
        guard !assumeEmpty || against == nil else {
            throw ValidationError("give either --assume-empty or --against")
        }
    }

    func run() throws {
        let state = try against.map { try StateFile.read($0, global) }
        var owner = global
        if let state { owner.host = state.host }
        let session = state == nil && !assumeEmpty && !pin ? Comparison.sessionAhead(global) : nil
        let prepared = try Preparation.load(paths.chosen, owner)
        if pin { return Terminal.out(Pins.render(prepared.state)) }
        let comparison = try compare(prepared, state, session)
        if let out { try PlanFile.write(comparison.plan, to: out, paths: paths.chosen, options: comparison.options) }
        tell(comparison.plan, try reachability(prepared.state, state, owner))
        if let out { global.say("Saved; `bulkhead apply \(out.terminalSafe)` does exactly this, or refuses.") }
        if detailedExitcode && !comparison.plan.isKnownInSync { throw Finish(.differs) }
    }

    private func compare(_ prepared: Preparation, _ state: StateFile?, _ session: HostSession?) throws -> Comparison {
        var options = try Comparison.options(global)
        options.prunes = prune
        options.adopts = try AdoptArguments.parse(adopt)
        if let state {
            // The session is that of this machine, not of the host.
            options = PlanOptions(netnsEtcDirectory: state.namespaceFiles)
            options.prunes = prune
            options.adopts = try AdoptArguments.parse(adopt)
            return try Comparison.saved(
                state, prepared.state, warnings: prepared.warnings, sources: prepared.sources, global, options)
        }
        guard !assumeEmpty else {
            return try Comparison.empty(
                prepared.state, warnings: prepared.warnings, sources: prepared.sources, global, options)
        }
        return try Comparison.live(
            prepared.state, warnings: prepared.warnings + (try Comparison.pathWarning(paths.chosen, global)),
            sources: prepared.sources, global, options, session: session)
    }

    private func tell(_ plan: Plan, _ reachability: BeforeAndAfter?) {
        switch global.wantedOutput {
        case .markdown: Terminal.out(PlanMarkdown.render(plan, reachability))
        case .json:
            guard case .object(var document) = PlanDocument.make(plan) else { return }
            if let reachability { document["reachability"] = reachability.document }
            Terminal.out(JSON.object(document).text(pretty: true))
        case .text, .prometheus:
            Terminal.out(PlanText.render(plan))
            guard let reachability, !base.isEmpty || against != nil else { return }
            let lines = reachability.lines.map { "  \($0.terminalSafe)\n" }
            Terminal.out("\nWho reaches whom:\n" + (lines.isEmpty ? "  as before\n" : lines.joined()))
            if !reachability.changes.isComplete { Terminal.out("  … not everything was compared\n") }
        }
    }

    /// What the change opens and closes: from `--base`, else the manifests that are in force there.
    private func reachability(_ new: DesiredState, _ state: StateFile?, _ owner: GlobalOptions) throws
        -> BeforeAndAfter?
    {
        guard base.isEmpty else {
            let old = try Preparation.load(base, owner).state
            return BeforeAndAfter(from: old, to: new, base: base.joined(separator: " "))
        }
        if let state {
            return try before(state.sources, "the manifests in force on \(state.host)", owner, new)
        }
        guard !assumeEmpty, global.wantedOutput == .markdown else { return nil }
        return try before(try InForce.manifests(global), "the manifests applied last", owner, new)
    }

    /// Nil where none were in force, or where this version does not take them any more.
    private func before(
        _ sources: [SourceText], _ name: String, _ owner: GlobalOptions, _ new: DesiredState
    ) throws -> BeforeAndAfter? {
        guard !sources.isEmpty else { return nil }
        do {
            let old = try Preparation.attempt(sources, named: [name], owner).state
            return BeforeAndAfter(from: old, to: new, base: name)
        } catch let rejected as Rejected {
            let reason = rejected.diagnostics.first { $0.severity == .error }?.headline ?? ""
            global.warn("\(name.terminalSafe) cannot be compared with: \(reason)")
            return nil
        }
    }
}

/// `--adopt KIND/NAME`.
enum AdoptArguments {
    static func parse(_ texts: [String]) throws -> Set<ObjectID> {
        Set(
            try texts.map { text in
                guard let id = ObjectID(text) else {
                    throw Complaint("--adopt '\(text.terminalSafe)' must be KIND/NAME, such as Network/web", .usage)
                }
                return id
            })
    }
}

/// `addresses:` lines for endpoints that leave their addresses to bulkhead.
enum Pins {
    static func render(_ state: DesiredState) -> String {
        let automatic = state.endpoints.filter(\.hasAutomaticAddresses)
        guard !automatic.isEmpty else { return "# no endpoint has automatic addresses\n" }
        return automatic.map { endpoint in
            let place = endpoint.metadata.source
            let list = endpoint.addresses.map { address in
                address.address.family == .ipv6 ? "\"\(address.address)\"" : "\(address.address)"
            }
            return
                "# \(endpoint.id) (\(place.file.terminalSafe):\(place.line))\naddresses: [\(list.joined(separator: ", "))]\n"
        }.joined()
    }
}
