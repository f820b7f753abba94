/// Commits that somebody went back from: by a rollback, or by not confirming them.
public struct Withdrawals: Hashable, Sendable {
    private var numbers: [String: HistoryRecord] = [:]

    /// The record by which a commit was withdrawn; nil where it was not, or where a person applied it again since.
    public func record(of commit: String) -> HistoryRecord? { numbers[commit] }

    /// Reads them from the records of a scope, oldest first.
    public init(_ records: [HistoryRecord]) {
        for (place, record) in records.enumerated() {
            switch (record.verb, record.result) {
            case (_, .reverted): if let revision = record.revision { numbers[revision] = record }
            case (.rollback, .applied), (.rollback, .unchanged), (.rollback, .confirmed):
                let since = records[..<place].filter { $0.number > record.rollbackOf ?? 0 && $0.result.isSuccess }
                for revision in since.compactMap(\.revision) { numbers[revision] = record }
                if let revision = record.revision { numbers[revision] = nil }
            case (.apply, .applied), (.apply, .unchanged), (.apply, .confirmed), (.reconcile, .applied),
                (.reconcile, .unchanged), (.reconcile, .confirmed):
                if let revision = record.revision { numbers[revision] = nil }
            case (.destroy, _), (.apply, _), (.reconcile, _), (.rollback, _): break
            }
        }
    }

    /// What is in force while the newest commit is withdrawn: the last that succeeded and is not withdrawn itself.
    public func inForce(_ records: [HistoryRecord]) -> HistoryRecord? {
        records.last { record in
            guard record.result.isSuccess, record.result != .pending, !record.manifests.isEmpty else { return false }
            return record.revision.map { numbers[$0] == nil } ?? true
        }
    }
}
