internal import Addressing
internal import ArgumentParser
internal import JSON
internal import Manifest
internal import Model
internal import Planner

/// `bulkhead plan`.
struct PlanVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan", abstract: "Show the ordered steps from the live state to the manifests.",
        discussion: "Nothing is written. With --detailed-exitcode the status is 2 where there is something to do.")

    @OptionGroup var paths: PathArguments
    @OptionGroup var global: GlobalOptions

    @Flag(help: "End with status 2 where there is something to do.")
    var detailedExitcode = false

    @Flag(help: "Plan for a host with nothing on it; needs neither root nor the host.")
    var assumeEmpty = false

    @Flag(help: "Print the `addresses:` lines that fix automatic addresses, instead of a plan.")
    var pin = false

    @Flag(inversion: .prefixedNo, help: "Delete what no manifest declares any more.")
    var prune = true

    @Option(help: ArgumentHelp("Take over an existing object that bears no mark.", valueName: "KIND/NAME"))
    var adopt: [String] = []

    @Option(help: ArgumentHelp("Save the plan, for `bulkhead apply FILE`.", valueName: "file"))
    var out: String?

    func validate() throws {
        guard out == nil || !(assumeEmpty || pin) else {
            throw ValidationError("--out saves a plan against the live state; leave out --assume-empty and --pin")
        }
    }

    func run() throws {
        let prepared = try Preparation.load(paths.chosen, global)
        if pin { return Terminal.out(Pins.render(prepared.state)) }
        var options = try Comparison.options(global)
        options.prunes = prune
        options.adopts = try AdoptArguments.parse(adopt)
        let comparison =
            assumeEmpty
            ? try Comparison.empty(
                prepared.state, warnings: prepared.warnings, sources: prepared.sources, global, options)
            : try Comparison.live(
                prepared.state,
                warnings: prepared.warnings + (try Comparison.pathWarning(paths.chosen, global)),
                sources: prepared.sources, global, options)
        if let out { try PlanFile.write(comparison.plan, to: out, paths: paths.chosen, options: options) }
        switch global.output {
        case .text: Terminal.out(PlanText.render(comparison.plan))
        case .json: Terminal.out(PlanDocument.make(comparison.plan).text(pretty: true))
        }
        if let out { global.say("Saved; `bulkhead apply \(out.terminalSafe)` does exactly this, or refuses.") }
        if detailedExitcode && !comparison.plan.isInSync { throw Finish(.differs) }
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
