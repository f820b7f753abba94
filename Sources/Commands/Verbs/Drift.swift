internal import ArgumentParser
internal import JSON
internal import Manifest
internal import Model
internal import Planner
internal import Reconciler

/// `bulkhead drift`.
struct Drift: Verb {
    static let configuration = CommandConfiguration(
        commandName: "drift",
        abstract: "Compare the live state with the manifests; read-only.",
        discussion:
            "Status 2 where they differ. With --monitoring: 0 in sync, 1 drift, 2 last apply failed, 3 unknown, and one line."
    )

    @OptionGroup var paths: PathArguments
    @OptionGroup var global: GlobalOptions

    @Flag(help: "Speak the language of monitoring plugins.")
    var monitoring = false

    func run() throws {
        guard monitoring else {
            let plan = try compare()
            switch global.output {
            case .text: Terminal.out(render(plan))
            case .json: Terminal.out(PlanDocument.make(plan).text(pretty: true))
            }
            if !plan.isKnownInSync { throw Finish(.differs) }
            return
        }
        try monitor()
    }

    private func compare() throws -> Plan {
        let session = Comparison.sessionAhead(global)
        let prepared = try Preparation.load(paths.chosen, global)
        var options = try Comparison.unattendedOptions(global)
        // A link that lost its mark is a difference here; only writing needs to know whose it is.
        options.adopts = Set(prepared.state.networks.map(\.id) + prepared.state.endpoints.map(\.id))
        return try Comparison.live(
            prepared.state, warnings: prepared.warnings, sources: prepared.sources, global, options,
            session: session
        ).plan
    }

    private func render(_ plan: Plan) -> String {
        guard !plan.isKnownInSync else { return "In sync: nothing to do.\n" }
        let unread = plan.unreadReasons.map { "  ? \($0)\n" }.joined()
        guard !plan.isInSync else { return unread + "\nIn sync but for what could not be compared.\n" }
        let count = plan.steps.count
        return plan.steps.map(PlanText.line).joined() + unread
            + "\nDrift: \(count) \(count == 1 ? "difference" : "differences"); `bulkhead apply` repairs \(count == 1 ? "it" : "them").\n"
    }

    /// One line with performance data; states as the Monitoring Plugins guidelines number them.
    private func monitor() throws {
        let plan: Plan
        do {
            plan = try compare()
        } catch {
            let text = (error as? Complaint)?.message ?? "the comparison could not be made (`bulkhead drift` says why)"
            Terminal.out("BULKHEAD UNKNOWN - \(text)\n")
            throw MonitoringFinish(status: 3)
        }
        let data = "differences=\(plan.steps.count);0;;0"
        if StateFolder.lastApplyFailed(try global.folders(), scope: try global.scopeName()) {
            Terminal.out("BULKHEAD CRITICAL - last apply failed, \(plan.steps.count) differences | \(data)\n")
            throw MonitoringFinish(status: 2)
        }
        guard plan.isKnownInSync else {
            let first =
                plan.steps.first.map { "first: \($0.summary.terminalSafe)" }
                ?? plan.unreadReasons.first ?? "?"
            Terminal.out("BULKHEAD WARNING - \(plan.steps.count) differences, \(first) | \(data)\n")
            throw MonitoringFinish(status: 1)
        }
        Terminal.out("BULKHEAD OK - in sync | \(data)\n")
    }
}

/// Ends with a status of the monitoring plugins.
struct MonitoringFinish: Error {
    let status: Int32
}
