internal import ArgumentParser
internal import JSON
internal import Model
internal import Reconciler
internal import SystemCalls

/// `bulkhead suspend`.
struct Suspend: Verb {
    static let configuration = CommandConfiguration(
        commandName: "suspend",
        abstract: "Let `reconcile` and `watch` do nothing until `resume`.",
        discussion: "Waits for a round or a repair that is under way. Other verbs work as ever.")

    @Option(help: ArgumentHelp("Why, for whoever wonders.", valueName: "text"))
    var reason: String?

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let folder = RoundFolder(try global.folders(), scope: try global.scopeName())
        try folder.suspend(reason: reason)
        // A round that has begun may be before its first write.
        while case .held(let holder) = try folder.begin() {
            global.say("a round is under way (\(holder.terminalSafe)); waiting for its end")
            Detachment.pause(milliseconds: 500)
        }
        if let suspension = folder.suspension() { SuspensionWords.tell(suspension, global) }
    }
}

/// `bulkhead resume`.
struct Resume: Verb {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Let `reconcile` and `watch` work again.")

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let folder = RoundFolder(try global.folders(), scope: try global.scopeName())
        let wasSuspended = folder.suspension() != nil
        try folder.resume()
        let words = wasSuspended ? "resumed" : "was not suspended"
        switch global.output {
        case .text: global.say("reconcile \(global.scope): \(words)")
        case .json: Terminal.out(JSON.object(["scope": .string(global.scope), "suspended": false]).text() + "\n")
        }
    }
}

/// What is said of a suspension.
enum SuspensionWords {
    /// Since when, by whom and why.
    static func text(_ suspension: Suspension) -> String {
        let reason = suspension.reason.map { ": \($0.terminalSafe)" } ?? ""
        return "suspended since \(suspension.since) by \(suspension.user.terminalSafe)\(reason)"
    }

    static func tell(_ suspension: Suspension, _ global: GlobalOptions) {
        switch global.output {
        case .text:
            if global.quiet { return }
            Terminal.out("reconcile \(global.scope): \(text(suspension))\n")
        case .json:
            let document: JSON = [
                "format": "bulkhead.reconcile/v1", "host": .string(global.hostName()), "scope": .string(global.scope),
                "result": "suspended", "since": .string(suspension.since), "user": .string(suspension.user),
                "reason": suspension.reason.map { .string($0) } ?? nil,
            ]
            Terminal.out(document.text() + "\n")
        }
    }
}
