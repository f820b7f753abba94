internal import Git
internal import JSON
internal import Model
internal import Planner
internal import Reconciler
internal import SystemCalls

/// What a round says when it is over.
struct RoundReport {
    var result: RoundStatus.Result
    /// The newest commit, where it could be asked for.
    var commit: String?
    /// The commit in force afterwards; nil where none is, or where it was not from a commit.
    var enforced: String?
    /// Number in the history of what this round did; nil where there was nothing to do.
    var number: Int?
    /// What was done.
    var plan: Plan?
    var errors: [Diagnostic] = []
    var warnings: [Diagnostic] = []
    /// What could not be put back.
    var left: [String] = []

    /// The status of the process.
    var status: ExitStatus { result == .broken ? .broken : result.isSuccess ? .done : .failed }

    /// Takes over what was done to keep something in force beside what the round is about.
    mutating func take(_ kept: RoundReport) {
        if !kept.result.isSuccess { result = kept.result }
        plan = kept.plan
        (enforced, number, left) = (kept.enforced, kept.number, kept.left)
        errors = kept.errors
        warnings += kept.warnings
    }

    /// One line for the log.
    func line(_ source: RoundSource, scope: String) -> String {
        let newest = commit.map { "commit \($0.prefix(12)) of \(source.reference)" } ?? source.reference.description
        let done = plan.map { plan in
            "\(plan.count(.create)) created, \(plan.count(.update)) changed, \(plan.count(.replace)) replaced, "
                + "\(plan.count(.delete)) deleted"
        }
        let head = "reconcile \(scope): "
        switch result {
        case .applied: return head + "applied \(newest)\(done.map { ": \($0)" } ?? ": nothing had to be done")"
        case .repaired: return head + "repaired drift from \(newest): \(done ?? "")"
        case .inSync: return head + "in sync with \(newest)"
        case .bad: return head + "\(newest) is bad: \(reason); \(rest(done))"
        case .unreachable: return head + "\(source.reference) could not be fetched: \(reason); \(rest(done))"
        case .failed: return head + "\(newest) is not in force: \(reason)"
        case .broken:
            let remains = left.map(\.terminalSafe).joined(separator: ", ")
            return head + "\(newest): \(reason); the host could not be put back: \(remains)"
        }
    }

    /// The same with fields, for the journal.
    func logLine(_ source: RoundSource, _ global: GlobalOptions, milliseconds: Int64) -> LogLine {
        let level: SystemJournal.Level =
            switch result {
            case .inSync: .info
            case .applied, .repaired: .notice
            case .bad, .unreachable, .failed, .broken: .error
            }
        return LogLine(line(source, scope: global.scope), level)
            .with("VERB", "reconcile").with("HOST", global.hostName()).with("SCOPE", global.scope)
            .with("RESULT", result.rawValue).with("REPOSITORY", source.address.description)
            .with("REF", source.reference.description).with("COMMIT", commit).with("ENFORCED", enforced)
            .with("NUMBER", number.map(String.init)).with("MILLISECONDS", "\(milliseconds)")
            .with("ERROR", each: errors.map(\.headline)).with("LEFT", each: left)
    }

    private var reason: String {
        guard let first = errors.first else { return "no reason was given" }
        let others = errors.count - 1
        let more = others == 0 ? "" : " (and \(others) more)"
        return (first.location.map { "\($0): " } ?? "") + first.message.terminalSafe + more
    }

    private func rest(_ done: String?) -> String {
        let force = enforced.map { "commit \($0.prefix(12))" } ?? "what was applied last"
        guard let done else { return enforced == nil ? "nothing was changed" : "\(force) stays in force" }
        return "\(force) stays in force, drift was repaired: \(done)"
    }

    /// For programs, `bulkhead.reconcile/v1`.
    func document(_ source: RoundSource, _ global: GlobalOptions, milliseconds: Int64) -> JSON {
        func text(_ value: String?) -> JSON { value.map { .string($0) } ?? nil }
        return [
            "format": "bulkhead.reconcile/v1", "host": .string(global.hostName()), "scope": .string(global.scope),
            "repository": .string(source.address.description), "ref": .string(source.reference.description),
            "path": .string(source.path.description), "commit": text(commit), "result": .string(result.rawValue),
            "enforced": text(enforced), "number": number.map { .int(Int64($0)) } ?? nil,
            "summary": plan.map(PlanDocument.summary) ?? nil,
            "errors": .array(errors.map(PlanDocument.diagnostic)),
            "warnings": .array(warnings.map(PlanDocument.diagnostic)), "left": .array(left.map { .string($0) }),
            "milliseconds": .int(milliseconds),
        ]
    }
}
