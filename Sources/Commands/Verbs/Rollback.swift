internal import ArgumentParser
internal import Manifest
internal import Model
internal import Planner
internal import Reconciler

/// `bulkhead rollback`.
struct Rollback: Verb {
    static let configuration = CommandConfiguration(
        commandName: "rollback",
        abstract: "Apply the manifests of an earlier apply again.",
        discussion:
            "`bulkhead history` shows the numbers. The manifests are those that were recorded, whatever has become of the files; the plan is made from the live state."
    )

    @Argument(help: ArgumentHelp("Number of the record to go back to.", valueName: "n"))
    var number: Int

    @OptionGroup var global: GlobalOptions

    @Flag(inversion: .prefixedNo, help: "Delete what the recorded manifests do not declare; default: as it was then.")
    var prune: Bool?

    @OptionGroup var options: ChangeOptions

    func run() throws {
        let confirmation = try options.confirmation()
        let adopts = try AdoptArguments.parse(options.adopt)
        let change = try Change(global, yes: options.yes)
        let history = History(try global.folders())
        let record = try HistoryAccess.record(number, in: history)
        try check(record)
        let sources = try HistoryAccess.sources(of: record, in: history)
        let occasion = Occasion(
            .rollback, paths: record.paths, manifests: sources, revision: record.revision, rollbackOf: number)
        let prepared = try Preparation.load(sources, named: ["number \(number) of the history"], global)
        var planning = try Comparison.options(global)
        planning.prunes = prune ?? record.options.prune
        planning.adopts = adopts
        let comparison = try Comparison.live(
            prepared.state, warnings: prepared.warnings + doubts(record), sources: sources, global, planning,
            session: Comparison.sessionAhead(global, forChange: true))
        if !options.allowMassDelete { try MassDeletion.check(comparison, prepared.state) }
        try change.carryOut(comparison, prepared.state, occasion, confirmation)
    }

    /// The same manifests mean something else in another scope or for another host.
    private func check(_ record: HistoryRecord) throws {
        guard !record.manifests.isEmpty else {
            throw Complaint(
                "number \(number) is a destroy, which leaves nothing to go back to; `bulkhead destroy` does it again")
        }
        guard record.scope == (try global.scopeName()) else {
            throw Complaint(
                "number \(number) is of scope \(record.scope), and this run is for \(global.scope.terminalSafe); add "
                    + "--scope \(record.scope)")
        }
        guard record.host == global.hostName() else {
            throw Complaint(
                "number \(number) is of host \(record.host.terminalSafe), and this is \(global.hostName().terminalSafe); "
                    + "add --host \(record.host.terminalSafe)")
        }
    }

    private func doubts(_ record: HistoryRecord) -> [Diagnostic] {
        guard !record.result.isSuccess else { return [] }
        return [
            Diagnostic(
                .warning,
                "number \(number) ended with '\(record.result.rawValue)': its manifests have not been in force by it",
                at: nil)
        ]
    }
}
