import Foundation
import TestSupport
import Testing

/// What is printed and typed around a change under guard.
@Suite struct OutputTests {
    /// One document, which comes when the outcome is known; what the probe says is none of it.
    @Test(arguments: [("true", 0, "confirmed"), ("false", 1, "reverted")])
    func aProbeDecidesInJSON(_ probe: String, _ status: Int32, _ outcome: String) throws {
        let host = try PendingHost().host
        let apply = try host.bulkhead(
            "apply", "manifests", "--yes", "--output", "json", "--confirm-if", "echo noise; \(probe)")
        #expect(apply.status == status)
        let document = try #require(
            try JSONSerialization.jsonObject(with: Data(apply.output.utf8)) as? [String: Any], "\(apply.output)")
        #expect((document["result"] as? [String: Any])?["status"] as? String == outcome)
        #expect(document["pendingUntil"] == nil)
        #expect(apply.errors.hasPrefix("noise\n"), "\(apply.errors)")
    }

    /// Types before it is asked, then waits for the question.
    private static let typist = """
        import os, pty, sys, time
        early, question, late = (item.encode().decode("unicode_escape").encode() for item in sys.argv[1:4])
        process, terminal = pty.fork()
        if process == 0:
            os.execvp(sys.argv[4], sys.argv[4:])
        os.write(terminal, early)
        said = b""
        try:
            while True:
                data = os.read(terminal, 4096)
                if not data: break
                said += data
                if question and question in said:
                    time.sleep(1.5)
                    os.write(terminal, late)
                    question = b""
        except OSError:
            pass
        sys.stdout.write(said.decode())
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))
        """

    private func type(_ host: ScratchHost, _ early: String, _ question: String, _ late: String, _ command: [String])
        throws -> ScratchHost.Result
    {
        try host.run(["python3", "-c", Self.typist, early, question, late, ScratchHost.binary] + command)
    }

    @Test func whatWasTypedBeforeTheQuestionIsNoAnswer() throws {
        let pending = try PendingHost()
        let host = pending.host
        let before = try HostDump(host)
        let declined = try type(host, "y\\n", "Apply? [y/N] ", "n\\n", ["apply", "manifests"])
        #expect(declined.status == 0)
        #expect(declined.output.contains("Nothing was changed."), "\(declined.output)")
        #expect(try HostDump(host).differences(from: before) == [])
    }

    @Test func enterConfirmsOnlyOnceItIsAskedFor() throws {
        let pending = try PendingHost()
        let host = pending.host
        let before = try HostDump(host)
        let command = ["apply", "manifests", "--yes", "--confirm-within"]
        let early = try type(host, "\\n", "", "", command + ["3s"])
        #expect(early.status == 1)
        #expect(early.output.contains("Press Enter to keep the change."), "\(early.output)")
        #expect(early.output.contains("Not confirmed; undone: the host is as it was before."), "\(early.output)")
        #expect(try HostDump(host).differences(from: before) == [])
        let asked = try type(host, "", "Press Enter to keep the change.", "\\n", command + ["1h"])
        #expect(asked.status == 0)
        #expect(asked.output.contains("Confirmed (thank you): the change stays."), "\(asked.output)")
        #expect(try pending.results() == ["applied", "reverted", "confirmed"])
    }
}
