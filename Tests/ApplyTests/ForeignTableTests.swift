import Foundation
import TestSupport
import Testing

/// Tables of others.
@Suite struct ForeignTableTests {
    /// firewalld owns its tables.
    @Test func aTableWithAnOwnerIsReadPast() throws {
        let host = try ScratchHost()
        try host.declare(Manifests.web, Manifests.endpoint("web-1"))
        let owner = try host.start(["nft", "-i"], hasInput: true)
        try owner.tell("add table inet firewalld { flags owner; }")
        try host.sh("until nft list tables | grep -q firewalld; do sleep 0.05; done")
        let result = try host.apply()
        #expect(result.errors == "")
        #expect(result.status == 0)
        #expect(try host.bulkhead("plan", "--detailed-exitcode", "manifests").status == 0)
        #expect(try host.bulkhead("destroy", "--all", "--yes").status == 0)
        #expect(try host.sh("nft list tables") == "table inet firewalld\n")
        owner.signal(SIGKILL)
        _ = try owner.finish()
    }

    /// A table that is there when the tables are listed, and gone when it is read, is no error: it is looked for anew.
    @Test func tablesThatComeAndGoAreReadAnew() throws {
        let host = try ScratchHost()
        try host.declare(Manifests.web, Manifests.endpoint("web-1"))
        let churn = try host.start([
            "sh", "-c", "while :; do nft add table inet bulkhead; nft delete table inet bulkhead; sleep 0.01; done",
        ])
        defer {
            churn.signal(SIGKILL)
            _ = try? churn.finish()
        }
        for round in 0..<60 {
            let arguments = round % 2 == 0 ? ["show"] : ["plan", "manifests", "--quiet"]
            let result = try host.run([ScratchHost.binary] + arguments)
            #expect(result.status == 0, "\(round): \(result.errors)")
        }
    }
}
