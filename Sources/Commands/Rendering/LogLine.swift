internal import SystemCalls

/// A line for the log: text on standard output, and where that is the journal, the same line with fields by which it can be
/// found.
struct LogLine {
    let words: String
    let level: SystemJournal.Level
    private(set) var fields: [(name: String, value: String)] = []

    init(_ words: String, _ level: SystemJournal.Level) {
        self.words = words
        self.level = level
    }

    /// With a field `BULKHEAD_NAME`; without it where there is no value.
    func with(_ name: String, _ value: String?) -> LogLine {
        guard let value else { return self }
        var line = self
        line.fields.append(("BULKHEAD_\(name)", value))
        return line
    }

    /// With a field of that name for each of these.
    func with(_ name: String, each values: [String]) -> LogLine { values.reduce(self) { $0.with(name, $1) } }

    func tell() {
        if let journal = SystemJournal(), journal.write(words, level, fields) { return }
        Terminal.tell(words + "\n")
    }
}
