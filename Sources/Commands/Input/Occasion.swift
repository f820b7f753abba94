internal import JSON
internal import Manifest
internal import Model
internal import Planner
internal import Reconciler
internal import SystemCalls

/// Who asked for a change and from what: what its plan does not say and the history does.
struct Occasion {
    let verb: HistoryRecord.Verb
    /// Absolute.
    let paths: [String]
    /// As they were read; none for a destroy.
    let manifests: [SourceText]
    let revision: String?
    let rollbackOf: Int?
    /// Why it is not what was asked for that is enforced; nil where it is.
    let fallback: Fallback?

    /// What was good before is enforced again. That is no apply that anybody asked for: from where the scope was last
    /// applied, and whether that failed, stays as it was.
    enum Fallback {
        /// What was asked for failed while it was applied.
        case afterFailure
        /// It came to nothing before that.
        case otherwise
    }

    init(
        _ verb: HistoryRecord.Verb, paths: [String], manifests: [SourceText], revision: String?, rollbackOf: Int? = nil,
        fallback: Fallback? = nil
    ) {
        self.verb = verb
        self.paths = paths
        self.manifests = manifests
        self.revision = revision
        self.rollbackOf = rollbackOf
        self.fallback = fallback
    }

    /// An apply of manifests that were just read.
    static func applying(_ paths: [String], _ prepared: Preparation) -> Occasion {
        Occasion(.apply, paths: paths, manifests: prepared.sources, revision: Revision.of(paths))
    }

    /// The record of what became of a plan of a run that began then.
    func record(
        _ start: Start, _ plan: Plan, _ options: PlanOptions, _ result: HistoryRecord.Result, _ errors: [Diagnostic],
        _ left: [String]
    ) -> HistoryRecord {
        HistoryRecord(
            started: start.seconds, milliseconds: start.milliseconds, user: Host.userName(), verb: verb,
            rollbackOf: rollbackOf, scope: plan.scope, host: plan.host,
            paths: paths, revision: revision,
            options: .init(prune: options.prunes, adopt: options.adopts.sorted()),
            summary: .init(
                create: plan.count(.create), update: plan.count(.update), replace: plan.count(.replace),
                delete: plan.count(.delete)),
            result: result, errors: errors, left: left)
    }

    /// When a run began; the wall clock may be set while it runs, so it does not tell how long it took.
    struct Start {
        let seconds = Host.now()
        private let clock = ContinuousClock.now

        /// Since then.
        var milliseconds: Int64 {
            let (seconds, attoseconds) = (ContinuousClock.now - clock).components
            return seconds * 1000 + attoseconds / 1_000_000_000_000_000
        }
    }

    /// Whether a run that found nothing to do says anything new: a timer that applies the same every minute must not
    /// fill the history.
    func isNews(in history: History, scope: ObjectName) throws -> Bool {
        guard fallback == nil else { return false }
        let last = try history.numbers().reversed().lazy.compactMap { history.entry($0).record }.first {
            $0.scope == scope
        }
        guard let last else { return !manifests.isEmpty }
        let known = last.manifests.map { [$0.name, $0.sha256] }
        return !last.result.isSuccess || known != manifests.map { [$0.name, SHA256.hex($0.bytes)] }
    }
}
