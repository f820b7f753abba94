import Foundation
import TestSupport
import Testing

/// Networks of type `l2tunnel`: what endpoints send to one another goes out to the physical switch, which decides.
@Suite struct TunnelTests {
    private static func network(_ spec: String = "") -> String {
        Segment.network("lan", "uplink: {interface: eth1}\(spec)").replacingOccurrences(
            of: "type: transparent", with: "type: l2tunnel")
    }

    private func segment() throws -> Segment {
        try Segment(
            [Self.network(), Segment.endpoint("a", "lan", 10), Segment.endpoint("b", "lan", 11)],
            addresses: ["192.0.2.1/24", "2001:db8::1/64"])
    }

    private func hairpin(_ segment: Segment, _ isOn: Bool) throws {
        try segment.wire.sh("bridge link set dev h1 hairpin \(isOn ? "on" : "off")")
        // Who was not found before is looked for anew.
        try segment.host.sh("for name in a b; do ip -n $name neigh flush all; done")
    }

    @Test func siblingsMeetIfTheSwitchSendsFramesBack() throws {
        let segment = try segment()
        let before = try HostDump(segment.host)
        try segment.apply()
        #expect(try segment.ping(segment.host, "a", to: 254) && segment.ping(segment.lan, to: 11))
        #expect(try segment.pingsNothing(segment.host, "a", to: 11))
        try hairpin(segment, true)
        #expect(try segment.ping(segment.host, "a", to: 11) && segment.ping(segment.host, "b", to: 10))
        // Its policy holds: the switch stops one of them.
        let own = try segment.mac("a")
        try segment.wire.sh(
            "nft add table bridge wall; nft add chain bridge wall f '{ type filter hook forward priority 0; }'; "
                + "nft add rule bridge wall f ether saddr \(own) iifname h1 oifname h1 drop")
        #expect(try segment.pingsNothing(segment.host, "a", to: 11))
        #expect(try segment.ping(segment.host, "a", to: 254))
        try segment.wire.sh("nft delete table bridge wall")
        // The host is not one of them, either way.
        #expect(try segment.pingsNothing(segment.host, "a", to: 1) && segment.pingsNothing(segment.host, to: 10))
        #expect(try segment.ping(segment.host, to: 254))
        try segment.destroy(to: before)
    }

    @Test func noPacketIsDoubled() throws {
        let segment = try segment()
        try segment.apply()
        try hairpin(segment, true)
        #expect(try segment.ping(segment.host, "a", to: 11))
        for address in ["192.0.2.11", "2001:db8::11"] {
            let ping = try segment.host.run(["ip", "netns", "exec", "a", "ping", "-c3", "-i0.2", address])
            #expect(ping.status == 0 && !ping.output.contains("DUP"), "\(ping.output)")
        }
    }

    @Test func traceAndVerifySayWhoDecides() throws {
        let segment = try segment()
        try segment.apply()
        let trace = try segment.host.bulkhead("trace", "a", "b", "manifests")
        #expect(trace.status == 0)
        #expect(
            trace.output.contains("Network/lan is l2tunnel: it passes if the physical switch sends frames back"),
            "\(trace.output)")
        let verify = try segment.host.bulkhead("verify", "manifests")
        #expect(verify.status == 0, "\(verify.output)")
        #expect(verify.output.contains("not tried: Network/lan is l2tunnel: the physical switch decides"))
        #expect(try segment.host.bulkhead("show", "network/lan").output.contains("macvlan"))
    }

    @Test func whatIsChangedByHandIsPutRight() throws {
        let segment = try segment()
        try segment.apply()
        let before = try HostDump(segment.host)
        for command in [
            "ip -n a link set eth0 type macvlan mode bridge", "ip -n b link delete eth0",
            "nft flush table netdev bulkhead",
        ] {
            try segment.host.sh(command)
            #expect(try segment.host.bulkhead("drift", "manifests").status == 2, "\(command)")
            try segment.apply()
            #expect(try HostDump(segment.host).differences(from: before) == [], "\(command)")
        }
    }

    /// From one type to the other and back, in place, and with an endpoint that is switched off.
    @Test func theTypeChangesInPlace() throws {
        let segment = try segment()
        try segment.apply()
        let index = try segment.host.sh("ip -n a -o link show eth0").prefix { $0 != ":" }
        let cards = [Segment.endpoint("a", "lan", 10), Segment.endpoint("b", "lan", 11)]
        try segment.site.declare([MacvlanTests.network()] + cards)
        try segment.apply()
        #expect(try segment.ping(segment.host, "a", to: 11))
        try segment.site.declare([Self.network(), cards[0], Segment.endpoint("b", "lan", 11, "enabled: false")])
        try segment.apply()
        try hairpin(segment, true)
        #expect(try segment.pingsNothing(segment.host, "a", to: 11) && segment.pingsNothing(segment.lan, to: 11))
        try segment.site.declare([Self.network()] + cards)
        try segment.apply()
        #expect(try segment.ping(segment.host, "a", to: 11))
        #expect(try segment.host.sh("ip -n a -o link show eth0").prefix { $0 != ":" } == index)
    }
}
