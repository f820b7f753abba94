/// Commits that somebody went back from: by a rollback, or by not confirming them.
public struct Withdrawals: Hashable, Sendable {
    private var numbers: [String: HistoryRecord] = [:]

    /// The record by which a commit was withdrawn; nil where it was not, or where a person applied it again since.
    public func record(of commit: String) -> HistoryRecord? { numbers[commit] }

    /// Reads them from the records of a scope, oldest first.
    public init(_ records: [HistoryRecord]) {
        for (place, record) in records.enumerated() {
            switch (record.verb, record.result) {
            case (_, .reverted):
                if let revision = record.revision, Self.isOwn(record, of: revision, records) {
                    numbers[revision] = record
                }
            case (.rollback, .applied), (.rollback, .unchanged), (.rollback, .confirmed):
                let since = records[..<place].filter { $0.number > record.rollbackOf ?? 0 && $0.result.isSuccess }
                for revision in since.compactMap(\.revision) { numbers[revision] = record }
                if let revision = record.revision { numbers[revision] = nil }
            case (.apply, .applied), (.apply, .unchanged), (.apply, .confirmed), (.reconcile, .applied),
                (.reconcile, .unchanged), (.reconcile, .confirmed):
                if let revision = record.revision { numbers[revision] = nil }
            case (.destroy, _), (.apply, _), (.reconcile, _), (.rollback, _), (.watch, _): break
            }
        }
    }

    /// Whether the manifests were the commit's. Somebody who tries edits before committing them has the commit that they
    /// began with checked out; a round read that one from the repository itself.
    private static func isOwn(_ record: HistoryRecord, of revision: String, _ records: [HistoryRecord]) -> Bool {
        let read = records.first {
            $0.verb == .reconcile && $0.revision == revision && $0.scope == record.scope && !$0.manifests.isEmpty
        }
        guard record.verb != .reconcile, let read else { return true }
        return Set(read.manifests.map(\.sha256)) == Set(record.manifests.map(\.sha256))
    }

    /// What is in force while the newest commit is withdrawn: the last that succeeded and is not withdrawn itself.
    public func inForce(_ records: [HistoryRecord]) -> HistoryRecord? {
        records.last { record in
            guard record.result.isSuccess, record.result != .pending, !record.manifests.isEmpty else { return false }
            return record.revision.map { numbers[$0] == nil } ?? true
        }
    }

    /// The last round that put a commit in force from which nobody went back.
    public func lastRound(_ records: [HistoryRecord]) -> HistoryRecord? {
        inForce(records.filter { $0.verb == .reconcile && $0.revision != nil })
    }
}
