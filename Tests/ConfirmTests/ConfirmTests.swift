import Foundation
import TestSupport
import Testing

/// A change stays if somebody confirms it, and is undone exactly if nobody does.
@Suite struct ConfirmTests {
    @Test func aChangeThatIsConfirmedStays() throws {
        let pending = try PendingHost()
        let host = pending.host
        let apply = try host.bulkhead("apply", "manifests", "--yes", "--confirm-within", "60s")
        #expect(apply.status == 0, "\(apply.errors)")
        #expect(
            apply.output.contains(
                "unless you confirm it: `bulkhead confirm` keeps it, `bulkhead revert` undoes it now."))
        let confirm = try host.bulkhead("confirm")
        #expect(confirm.status == 0)
        #expect(confirm.errors == "Confirmed: the change stays.\n")
        #expect(try host.bulkhead("drift", "manifests").status == 0)
        #expect(try pending.results() == ["applied", "confirmed"])
        let again = try host.bulkhead("confirm")
        #expect(again.status == 1)
        #expect(again.errors == "bulkhead: no change waits for a confirmation\n")
        #expect(try host.bulkhead("revert").errors == "bulkhead: no change waits for a confirmation\n")
        #expect(try host.bulkhead("revert").status == 1)
    }

    @Test func aChangeThatNobodyConfirmsIsUndone() throws {
        let pending = try PendingHost()
        let host = pending.host
        let before = try HostDump(host)
        let apply = try host.bulkhead(
            "apply", "manifests", "--yes", "--confirm-within", "20s", "--output", "json")
        #expect(apply.status == 0, "\(apply.errors)")
        let document = try #require(
            try JSONSerialization.jsonObject(with: Data(apply.output.utf8)) as? [String: Any])
        let until = try #require(document["pendingUntil"] as? String)
        #expect((document["result"] as? [String: Any])?["status"] as? String == "pending")
        let other = try host.bulkhead("apply", "manifests", "--yes")
        #expect(other.status == 75)
        #expect(
            try Regex(
                "bulkhead: a change of scope default by [^ ]+ waits for confirmation until \(until) \\([12]?[0-9] s left\\); "
                    + "`bulkhead confirm` keeps it, `bulkhead revert` undoes it; nothing was changed\n"
            ).wholeMatch(in: other.errors) != nil, "\(other.errors)")
        #expect(try host.bulkhead("destroy", "--all", "--yes").status == 75)
        // Readers never wait.
        #expect(try host.bulkhead("drift", "manifests").status == 0)
        try pending.waitForEnd()
        try expectAsBefore(before, host)
        #expect(try pending.results() == ["applied", "reverted"])
        let late = try host.bulkhead("confirm")
        #expect(late.status == 1)
        // The PATHs of the change that was undone are not those of the last apply.
        #expect(try host.bulkhead("plan", "manifests", "--detailed-exitcode").status == 2)
    }

    @Test func revertUndoesAtOnce() throws {
        let pending = try PendingHost()
        let host = pending.host
        let before = try HostDump(host)
        #expect(try host.bulkhead("apply", "manifests", "--yes", "--confirm-within", "1h").status == 0)
        let revert = try host.bulkhead("revert")
        #expect(revert.status == 0, "\(revert.errors)")
        #expect(revert.errors == "Undone: the host is as it was before the change.\n")
        try expectAsBefore(before, host)
        #expect(try pending.results() == ["applied", "reverted"])
    }

    @Test func aProbeDecides() throws {
        let pending = try PendingHost()
        let host = pending.host
        let before = try HostDump(host)
        let failed = try host.bulkhead("apply", "manifests", "--yes", "--quiet", "--confirm-if", "exit 4")
        #expect(failed.status == 1)
        #expect(failed.errors == "Not confirmed; undone: the host is as it was before.\n")
        try expectAsBefore(before, host)
        let slow = try host.bulkhead(
            "apply", "manifests", "--yes", "--confirm-within", "2s", "--confirm-if", "sleep 600")
        #expect(slow.status == 1)
        #expect(
            slow.errors == "The probe did not end in time.\nNot confirmed; undone: the host is as it was before.\n")
        try expectAsBefore(before, host)
        let probe = "ip link show bh-db && ! ip netns exec comes ping -c1 -W1 10.88.0.12"
        let kept = try host.bulkhead("apply", "manifests", "--yes", "--confirm-if", probe)
        #expect(kept.status == 0, "\(kept.errors)")
        #expect(try pending.results() == ["applied", "reverted", "reverted", "confirmed"])
        #expect(try host.bulkhead("drift", "manifests").status == 0)
    }

    @Test(arguments: ["0s", "-5", "s", "1d", "86401", "25h", "5 m", "٣s"])
    func aTimeThatIsNone(_ text: String) throws {
        let host = try ScratchHost()
        try host.write("all.yaml", PendingHost.before)
        let apply = try host.bulkhead("apply", "manifests", "--yes", "--confirm-within=\(text)")
        #expect(apply.status == 64)
        #expect(
            apply.errors
                == "bulkhead: --confirm-within '\(text)' must be a time from 1s to 24h, such as 60s or 5m\n")
    }

    private func expectAsBefore(_ before: HostDump, _ host: ScratchHost) throws {
        let now = try HostDump(host)
        #expect(now.differences(from: before) == [])
        // Links that are deleted get another index when they are made again; namespaces are held.
        #expect(now.changedIdentities(from: before, except: ["host ep-goes", "goes eth0"]) == [])
    }
}
