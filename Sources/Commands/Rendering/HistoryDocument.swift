internal import JSON
internal import Model
internal import Reconciler

/// The history for programs.
enum HistoryDocument {
    static func all(_ entries: [History.Entry]) throws -> JSON {
        let items = try entries.map { entry -> JSON in
            switch entry {
            case .record(let record): return try base(record)
            case .damaged(let number, let reason):
                return ["number": .int(Int64(number)), "damaged": .string(reason)]
            }
        }
        return ["format": "bulkhead.history-list/v1", "records": .array(items)]
    }

    /// A record with its plan and the texts of its manifests.
    static func one(_ record: HistoryRecord, _ plan: JSON?, _ history: History) throws -> JSON {
        guard case .object(var document) = try base(record) else { return nil }
        document["manifests"] = .array(
            try record.manifests.map { text in
                let bytes = try HistoryAccess.contents(text, of: record.number, in: history)
                return [
                    "name": .string(text.name), "sha256": .string(text.sha256),
                    "text": .string(String(decoding: bytes, as: UTF8.self)),
                ]
            })
        document["plan"] = plan ?? nil
        return .object(document)
    }

    private static func base(_ record: HistoryRecord) throws -> JSON {
        guard case .object(var document) = try JSON(encoding: record) else { return nil }
        document["rollbackOf"] = record.rollbackOf.map { .int(Int64($0)) } ?? .some(nil)
        document["revision"] = record.revision.map { .string($0) } ?? .some(nil)
        document["errors"] = .array(record.errors.map(PlanDocument.diagnostic))
        return .object(document)
    }
}

/// The history for people.
enum HistoryText {
    static func all(_ entries: [History.Entry]) -> String {
        guard !entries.isEmpty else { return "Nothing was applied yet.\n" }
        return ShowText.table(
            ["NUMBER", "TIME", "USER", "VERB", "SCOPE", "RESULT", "CHANGES", "REVISION"],
            entries.map { entry in
                switch entry {
                case .damaged(let number, let reason):
                    return ["\(number)", "-", "-", "-", "-", "damaged", reason, "-"]
                case .record(let record):
                    return [
                        "\(record.number)", record.started, record.user, verb(record), record.scope.text,
                        record.result.rawValue, changes(record.summary), String((record.revision ?? "-").prefix(12)),
                    ]
                }
            })
    }

    static func one(_ record: HistoryRecord, _ plan: JSON?) -> String {
        var lines = [
            ("number", "\(record.number)"), ("started", record.started), ("took", "\(record.milliseconds) ms"),
            ("user", record.user), ("verb", verb(record)), ("scope", record.scope.text), ("host", record.host),
        ]
        lines += record.paths.map { ("path", $0) }
        if let revision = record.revision { lines.append(("revision", revision)) }
        lines += record.manifests.map { ("manifest", "\($0.name) (\($0.bytes) bytes)") }
        if !record.options.prune { lines.append(("option", "--no-prune")) }
        lines += record.options.adopt.map { ("option", "--adopt \($0)") }
        lines.append(("result", record.result.rawValue))
        lines += record.errors.map { ("error", "\($0.location.map { "\($0): " } ?? "")\($0.message)") }
        lines += record.left.map { ("left", $0) }
        lines += record.notes.map { ("note", $0) }
        let head = lines.map { name, value in
            "\(name)\(String(repeating: " ", count: 10 - name.count))\(value.terminalSafe)\n"
        }.joined()
        return plan.map { "\(head)\n\(PlanText.render($0))" } ?? head
    }

    private static func verb(_ record: HistoryRecord) -> String {
        record.rollbackOf.map { "\(record.verb.rawValue) to \($0)" } ?? record.verb.rawValue
    }

    private static func changes(_ summary: HistoryRecord.Summary) -> String {
        "+\(summary.create) ~\(summary.update) ±\(summary.replace) -\(summary.delete)"
    }
}
