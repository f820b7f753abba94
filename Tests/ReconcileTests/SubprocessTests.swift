import Foundation
import SystemCalls
import Testing

@Suite struct SubprocessTests {
    private func shell(_ line: String) -> Subprocess { Subprocess("/bin/sh", ["-c", line], environment: ["A=b"]) }

    @Test func whatItSaysAndHowItEndsIsKnown() throws {
        var command = shell("cat; echo $A$HOME; echo no >&2; exit 3")
        command.input = [UInt8](repeating: 0x61, count: 300_000)
        let result = try command.run()
        #expect(result.ending == .exited(3))
        #expect(result.output.count == 300_002)
        #expect(result.output.suffix(3) == [0x61, 0x62, 0x0a])
        #expect(result.errors == Array("no\n".utf8))
        #expect(try shell("kill -USR1 $$").run().ending == .signalled(10))
        #expect(try shell("exec <&-; sleep 0.2; exit 4").run().ending == .exited(4))
    }

    @Test func boundsAreKept() throws {
        var loud = shell("yes")
        loud.outputLimit = 100_000
        #expect(try loud.run().ending == .saidTooMuch)
        var slow = shell("sleep 600 & sleep 600")
        slow.secondsLimit = 0
        #expect(try slow.run().ending == .tookTooLong)
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("subprocess-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: file) }
        var large = Subprocess("/bin/dd", ["if=/dev/zero", "of=\(file)", "bs=65536", "count=64"], environment: [])
        large.fileSizeLimit = 1 << 20
        #expect(try large.run().ending == .wroteTooMuch)
        #expect(try FileManager.default.attributesOfItem(atPath: file)[.size] as? Int == 1 << 20)
        // The limit was for that program only.
        #expect(throws: Never.self) { try Data(count: 2 << 20).write(to: URL(fileURLWithPath: file)) }
    }

    /// Somebody whom it started holds its output open, and is not waited for.
    @Test func whatItLeavesBehindHoldsNobodyUp() throws {
        let result = try shell("sleep 600 & echo $!").run()
        #expect(result.ending == .exited(0))
        let process = try #require(Int32(String(decoding: result.output, as: UTF8.self).dropLast()))
        kill(process, SIGKILL)
    }

    @Test func aProgramThatIsNotThereIsAnError() {
        #expect(throws: SystemError("run", "/nonexistent", .noEntry)) {
            try Subprocess("/nonexistent", [], environment: []).run()
        }
    }
}
