import Foundation
import TestSupport
import Testing

/// Others change an uplink between the plan and the step that moves it.
@Suite struct UplinkRaceTests {
    struct Case: Sendable, CustomStringConvertible {
        let change: String
        let undo: String
        let words: String
        var description: String { change }
    }

    static let cases = [
        Case(
            change: "ip link set eth1 down",
            undo: "ip link set eth1 up; ip -6 address add 2001:db8::1/64 dev eth1 nodad 2>/dev/null; "
                + "ip route add default via 192.0.2.254; ip route add default via 2001:db8::254",
            words: "eth1 is not as it was when the plan was made: it is down, 2001:db8::1/64 is gone, "
                + "default via 192.0.2.254 is gone, default via 2001:db8::254 is gone; plan again"),
        Case(
            change: "ip route add 10.9.0.0/16 via 192.0.2.254", undo: "ip route delete 10.9.0.0/16",
            words: "eth1 is not as it was when the plan was made: 10.9.0.0/16 via 192.0.2.254 is new; plan again"),
        Case(
            change: "ip address add 192.0.2.3/24 dev eth1", undo: "ip address delete 192.0.2.3/24 dev eth1",
            words: "eth1 is not as it was when the plan was made: 192.0.2.3/24 is new; plan again"),
    ]

    /// Somebody deletes the bridge: before the move nothing is moved, and after it what was on the bridge is given back.
    @Test(arguments: ["before", "after", "pending"]) func aBridgeThatSomebodyDeletesTakesNothingAlong(_ moment: String)
        throws
    {
        let segment = try Segment.withUplink()
        let before = try HostDump(segment.host)
        if moment == "pending" {
            let apply = try segment.host.bulkhead("apply", "manifests", "--yes", "--confirm-within", "1h")
            #expect(apply.status == 0, "\(apply.errors)")
            try segment.host.sh("ip link delete bh-lan")
            let revert = try segment.host.bulkhead("revert")
            #expect(revert.status == 0, "\(revert.errors)")
        } else {
            let steps = try segment.steps()
            let move = try #require(steps.firstIndex(of: "uplink/eth1"))
            let process = try segment.host.start(
                [ScratchHost.binary, "apply", "manifests", "--yes"],
                environment: ["BULKHEAD_FAULT": "stop-before:\(moment == "before" ? move : move + 1)"])
            #expect(process.waitForStop())
            try segment.host.sh("ip link delete bh-lan")
            process.signal(SIGCONT)
            let result = try process.finish()
            #expect(result.status == 1, "\(result.errors)")
        }
        try segment.settle()
        #expect(try HostDump(segment.host).differences(from: before) == [])
        #expect(try segment.ping(segment.host, to: 254))
    }

    @Test(arguments: cases) func isRefusedBeforeTheMove(_ item: Case) throws {
        let segment = try Segment.withUplink()
        let before = try HostDump(segment.host)
        let steps = try segment.steps()
        let move = try #require(steps.firstIndex(of: "uplink/eth1"))
        let process = try segment.host.start(
            [ScratchHost.binary, "apply", "manifests", "--yes"],
            environment: ["BULKHEAD_FAULT": "stop-before:\(move)"])
        #expect(process.waitForStop())
        try segment.host.sh(item.change)
        let meanwhile = try segment.host.sh("ip -o address show dev eth1; ip route; ip -6 route show dev eth1")
        process.signal(SIGCONT)
        let result = try process.finish()
        #expect(result.status == 1, "\(result.errors)")
        #expect(result.errors.contains(item.words), "\(result.errors)")
        #expect(result.errors.hasSuffix("Everything was undone: the host is as it was before.\n"), "\(result.errors)")
        #expect(try segment.host.sh("ip -o address show dev eth1; ip route; ip -6 route show dev eth1") == meanwhile)
        #expect(try segment.host.sh("ip -o link").contains("bh-lan") == false)
        try segment.host.sh("\(item.undo); \(Segment.settling)")
        #expect(try HostDump(segment.host).differences(from: before) == [])
        try segment.apply()
        try segment.destroy(to: before)
    }
}
