import Foundation
import TestSupport
import Testing

/// Endpoints on a segment that others share, where what they have in common with other networks is not quite the same.
@Suite struct GuestTests {
    private static let addresses = ["192.0.2.1/24", "2001:db8::1/64"]

    /// `a` and `b` on a bridge of bulkhead's own, and a network that makes the host forward.
    private func segment(_ spec: String = "uplink: {interface: eth1}") throws -> Segment {
        let segment = try Segment(Self.documents(spec), addresses: Self.addresses)
        try segment.apply()
        return segment
    }

    private static func documents(_ spec: String) -> [String] {
        [
            Segment.network("lan", spec), Segment.endpoint("a", "lan", 10), Segment.endpoint("b", "lan", 11),
            Document.network("web", 88), Document.endpoint("w", "web", 88, 10),
        ]
    }

    private func local(_ host: ScratchHost, _ link: String) throws -> String {
        try host.sh("ip -6 -br address show dev \(link) | grep -o 'fe80::[^/]*' | head -1")
            .trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private func ping(
        _ host: ScratchHost, _ namespace: String?, _ link: String, _ target: String, from source: String? = nil,
        isExpected: Bool = true
    ) throws -> Bool {
        let own = source.map { ["-I", "\($0)%\(link)"] } ?? []
        return try host.ping("\(target)%\(link)", from: namespace, own, isExpected: isExpected)
    }

    @Test func siblingsDoNotMeetByWayOfTheHost() throws {
        let segment = try segment()
        for (own, other) in [("a", 11), ("b", 10)] {
            try segment.host.sh(
                "ip -n \(own) route add 192.0.2.\(other) via 192.0.2.1; ip -n \(own) route add 2001:db8::\(other) via 2001:db8::1"
            )
        }
        #expect(try segment.ping(segment.host, "a", to: 11))
        #expect(try segment.host.sh("nft list ruleset").contains("shared_locals"))
        try segment.site.declare(Self.documents("uplink: {interface: eth1}, isolation: {intraNetwork: deny}"))
        try segment.apply()
        #expect(try segment.pingsNothing(segment.host, "a", to: 11))
        #expect(try segment.ping(segment.host, "a", to: 1))
        #expect(try segment.ping(segment.host, "a", to: 254))
    }

    /// Link-local addresses that endpoints choose: policies know them by their cards, the host's neighbours are its own.
    @Test func policiesHoldForChosenAddresses() throws {
        let segment = try segment()
        try segment.host.sh(
            "ip -n a address add fe80::a1a/64 dev eth0 nodad; ip -n b address add fe80::b0b/64 dev eth0 nodad; "
                + "while ip -n a -6 address show | grep -q tentative; do sleep 0.05; done")
        try segment.lan.sh("ip address add fe80::1a1/64 dev eth0 nodad")
        let host = try local(segment.host, "bh-lan")
        // By way of the host, too, which forwards IPv6. The answer goes directly: of that connection the segment knows nothing,
        // so that no answer comes even where every policy is open.
        try segment.lan.sh(
            "ip address add fe80::7/64 dev eth0 nodad; ip -6 rule add from fe80::7 table 7; "
                + "ip -6 route add fe80::a1a via \(host) dev eth0 table 7")
        func fromLAN(isExpected: Bool) throws -> [Bool] {
            [
                try ping(segment.lan, nil, "eth0", "fe80::a1a", isExpected: isExpected),
                try ping(segment.lan, nil, "eth0", "fe80::a1a", from: "fe80::7", isExpected: false),
            ]
        }
        #expect(try ping(segment.host, "a", "eth0", host, from: "fe80::a1a"))
        #expect(try fromLAN(isExpected: true) == [true, false])
        #expect(try ping(segment.host, nil, "bh-lan", "fe80::a1a"))
        try segment.site.policies([
            (
                "in",
                "appliesTo: {endpoints: {matchLabels: {app: a}}}\ningress: {default: deny, rules: [{action: allow, from: [{endpoints: {matchLabels: {app: b}}}]}]}"
            )
        ])
        try segment.apply()
        #expect(try ping(segment.host, "b", "eth0", "fe80::a1a", from: "fe80::b0b"))
        #expect(try fromLAN(isExpected: false) == [false, false])
        #expect(try !ping(segment.host, nil, "bh-lan", "fe80::a1a", isExpected: false))
        // Answers come, and the host reaches those whom no manifest knows.
        #expect(try ping(segment.host, "a", "eth0", host, from: "fe80::a1a"))
        #expect(try ping(segment.host, "a", "eth0", "fe80::1a1", from: "fe80::a1a"))
        #expect(try ping(segment.host, nil, "bh-lan", "fe80::1a1"))
        #expect(try ping(segment.lan, nil, "eth0", host))
    }

    /// `la` on the network of the tunnels, `wa` behind node-a.
    private static func others(_ prefix: String, _ own: String) -> String {
        """
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Network
        metadata: {name: lan}
        spec: {type: transparent, uplink: {interface: eth0}, antiSpoof: false, subnets: [{prefix: "\(prefix)"}]}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Endpoint
        metadata: {name: la}
        spec: {network: lan, host: node-a, addresses: ["\(own)"]}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Network
        metadata: {name: web}
        spec: {type: nat, antiSpoof: false, subnets: [{prefix: 10.88.0.0/24}, {prefix: "fd00:88::/64"}]}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Endpoint
        metadata: {name: wa}
        spec: {network: web, host: node-a, addresses: [10.88.0.10, "fd00:88::10"]}

        """
    }

    /// The host's end of the tunnels may be on a bridge that has the uplink: its endpoints send into none.
    @Test(arguments: [false, true]) func tunnelsGoByTheUplink(onIPv6: Bool) throws {
        let site = try OverlaySite(ipv6: onIPv6)
        let (prefix, own) = onIPv6 ? ("2001:db8::/64", "2001:db8::20") : ("192.0.2.0/24", "192.0.2.20")
        try site.declare([
            OverlaySite.endpoint("ra", "red", "node-a", 10), OverlaySite.endpoint("rb", "red", "node-b", 11),
            Self.others(prefix, own),
        ])
        try site.apply("node-a", "node-b", "node-c")
        try site.expectPing(true, "ra", on: "node-a", "10.0.0.11")
        try site.expectPing(true, "rb", on: "node-b", "fd00::10")
        try site.expectPing(true, "la", on: "node-a", OverlaySite.underlay(2, onIPv6))
        try site.expectPing(true, "wa", on: "node-a", OverlaySite.underlay(2, onIPv6))
        #expect(
            try site.host("node-a").sh("ip -br address show eth0").contains(OverlaySite.underlay(1, onIPv6)) == false)
        func frame(to end: Int, _ marker: String) throws -> OverlaySite.Forgery {
            let (from, to) = end == 2 ? (("ra", "node-a"), ("rb", "node-b")) : (("rb", "node-b"), ("ra", "node-a"))
            return OverlaySite.Forgery(
                end: OverlaySite.underlay(end, onIPv6), from_mac: try site.mac(from.0, on: from.1),
                to_mac: try site.mac(to.0, on: to.1), from: end == 2 ? "10.0.0.10" : "10.0.0.11",
                to: end == 2 ? "10.0.0.11" : "10.0.0.10", marker: "marker-\(marker)")
        }
        // To the other Host: as the Host itself, by translation, and as a neighbour of it.
        let out = try site.arrivals(at: "rb", on: "node-b") {
            for endpoint in ["wa", "la"] { try site.forge([frame(to: 2, endpoint)], from: "node-a", in: endpoint) }
            try site.forge([frame(to: 2, "control")], from: "node-a")
        }
        #expect(out == ["marker-control"])
        // To the own one, from an endpoint that has taken the address of the other.
        try site.host("node-a").sh(
            "ip -n la address flush dev eth0 scope global; ip -n la address add \(OverlaySite.underlay(2, onIPv6))/\(onIPv6 ? "64 nodad" : "24") dev eth0"
        )
        let into = try site.arrivals(at: "ra", on: "node-a") {
            try site.forge([frame(to: 1, "guest")], from: "node-a", in: "la")
            try site.host("node-a").sh("ip -n la link set eth0 down")
            try site.forge([frame(to: 1, "control")], from: "node-b")
        }
        #expect(into == ["marker-control"])
        let counters = try site.host("node-a").sh("nft list table inet bulkhead")
        #expect(
            counters.contains(
                #/counter packets [1-9][0-9]* bytes [0-9]+ drop comment "overlays: endpoints send to no tunnel"/#))
    }
}
