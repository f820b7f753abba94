import Foundation
import TestSupport
import Testing

/// What others do in the middle of an apply.
@Suite(.enabled(if: Needs.root, Needs.rootText)) struct InterruptionTests {
    private func hostWithWeb() throws -> ScratchHost {
        let host = try ScratchHost()
        try host.declare(Manifests.web, Manifests.endpoint("web-1"), Manifests.endpoint("web-2"))
        return host
    }

    @Test(arguments: [SIGHUP, SIGINT, SIGTERM])
    func aSignalUndoesWhatWasDone(_ signal: Int32) throws {
        let host = try hostWithWeb()
        let before = try HostDump(host)
        let process = try host.applyStopped(before: try host.steps().count - 1)
        process.signal(signal)
        let result = try host.resume(process)
        #expect(result.status == 1)
        #expect(result.errors.contains("error: interrupted by signal \(signal)\n"))
        #expect(result.errors.contains("Everything was undone: the host is as it was before.\n"))
        #expect(try HostDump(host).differences(from: before) == [])
    }

    @Test func aBridgeThatIsDeletedMeanwhileIsAnErrorAndAllIsUndone() throws {
        let host = try hostWithWeb()
        let before = try HostDump(host)
        let steps = try host.steps()
        let process = try host.applyStopped(before: try #require(steps.firstIndex(of: "link/ep-web-2")))
        try host.sh("ip link delete bh-web")
        let result = try host.resume(process)
        #expect(result.status == 1)
        #expect(result.errors.contains("create veth ep-web-2"))
        #expect(try HostDump(host).differences(from: before) == [])
    }

    @Test func aForeignLinkThatTakesTheNameMeanwhileIsLeftAlone() throws {
        let host = try hostWithWeb()
        let steps = try host.steps()
        let process = try host.applyStopped(before: try #require(steps.firstIndex(of: "link/ep-web-1")))
        try host.sh("ip link add ep-web-1 type veth peer name other && ip link set ep-web-1 alias mine")
        let foreign = try HostDump(host).identities
        let result = try host.resume(process)
        #expect(result.status == 1)
        #expect(
            result.errors.contains(
                "create veth ep-web-1: EEXIST (File exists); something made it in the meantime, so plan again"))
        #expect(try host.sh("cat /sys/class/net/ep-web-1/ifalias") == "mine\n")
        let after = try HostDump(host)
        #expect(after.identities["host ep-web-1"] == foreign["host ep-web-1"])
        #expect(after.identities["host bh-web"] == nil)
        #expect(after.lines.contains { $0.hasPrefix("host link ") && $0.contains("ep-web-2") } == false)
    }

    /// A link that was ours is replaced by one of somebody else's: neither is it changed, nor deleted by undoing.
    @Test func aForeignLinkInPlaceOfOursIsLeftAloneAndListed() throws {
        let host = try hostWithWeb()
        let process = try host.applyStopped(before: try host.steps().count - 1)
        try host.sh("ip link delete bh-web && ip link add bh-web mtu 1450 type bridge && ip link set bh-web alias mine")
        let foreign = try host.sh("ip -o -d link show bh-web; ip -o address show bh-web")
        let result = try host.resume(process)
        #expect(result.status == 3)
        #expect(
            result.errors.contains(
                "  link bh-web is not the one that it was: something else took the name meanwhile, and was left alone\n"
            ),
            "\(result.errors)")
        #expect(try host.sh("ip -o -d link show bh-web; ip -o address show bh-web") == foreign)
        #expect(try host.sh("ls /run/netns etc") == "/run/netns:\n\netc:\n")
    }

    /// The same before anything was done to it: what was observed is changed, and nothing else of that name.
    @Test func aForeignLinkInPlaceOfOneThatWasThereIsNotChanged() throws {
        let host = try hostWithWeb()
        #expect(try host.apply().status == 0)
        try host.declare(
            Manifests.web.replacingOccurrences(of: "type: nat", with: "type: nat, mtu: 1400"),
            Manifests.endpoint("web-1"), Manifests.endpoint("web-2"))
        let process = try host.applyStopped(before: 0)
        try host.sh("ip link delete bh-web && ip link add bh-web mtu 1450 type bridge && ip link set bh-web alias mine")
        let foreign = try host.sh("ip -o -d link show bh-web; ip -o address show bh-web")
        let result = try host.resume(process)
        #expect(result.status != 0)
        #expect(try host.sh("ip -o -d link show bh-web; ip -o address show bh-web") == foreign)
    }

    @Test func aRulesetThatIsFlushedMeanwhileComesBack() throws {
        let host = try hostWithWeb()
        #expect(try host.apply().status == 0)
        let before = try HostDump(host)
        try host.declare(
            Manifests.web, Manifests.endpoint("web-1", "portMappings: [{hostPort: 8080, port: 80}]"),
            Manifests.endpoint("web-3"))
        let count = try host.steps().count
        // Before the tables are touched, when the operation that fails is one of theirs, and after.
        for step in [0, 1, count / 2, count - 1] {
            let process = try host.applyStopped(before: step)
            try host.sh("nft flush ruleset")
            let result = try host.resume(process)
            #expect(result.status == 1, "before step \(step): \(result.errors)")
            #expect(try HostDump(host).differences(from: before) == [], "before step \(step)")
        }
        for step in 0...3 {
            let process = try host.start(
                [ScratchHost.binary, "destroy", "--all", "--yes"],
                environment: ["BULKHEAD_FAULT": "stop-before:\(step)"])
            #expect(process.waitForStop())
            try host.sh("nft flush ruleset")
            let result = try host.resume(process)
            #expect(result.status == 1, "destroy, before step \(step): \(result.errors)")
            #expect(try HostDump(host).differences(from: before) == [], "destroy, before step \(step)")
        }
    }

    @Test func aNewNamespaceThatVanishesIsAnErrorAndAllIsUndone() throws {
        let host = try hostWithWeb()
        let before = try HostDump(host)
        let steps = try host.steps()
        let process = try host.applyStopped(before: try #require(steps.firstIndex(of: "link/ep-web-1")))
        try host.sh("ip netns delete web-1")
        let result = try host.resume(process)
        #expect(result.status == 1)
        #expect(result.errors.contains("ENOENT (No such file or directory)"))
        #expect(try HostDump(host).differences(from: before) == [])
    }

    @Test func whatAnotherToolTookAwayIsListed() throws {
        let host = try hostWithWeb()
        #expect(try host.apply().status == 0)
        try host.declare(
            Manifests.web, Manifests.endpoint("web-1", "mtu: 1400"), Manifests.endpoint("web-2", "mtu: 1400"))
        let steps = try host.steps()
        let process = try host.applyStopped(before: steps.count - 1)
        try host.sh("ip netns delete web-2")
        let result = try host.resume(process)
        #expect(result.status == 3)
        #expect(result.errors.contains("The host could not be put back completely; this is left:\n"))
        #expect(result.errors.contains("  differs now: create namespace web-2"))
        #expect(try host.apply().status == 0)
        #expect(try host.steps() == [])
    }

    /// Somebody else makes and deletes links all the time: a table that changed while it was read is read again, and what
    /// comes out is right or is an error.
    @Test func linksThatComeAndGoMeanwhileConfuseNobody() throws {
        let host = try ScratchHost()
        let cards = (1...20).map { Manifests.endpoint("web-\($0)") }
        try host.declare(([Manifests.web] + cards.prefix(10)).joined(separator: "\n---\n"))
        #expect(try host.apply().status == 0)
        let churn = try host.start([
            "sh", "-c",
            "echo ready; while :; do ip link add t0 type veth peer name t1; ip link set t0 mtu 1400; ip link delete t0; done",
        ])
        churn.waitForOutput()
        let error = "the table kept changing while it was read 8 times; try again when it is quieter"
        for _ in 0..<8 {
            let plan = try host.bulkhead("plan", "manifests")
            #expect(
                plan.status == 0 && plan.output.hasSuffix("In sync: nothing to do.\n") || plan.errors.contains(error),
                "\(plan.output)\(plan.errors)")
        }
        try host.declare(([Manifests.web] + cards.suffix(15)).joined(separator: "\n---\n"))
        let before = try host.sh("ls /run/netns")
        let apply = try host.apply()
        #expect(apply.status == 0 || apply.status == 1 && apply.errors.contains(error), "\(apply.errors)")
        if apply.status == 1 { #expect(try host.sh("ls /run/netns") == before) }
        churn.signal(SIGKILL)
        _ = try churn.finish()
        #expect(try host.apply().status == 0)
        #expect(try host.steps() == [])
    }

    @Test(arguments: [">&-", "2>&-", "| true"])
    func nobodyToReadTheOutputLeavesTheHostWhole(_ redirection: String) throws {
        let host = try hostWithWeb()
        let before = try HostDump(host)
        let binary = ScratchHost.binary
        let result = try host.run([
            "bash", "-c", "\(binary) apply --yes manifests \(redirection); exit ${PIPESTATUS[0]}",
        ])
        if result.status == 0 {
            #expect(try host.steps() == [])
        } else {
            #expect(result.status == 1)
            #expect(try HostDump(host).differences(from: before) == [])
        }
    }
}
