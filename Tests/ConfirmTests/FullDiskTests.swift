import Foundation
import TestSupport
import Testing

/// The disk of the state folder is full when a change under guard ends: what became of it is known all the same.
@Suite struct FullDiskTests {
    private static let full = "cat /dev/zero > state/filler 2>/dev/null || true"
    private static let waiting = "until grep -qs waiting state/pending/change.json; do sleep 0.05; done"

    /// The first state is in force; the state folder is a small file system of its own.
    private func prepare() throws -> PendingHost {
        let pending = try PendingHost()
        try pending.host.sh(
            "mv state first; mkdir state; mount -t tmpfs -o size=2m tmpfs state; cp -a first/. state; rm -r first")
        return pending
    }

    private func start(_ host: ScratchHost, _ options: String...) throws -> RunningProcess {
        let apply = try host.start(
            [ScratchHost.binary, "apply", "manifests", "--yes", "--quiet", "--confirm-if", "sleep 600"] + options)
        try host.sh("\(Self.waiting); \(Self.full)")
        return apply
    }

    @Test func whatNobodyConfirmedIsUndoneAndSaidToBe() throws {
        let pending = try prepare()
        let host = pending.host
        let before = try HostDump(host)
        let text = try start(host, "--confirm-within", "15s")
        let result = try text.finish()
        #expect(result.status == 1)
        #expect(result.errors == "Not confirmed; undone: the host is as it was before.\n")
        #expect(try HostDump(host).differences(from: before) == [])
        #expect(try pending.results() == ["applied", "reverted"])
        let late = try host.bulkhead("revert")
        #expect(late.status == 1)
        #expect(late.errors == "bulkhead: no change waits for a confirmation\n")
        try host.sh("rm state/filler")

        // Asked for, it is undone at once.
        let json = try start(host, "--confirm-within", "1h", "--output", "json")
        let revert = try host.bulkhead("revert")
        #expect(revert.status == 0)
        #expect(revert.errors == "Undone: the host is as it was before the change.\n")
        let told = try json.finish()
        #expect(told.status == 1)
        let document = try #require(try JSONSerialization.jsonObject(with: Data(told.output.utf8)) as? [String: Any])
        #expect((document["result"] as? [String: Any])?["status"] as? String == "reverted")
        #expect(try HostDump(host).differences(from: before) == [])
        #expect(try pending.results() == ["applied", "reverted", "reverted"])

        // The next run that writes notes it in the history itself.
        try host.sh("rm state/filler")
        try host.write("all.yaml", PendingHost.before)
        #expect(try host.bulkhead("apply", "manifests", "--yes").status == 0)
        #expect(try host.sh("grep -l '\"result\": \"reverted\"' state/history/*.json | wc -l") == "2\n")
    }

    @Test func whatIsConfirmedStaysConfirmed() throws {
        let pending = try prepare()
        let host = pending.host
        let apply = try start(host, "--confirm-within", "1h")
        let confirm = try host.bulkhead("confirm")
        #expect(confirm.status == 0)
        #expect(confirm.errors.hasSuffix("Confirmed: the change stays.\n"), "\(confirm.errors)")
        #expect(try apply.finish().status == 0)
        #expect(try host.bulkhead("drift", "manifests").status == 0)
        #expect(try pending.results() == ["applied", "confirmed"])
        try host.sh("rm state/filler")
        #expect(try host.bulkhead("apply", "manifests", "--yes").status == 0)
        #expect(try host.sh("grep -c '\"result\": \"confirmed\"' state/history/2.json") == "1\n")
    }
}
