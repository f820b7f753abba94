import Foundation
import TestSupport
import Testing

/// Runs that die are in the history, too.
@Suite struct InterruptedTests {
    @Test func aRunThatDiedIsShownAsInterrupted() throws {
        let host = try ScratchHost()
        try host.declare(Manifests.network, Manifests.endpoint("web-1"))
        let killed = try host.apply(environment: ["BULKHEAD_FAULT": "kill-before:3"])
        #expect(killed.status == 137)
        let row = try #require(try host.rows().first)
        #expect(row.contains("interrupted"), "\(row)")
        let record = try host.record(1)["record"] as? [String: Any] ?? (try host.record(1))
        #expect(record["result"] as? String == "interrupted", "\(record)")
        #expect(((record["manifests"] as? [Any]) ?? []).count == 1)
        // Written down by the next one that takes the lock.
        #expect(try host.sh("cat state/history/1.json").contains("\"running\""))
        #expect(try host.apply().status == 0)
        #expect(try host.sh("cat state/history/1.json").contains("\"interrupted\""))
        #expect(try host.rows().count == 2)
        #expect(try host.rows().last?.contains("applied") ?? false)
        let back = try host.bulkhead("rollback", "1", "--yes")
        #expect(back.output.contains("number 1 ended with 'interrupted': its manifests have not been in force by it"))
    }

    @Test func aRunThatIsAtWorkIsShownAsRunning() throws {
        let host = try ScratchHost()
        try host.declare(Manifests.network, Manifests.endpoint("web-1"))
        let process = try host.start(
            [ScratchHost.binary, "apply", "--yes", "manifests"], environment: ["BULKHEAD_FAULT": "stop-before:3"])
        #expect(process.waitForStop())
        #expect(try host.rows().first?.contains("running") ?? false)
        process.signal(SIGCONT)
        #expect(try process.finish().status == 0)
        #expect(try host.rows().count == 1)
        #expect(try host.rows().first?.contains("applied") ?? false)
    }

    /// Under guard it is undone.
    @Test func aRunUnderGuardThatDiedIsShownAsReverted() throws {
        let host = try ScratchHost()
        try host.declare(Manifests.network, Manifests.endpoint("web-1"))
        let killed = try host.apply("--confirm-within", "1h", environment: ["BULKHEAD_FAULT": "kill-before:3"])
        #expect(killed.status == 137)
        try host.sh("while [ -e state/pending/change.json ]; do sleep 0.1; done; flock -w 60 state/lock true")
        #expect(try host.rows().first?.contains("reverted") ?? false)
    }
}
