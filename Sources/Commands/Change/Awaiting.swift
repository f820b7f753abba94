internal import Reconciler
internal import SystemCalls

/// After a change under guard: what decides whether it stays.
struct Awaiting {
    let global: GlobalOptions
    let change: PendingChange
    let confirmation: Confirmation

    /// What became of it; nil where that is left to `bulkhead confirm`, because nobody can be asked or answers any more.
    func run() throws -> PendingEnd.Result? {
        if let probe = confirmation.probe { return try ask(probe) }
        guard global.output == .text, Host.isTerminal(0), Host.isTerminal(2) else { return nil }
        return try askPerson()
    }

    private func ask(_ probe: String) throws -> PendingEnd.Result {
        let end = try PendingEnd(global)
        let child = try Detachment.startShell(probe)
        while true {
            guard let now = try end.folder.change(), now.id == change.id else {
                // Somebody else confirmed or reverted it meanwhile.
                child.end()
                return try others(end)
            }
            guard !change.isOver else {
                child.end()
                global.say("The probe did not end in time.")
                return try others(end)
            }
            if let status = child.status() {
                if status == 0 { return try confirm(end, "the probe succeeded") }
                global.say("The probe ended with status \(status).")
                return try end.revert(change.id) ?? .reverted(left: [])
            }
            if let number = Signals.pending {
                child.end()
                global.say("Interrupted by signal \(number).")
                return try end.revert(change.id) ?? .reverted(left: [])
            }
            Detachment.pause(milliseconds: 50)
        }
    }

    private func askPerson() throws -> PendingEnd.Result? {
        let end = try PendingEnd(global)
        Detachment.forgetTyping()
        Terminal.err("Press Enter to keep the change. ")
        while !change.isOver {
            guard let now = try end.folder.change(), now.id == change.id else { break }
            switch Detachment.waitForLine(milliseconds: 200) {
            case .entered: return try confirm(end, "thank you")
            case .timeout: continue
            case .closed:
                Terminal.err("\nStill waiting: `bulkhead confirm` keeps the change.\n")
                return nil
            }
        }
        Terminal.err("\n")
        return try others(end)
    }

    /// What somebody else makes of it.
    private func others(_ end: PendingEnd) throws -> PendingEnd.Result {
        let result = try end.awaitEnd(change)
        if case .confirmed = result { global.say("Confirmed: the change stays.") }
        return result
    }

    /// Where the time was up a moment before, the change is being undone.
    private func confirm(_ end: PendingEnd, _ why: String) throws -> PendingEnd.Result {
        do {
            try end.confirm(change.id)
        } catch  where change.isOver {
            return try others(end)
        }
        global.say("Confirmed (\(why)): the change stays.")
        return .confirmed
    }
}
