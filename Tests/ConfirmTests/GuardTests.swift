import Foundation
import TestSupport
import Testing

/// The guard outlives what may die around it, and what is left of it when it dies itself is enough.
@Suite struct GuardTests {
    @Test func anApplyThatDiesOnTheWayIsUndone() throws {
        let pending = try PendingHost()
        let host = pending.host
        let before = try HostDump(host)
        let plan = try host.bulkhead("plan", "manifests", "--output", "json")
        let document = try JSONSerialization.jsonObject(with: Data(plan.output.utf8)) as? [String: Any]
        let steps = (document?["steps"] as? [Any] ?? []).count
        #expect(steps > 15)
        for step in stride(from: 0, to: steps, by: 3) {
            for fault in ["kill-before:\(step)", "kill-after:\(step)"] {
                let apply = try host.run(
                    [ScratchHost.binary, "apply", "manifests", "--yes", "--confirm-within", "1h"],
                    environment: ["BULKHEAD_FAULT": fault])
                #expect(apply.status == 137, "\(fault): \(apply.errors)")
                try pending.waitForEnd()
                let differences = try HostDump(host).differences(from: before)
                #expect(differences == [], "\(fault)")
            }
        }
        #expect(try host.bulkhead("apply", "manifests", "--yes").status == 0)
    }

    @Test func theGuardOutlivesTheSessionThatStartedIt() throws {
        let pending = try PendingHost()
        let host = pending.host
        let before = try HostDump(host)
        // On a terminal that goes away while it waits for Enter, with the process that has its other end.
        let line = "\(ScratchHost.binary) apply manifests --yes --confirm-within 12s"
        let session = try host.start(["script", "-qec", line, "/dev/null"], hasInput: true)
        while try host.run(["grep", "-qs", "waiting", "state/pending/change.json"]).status != 0 { usleep(20_000) }
        session.signal(SIGKILL)
        #expect(pending.isPending)
        _ = try session.finish()
        try pending.waitForEnd()
        #expect(try HostDump(host).differences(from: before) == [])
        #expect(try pending.results() == ["applied", "reverted"])
    }

    @Test func aChangeThatFailsEndsItsGuard() throws {
        let pending = try PendingHost()
        let host = pending.host
        let before = try HostDump(host)
        let apply = try host.run(
            [ScratchHost.binary, "apply", "manifests", "--yes", "--confirm-within", "1h"],
            environment: ["BULKHEAD_FAULT": "refuse:9"])
        #expect(apply.status == 1)
        #expect(!pending.isPending)
        #expect(try HostDump(host).differences(from: before) == [])
        #expect(try host.bulkhead("apply", "manifests", "--yes").status == 0)
    }

    @Test func aGuardThatDiedIsMissedAndNotNeeded() throws {
        let pending = try PendingHost()
        let host = pending.host
        let before = try HostDump(host)
        #expect(try host.bulkhead("apply", "manifests", "--yes", "--no-prune", "--confirm-within", "1h").status == 0)
        kill(try pending.guardID(), SIGKILL)
        try host.sh("flock -w 60 state/pending/guard true")
        let other = try host.bulkhead("apply", "manifests", "--yes")
        #expect(other.status == 75)
        #expect(other.errors.contains(" s left); its guard died; `bulkhead confirm` keeps it"), "\(other.errors)")
        let revert = try host.bulkhead("revert")
        #expect(revert.status == 0, "\(revert.errors)")
        #expect(try HostDump(host).differences(from: before) == [])
        #expect(try pending.results() == ["applied", "reverted"])
    }

    /// Its tables are put back even if others change them while nobody holds what they were.
    @Test func withoutAGuardTheFirewallComesBackWhateverBecameOfIt() throws {
        let pending = try PendingHost()
        let host = pending.host
        let before = try HostDump(host)
        #expect(try host.bulkhead("apply", "manifests", "--yes", "--no-prune", "--confirm-within", "1h").status == 0)
        kill(try pending.guardID(), SIGKILL)
        try host.sh("flock -w 60 state/pending/guard true; nft flush ruleset")
        let revert = try host.bulkhead("revert")
        #expect(revert.status == 0, "\(revert.errors)")
        #expect(try HostDump(host).differences(from: before) == [])
    }

    @Test func aGuardThatIsStoppedIsNotWaitedForWithoutEnd() throws {
        let pending = try PendingHost()
        let host = pending.host
        let before = try HostDump(host)
        #expect(try host.bulkhead("apply", "manifests", "--yes", "--confirm-within", "1h").status == 0)
        let number = try pending.guardID()
        kill(number, SIGSTOP)
        let revert = try host.bulkhead("revert")
        #expect(revert.status == 75)
        #expect(
            revert.errors
                == "bulkhead: the change is still pending, for its guard (pid \(number)) does nothing, as if it were stopped; "
                + "let it go on (`kill -CONT \(number)`), or else end it (`kill -KILL \(number)`) and call `bulkhead revert` "
                + "again\n")
        kill(number, SIGCONT)
        try pending.waitForEnd()
        #expect(try HostDump(host).differences(from: before) == [])
        #expect(try pending.results() == ["applied", "reverted"])
        // Keeping a change takes no guard.
        #expect(try host.bulkhead("apply", "manifests", "--yes", "--confirm-within", "1h").status == 0)
        let other = try pending.guardID()
        kill(other, SIGSTOP)
        #expect(try host.bulkhead("confirm").status == 0)
        kill(other, SIGCONT)
        try host.sh("flock -w 60 state/pending/guard true")
        #expect(try host.bulkhead("drift", "manifests").status == 0)
    }

    /// While the guard is stopped, the change ends, and whatever says so in its folder is removed. The history knows.
    @Test(arguments: ["confirm", "withdraw"]) func aGuardThatGoesOnLateAsksTheHistory(_ end: String) throws {
        let pending = try PendingHost()
        let host = pending.host
        let before = try HostDump(host)
        if end == "confirm" {
            #expect(try host.bulkhead("apply", "manifests", "--yes", "--confirm-within", "1h").status == 0)
        } else {
            // It stops before its first step, so that its guard can be stopped; then a step fails.
            let process = try host.start(
                [ScratchHost.binary, "apply", "manifests", "--yes", "--confirm-within", "1h"],
                environment: ["BULKHEAD_FAULT": "stop-before:0,refuse:3:0"])
            #expect(process.waitForStop())
            kill(try pending.guardID(), SIGSTOP)
            process.signal(SIGCONT)
            #expect(try process.finish().status == 1)
        }
        let number = try pending.guardID()
        kill(number, SIGSTOP)
        if end == "confirm" { #expect(try host.bulkhead("confirm").status == 0) }
        let after = try HostDump(host)
        try host.sh(
            "exec 9<state/pending/guard; rm -rf state/pending; kill -CONT \(number); flock -w 60 9; ! ls state/pending")
        #expect(try HostDump(host).differences(from: after) == [])
        if end == "withdraw" { #expect(after.differences(from: before) == []) }
        #expect(try pending.results() == ["applied", end == "confirm" ? "confirmed" : "undone"])
    }

    /// `confirm` is killed right after the file that says so got its name: the next run tidies what undoing would have taken.
    @Test func whatADeadConfirmLeftIsTidied() throws {
        let pending = try PendingHost()
        let host = pending.host
        #expect(try host.bulkhead("apply", "manifests", "--yes", "--confirm-within", "1h").status == 0)
        kill(try pending.guardID(), SIGKILL)
        try host.sh(
            """
            flock -w 60 state/pending/guard true
            cd state/pending; mv change.json "confirmed-$(sed -n 's/.*"id": "\\(.*\\)".*/\\1/p' change.json)"
            """)
        #expect(try host.sh("ls state/pending").contains("plan.json"))
        #expect(try pending.results() == ["applied", "confirmed"])
        let next = try host.bulkhead("apply", "manifests", "--yes")
        #expect(next.status == 0, "\(next.errors)")
        #expect(next.output.hasSuffix("In sync: nothing to do.\n"), "\(next.output)")
        #expect(try pending.results() == ["applied", "confirmed"])
        let left = try host.sh("ls state/pending").split(separator: "\n")
        #expect(left.count == 2 && left.contains("guard") && left[0].hasPrefix("confirmed-"), "\(left)")
    }

    @Test func withoutAGuardTheNextRunUndoesWhatNobodyConfirmed() throws {
        let pending = try PendingHost()
        let host = pending.host
        #expect(try host.bulkhead("apply", "manifests", "--yes", "--no-prune", "--confirm-within", "15s").status == 0)
        kill(try pending.guardID(), SIGKILL)
        sleep(16)
        #expect(pending.isPending)
        try host.write("all.yaml", PendingHost.before)
        let next = try host.bulkhead("apply", "manifests", "--yes")
        #expect(next.status == 0, "\(next.errors)")
        #expect(next.errors == "A change that nobody confirmed in time lost its guard; it is undone first.\n")
        #expect(next.output.hasSuffix("In sync: nothing to do.\n"), "\(next.output)")
        #expect(try pending.results() == ["applied", "reverted", "unchanged"])
    }

    @Test func whatIsLeftIsListed() throws {
        let pending = try PendingHost()
        let host = pending.host
        #expect(try host.bulkhead("apply", "manifests", "--yes", "--confirm-within", "1h").status == 0)
        // Its namespace is gone with the guard that held it.
        kill(try pending.guardID(), SIGKILL)
        try host.sh("flock -w 60 state/pending/guard true")
        let revert = try host.bulkhead("revert")
        #expect(revert.status == 3)
        let lines = revert.errors.split(separator: "\n")
        #expect(lines.first == "The host could not be put back completely; this is left:")
        #expect(lines.contains { $0.contains("delete namespace goes") }, "\(revert.errors)")
        #expect(try pending.results() == ["applied", "broken"])
        #expect(!pending.isPending)
    }

    @Test func aRestartOfTheMachineUndoesIt() throws {
        let pending = try PendingHost()
        let host = pending.host
        #expect(try host.bulkhead("apply", "manifests", "--yes", "--confirm-within", "1h").status == 0)
        kill(try pending.guardID(), SIGKILL)
        try host.sh("flock -w 60 state/pending/guard true")
        try host.sh("sed -i 's/\"boot\": \"[^\"]*\"/\"boot\": \"earlier\"/' state/pending/change.json")
        #expect(try host.bulkhead("confirm").errors == "bulkhead: no change waits for a confirmation\n")
        let next = try host.bulkhead("apply", "manifests", "--yes")
        #expect(next.status == 0, "\(next.errors)")
        #expect(
            next.errors == "note: a change that nobody confirmed was undone by the restart of the machine\n")
        #expect(try pending.results() == ["applied", "reverted", "unchanged"])
    }

    @Test func aFileThatBreaksMeanwhileDoesNotKeepTheGuardFromUndoing() throws {
        let pending = try PendingHost()
        let host = pending.host
        let before = try HostDump(host)
        #expect(try host.bulkhead("apply", "manifests", "--yes", "--confirm-within", "15s").status == 0)
        try host.sh("echo '{' > state/pending/change.json")
        try pending.waitForEnd()
        #expect(try HostDump(host).differences(from: before) == [])
    }

    @Test func aStateFolderThatIsRemovedConfirmsNothing() throws {
        let pending = try PendingHost()
        let host = pending.host
        let before = try HostDump(host)
        #expect(try host.bulkhead("apply", "manifests", "--yes", "--confirm-within", "1h").status == 0)
        // What the guard writes as soon as its file is gone stays: `rm -r` of the folder would stumble over it.
        try host.sh("rm -rf state/pending/*; rmdir state/pending || :")
        try host.sh("while ! ls state/pending/reverted-*; do sleep 0.1; done")
        #expect(try HostDump(host).differences(from: before) == [])
        #expect(try pending.results() == ["applied", "reverted"])
        // Nor does it help to remove the change alone, of which a probe takes no absence for a confirmation.
        let apply = try host.start(
            [
                ScratchHost.binary, "apply", "manifests", "--yes", "--quiet", "--confirm-within", "1h", "--confirm-if",
                "sleep 600",
            ])
        while try host.run(["grep", "-qs", "waiting", "state/pending/change.json"]).status != 0 { usleep(20_000) }
        try host.sh("rm state/pending/change.json")
        let result = try apply.finish()
        #expect(result.status == 1)
        #expect(result.errors == "Not confirmed; undone: the host is as it was before.\n")
        #expect(try HostDump(host).differences(from: before) == [])
        #expect(try pending.results() == ["applied", "reverted", "reverted"])
    }

    @Test func aProbeEndsItsOwnChangeAlone() throws {
        let pending = try PendingHost()
        let host = pending.host
        let first = try host.start(
            [
                ScratchHost.binary, "apply", "manifests", "--yes", "--confirm-within", "1h", "--confirm-if",
                "until [ -e enough ]; do sleep 0.1; done; false",
            ])
        while try host.run(["grep", "-qs", "waiting", "state/pending/change.json"]).status != 0 { usleep(20_000) }
        #expect(try host.bulkhead("confirm").status == 0)
        try host.write("all.yaml", PendingHost.before)
        #expect(try host.bulkhead("apply", "manifests", "--yes", "--confirm-within", "1h").status == 0)
        try host.sh("touch enough")
        let result = try first.finish()
        #expect(result.status == 0, "\(result.errors)")
        #expect(pending.isPending)
        #expect(try host.bulkhead("confirm").status == 0)
        #expect(try pending.results() == ["applied", "confirmed", "confirmed"])
    }
}
