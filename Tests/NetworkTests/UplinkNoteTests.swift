import TestSupport
import Testing

/// That the uplink was down before bulkhead took it is noted. The note goes when it is spent, however that came, and what
/// the host uses by then stays up.
@Suite struct UplinkNoteTests {
    private static let web = [Document.network("web", 88)]
    private static let lan = [
        Segment.network("lan", "uplink: {interface: eth1}"), Segment.endpoint("a", "lan", 10),
    ]
    private static let use = "ip link set eth1 up; ip address add 192.0.2.1/24 dev eth1"

    /// A host whose card was set down before, with an address on it all the same.
    private func down(_ documents: [String] = lan) throws -> Segment {
        let segment = try Segment(documents)
        try segment.host.sh("ip link set eth1 down; ip address add 192.0.2.9/24 dev eth1")
        return segment
    }

    private func expectNote(_ isThere: Bool, _ segment: Segment, location: SourceLocation = #_sourceLocation) throws {
        let found = try segment.host.sh("grep -rs link/eth1/up state || true") != ""
        #expect(found == isThere, sourceLocation: location)
    }

    private func kill(_ segment: Segment, at step: String, _ point: (Int) -> String) throws {
        let number = try #require(try segment.steps().firstIndex(of: step))
        let result = try segment.host.bulkhead(
            "apply", "manifests", "--yes", environment: ["BULKHEAD_FAULT": point(number)])
        #expect(result.status > 100, "\(result.errors)")
    }

    /// Ended between what gives it back and what forgets: the next apply forgets, though no network needs it.
    @Test(arguments: [("after", 0), ("after", 1), ("after", 2), ("before", 4)])
    func anEndedGiveBackIsForgotten(_ when: String, _ operation: Int) throws {
        let segment = try down(Self.web + Self.lan)
        let before = try HostDump(segment.host)
        try segment.apply()
        try segment.site.declare(Self.web)
        try kill(segment, at: "uplink/old/bh-lan") { "kill-\(when):\($0):\(operation)" }
        #expect(try segment.host.bulkhead("drift", "manifests").status == 2)
        try segment.apply()
        try expectNote(false, segment)
        try segment.destroy(to: before)
    }

    /// Ended while it is taken, wherever that is: the next one leaves it as it was before, by whatever plan.
    @Test(arguments: [["destroy", "--all"], ["apply", "manifests"]], 0...4)
    func anEndedTakeIsForgotten(_ verb: [String], _ operation: Int) throws {
        let segment = try down(Self.web)
        try segment.apply()
        let alone = try HostDump(segment.host)
        try segment.site.declare(Self.web + Self.lan)
        try kill(segment, at: "uplink/eth1") { "kill-after:\($0):\(operation)" }
        try expectNote(true, segment)
        try segment.site.declare(Self.web)
        let result = try segment.host.run([ScratchHost.binary] + verb + ["--yes"])
        #expect(result.status == 0, "\(result.errors)")
        try expectNote(false, segment)
        try segment.apply()
        #expect(try HostDump(segment.host).differences(from: alone) == [])
    }

    /// The same, and it is taken after all: nothing is lost.
    @Test(arguments: 0...4) func anEndedTakeIsFinished(_ operation: Int) throws {
        let segment = try down()
        let before = try HostDump(segment.host)
        try kill(segment, at: "uplink/eth1") { "kill-after:\($0):\(operation)" }
        try segment.apply()
        try expectNote(true, segment)
        #expect(try segment.ping(segment.lan, to: 10))
        try segment.destroy(to: before)
    }

    /// Somebody deletes the bridge: the card is bare and up, and goes down, with the next apply or when the network goes.
    /// Where a step fails, it is up and noted again.
    @Test func theUplinkOfADeletedBridgeGoesDown() throws {
        let segment = try Segment(Self.lan)
        try segment.host.sh("ip link set eth1 down")
        let before = try HostDump(segment.host)
        for isTakenAgain in [true, false] {
            try segment.apply()
            try segment.host.sh("ip link delete bh-lan")
            if isTakenAgain {
                try segment.apply()
                try segment.destroy(to: before)
            }
        }
        let bare = try HostDump(segment.host)
        var (step, result): (Int, ScratchHost.Result)
        step = 0
        repeat {
            result = try segment.host.bulkhead(
                "destroy", "--all", "--yes", environment: ["BULKHEAD_FAULT": "refuse:\(step):0"])
            #expect(
                result.output.contains("  ~ set eth1 down, as it was before  (disruption: none)\n"), "\(result.output)")
            guard result.status != 0 else { break }
            #expect(result.status == 1, "step \(step): \(result.errors)")
            #expect(try HostDump(segment.host).differences(from: bare) == [], "step \(step)")
            step += 1
        } while step < 40
        #expect(result.status == 0 && step > 2, "step \(step): \(result.errors)")
        #expect(try HostDump(segment.host).differences(from: before) == [])
    }

    /// The host uses the card since: it stays up, and the plan says why the note goes.
    @Test func whatTheHostUsesStaysUp() throws {
        let segment = try down()
        try segment.apply()
        try segment.host.sh("ip link delete bh-lan; \(Self.use)")
        let destroy = try segment.host.bulkhead("destroy", "--all", "--yes")
        #expect(destroy.status == 0, "\(destroy.errors)")
        #expect(
            destroy.output.contains("  ~ forget that eth1 was down before  (disruption: none)\n"), "\(destroy.output)")
        try expectNote(false, segment)
        #expect(try segment.host.ping("192.0.2.254"))
    }

    /// The same, and it is taken again: in the end it is up, with what the host has there.
    @Test(arguments: ["killed", "deleted"]) func whatTheHostUsesComesBackUp(_ way: String) throws {
        let segment = try Segment(Self.lan)
        try segment.host.sh("ip link set eth1 down")
        if way == "killed" {
            try kill(segment, at: "uplink/eth1") { "kill-after:\($0):0" }
        } else {
            try segment.apply()
            try segment.host.sh("ip link delete bh-lan")
        }
        try segment.host.sh(Self.use)
        try segment.settle()
        let state = "cat state/originals; ip -br link show eth1; ip -br address show eth1"
        let used = try segment.host.sh(state)
        let failed = try segment.host.bulkhead(
            "apply", "manifests", "--yes",
            environment: ["BULKHEAD_FAULT": "refuse:\(try segment.steps().count - 1):0"])
        #expect(failed.status == 1, "\(failed.errors)")
        #expect(try segment.host.sh(state) == used)
        try segment.apply()
        try expectNote(false, segment)
        let destroy = try segment.host.bulkhead("destroy", "--all", "--yes")
        #expect(destroy.status == 0, "\(destroy.errors)")
        #expect(!destroy.output.contains("set it down"), "\(destroy.output)")
        let addresses = try segment.host.sh("ip -br address show eth1")
        #expect(addresses.contains(" 192.0.2.1/24 ") && !addresses.contains(" DOWN "), "\(addresses)")
        #expect(try segment.host.ping("192.0.2.254"))
    }
}
