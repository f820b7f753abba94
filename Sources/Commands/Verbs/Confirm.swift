internal import ArgumentParser
internal import JSON
internal import Model
internal import Reconciler
internal import SystemCalls

/// `bulkhead confirm`.
struct Confirm: Verb {
    static let configuration = CommandConfiguration(
        commandName: "confirm",
        abstract: "Keep the change that waits for its confirmation.",
        discussion: "Status 1 where none does, or where its time is up.")

    @OptionGroup var global: GlobalOptions

    func run() throws {
        try PendingEnd(global).confirm()
        switch global.output {
        case .text: global.say("Confirmed: the change stays.")
        case .json: Terminal.tell(PendingText.document("confirmed", []).text(pretty: true))
        }
    }
}

/// `bulkhead revert`.
struct Revert: Verb {
    static let configuration = CommandConfiguration(
        commandName: "revert",
        abstract: "Undo the change that waits for its confirmation.",
        discussion: "Status 1 where none does; status 3 where the host could not be put back completely.")

    @OptionGroup var global: GlobalOptions

    func run() throws {
        try Comparison.requireRights()
        switch try PendingEnd(global).revert() {
        case .confirmed: throw Complaint("it was confirmed a moment ago, and stays")
        case .reverted(let left): try PendingText.reverted(left, global)
        case nil: global.say("The restart of the machine had undone it already.")
        }
    }
}

/// The process that undoes a change unless it is confirmed; started by `apply`, not by people.
struct GuardVerb: Verb {
    static let configuration = CommandConfiguration(
        commandName: "guard", abstract: "Watch over a pending change.", shouldDisplay: false)

    @Argument var id: String

    @OptionGroup var global: GlobalOptions

    func run() throws {
        Detachment.settle()
        let end = try PendingEnd(global)
        guard let change = try end.folder.change(), change.id == id else { return }
        try end.makeGuard(change).stand()
    }
}

/// What is said of pending changes.
enum PendingText {
    static func document(_ result: String, _ left: [String]) -> JSON {
        [
            "format": "bulkhead.confirmation/v1", "result": .string(result),
            "left": .array(left.map { .string($0) }),
        ]
    }

    /// Says that a change was undone, and ends with 3 where something is left.
    static func reverted(_ left: [String], _ global: GlobalOptions) throws {
        switch global.output {
        case .json: Terminal.tell(document("reverted", left).text(pretty: true))
        case .text:
            if left.isEmpty { return global.say("Undone: the host is as it was before the change.") }
            Terminal.err("The host could not be put back completely; this is left:\n")
            for item in left { Terminal.err("  \(item.terminalSafe)\n") }
        }
        if !left.isEmpty { throw Finish(.broken) }
    }
}
