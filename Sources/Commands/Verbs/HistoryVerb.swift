internal import ArgumentParser
internal import JSON
internal import Manifest
internal import Model
internal import Reconciler

/// `bulkhead history`.
struct HistoryVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history", abstract: "Show what was applied when, from which commit, with what result.",
        discussion: "Every apply, destroy and rollback has a number; `bulkhead rollback N` goes back to one.",
        subcommands: [HistoryList.self, HistoryShow.self], defaultSubcommand: HistoryList.self)
}

/// `bulkhead history list`, which `history` alone means.
struct HistoryList: Verb {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "All records, the newest last.")

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let entries = try History(try global.folders()).entries()
        switch global.output {
        case .json: Terminal.out(try HistoryDocument.all(entries).text(pretty: true))
        case .text: Terminal.out(HistoryText.all(entries))
        }
    }
}

/// `bulkhead history show N`.
struct HistoryShow: Verb {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "One record with its plan; as JSON with its manifests too.")

    @Argument(help: ArgumentHelp("Number of the record.", valueName: "n"))
    var number: Int

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let history = History(try global.folders())
        let record = try HistoryAccess.record(number, in: history)
        let plan = try record.plan.map { text in
            try JSON(parsing: try HistoryAccess.contents(text, of: number, in: history))
        }
        switch global.output {
        case .json: Terminal.out(try HistoryDocument.one(record, plan, history).text(pretty: true))
        case .text: Terminal.out(HistoryText.one(record, plan))
        }
    }
}

/// Records by number, or what to say instead.
enum HistoryAccess {
    static func record(_ number: Int, in history: History) throws -> HistoryRecord {
        let numbers = try history.numbers()
        guard numbers.contains(number) else {
            throw Complaint("the history has no number \(number); \(there(numbers))")
        }
        switch history.entry(number) {
        case .record(let record): return record
        case .damaged(_, let reason): throw Complaint("number \(number) of the history is damaged: \(reason)")
        }
    }

    static func contents(_ text: HistoryRecord.Text, of number: Int, in history: History) throws -> [UInt8] {
        do {
            return try history.contents(of: text)
        } catch {
            throw Complaint("number \(number) of the history is damaged: \(error)")
        }
    }

    /// The manifests of a record, as they were read then.
    static func sources(of record: HistoryRecord, in history: History) throws -> [SourceText] {
        try record.manifests.map { text in
            SourceText(name: text.name, bytes: try contents(text, of: record.number, in: history))
        }
    }

    /// `there are 3 to 9 and 11`.
    private static func there(_ numbers: [Int]) -> String {
        var runs: [ClosedRange<Int>] = []
        for number in numbers {
            if let last = runs.last, last.upperBound + 1 == number {
                runs[runs.count - 1] = last.lowerBound...number
            } else {
                runs.append(number...number)
            }
        }
        guard !runs.isEmpty else { return "it is empty" }
        let words = runs.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound) to \($0.upperBound)" }
        let list =
            words.count == 1 ? words[0] : words.dropLast().joined(separator: ", ") + " and " + words[words.count - 1]
        return numbers.count == 1 ? "there is \(list)" : "there are \(list)"
    }
}
