internal import JSON
internal import Model

/// One thing that `doctor` has to say.
struct Finding {
    enum Level: String {
        /// As it should be.
        case ok
        /// Good to know.
        case note
        /// Something that some manifests need is not there, or something may get in the way.
        case warning
        /// Nothing works without it.
        case problem
    }

    var level: Level
    /// `kernel`, `docker` …
    var subject: String
    var message: String
    /// Commands, exactly as they are to be typed.
    var remedy: [String] = []

    var document: JSON {
        [
            "level": .string(level.rawValue), "subject": .string(subject), "message": .string(message),
            "remedy": .array(remedy.map { .string($0) }),
        ]
    }

    /// For people.
    var text: String {
        let mark =
            switch level {
            case .ok: Terminal.paint("ok     ", .green)
            case .note: "note   "
            case .warning: Terminal.paint("warning", .yellow)
            case .problem: Terminal.paint("problem", .red)
            }
        let commands = remedy.map { "           \($0.terminalSafe)\n" }.joined()
        return "\(mark)  \(subject): \(message.terminalSafe)\n\(commands)"
    }
}
