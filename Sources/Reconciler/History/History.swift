internal import JSON
internal import Model
internal import SystemCalls

/// What was applied when, read from the state folder. Nothing in it is ever desired or live state.
public struct History: Sendable {
    /// A record, or why it cannot be read.
    public enum Entry: Hashable, Sendable {
        /// A record.
        case record(HistoryRecord)
        /// A file that holds none.
        case damaged(number: Int, reason: String)

        /// Its number.
        public var number: Int {
            switch self {
            case .record(let record): record.number
            case .damaged(let number, _): number
            }
        }

        /// The record, where it can be read.
        public var record: HistoryRecord? {
            switch self {
            case .record(let record): record
            case .damaged: nil
            }
        }
    }

    let state: String
    /// Whether somebody is at work, who holds the lock of the state folder.
    var isAnybodyAtWork: @Sendable () -> Bool

    /// The history in these folders.
    public init(_ folders: Folders) { self.init(state: folders.state) }
    init(state: String) {
        self.state = state
        isAnybodyAtWork = { FileLock.isHeld("\(state)/lock") }
    }

    static let folder = "history"
    static let texts = "history/texts"
    /// A record of 100 000 manifests is some 20 MiB.
    private static let recordLimit = 64 << 20

    /// Numbers of all records, damaged ones too, in order.
    public func numbers() throws -> [Int] {
        let names = try Files.list("\(state)/\(Self.folder)")
        return names.compactMap(Self.number).sorted()
    }

    /// All records, oldest first. Readers hold no lock, so one may be dropped between its name and its contents.
    public func entries() throws -> [Entry] { try numbers().compactMap(find) }

    /// One record; damaged where it is not there.
    public func entry(_ number: Int) -> Entry { find(number) ?? Self.absent(number) }

    private func find(_ number: Int) -> Entry? {
        guard let entry = load(number) else { return nil }
        guard case .record(var record) = entry, record.result.isOpen else { return entry }
        // It may have ended when there was no room to write that down here.
        if let result = PendingFolder(state: state).ending(ofRecord: number)?.result {
            record.result = result
        } else if record.result == .running, !isAnybodyAtWork() {
            // It is written down what came of a run before its lock is let go: one that ended a moment ago has said so by now.
            let latest = load(number)
            guard case .record(let last)? = latest, last.result == .running else { return latest }
            record.result = .interrupted
        }
        return .record(record)
    }

    /// One record as it lies there; damaged where it is not there.
    func stored(_ number: Int) -> Entry { load(number) ?? Self.absent(number) }

    private static func absent(_ number: Int) -> Entry { .damaged(number: number, reason: "it is not there") }

    private func load(_ number: Int) -> Entry? {
        do {
            let bytes: [UInt8]
            switch try read("\(Self.folder)/\(number).json", Self.recordLimit) {
            case .missing: return nil
            case .other: return .damaged(number: number, reason: "it is no regular file")
            case .large: return .damaged(number: number, reason: "it is larger than any that bulkhead writes")
            case .file(let contents): bytes = contents
            }
            let record = try JSON(parsing: bytes).decode(HistoryRecord.self)
            guard record.format == HistoryRecord.format else {
                return .damaged(number: number, reason: "its format is '\(record.format.terminalSafe)'")
            }
            guard record.number == number else {
                return .damaged(number: number, reason: "it says that its number is \(record.number)")
            }
            guard (record.manifests + (record.plan.map { [$0] } ?? [])).allSatisfy(\.isValid) else {
                return .damaged(number: number, reason: "it names a text by something that is no digest")
            }
            return .record(record)
        } catch {
            return .damaged(number: number, reason: "\(error)".terminalSafe)
        }
    }

    /// A text of a record, exactly as it was.
    public func contents(of text: HistoryRecord.Text) throws -> [UInt8] {
        guard case .file(let bytes) = try read("\(Self.texts)/\(text.sha256)", text.bytes),
            SHA256.hex(bytes) == text.sha256
        else { throw StateError("the recorded text of \(text.name.terminalSafe) is gone or damaged") }
        return bytes
    }

    /// No link is followed below the state folder.
    private func read(_ path: String, _ limit: Int) throws(SystemError) -> Files.Found {
        try Files.readBeneath(state, path, limit: limit)
    }

    /// The last number that there can be.
    static let last = 1_000_000_000

    /// `12.json` and nothing that only resembles it.
    private static func number(_ name: String) -> Int? {
        guard name.hasSuffix(".json"), let number = Int(name.dropLast(5)), (1...last).contains(number),
            "\(number).json" == name
        else { return nil }
        return number
    }
}

/// How much history is kept.
public enum HistoryBounds {
    /// A record as far as room is concerned.
    public struct Item: Hashable, Sendable {
        /// The record's number.
        public var number: Int
        /// Length of its file.
        public var bytes: Int
        /// Lengths of its texts by digest; a text counts once, however many records name it.
        public var texts: [String: Int]

        /// An item.
        public init(number: Int, bytes: Int, texts: [String: Int]) {
            self.number = number
            self.bytes = bytes
            self.texts = texts
        }
    }

    /// Most records.
    public static let records = 200
    /// Most bytes, texts included.
    public static let bytes = 64 << 20
    /// Largest plan that is kept.
    public static let plan = 4 << 20

    /// Numbers of the records to drop: the oldest, until both bounds hold. The newest stays whatever its size.
    public static func surplus(_ items: [Item], records: Int = records, bytes: Int = bytes) -> [Int] {
        var uses: [String: Int] = [:]
        var total = 0
        for item in items {
            total += item.bytes
            for (digest, length) in item.texts {
                if uses[digest] == nil { total += length }
                uses[digest, default: 0] += 1
            }
        }
        var rest = items.sorted { $0.number < $1.number }[...]
        var dropped: [Int] = []
        while rest.count > 1, rest.count > records || total > bytes, let oldest = rest.popFirst() {
            dropped.append(oldest.number)
            total -= oldest.bytes
            for (digest, length) in oldest.texts {
                uses[digest, default: 0] -= 1
                if uses[digest] == 0 { total -= length }
            }
        }
        return dropped
    }
}
