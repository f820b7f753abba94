import Foundation
import TestSupport
import Testing

/// `l2bridge`: endpoints on the physical network, which sees the host's MAC alone.
@Suite struct RoutedTests {
    private func expectWorks(_ segment: Segment, location: SourceLocation = #_sourceLocation) throws {
        for number in [10, 11] { #expect(try segment.ping(segment.lan, to: number), sourceLocation: location) }
        #expect(try segment.ping(segment.host, "a", to: 254), "to the LAN", sourceLocation: location)
        #expect(try segment.ping(segment.host, "a", to: 11), "to a sibling", sourceLocation: location)
        #expect(try segment.ping(segment.host, "a", to: 1), "to the host", sourceLocation: location)
        #expect(try segment.ping(segment.host, to: 10), "from the host", sourceLocation: location)
    }

    /// The uplink stays as it is, and on the wire there is no MAC but its own.
    @Test func isOnTheWireWithTheMACOfTheHost() throws {
        let segment = try Routed.segment(Routed.documents())
        let before = try HostDump(segment.host)
        let link = try segment.host.sh("ip -br address show eth1; ip route show dev eth1; ip -6 route show dev eth1")
        try segment.apply()
        try segment.forget()
        try expectWorks(segment)
        #expect(
            try segment.host.sh("ip -br address show eth1; ip route show dev eth1; ip -6 route show dev eth1") == link)
        let mac = try segment.uplinkMAC()
        #expect(try segment.seen() == [mac])
        for address in ["192.0.2.10", "2001:db8::10", "192.0.2.11", "2001:db8::11"] {
            #expect(try segment.neighbour(address) == mac, "\(address)")
        }
        try segment.destroy(to: before)
        #expect(try segment.pingsNothing(segment.lan, to: 10))
        #expect(try segment.ping(segment.lan, to: 1))
    }

    @Test func meetsThoseOfAnotherHost() throws {
        let segment = try Routed.segment(Routed.documents())
        let second = try Routed.secondHost(on: segment)
        try segment.apply()
        try second.apply()
        #expect(try segment.ping(segment.host, "a", to: 20))
        #expect(try segment.ping(second.host, "c", to: 11))
        #expect(try segment.ping(segment.lan, to: 20))
        #expect(try segment.ping(second.host, "c", to: 1), "another host")
        #expect(try segment.ping(segment.host, "a", to: 2), "another host")
    }

    /// The host is not asked to answer for all that it can reach: for endpoints alone.
    @Test func answersForNobodyElse() throws {
        let segment = try Routed.segment(Routed.documents())
        try segment.addCard()
        try segment.apply()
        try segment.lan.sh("ip route add 172.30.0.0/24 dev eth0; ip route add fd00:30::/64 dev eth0")
        for address in ["192.0.2.12", "2001:db8::12", "172.30.0.9", "fd00:30::9"] {
            #expect(try segment.lan.run(["ping", "-c1", "-W1", address]).status != 0)
            #expect(try segment.neighbour(address) == nil, "\(address)")
        }
    }

    // MARK: What may pass

    /// What a server at these addresses says to a machine on the LAN, over both families: the client's address as it sees
    /// it, or `silent`.
    private func answers(_ segment: Segment, within seconds: Int = 60) throws -> [String] {
        try Self.own.map { try segment.lan.probe("tcp", $0, "7000", "\(seconds)") }
    }

    /// The same of an endpoint's question to a server on the LAN.
    private func questions(_ segment: Segment, within seconds: Int = 60) throws -> [String] {
        try Self.lan.map { try segment.site.probe("a", "tcp", $0, "7001", "\(seconds)") }
    }

    private func servers(_ segment: Segment) throws -> [RunningProcess] {
        for address in ["192.0.2.10", "2001:db8::10"] { try segment.site.serve("a", "serve-tcp", address, "7000") }
        return try ["192.0.2.254", "2001:db8::254"].map { try segment.lan.serve("serve-tcp", $0, "7001") }
    }

    private static let lan = ["192.0.2.254", "2001:db8::254"]
    private static let own = ["192.0.2.10", "2001:db8::10"]
    private static let silence = ["silent", "silent"]

    @Test func policiesHoldBothWays() throws {
        let segment = try Routed.segment(Routed.documents())
        try segment.apply()
        let servers = try servers(segment)
        defer { for server in servers { server.signal(SIGKILL) } }
        #expect(try answers(segment) == Self.lan)
        #expect(try questions(segment) == Self.own)
        try segment.site.policies([("in", "appliesTo: {networks: [lan]}\ningress: {default: deny}")])
        try segment.apply()
        #expect(try answers(segment, within: 1) == Self.silence)
        #expect(try questions(segment) == Self.own)
        #expect(try segment.pingsNothing(segment.host, "b", to: 10))
        #expect(try segment.pingsNothing(segment.host, to: 10))
        try segment.site.policies([
            (
                "in",
                "appliesTo: {networks: [lan]}\ningress: {default: deny, rules: [{action: allow, from: [{entity: world, cidr: 192.0.2.254/32}, {entity: world, cidr: \"2001:db8::254/128\"}]}]}\negress: {default: deny, rules: [{action: allow, to: [{entity: world}], protocols: [{protocol: udp}]}]}"
            )
        ])
        try segment.apply()
        #expect(try answers(segment) == Self.lan)
        #expect(try questions(segment, within: 1) == Self.silence)
        #expect(try segment.pingsNothing(segment.host, "b", to: 10))
        #expect(try segment.pingsNothing(segment.host, "a", to: 1))
    }

    @Test func isolationHolds() throws {
        let segment = try Routed.segment(Routed.documents("isolation: {intraNetwork: deny, hostAccess: deny}"))
        try segment.apply()
        #expect(try segment.pingsNothing(segment.host, "a", to: 11))
        #expect(try segment.pingsNothing(segment.host, "a", to: 1))
        #expect(try segment.ping(segment.lan, to: 10))
        #expect(try segment.ping(segment.host, "a", to: 254))
        #expect(try segment.ping(segment.host, to: 10), "from the host")
        // The gateway is the host, too.
        #expect(
            try segment.host.run(["ip", "netns", "exec", "a", "ping", "-c1", "-W1", "169.254.1.1"]).status != 0)
    }

    /// Networks do not meet, whichever of them asks.
    @Test func otherNetworksDoNotMeetIt() throws {
        let segment = try Routed.segment(
            Routed.documents() + [
                Document.network("web", 77, "type: nat, inbound: routed"), Document.endpoint("w", "web", 77, 10),
            ])
        try segment.apply()
        #expect(try segment.pingsNothing(segment.host, "w", to: 10))
        for address in ["10.77.0.10", "fd00:77::10"] {
            #expect(try segment.host.run(["ip", "netns", "exec", "a", "ping", "-c1", "-W1", address]).status != 0)
        }
        // Each has its own way out.
        #expect(try segment.ping(segment.host, "w", to: 254))
        #expect(try segment.ping(segment.host, "a", to: 254))
    }

    /// What the host routes elsewhere is nothing for endpoints, nor they for those there.
    @Test func goesByItsUplinkAlone() throws {
        let segment = try Routed.segment(Routed.documents())
        try segment.addCard()
        let other = try ScratchHost()
        try segment.host.connect(
            "eth9", ["203.0.113.1/24", "2001:db8:9::1/64"], to: other, "eth0", ["203.0.113.9/24", "2001:db8:9::9/64"])
        try other.sh(
            "ip route add default via 203.0.113.1; ip route add default via 2001:db8:9::1; \(Segment.settling)")
        try segment.settle()
        try segment.apply()
        // Of a host that forwards between all its cards.
        try segment.host.sh("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1")
        for address in ["203.0.113.9", "2001:db8:9::9"] {
            #expect(try segment.host.run(["ip", "netns", "exec", "a", "ping", "-c1", "-W1", address]).status != 0)
        }
        #expect(try segment.pingsNothing(other, to: 10))
        #expect(try segment.ping(other, to: 1))
    }

    /// Whose card an address is, nobody else is taken for.
    @Test func endpointsAddressesComeFromNowhereElse() throws {
        let segment = try Routed.segment(Routed.documents())
        try segment.site.policies([
            (
                "in",
                "appliesTo: {endpoints: {matchLabels: {app: a}}}\ningress: {default: deny, rules: [{action: allow, from: [{endpoints: {matchLabels: {app: b}}}]}]}"
            )
        ])
        try segment.apply()
        let mac = try segment.uplinkMAC()
        try segment.lan.sh(
            "ip addr add 192.0.2.11/32 dev eth0; ip -6 addr add 2001:db8::11/128 dev eth0 nodad; "
                + "for a in 192.0.2.10 2001:db8::10; do ip neigh replace $a lladdr \(mac) dev eth0; done")
        func heard() throws -> String {
            try segment.host.sh(
                "ip netns exec a cat /proc/net/snmp | grep Icmp:; ip netns exec a grep Icmp6InEchos /proc/net/snmp6")
        }
        let before = try heard()
        for (source, address) in [("192.0.2.11", "192.0.2.10"), ("2001:db8::11", "2001:db8::10")] {
            _ = try segment.lan.run(["ping", "-c2", "-W1", "-I", source, address])
        }
        #expect(try heard() == before)
        let rules = try segment.host.sh("nft list chain inet bulkhead forward")
        #expect(
            rules.matches(
                of: #/counter packets [1-9]\d* bytes \d+ drop comment "an address behind a switch, from elsewhere"/#
            )
            .count == 2, "\(rules)")
        // As itself the sibling gets there.
        try segment.lan.sh("ip addr del 192.0.2.11/32 dev eth0; ip -6 addr del 2001:db8::11/128 dev eth0")
        #expect(try segment.ping(segment.host, "b", to: 10))
    }

    // MARK: Translation

    @Test func outboundNATIsOffUnlessGiven() throws {
        let segment = try Routed.segment(Routed.documents("outboundNAT: {exceptions: [192.0.2.254/32]}"))
        try segment.lan.sh("ip addr add 192.0.2.253/24 dev eth0")
        try segment.apply()
        let servers = try servers(segment) + [segment.lan.serve("serve-tcp", "192.0.2.253", "7001")]
        defer { for server in servers { server.signal(SIGKILL) } }
        #expect(try questions(segment) == ["192.0.2.10", "2001:db8::1"])
        #expect(try segment.site.probe("a", "tcp", "192.0.2.253", "7001", "60") == "192.0.2.1")
        #expect(try answers(segment) == Self.lan)
        try segment.site.declare(Routed.documents("outboundNAT: {enabled: false}"))
        try segment.apply()
        #expect(try questions(segment) == Self.own)
    }
}
