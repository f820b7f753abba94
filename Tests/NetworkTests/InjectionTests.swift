import Foundation
import TestSupport
import Testing

/// Who sends VXLAN datagrams by hand gets nothing in, unless it is the Host of an endpoint and says what that would.
@Suite struct InjectionTests {
    private static let documents = [
        OverlaySite.endpoint("ra", "red", "node-a", 10), OverlaySite.endpoint("rb", "red", "node-b", 11),
        OverlaySite.endpoint("rc", "red", "node-c", 12), OverlaySite.endpoint("ba", "blue", "node-a", 10),
        OverlaySite.endpoint("bb", "blue", "node-b", 11),
        OverlaySite.endpoint("loose", "red", "node-b", 14, "antiSpoof: false"),
        """
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
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Endpoint
        metadata: {name: wb}
        spec: {network: web, host: node-b, addresses: [10.88.0.11, "fd00:88::11"]}

        """,
    ]

    private func site(ipv6: Bool) throws -> OverlaySite {
        let site = try OverlaySite(ipv6: ipv6)
        try site.declare(Self.documents)
        try site.apply("node-a", "node-b", "node-c")
        return site
    }

    /// A frame as `rb` on node-b would send it to `ra` on node-a.
    private func honest(_ site: OverlaySite, _ marker: String, inner6: Bool = false) throws -> OverlaySite.Forgery {
        OverlaySite.Forgery(
            end: OverlaySite.underlay(1, site.isIPv6), from_mac: try site.mac("rb", on: "node-b"),
            to_mac: try site.mac("ra", on: "node-a"), from: inner6 ? "fd00::11" : "10.0.0.11",
            to: inner6 ? "fd00::10" : "10.0.0.10", marker: "marker-\(marker)")
    }

    @Test(arguments: [false, true]) func onlyTheHostOfAnEndpointSpeaksForIt(onIPv6: Bool) throws {
        let site = try site(ipv6: onIPv6)
        // The rig works: the right Host, with the right MAC and address.
        let controls = try [honest(site, "control4"), honest(site, "control6", inner6: true)]
        let seen = try site.arrivals(at: "ra", on: "node-a") { try site.forge(controls, from: "node-b") }
        #expect(seen == ["marker-control4", "marker-control6"])

        // The wrong Host of the same network, a stranger, and a stranger who says another address.
        for inner6 in [false, true] {
            let frame = try honest(site, "outsider", inner6: inner6)
            for sender in ["node-c", "stranger"] {
                let seen = try site.arrivals(at: "ra", on: "node-a") { try site.forge([frame], from: sender) }
                #expect(seen == [], "from \(sender)")
            }
        }
        let counters = try site.host("node-a").sh("nft list ruleset")
        #expect(
            counters.contains(#/counter packets [1-9][0-9]* bytes [0-9]+ drop comment "overlays: only from the Hosts/#))
        #expect(
            counters.contains(
                #/counter packets [1-9][0-9]* bytes [0-9]+ drop comment "no endpoint of the sending Host/#))
    }

    @Test func theRightHostSaysNothingButWhatItsEndpointsWould() throws {
        let site = try site(ipv6: false)
        let mac = try site.mac("rc", on: "node-c")
        var frames: [OverlaySite.Forgery] = []
        func add(_ marker: String, _ change: (inout OverlaySite.Forgery) -> Void) throws {
            var frame = try honest(site, marker)
            change(&frame)
            frames.append(frame)
        }
        try add("other-mac") { $0.from_mac = mac }
        try add("no-mac") { $0.from_mac = "02:00:00:00:00:99" }
        try add("other-address") { $0.from = "10.0.0.12" }
        try add("no-address") { $0.from = "10.0.0.99" }
        try add("of-the-receiver") { $0.from = "10.0.0.10" }
        try add("of-a-neighbour") { $0.from = "10.0.0.14" }
        try add("other-vni") { $0.vni = 4098 }
        try add("other-network") { $0.vni = 4097 }
        try add("broadcast") { ($0.to_mac, $0.to) = ("ff:ff:ff:ff:ff:ff", "255.255.255.255") }
        try add("multicast") { ($0.to_mac, $0.to) = ("01:00:5e:00:00:fb", "224.0.0.251") }
        try add("unknown") { $0.to_mac = "02:00:00:00:00:98" }
        try add("arp") { ($0.arp, $0.from) = (true, "10.0.0.99") }
        for endpoint in ["ra", "ba"] {
            let seen = try site.arrivals(at: endpoint, on: "node-a") {
                try site.forge(frames + [honest(site, "control")], from: "node-b")
            }
            #expect(seen == (endpoint == "ra" ? ["marker-control"] : []), "\(endpoint)")
        }
        // A Host of `red` that has no `blue`.
        var blue = try honest(site, "wrong-host")
        (blue.vni, blue.from_mac, blue.to_mac) = (
            4097, try site.mac("bb", on: "node-b"), try site.mac("ba", on: "node-a")
        )
        let seen = try site.arrivals(at: "ba", on: "node-a") {
            try site.forge([blue], from: "node-c")
            var control = blue
            control.marker = "marker-control"
            try site.forge([control], from: "node-b")
        }
        #expect(seen == ["marker-control"])
    }

    /// Endpoints of whatever network, whose datagrams would leave with the address of their host.
    @Test(arguments: [false, true]) func noEndpointReachesATunnel(onIPv6: Bool) throws {
        let site = try site(ipv6: onIPv6)
        let frames = try [honest(site, "container")]
        var own = frames[0]
        own.end = OverlaySite.underlay(2, onIPv6)
        let seen = try site.arrivals(at: "ra", on: "node-a") {
            try site.forge(frames, from: "node-b", in: "wb")
            try site.forge(frames, from: "node-a", in: "wa")
            // The control: what node-b masquerades does reach node-a.
            try site.expectPing(true, "wb", on: "node-b", OverlaySite.underlay(1, onIPv6))
        }
        #expect(seen == [])
        let inner = try site.arrivals(at: "rb", on: "node-b") {
            own.to_mac = try site.mac("rb", on: "node-b")
            (own.from_mac, own.from, own.to) = (try site.mac("ra", on: "node-a"), "10.0.0.10", "10.0.0.11")
            try site.forge([own], from: "node-b", in: "wb")
            // To the gateway, which is an address of the host, too.
            own.end = onIPv6 ? "fd00:88::1" : "10.88.0.1"
            try site.forge([own], from: "node-b", in: "wb")
        }
        #expect(inner == [])
        for (node, words) in [("node-b", "endpoints send to no tunnel"), ("node-a", "nothing from endpoints")] {
            let rules = try site.host(node).sh("nft list table inet bulkhead")
            let hit = rules.split(separator: "\n").contains {
                $0.contains(words) && !$0.contains("counter packets 0 ") && $0.contains("drop")
            }
            #expect(hit, "\(node): \(words)")
        }
    }

    /// An endpoint whose sources nobody checks at its port gets no further than its own host.
    @Test func anUncheckedEndpointSpeaksAcrossHostsAsItselfOnly() throws {
        let site = try site(ipv6: false)
        try site.expectPing(true, "loose", on: "node-b", "10.0.0.10")
        // Addresses of another endpoint of its host, and of one that is not there.
        try site.host("node-b").sh(
            "ip -n loose address add 10.0.0.99/32 dev eth0; ip -n loose address add 10.0.0.11/32 dev eth0")
        for source in ["10.0.0.99", "10.0.0.11"] {
            try site.expectPing(false, "loose", on: "node-b", "10.0.0.10", "-I", source)
        }
        // A MAC of the other host does not turn its frames away.
        let mac = try site.mac("ra", on: "node-a")
        try site.host("node-b").sh("ip -n loose link set eth0 address \(mac)")
        _ = try site.host("node-b").ping("10.0.0.11", from: "loose", isExpected: false)
        try site.expectPing(true, "rb", on: "node-b", "10.0.0.10")
    }
}
