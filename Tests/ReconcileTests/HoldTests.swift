import Foundation
import TestSupport
import Testing

/// Who holds rounds back: a person who suspends them, rolls back, or does not confirm.
@Suite struct HoldTests {
    @Test func suspendedRoundsDoNothing() throws {
        let site = try RoundHost()
        try site.push(RoundHost.network)
        let suspended = try site.host.bulkhead(
            "suspend", "--reason", "moving the \u{1b}[31mrack", environment: ["SUDO_USER": "ann"])
        #expect(suspended.status == 0, "\(suspended)")
        let round = try site.round()
        #expect(round.status == 0)
        let words = #/reconcile default: suspended since [-0-9T:]+Z by ann: moving the \\u\{1b\}\[31mrack\n/#
        #expect(round.output.wholeMatch(of: words) != nil, "\(round.output)")
        #expect(round.output == suspended.output)
        #expect(try site.document().1["result"] as? String == "suspended")
        #expect(try site.host.bulkhead("history").output == "Nothing was applied yet.\n")
        // Another scope goes on.
        let other = try site.round("--scope", "other")
        #expect(other.status == 0)
        #expect(other.output.hasPrefix("reconcile other: applied commit "))
        #expect(try site.host.bulkhead("destroy", "--all", "--yes", "--scope", "other").status == 0)
        let resumed = try site.host.bulkhead("resume")
        #expect(resumed.status == 0)
        #expect(resumed.errors == "reconcile default: resumed\n")
        #expect(try site.host.bulkhead("resume").errors == "reconcile default: was not suspended\n")
        #expect(try site.round().output.hasPrefix("reconcile default: applied commit "))
    }

    @Test func aRolledBackCommitIsNotAppliedAgainByItself() throws {
        let site = try RoundHost()
        let first = try site.push(RoundHost.network, RoundHost.endpoint("a"))
        #expect(try site.round().status == 0)
        let second = try site.push(RoundHost.network, RoundHost.endpoint("b"))
        #expect(try site.round().status == 0)
        #expect(try site.host.bulkhead("rollback", "1", "--yes").status == 0)
        #expect(try site.endpoints() == ["a"])
        for _ in 0..<2 {
            let held = try site.round()
            #expect(held.status == 1)
            let head = "reconcile default: commit \(second.short) of main is bad: it was rolled back at "
            #expect(held.output.hasPrefix(head), "\(held.output)")
            #expect(held.output.hasSuffix("; commit \(first.short) stays in force\n"), "\(held.output)")
        }
        // What was gone back to is kept as it is.
        try site.host.sh("ip link set bh-web mtu 1400")
        #expect(try site.round().output.contains("drift was repaired: "))
        #expect(try site.endpoints() == ["a"])
        #expect(try site.round().status == 1)
        // Neither does it when the history has forgotten.
        try site.host.sh("rm state/history/2.json state/history/3.json")
        #expect(try site.round().status == 1)
        #expect(try site.endpoints() == ["a"])
        let third = try site.push(RoundHost.network, RoundHost.endpoint("c"))
        #expect(try site.round().output.hasPrefix("reconcile default: applied commit \(third.short) of main: "))
        #expect(try site.endpoints() == ["c"])
    }

    @Test func aPersonMayApplyItAgain() throws {
        let site = try RoundHost()
        try site.push(RoundHost.network, RoundHost.endpoint("a"))
        #expect(try site.round().status == 0)
        let second = try site.push(RoundHost.network, RoundHost.endpoint("b"))
        #expect(try site.round().status == 0)
        #expect(try site.host.bulkhead("rollback", "1", "--yes").status == 0)
        #expect(try site.round().status == 1)
        let retried = try site.round("--retry")
        #expect(retried.output.hasPrefix("reconcile default: applied commit \(second.short) of main: "), "\(retried)")
        #expect(try site.endpoints() == ["b"])
        #expect(try site.round().status == 0)
    }

    @Test func aCommitThatNobodyConfirmedIsNotAppliedByARound() throws {
        let site = try RoundHost()
        let first = try site.push(RoundHost.network, RoundHost.endpoint("a"))
        #expect(try site.round().status == 0)
        let second = try site.push(RoundHost.network, RoundHost.endpoint("b"))
        let pending = try site.host.bulkhead("apply", "--yes", "--confirm-within", "1h", "work/net")
        #expect(pending.status == 0, "\(pending)")
        let waiting = try site.round()
        #expect(waiting.status == 75, "\(waiting)")
        #expect(waiting.errors.contains("waits for confirmation"))
        #expect(try site.host.bulkhead("revert").status == 0)
        let held = try site.round()
        #expect(held.status == 1)
        #expect(held.output.contains("commit \(second.short) of main is bad: it was reverted at "), "\(held.output)")
        #expect(held.output.hasSuffix("; commit \(first.short) stays in force\n"), "\(held.output)")
        #expect(try site.endpoints() == ["a"])
    }

    /// Edits that are tried before they are committed are not the commit that they began with.
    @Test func aTrialOfEditsThatNobodyConfirmedHoldsNoCommitBack() throws {
        let site = try RoundHost()
        try site.push(RoundHost.network, RoundHost.endpoint("a"))
        #expect(try site.round().status == 0)
        try site.host.sh("sed -i 's/name: a/name: b/' work/net/*.yaml")
        let pending = try site.host.bulkhead("apply", "--yes", "--confirm-within", "1h", "work/net")
        #expect(pending.status == 0, "\(pending)")
        #expect(try site.endpoints() == ["b"])
        #expect(try site.host.bulkhead("revert").status == 0)
        try site.host.sh("ip link delete ep-a")
        let round = try site.round()
        #expect(round.status == 0, "\(round)")
        #expect(try site.endpoints() == ["a"])
    }

    @Test func twoRoundsDoNotMeet() throws {
        let site = try RoundHost()
        try site.push(RoundHost.network)
        #expect(try site.round().status == 0)
        let holder = try site.host.start(
            ["flock", "-o", "state/reconcile/default/lock", "sh", "-c", "echo ready; exec cat"], hasInput: true)
        holder.waitForOutput()
        let result = try site.round()
        #expect(result.status == 75)
        #expect(
            result.errors.contains("another round of scope default, or a repair of `watch`, is under way (pid "),
            "\(result.errors)")
        // Nobody is put off for a moment.
        let patient = try site.host.start([ScratchHost.binary, "reconcile", "--repo", "origin.git", "--path", "net"])
        usleep(300_000)
        _ = try holder.finish(input: "")
        let late = try patient.finish()
        #expect(late.status == 0, "\(late)")
        #expect(try site.round().status == 0)
    }
}
