internal import JSON
internal import Model
internal import Planner
internal import Reconciler
internal import SystemCalls

/// What `watch` says: one line for each thing that happens, or one document in a line (`bulkhead.watch/v1`).
struct WatchLog {
    /// What happened.
    enum Event: String {
        /// The manifests are in force, and all namespaces are listened to.
        case ready
        /// Drift was repaired.
        case repaired
        /// A repair failed; the host is as it was before.
        case failed
        /// The host could not be put back either.
        case broken
        /// What differs is not repaired: it may not or cannot be.
        case refused
        /// Somebody undoes every repair; the next one waits.
        case fought
        /// What was wrong is right.
        case inSync
        /// Nothing is repaired for now, because of somebody else.
        case waiting
        /// The manifests were read again, and are in force.
        case reloaded
        /// The manifests were read again and are wrong; those from before are kept.
        case rejected
        /// Somebody applied something else, and that is kept from now on.
        case following
        /// The end.
        case stopped

        /// Whether it is said however quiet.
        var isTrouble: Bool {
            switch self {
            case .failed, .broken, .refused, .fought, .rejected: true
            case .ready, .repaired, .inSync, .waiting, .reloaded, .following, .stopped: false
            }
        }

        var level: SystemJournal.Level {
            switch self {
            case .failed, .broken: .error
            case .refused, .fought, .rejected: .warning
            case .repaired, .waiting, .following: .notice
            case .ready, .inSync, .reloaded, .stopped: .info
            }
        }
    }

    /// What there is to say beside the words.
    struct Details {
        var plan: Plan?
        var number: Int?
        var errors: [Diagnostic] = []
        var warnings: [Diagnostic] = []
        var left: [String] = []
        var authors: [String] = []
        var milliseconds: Int64?
    }

    let global: GlobalOptions
    /// So many steps are named in a document or an entry.
    private static let limit = 100

    func say(_ event: Event, _ words: String, _ details: Details = Details()) {
        switch global.output {
        case .json: Terminal.tell(document(event, words, details).text() + "\n")
        case .text:
            for item in details.warnings { Terminal.err(item.headline + "\n") }
            if global.verbose { for item in details.errors { Terminal.err(item.headline + "\n") } }
            if global.quiet && !event.isTrouble { return }
            line(event, words, details).tell()
        }
    }

    /// For whoever wants to know why it does something, or nothing.
    func trace(_ words: @autoclosure () -> String) {
        if global.verbose { Terminal.err("watch \(global.scope): looked: \(words())\n") }
    }

    private func line(_ event: Event, _ words: String, _ details: Details) -> LogLine {
        LogLine("watch \(global.scope): \(words)", event.level)
            .with("VERB", "watch").with("HOST", global.hostName()).with("SCOPE", global.scope)
            .with("EVENT", event.rawValue).with("NUMBER", details.number.map(String.init))
            .with("MILLISECONDS", details.milliseconds.map(String.init))
            .with("STEP", each: (details.plan?.steps ?? []).prefix(Self.limit).map(\.summary))
            .with("AUTHOR", each: details.authors).with("ERROR", each: details.errors.map(\.headline))
            .with("LEFT", each: details.left)
    }

    private func document(_ event: Event, _ words: String, _ details: Details) -> JSON {
        func list(_ texts: [String]) -> JSON { .array(texts.map { .string($0) }) }
        return [
            "format": "bulkhead.watch/v1", "time": .string(Moment.now()), "host": .string(global.hostName()),
            "scope": .string(global.scope), "event": .string(event.rawValue), "message": .string(words),
            "number": details.number.map { .int(Int64($0)) } ?? nil,
            "summary": details.plan.map(PlanDocument.summary) ?? nil,
            "steps": list((details.plan?.steps ?? []).prefix(Self.limit).map(\.summary)),
            "authors": list(details.authors),
            "errors": .array(details.errors.map(PlanDocument.diagnostic)),
            "warnings": .array(details.warnings.map(PlanDocument.diagnostic)), "left": list(details.left),
            "milliseconds": details.milliseconds.map { .int($0) } ?? nil,
        ]
    }

    /// The first few steps of a plan, and how many there are beside them.
    static func steps(_ plan: Plan) -> String {
        let shown = plan.steps.prefix(3).map(\.summary.terminalSafe).joined(separator: ", ")
        return plan.steps.count > 3 ? "\(shown) and \(plan.steps.count - 3) more" : shown
    }

    /// `; changed by nft (pid 4711)`.
    static func blame(_ authors: [String]) -> String {
        authors.isEmpty ? "" : "; changed by \(authors.joined(separator: ", "))"
    }

    /// The first error, and how many there are beside it.
    static func reason(_ errors: [Diagnostic]) -> String {
        guard let first = errors.first else { return "no reason was given" }
        let more = errors.count > 1 ? " (and \(errors.count - 1) more)" : ""
        return (first.location.map { "\($0): " } ?? "") + first.message.terminalSafe + more
    }
}
