import Foundation
import TestSupport
import Testing

/// Somebody sets the uplink down, and what comes then is not the way back but another plan.
@Suite struct UplinkDownAgainTests {
    private static let web = [Document.network("web", 88), Document.endpoint("w", "web", 88, 10)]
    private static let lan = [
        Segment.network("lan", "uplink: {interface: eth1}"), Segment.endpoint("a", "lan", 10),
    ]

    private func expect(_ segment: Segment, _ before: HostDump, location: SourceLocation = #_sourceLocation) throws {
        try segment.settle()
        #expect(try HostDump(segment.host).differences(from: before) == [], sourceLocation: location)
    }

    /// Set down on its bridge, and beside it: it was up before bulkhead came, and has addresses and routes in the end.
    @Test(
        arguments: zip(["ip link set eth1 down", "ip link set eth1 nomaster; ip link set eth1 down"], ["wire", "lan"]))
    func isNotTakenForDownBefore(_ change: String, _ name: String) throws {
        let segment = try Segment.withUplink()
        let before = try HostDump(segment.host)
        try segment.apply()
        try segment.host.sh(change)
        try segment.site.declare([
            Segment.network(name, "uplink: {interface: eth1}"), Segment.endpoint("a", name, 10),
        ])
        try segment.apply()
        #expect(try segment.host.sh("grep -rs link/eth1/up state || true") == "")
        #expect(try segment.ping(segment.host, to: 254))
        try segment.destroy(to: before)
        #expect(try segment.ping(segment.host, to: 254))
    }

    /// It was down before bulkhead came. That stays noted where it is set down again, and where the apply fails.
    @Test func downBeforeStaysNoted() throws {
        let segment = try Segment(Self.lan)
        try segment.host.sh("ip link set eth1 down")
        let before = try HostDump(segment.host)
        try segment.apply()
        try segment.host.sh("ip link set eth1 down")
        let down = try HostDump(segment.host)
        try segment.site.declare([
            Segment.network("wire", "uplink: {interface: eth1}"), Segment.endpoint("a", "wire", 10),
        ])
        let last = try segment.steps().count - 1
        let failed = try segment.host.bulkhead(
            "apply", "manifests", "--yes", environment: ["BULKHEAD_FAULT": "refuse:\(last):0"])
        #expect(failed.status == 1, "\(failed.errors)")
        try expect(segment, down)
        try segment.apply()
        #expect(try segment.host.sh("grep -rs link/eth1/up state || true") != "")
        try segment.destroy(to: before)
    }

    /// A network with translation forwards by the uplink, which is up once the plan is carried out.
    @Test func comesUpBesideTranslation() throws {
        let segment = try segment(Self.web + Self.lan)
        try segment.apply()
        let up = try HostDump(segment.host)
        try segment.host.sh("ip link set eth1 down")
        let steps = try segment.steps()
        #expect(steps == ["uplink/up/eth1"])
        try segment.apply()
        try expect(segment, up)
        #expect(try segment.ping(segment.host, to: 254))
    }

    /// The same where it is given back while the other network stays.
    @Test(arguments: [["apply", "manifests"], ["rollback", "1"]])
    func isGivenBackBesideTranslation(_ verb: [String]) throws {
        let segment = try segment(Self.web)
        let before = try HostDump(segment.host)
        try segment.apply()
        let alone = try HostDump(segment.host)
        try segment.site.declare(Self.web + Self.lan)
        try segment.apply()
        try segment.host.sh("ip link set eth1 down")
        try segment.site.declare(Self.web)
        let result = try segment.host.run([ScratchHost.binary] + verb + ["--yes"])
        #expect(result.status == 0, "\(result.errors)")
        #expect(try segment.steps() == [])
        try expect(segment, alone)
        #expect(try segment.ping(segment.host, to: 254))
        try segment.destroy(to: before)
    }

    /// The same where it was down before bulkhead came: with an address in the first apply, and down again in the end,
    /// with one that it got meanwhile.
    @Test func wasDownBesideTranslation() throws {
        let segment = try segment(Self.web + Self.lan)
        try segment.host.sh("ip link set eth1 down")
        let before = try HostDump(segment.host)
        try segment.apply()
        #expect(try segment.host.sh("cat /proc/sys/net/ipv4/conf/eth1/forwarding") == "1\n")
        let applied = try HostDump(segment.host)
        try segment.site.declare(Self.web)
        try segment.apply()
        #expect(try segment.host.sh("cat /proc/sys/net/ipv4/conf/eth1/forwarding") == "0\n")
        #expect(try segment.host.sh("ip -o link show eth1").contains("state DOWN"))
        try segment.site.declare(Self.web + Self.lan)
        try segment.apply()
        try expect(segment, applied)
        try segment.destroy(to: before)
    }

    /// What the host had is on a bridge before, too, and the uplink is a port of it: `revert` of the change that names the
    /// network anew, or takes it away, sets both up.
    @Test(
        arguments: [
            Document.network("web", 88),
            Segment.network("wire", "uplink: {interface: eth1}") + Segment.endpoint("a", "wire", 10),
        ])
    func revertSetsThePortUp(_ documents: String) throws {
        let segment = try segment(Self.lan)
        try segment.apply()
        let applied = try HostDump(segment.host)
        try segment.site.declare([documents])
        let apply = try segment.host.bulkhead(
            "apply", "manifests", "--yes", "--allow-mass-delete", "--confirm-within", "1h")
        try #require(apply.status == 0, "\(apply.errors)")
        try segment.host.sh("ip link set eth1 down")
        let revert = try segment.host.bulkhead("revert")
        #expect(revert.status == 0, "\(revert.output)\(revert.errors)")
        try expect(segment, applied)
        #expect(try segment.ping(segment.host, to: 254))
        #expect(try segment.ping(segment.lan, to: 10))
    }

    /// The same where an apply fails behind the move.
    @Test func aFailedApplySetsThePortUp() throws {
        let segment = try segment(Self.web + Self.lan)
        try segment.apply()
        let applied = try HostDump(segment.host)
        try segment.site.declare(Self.web)
        let steps = try segment.steps()
        let move = try #require(steps.firstIndex(of: "uplink/old/bh-lan"))
        let process = try segment.host.start(
            [ScratchHost.binary, "apply", "manifests", "--yes"],
            environment: ["BULKHEAD_FAULT": "stop-before:\(move + 1),refuse:\(move + 1):0"])
        #expect(process.waitForStop())
        try segment.host.sh("ip link set eth1 down")
        process.signal(SIGCONT)
        let result = try process.finish()
        #expect(result.status == 1, "\(result.errors)")
        #expect(result.errors.hasSuffix("Everything was undone: the host is as it was before.\n"), "\(result.errors)")
        try expect(segment, applied)
        #expect(try segment.ping(segment.host, to: 254))
    }

    private func segment(_ documents: [String]) throws -> Segment {
        try Segment(documents, addresses: ["192.0.2.1/24", "2001:db8::1/64"])
    }
}
