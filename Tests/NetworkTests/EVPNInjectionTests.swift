import Foundation
import TestSupport
import Testing

/// What a Host may say of endpoints of which no manifest speaks, and what nobody may.
@Suite(.enabled(if: RoutingDaemons.areThere, Comment(rawValue: RoutingDaemons.reason))) struct EVPNInjectionTests {
    /// A frame as `rb` on node-b would send it to `ra` on node-a, which knows of `rb` by BGP alone.
    private func honest(_ evpn: EVPNSite, _ marker: String, inner6: Bool = false) throws -> OverlaySite.Forgery {
        OverlaySite.Forgery(
            end: OverlaySite.underlay(1, false), from_mac: try evpn.site.mac("rb", on: "node-b"),
            to_mac: try evpn.site.mac("ra", on: "node-a"), from: inner6 ? "fd00::11" : "10.0.0.11",
            to: inner6 ? "fd00::10" : "10.0.0.10", marker: "marker-\(marker)")
    }

    @Test func onlyWhatBGPToldGetsIn() throws {
        let evpn = try EVPNSite()
        try evpn.deploy()
        let site = evpn.site
        let own = try site.mac("ra", on: "node-a")
        var frames: [OverlaySite.Forgery] = []
        func add(_ marker: String, inner6: Bool = false, _ change: (inout OverlaySite.Forgery) -> Void) throws {
            var frame = try honest(evpn, marker, inner6: inner6)
            change(&frame)
            frames.append(frame)
        }
        try add("no-mac") { $0.from_mac = "02:00:00:00:00:99" }
        try add("mac-of-the-receiver") { $0.from_mac = own }
        try add("address-of-the-receiver") { $0.from = "10.0.0.10" }
        try add("outside") { $0.from = "10.9.0.1" }
        try add("link-local", inner6: true) { $0.from = "fe80::99" }
        try add("other-vni") { $0.vni = 4098 }
        try add("broadcast") { ($0.to_mac, $0.to) = ("ff:ff:ff:ff:ff:ff", "255.255.255.255") }
        try add("multicast") { ($0.to_mac, $0.to) = ("01:00:5e:00:00:fb", "224.0.0.251") }
        try add("unknown") { $0.to_mac = "02:00:00:00:00:98" }
        try add("arp") { ($0.arp, $0.from) = (true, "10.0.0.99") }
        let seen = try site.arrivals(at: "ra", on: "node-a") {
            try site.forge(frames, from: "node-b")
            // Who is no Host of the network says nothing.
            try site.forge([honest(evpn, "stranger")], from: "stranger")
            try site.forge(
                [honest(evpn, "control4"), honest(evpn, "control6", inner6: true)], from: "node-b")
        }
        #expect(seen == ["marker-control4", "marker-control6"])
        let rules = try site.host("node-a").sh("nft list table bridge bulkhead")
        #expect(
            rules.contains(
                #/counter packets [1-9][0-9]* bytes [0-9]+ drop comment "an endpoint of the manifests, but not from there"/#
            ))
    }

    /// What a manifest says of an endpoint holds, whatever BGP tells.
    @Test func nobodySpeaksForAnEndpointOfTheManifests() throws {
        let evpn = try EVPNSite()
        try evpn.deploy()
        let site = evpn.site
        try evpn.declare([EVPNSite.endpoints[0].1, EVPNSite.endpoints[1].1], on: "node-a")
        try site.apply("node-a")
        let seen = try site.arrivals(at: "ra", on: "node-a") {
            var frame = try honest(evpn, "other-host")
            try site.forge([frame], from: "node-c")
            (frame.from_mac, frame.marker) = (try site.mac("rc", on: "node-c"), "marker-other-mac")
            try site.forge([frame], from: "node-c")
            frame.marker = "marker-other-mac-of-its-host"
            try site.forge([frame], from: "node-b")
            (frame.from, frame.marker) = ("10.0.0.12", "marker-control-c")
            try site.forge([frame], from: "node-c")
            try site.forge([honest(evpn, "control-b")], from: "node-b")
        }
        #expect(seen == ["marker-control-c", "marker-control-b"])
        try site.expectPing(true, "ra", on: "node-a", "10.0.0.11")
        try site.expectPing(true, "ra", on: "node-a", "fd00::12")
    }

    /// Policies take who is in no manifest for an address, and who is in one for what that says.
    @Test func policiesHold() throws {
        let evpn = try EVPNSite()
        try evpn.deploy()
        let site = evpn.site
        let policy = """
            ---
            apiVersion: bulkhead.dev/v1alpha1
            kind: Policy
            metadata: {name: a}
            spec:
              appliesTo: {endpoints: {matchLabels: {app: ra}}}
              ingress: {default: deny, rules: [{name: b, action: allow, from: [{cidr: 10.0.0.11/32}, {endpoints: {matchLabels: {app: rc}}}]}]}

            """
        try evpn.declare([EVPNSite.endpoints[0].1, policy], on: "node-a")
        try site.apply("node-a")
        try site.expectPing(true, "rb", on: "node-b", "10.0.0.10")
        try site.expectPing(false, "rb", on: "node-b", "fd00::10")
        try site.expectPing(false, "rc", on: "node-c", "10.0.0.10")
        try evpn.declare([EVPNSite.endpoints[0].1, EVPNSite.endpoints[2].1, policy], on: "node-a")
        try site.apply("node-a")
        try site.expectPing(true, "rc", on: "node-c", "10.0.0.10")
        try site.expectPing(true, "rc", on: "node-c", "fd00::10")
    }

    /// What an endpoint sends to all, or to nobody, stays on its host.
    @Test func nothingIsFlooded() throws {
        let evpn = try EVPNSite()
        try evpn.deploy()
        let site = evpn.site
        let send = """
            import socket
            s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
            s.bind(('eth0', 0))
            own = s.getsockname()[4]
            for to in ('ffffffffffff', '01005e0000fb', '020000000098', '3333ff000099'):
                s.send(bytes.fromhex(to) + own + bytes.fromhex('0800') + bytes(46))
            s.send(bytes.fromhex('ffffffffffff') + own + bytes.fromhex('0806') + bytes(28))
            """
        let datagrams = try site.wire {
            try site.host("node-b").sh("ip netns exec rb python3 -c \"\(send)\"")
            try site.expectPing(false, "rb", on: "node-b", "10.0.0.99")
            try site.expectPing(true, "rb", on: "node-b", "10.0.0.10")
        }
        let macs = try Set([site.mac("ra", on: "node-a"), site.mac("rb", on: "node-b")])
        #expect(!datagrams.isEmpty && datagrams.allSatisfy { macs.contains($0.inner_to) && $0.type == "0800" })
    }
}
