import Foundation
import TestSupport
import Testing

/// Somebody sets the uplink down while its bridge has what the host had on it: on the way back it comes up first, because
/// the kernel takes no route by a gateway on a link that is down.
@Suite struct UplinkDownTests {
    private func segment() throws -> Segment {
        let segment = try Segment.withUplink()
        try segment.host.sh(
            """
            set -e; ip route add 10.9.0.0/16 via 192.0.2.254 metric 7; ip route add 10.10.0.0/16 via 192.0.2.254 table 77
            ip -6 route add 2001:db8:9::/48 via 2001:db8::254 dev eth1 metric 5
            ip route add 10.11.0.0/16 via 192.0.2.254 proto static mtu lock 1400 rtt 100ms initcwnd 20 quickack 1
            ip -6 route add 2001:db8:11::/48 via 2001:db8::254 dev eth1 pref high proto 99 advmss 1300 hoplimit 9
            """)
        return segment
    }

    private func expect(_ segment: Segment, _ before: HostDump, location: SourceLocation = #_sourceLocation) throws {
        try expectDump(segment, before, location: location)
        #expect(try segment.ping(segment.host, to: 254), sourceLocation: location)
    }

    /// An apply that stops behind the move, and fails with the last step.
    private func fail(_ segment: Segment, _ more: (_ move: Int) -> String = { _ in "" }) throws -> ScratchHost.Result {
        let steps = try segment.steps()
        let move = try #require(steps.firstIndex(of: "uplink/eth1"))
        let process = try segment.host.start(
            [ScratchHost.binary, "apply", "manifests", "--yes"],
            environment: [
                "BULKHEAD_FAULT": "stop-before:\(move + 1),refuse:\(steps.count - 1):0\(more(move))"
            ])
        #expect(process.waitForStop())
        try segment.host.sh("ip link set eth1 down")
        process.signal(SIGCONT)
        return try process.finish()
    }

    @Test(arguments: ["ip link set eth1 down", "ip link set eth1 nomaster; ip link set eth1 down"])
    func revertGivesItsRoutesBack(_ change: String) throws {
        let segment = try segment()
        let before = try HostDump(segment.host)
        let apply = try segment.host.bulkhead("apply", "manifests", "--yes", "--confirm-within", "1h")
        try #require(apply.status == 0, "\(apply.errors)")
        try segment.host.sh(change)
        let revert = try segment.host.bulkhead("revert")
        #expect(revert.status == 0, "\(revert.output)\(revert.errors)")
        try expect(segment, before)
    }

    @Test func theGuardGivesItsRoutesBack() throws {
        let segment = try segment()
        let before = try HostDump(segment.host)
        let apply = try segment.host.bulkhead("apply", "manifests", "--yes", "--confirm-within", "20s")
        try #require(apply.status == 0, "\(apply.errors)")
        try segment.host.sh("ip link set eth1 down")
        let pending = segment.host.folder.appendingPathComponent("state/pending/change.json").path
        while FileManager.default.fileExists(atPath: pending) { usleep(100_000) }
        try expect(segment, before)
    }

    @Test func aFailedApplyGivesItsRoutesBack() throws {
        let segment = try segment()
        let before = try HostDump(segment.host)
        let result = try fail(segment)
        #expect(result.status == 1, "\(result.errors)")
        #expect(result.errors.hasSuffix("Everything was undone: the host is as it was before.\n"), "\(result.errors)")
        try expect(segment, before)
    }

    /// It cannot be set up: every route that is missing is named, with the command that makes it again.
    @Test func everyRouteThatIsMissingIsNamed() throws {
        let segment = try segment()
        let before = try HostDump(segment.host)
        let result = try fail(segment) { ",refuse-undo:\($0):0" }
        #expect(result.status == 3, "\(result.errors)")
        let routes = [
            ("10.11.0.0/16 via 192.0.2.254 mtu lock 1400 rtt 800 initcwnd 20 quickack 1", "", " proto 4"),
            ("2001:db8:11::/48 via 2001:db8::254 advmss 1300 hoplimit 9 pref high", "-6 ", " proto 99"),
            ("default via 192.0.2.254", "", ""), ("10.9.0.0/16 via 192.0.2.254 metric 7", "", ""),
            ("10.10.0.0/16 via 192.0.2.254 table 77", "", ""), ("default via 2001:db8::254", "-6 ", ""),
            ("2001:db8:9::/48 via 2001:db8::254 metric 5", "-6 ", ""),
        ]
        for (route, family, origin) in routes {
            let line =
                "  eth1 has not got back the route \(route); it comes with `ip link set eth1 up; ip \(family)route add \(route)\(origin) dev eth1`\n"
            #expect(result.errors.contains(line), "\(result.errors)")
            let command = "ip link set eth1 up; ip \(family)route add \(route)\(origin) dev eth1"
            try segment.host.sh("set -e; \(command)")
        }
        #expect(!result.errors.contains("has not got back the address"), "\(result.errors)")
        #expect(try segment.host.sh("ip -o link").contains("bh-lan") == false)
        // With the protocol `boot`, as they had before.
        try expect(segment, before)
    }

    /// The plan says that it comes up; where the step is undone, it is down again.
    @Test func destroyGivesItsRoutesBack() throws {
        let segment = try segment()
        let before = try HostDump(segment.host)
        try segment.apply()
        try segment.host.sh("ip link set eth1 down")
        let down = try HostDump(segment.host)
        var step = 0
        var result: ScratchHost.Result
        repeat {
            result = try segment.host.bulkhead(
                "destroy", "--all", "--yes", environment: ["BULKHEAD_FAULT": "refuse:\(step):0"])
            #expect(
                result.output.contains(
                    "  ~ give eth1 back from bh-lan, and set it up, with what the host has there: 192.0.2.1/24, "),
                "\(result.output)")
            guard result.status != 0 else { break }
            #expect(result.status == 1, "step \(step): \(result.errors)")
            try segment.settle()
            #expect(try HostDump(segment.host).differences(from: down) == [], "step \(step)")
            step += 1
        } while step < 40
        #expect(result.status == 0 && step > 3, "step \(step): \(result.errors)")
        try expect(segment, before)
    }

    /// It was down before bulkhead came, and goes down again; addresses that the host has by then move there all the same,
    /// those of IPv6, which the kernel deletes with a link that goes down, too.
    @Test(arguments: ["true", "ip link set eth1 down"]) func destroyLeavesItDownThatWasDown(_ change: String) throws {
        let segment = try down()
        let before = try HostDump(segment.host)
        try segment.apply()
        try segment.host.sh(
            "ip address add 192.0.2.3/24 dev bh-lan; ip address add 2001:db8::3/64 dev bh-lan nodad; \(change)")
        let destroy = try segment.host.bulkhead("destroy", "--all", "--yes")
        #expect(destroy.status == 0, "\(destroy.errors)")
        let state = change == "true" ? ", and set it down, as it was before" : ""
        #expect(
            destroy.output.contains(
                "  ~ give eth1 back from bh-lan\(state), with what the host has there: 192.0.2.3/24, 2001:db8::3/64  ("),
            "\(destroy.output)")
        let addresses = try segment.host.sh("ip -br address show eth1")
        for word in [" DOWN ", " 192.0.2.3/24 ", " 2001:db8::3/64 "] {
            #expect(addresses.contains(word), "\(addresses)")
        }
        try segment.host.sh("for a in 192.0.2.3/24 2001:db8::3/64; do ip address delete $a dev eth1; done")
        #expect(try HostDump(segment.host).differences(from: before) == [])
    }

    /// What the host has on it while it is down comes back to one that is down.
    @Test func revertLeavesItDownThatWasDown() throws {
        let segment = try down()
        try segment.host.sh(
            "ip address add 192.0.2.3/24 dev eth1; ip address add 2001:db8::3/64 dev eth1 nodad")
        let before = try HostDump(segment.host)
        let apply = try segment.host.bulkhead("apply", "manifests", "--yes", "--confirm-within", "1h")
        #expect(apply.status == 0, "\(apply.errors)")
        #expect(try segment.ping(segment.host, to: 254))
        let revert = try segment.host.bulkhead("revert")
        #expect(revert.status == 0, "\(revert.output)\(revert.errors)")
        #expect(try HostDump(segment.host).differences(from: before) == [])
        try segment.apply()
        try segment.destroy(to: before)
    }

    /// It was down before bulkhead came, and the host has routes on its bridge since: no link that is down has routes, so it
    /// stays up with them, and the plan says so. Where a step fails, all is as it was.
    @Test(arguments: ["true", "ip link set eth1 down"]) func destroyLeavesItUpThatHasRoutes(_ change: String) throws {
        let segment = try down()
        let before = try HostDump(segment.host)
        try segment.apply()
        try segment.host.sh(
            """
            set -e; ip address add 192.0.2.1/24 dev bh-lan; ip address add 2001:db8::1/64 dev bh-lan nodad
            ip route add default via 192.0.2.254; ip route add default via 2001:db8::254 dev bh-lan
            ip route add 10.9.0.0/16 via 192.0.2.254 table 77; \(change)
            """)
        let applied = try HostDump(segment.host)
        let failed = try segment.host.bulkhead(
            "destroy", "--all", "--yes", environment: ["BULKHEAD_FAULT": "refuse:2:0"])
        #expect(failed.status == 1, "\(failed.errors)")
        try expectDump(segment, applied)
        let destroy = try segment.host.bulkhead("destroy", "--all", "--yes", "--quiet")
        #expect(destroy.status == 0, "\(destroy.errors)")
        let warning =
            "warning: Network/lan: eth1 was down before bulkhead took it, and is up when it is given back: the host has routes there "
            + "by now (10.9.0.0/16 via 192.0.2.254 table 77, default via 192.0.2.254, default via 2001:db8::254), which a link that "
            + "is down cannot have; set it down if you do not want them (`ip link set eth1 down`)\n"
        #expect(destroy.errors == warning, "\(destroy.errors)")
        try segment.settle()
        #expect(
            try segment.host.sh("ip route show default; ip route show table 77; ip -6 route show default") == """
                default via 192.0.2.254 dev eth1 
                10.9.0.0/16 via 192.0.2.254 dev eth1 
                default via 2001:db8::254 dev eth1 metric 1024 pref medium

                """)
        #expect(try segment.ping(segment.host, to: 254))
        try segment.host.sh("ip link set eth1 down; ip address delete 192.0.2.1/24 dev eth1")
        #expect(try HostDump(segment.host).differences(from: before) == [])
    }

    /// A host whose card was set down before.
    private func down() throws -> Segment {
        let segment = try Segment(
            [Segment.network("lan", "uplink: {interface: eth1}"), Segment.endpoint("a", "lan", 10)])
        try segment.host.sh("ip link set eth1 down")
        return segment
    }

    private func expectDump(_ segment: Segment, _ dump: HostDump, location: SourceLocation = #_sourceLocation) throws {
        try segment.settle()
        #expect(try HostDump(segment.host).differences(from: dump) == [], sourceLocation: location)
    }
}
