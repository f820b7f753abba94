internal import Reconciler
internal import SystemCalls

/// After a change under guard: asks the probe, or on a terminal the person, or leaves it to `bulkhead confirm`.
struct Awaiting {
    let global: GlobalOptions
    let change: PendingChange
    let confirmation: Confirmation

    /// Returns where the change stays or still waits; ends with 1 where it was undone, with 3 where that left something.
    func run() throws {
        if let probe = confirmation.probe { return try ask(probe) }
        guard global.output == .text, Host.isTerminal(0), Host.isTerminal(2) else { return }
        try askPerson()
    }

    private func ask(_ probe: String) throws {
        let end = try PendingEnd(global)
        let child = try Detachment.startShell(probe)
        while true {
            guard let now = try end.folder.change(), now.id == change.id else {
                // Somebody else confirmed or reverted it meanwhile.
                child.end()
                return try finish(try end.awaitEnd(change))
            }
            if let status = child.status() {
                if status == 0 { return try confirm(end, "the probe succeeded") }
                global.say("The probe ended with status \(status).")
                return try finish(try end.revert(change.id) ?? .reverted(left: []))
            }
            if let number = Signals.pending {
                child.end()
                global.say("Interrupted by signal \(number).")
                return try finish(try end.revert(change.id) ?? .reverted(left: []))
            }
            guard !change.isOver else {
                child.end()
                global.say("The probe did not end in time.")
                return try finish(try end.awaitEnd(change))
            }
            Detachment.pause(milliseconds: 50)
        }
    }

    private func askPerson() throws {
        let end = try PendingEnd(global)
        Terminal.err("Press Enter to keep the change. ")
        while !change.isOver {
            guard let now = try end.folder.change(), now.id == change.id else { break }
            switch Detachment.waitForLine(milliseconds: 200) {
            case .entered: return try confirm(end, "thank you")
            case .timeout: continue
            case .closed:
                Terminal.err("\nStill waiting: `bulkhead confirm` keeps the change.\n")
                return
            }
        }
        Terminal.err("\n")
        try finish(try end.awaitEnd(change))
    }

    private func confirm(_ end: PendingEnd, _ why: String) throws {
        try end.confirm(change.id)
        global.say("Confirmed (\(why)): the change stays.")
    }

    private func finish(_ result: PendingEnd.Result) throws {
        switch result {
        case .confirmed: global.say("Confirmed: the change stays.")
        case .reverted(let left):
            if left.isEmpty { Terminal.err("Not confirmed; undone: the host is as it was before.\n") }
            try PendingEnd(global).report(PendingOutcome(id: change.id, left: left))
            throw Finish(.failed)
        }
    }
}
