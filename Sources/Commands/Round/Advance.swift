internal import Git
internal import Model
internal import Reconciler

/// Signed commits follow one another: whoever can push but not sign could put one back that was signed long ago.
struct Advance {
    private let repository: GitRepository
    private let status: RoundStatus
    private let records: [HistoryRecord]

    /// What a round knows when it begins, and the history of its scope.
    init(_ repository: GitRepository, _ status: RoundStatus, _ records: [HistoryRecord]) {
        self.repository = repository
        self.status = status
        self.records = records
    }

    /// Throws an `Objection` where the target was committed before what is in force; times are seconds since 1970.
    func require(_ target: GitRepository.Target, _ committed: Int64?) throws {
        guard let last, let committed, committed < last.committed else { return }
        let message =
            "it was committed at \(Moment.text(committed)), before commit \(last.commit.prefix(12)), which is in force "
            + "(\(Moment.text(last.committed))): its signature does not say that it is to come again; commit anew (`git "
            + "revert`), or add --retry once"
        throw Objection(.commit, target: target, [Diagnostic(.error, message, at: nil)])
    }

    /// What is in force, and when it was committed. Where rounds lost what they knew, the history tells which one it is, and
    /// the copy of the repository when that was. A clock that was ahead keeps nothing out longer than it took to put the
    /// commit in force.
    private var last: (commit: String, committed: Int64)? {
        if let good = status.good {
            return good.committed.map { (good.commit, min($0, Moment.seconds(good.since) ?? $0)) }
        }
        guard let record = Withdrawals(records).lastRound(records), let revision = record.revision,
            let committed = (try? repository.committed(GitRepository.Target(commit: revision))) ?? nil
        else { return nil }
        return (revision, min(committed, Moment.seconds(record.started) ?? committed))
    }
}
