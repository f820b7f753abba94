import Foundation
import TestSupport
import Testing

@Suite(.enabled(if: Needs.root, Needs.rootText)) struct LockTests {
    private func hostWithWeb() throws -> ScratchHost {
        let host = try ScratchHost()
        try host.declare(Manifests.web, Manifests.endpoint("web-1"))
        return host
    }

    @Test func theSecondOfTwoIsToldWhoIsAtWork() throws {
        let host = try hostWithWeb()
        let first = try host.applyStopped(before: 1)
        for arguments in [["apply", "--yes", "manifests"], ["destroy", "--yes", "--all"], ["--scope", "other"]] {
            let rest = arguments[0] == "--scope" ? ["apply", "--yes", "manifests"] + arguments : arguments
            let second = try host.run([ScratchHost.binary] + rest)
            #expect(second.status == 75)
            let words =
                #/bulkhead: another bulkhead holds the lock \(pid (\d+), since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\); nothing was changed\n/#
            let match = try #require(second.errors.wholeMatch(of: words))
            #expect(match.1 == "\(first.processID)")
        }
        #expect(try host.resume(first).status == 0)
        #expect(try host.steps() == [])
    }

    @Test func readersNeverWait() throws {
        let host = try hostWithWeb()
        let writer = try host.applyStopped(before: 1)
        #expect(try host.bulkhead("plan", "manifests").status == 0)
        #expect(try host.bulkhead("show").status == 0)
        #expect(try host.bulkhead("drift", "manifests").status == 2)
        #expect(try host.resume(writer).status == 0)
    }

    @Test func theLockGoesWithItsHolder() throws {
        let host = try hostWithWeb()
        let first = try host.applyStopped(before: 1)
        first.signal(SIGKILL)
        #expect(try first.finish().status == 137)
        #expect(try host.apply().status == 0)
    }

    @Test func ofManyAtOnceEachIsDoneOrRefused() throws {
        let host = try hostWithWeb()
        let all = try (0..<6).map { _ in try host.start([ScratchHost.binary, "apply", "--yes", "manifests"]) }
        let results = try all.map { try $0.finish() }
        #expect(results.allSatisfy { $0.status == 0 || $0.status == 75 })
        #expect(results.contains { $0.status == 0 })
        #expect(results.allSatisfy { $0.status == 0 || $0.errors.contains("holds the lock (pid ") })
        #expect(try host.steps() == [])
    }
}
