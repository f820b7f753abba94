internal import JSON
internal import SystemCalls

/// Only who holds the lock writes history.
extension StateFolder {
    /// The history of this folder.
    public var history: History { History(state: path) }

    /// Adds a record with its texts and drops what is too much; the number it got.
    @discardableResult
    public func add(_ record: HistoryRecord, manifests: [(name: String, bytes: [UInt8])], plan: [UInt8]) throws -> Int {
        try prepareHistory()
        var record = record
        let newest = try history.numbers().last ?? 0
        guard newest < History.last else {
            throw StateError(
                "\(path)/\(History.folder)/\(newest).json has the last number that there is; look at it, then move it away"
            )
        }
        record.number = newest + 1
        // Each on its way to the disk by itself, where they are few; else all at once, because each would take a while.
        let isMany = manifests.count > 16
        record.manifests = try manifests.map { try keep($0.name, $0.bytes, flushes: !isMany) }
        if isMany { try Files.flushFileSystem(of: path) }
        if plan.count <= HistoryBounds.plan {
            record.plan = try keep("plan", plan)
        } else {
            record.notes.append("the plan is left out: its document has \(plan.count) bytes")
        }
        // The texts first: a record never names what is not there.
        try write(record)
        try pruneHistory()
        return record.number
    }

    /// Gives a record another result, as when a pending change is confirmed or reverted; the rest stays.
    public func rewriteResult(of number: Int, to result: HistoryRecord.Result) throws {
        try rewrite(number) { $0.result = result }
    }

    /// Writes what came of a run whose record was added when it began.
    public func conclude(_ number: Int, as outcome: HistoryRecord) throws {
        try rewrite(number) { record in
            record.result = outcome.result
            record.milliseconds = outcome.milliseconds
            record.errors = outcome.errors
            record.left = outcome.left
        }
    }

    /// A run that left its record as it was when it began has died, for who calls this holds the lock, and finds nothing
    /// pending. A change that was pending, and of which nobody says that it was confirmed, was not.
    public func noteInterruption() throws {
        try noteEndings()
        guard let number = try history.numbers().last, let record = history.entry(number).record,
            record.result.isOpen
        else { return }
        try rewriteResult(of: number, to: record.result == .pending ? .reverted : .interrupted)
        guard record.verb != .destroy else { return }
        try self.record(paths: record.paths, scope: record.scope, succeeded: false)
    }

    /// Most repairs of `watch` that are kept: whoever fights with it shall not push out what people did.
    public static let repairLimit = 50

    /// Drops the oldest repairs of `watch` where there are too many of them; their texts go with the next that is too much.
    public func pruneRepairs() throws {
        let numbers = try history.numbers()
        guard numbers.count > Self.repairLimit else { return }
        let repairs = numbers.filter { history.stored($0).record?.verb == .watch }
        for number in repairs.dropLast(Self.repairLimit) {
            try Files.remove("\(path)/\(History.folder)/\(number).json")
        }
    }

    private func rewrite(_ number: Int, _ body: (inout HistoryRecord) -> Void) throws {
        switch history.stored(number) {
        case .damaged(_, let reason): throw StateError("number \(number) of the history cannot be read: \(reason)")
        case .record(var record):
            body(&record)
            try write(record)
        }
    }

    private func write(_ record: HistoryRecord) throws {
        let text = try JSON(encoding: record).text(pretty: true)
        try Files.writeAtomically(
            "\(path)/\(History.folder)/\(record.number).json", Array(text.utf8), mode: 0o600)
    }

    /// A link in place of a folder would lead the writes elsewhere.
    private func prepareHistory() throws {
        for name in [History.folder, History.texts] {
            let folder = "\(path)/\(name)"
            try Files.makeDirectory(folder, mode: 0o700)
            guard try Files.status(folder, followingLinks: false).kind == .directory else {
                throw StateError("\(folder) is no folder")
            }
        }
    }

    /// Writes a text unless it lies there already. One that was damaged is written again.
    private func keep(_ name: String, _ contents: [UInt8], flushes: Bool = true) throws -> HistoryRecord.Text {
        let text = HistoryRecord.Text(name, contents)
        if (try? history.contents(of: text)) == nil {
            try Files.writeAtomically(
                "\(path)/\(History.texts)/\(text.sha256)", contents, mode: 0o600, flushes: flushes)
        }
        return text
    }

    /// Without reading the records, of which nearly every run finds few enough.
    private func mayBeTooMuch() throws -> Bool {
        let folders = ["\(path)/\(History.folder)", "\(path)/\(History.texts)"]
        let files = try folders.flatMap { folder in try Files.list(folder).map { "\(folder)/\($0)" } }
        let bytes = files.reduce(Int64(0)) { sum, file in
            sum + ((try? Files.status(file, followingLinks: false).size) ?? 0)
        }
        return try history.numbers().count > HistoryBounds.records || bytes > Int64(HistoryBounds.bytes)
            || files.contains { Files.isUnfinished($0) }
    }

    private func pruneHistory() throws {
        guard try mayBeTooMuch() else { return }
        let items = try history.entries().map { entry in
            let file = "\(path)/\(History.folder)/\(entry.number).json"
            let texts = entry.record.map { $0.manifests + ($0.plan.map { [$0] } ?? []) } ?? []
            return HistoryBounds.Item(
                number: entry.number, bytes: Int((try? Files.status(file, followingLinks: false).size) ?? 0),
                texts: Dictionary(texts.map { ($0.sha256, $0.bytes) }, uniquingKeysWith: { first, _ in first }))
        }
        let surplus = Set(HistoryBounds.surplus(items))
        for number in surplus.sorted() { try Files.remove("\(path)/\(History.folder)/\(number).json") }
        let named = Set(items.filter { !surplus.contains($0.number) }.flatMap(\.texts.keys))
        // What a process that died left half written goes by the way.
        for name in try Files.list("\(path)/\(History.texts)") where !named.contains(name) {
            try Files.remove("\(path)/\(History.texts)/\(name)")
        }
        for name in try Files.list("\(path)/\(History.folder)") where Files.isUnfinished(name) {
            try Files.remove("\(path)/\(History.folder)/\(name)")
        }
    }
}
