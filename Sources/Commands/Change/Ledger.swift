internal import JSON
internal import Manifest
internal import Model
internal import Planner
internal import Reconciler

/// The record of one run in the history: added when it begins to write, so that one that dies is not forgotten, and
/// completed when it ends.
///
/// What the kernel has does not depend on whether that could be written down: a failure is a warning.
final class Ledger {
    private let state: StateFolder
    private let occasion: Occasion
    private let start: Occasion.Start
    private let comparison: Comparison
    /// Number of the record; nil where there is none yet.
    private(set) var number: Int?

    init(_ state: StateFolder, _ occasion: Occasion, _ start: Occasion.Start, _ comparison: Comparison) {
        self.state = state
        self.occasion = occasion
        self.start = start
        self.comparison = comparison
    }

    /// The run is about to change something. Where that cannot be written down, the end of the run says so.
    func begin() { number = try? add(record(.running)) }

    /// What became of it.
    func conclude(_ result: HistoryRecord.Result, _ errors: [Diagnostic] = [], _ left: [String] = []) {
        let outcome = record(result, errors, left)
        Self.warning("the history could not be written") {
            if let number { try state.conclude(number, as: outcome) } else { number = try add(outcome) }
            if occasion.verb == .watch { try state.pruneRepairs() }
        }
    }

    private func add(_ record: HistoryRecord) throws -> Int {
        let manifests = occasion.manifests.map { (name: $0.name, bytes: $0.bytes) }
        let plan = Array(PlanDocument.make(comparison.plan).text().utf8)
        return try state.add(record, manifests: manifests, plan: plan)
    }

    private func record(
        _ result: HistoryRecord.Result, _ errors: [Diagnostic] = [], _ left: [String] = []
    ) -> HistoryRecord { occasion.record(start, comparison.plan, comparison.options, result, errors, left) }

    /// Does something that may fail without anything else depending on it.
    static func warning(_ words: String, _ body: () throws -> Void) {
        do {
            try body()
        } catch {
            Terminal.err("warning: \(words): \(Failures.text(error))\n")
        }
    }
}
