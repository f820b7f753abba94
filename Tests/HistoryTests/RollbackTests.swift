import Foundation
import TestSupport
import Testing

@Suite struct RollbackTests {
    /// A host that had one endpoint (number 1), then two others (number 2).
    private func host() throws -> (ScratchHost, first: HostDump) {
        let host = try ScratchHost()
        try host.declare(Manifests.network, Manifests.endpoint("a"))
        #expect(try host.apply().status == 0)
        let first = try HostDump(host)
        try host.declare(Manifests.network, Manifests.endpoint("b"), Manifests.endpoint("c"))
        #expect(try host.apply().status == 0)
        return (host, first)
    }

    @Test func itBringsBackExactlyWhatWas() throws {
        let (host, first) = try host()
        let second = try HostDump(host)
        #expect(second.differences(from: first) != [])
        try host.sh("rm -r manifests")
        let back = try host.bulkhead("rollback", "1", "--yes")
        #expect(back.status == 0, "\(back.errors)")
        #expect(try HostDump(host).differences(from: first) == [])
        #expect(try host.record(3)["rollbackOf"] as? Int == 1)
        #expect(try host.rows().last?.hasPrefix("3 | root | rollback to 1 | default | applied | ") == true)
        #expect(try host.bulkhead("rollback", "2", "--yes").status == 0)
        #expect(try HostDump(host).differences(from: second) == [])
        // A rollback can be gone back to as well.
        #expect(try host.bulkhead("rollback", "3", "--yes").status == 0)
        #expect(try HostDump(host).differences(from: first) == [])
    }

    @Test func itAsksAndNeedsATerminalForThat() throws {
        let (host, _) = try host()
        let before = try HostDump(host)
        let silent = try host.bulkhead("rollback", "1")
        #expect(silent.status == 64)
        #expect(
            silent.errors == "bulkhead: there is no terminal to ask on; add --yes to go ahead without asking\n")
        let asked = try host.run(
            ["script", "-qec", "\(ScratchHost.binary) rollback 1", "/dev/null"], input: "n\n")
        #expect(asked.status == 0)
        #expect(asked.output.contains("Apply? [y/N]"))
        #expect(try HostDump(host).differences(from: before) == [])
        #expect(try host.files() == ["1.json", "2.json", "texts"])
    }

    @Test func aDestroyAnotherScopeAndAnotherHostAreRefused() throws {
        let (host, _) = try host()
        #expect(try host.bulkhead("destroy", "--all", "--yes").status == 0)
        let destroyed = try host.bulkhead("rollback", "3", "--yes")
        #expect(destroyed.status == 1)
        #expect(
            destroyed.errors
                == "bulkhead: number 3 is a destroy, which leaves nothing to go back to; `bulkhead destroy` does it again\n"
        )
        let scope = try host.bulkhead("rollback", "1", "--yes", "--scope", "other")
        #expect(scope.status == 1)
        #expect(
            scope.errors
                == "bulkhead: number 1 is of scope default, and this run is for other; add --scope default\n")
        #expect(try host.apply("--host", "node-a").status == 0)
        let machine = try host.bulkhead("rollback", "4", "--yes", "--host", "node-b")
        #expect(machine.status == 1)
        #expect(machine.errors == "bulkhead: number 4 is of host node-a, and this is node-b; add --host node-a\n")
    }

    @Test func aFailedRollbackIsUndoneAndRecorded() throws {
        let (host, _) = try host()
        let before = try HostDump(host)
        let failed = try host.run(
            [ScratchHost.binary, "rollback", "1", "--yes"], environment: ["BULKHEAD_FAULT": "refuse:0"])
        #expect(failed.status == 1)
        #expect(failed.errors.hasSuffix("Everything was undone: the host is as it was before.\n"))
        #expect(try HostDump(host).differences(from: before) == [])
        #expect(try host.rows().last?.hasPrefix("3 | root | rollback to 1 | default | undone | ") == true)
        let again = try host.bulkhead("rollback", "3", "--yes")
        #expect(again.status == 0)
        #expect(
            again.output.contains(
                "warning: number 3 ended with 'undone': its manifests have not been in force by it\n"))
    }

    @Test func changedTextsAreNeverApplied() throws {
        let (host, _) = try host()
        let before = try HostDump(host)
        try host.sh("sed -i 's/10[.]88/10.89/' state/history/texts/*")
        let result = try host.bulkhead("rollback", "1", "--yes")
        #expect(result.status == 1)
        #expect(
            result.errors
                == "bulkhead: number 1 of the history is damaged: the recorded text of manifests/all.yaml is gone or damaged\n"
        )
        #expect(try HostDump(host).differences(from: before) == [])
    }

    @Test func massDeletionIsGuarded() throws {
        let host = try ScratchHost()
        try host.declare(Manifests.network)
        #expect(try host.apply().status == 0)
        let many = ["a", "b", "c", "d", "e", "f"].map(Manifests.endpoint)
        try host.declare(Manifests.network, many.joined())
        #expect(try host.apply().status == 0)
        let refused = try host.bulkhead("rollback", "1", "--yes")
        #expect(refused.status == 1)
        #expect(
            refused.errors
                == "bulkhead: this would delete 12 of the 13 objects of scope default; if that is meant, add "
                + "--allow-mass-delete\n")
        #expect(try host.bulkhead("rollback", "1", "--yes", "--allow-mass-delete").status == 0)
    }

    /// What was kept then is kept now, unless somebody says otherwise.
    @Test func pruningIsAsItWasThen() throws {
        let host = try ScratchHost()
        try host.declare(Manifests.network, Manifests.endpoint("a"))
        #expect(try host.apply("--no-prune").status == 0)
        try host.declare(Manifests.network, Manifests.endpoint("a"), Manifests.endpoint("b"))
        #expect(try host.apply().status == 0)
        let kept = try host.bulkhead("rollback", "1", "--yes")
        #expect(kept.status == 0 && !kept.output.contains("- delete"), "\(kept.output)\(kept.errors)")
        #expect(try host.run(["ip", "link", "show", "ep-b"]).status == 0)
        #expect(try host.bulkhead("rollback", "1", "--yes", "--prune").status == 0)
        #expect(try host.run(["ip", "link", "show", "ep-b"]).status != 0)
    }

    /// After a rollback the PATHs are those of the record.
    @Test func thePathWarningKnowsOfRollbacks() throws {
        let host = try ScratchHost()
        try host.declare(Manifests.network)
        try host.sh("cp -r manifests others")
        #expect(try host.apply().status == 0)
        let words = "scope default was last applied from"
        let other = try host.bulkhead("apply", "--yes", "others")
        #expect(other.output.contains("\(words) \(host.folder.path)/manifests, now from \(host.folder.path)/others;"))
        #expect(try host.bulkhead("rollback", "1", "--yes").status == 0)
        #expect(try host.apply().output == "In sync: nothing to do.\n")
        #expect(try host.bulkhead("plan", "others").output.contains("\(words) \(host.folder.path)/manifests, now"))
    }

    @Test func errorsPointToTheRecordedNames() throws {
        let (host, _) = try host()
        // Something foreign is now where the recorded manifests want their bridge port.
        try host.sh("ip link add ep-a type veth peer name foreign; rm -r manifests")
        let result = try host.bulkhead("rollback", "1", "--yes")
        #expect(result.status == 1)
        #expect(result.errors.hasPrefix("manifests/all.yaml:"), "\(result.errors)")
        #expect(result.errors.contains("\n    metadata: {name: a}\n"), "\(result.errors)")
    }
}
