import Foundation
import TestSupport
import Testing

/// What isolation, policies and anti-spoofing say of what is routed between overlays.
@Suite struct GatewayPolicyTests {
    private static func policy(_ name: String, _ spec: String) -> String {
        """
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Policy
        metadata: {name: \(name)}
        spec: {\(spec)}

        """
    }

    @Test func policiesHoldAcrossPeers() throws {
        let site = try GatewaySite()
        let policies = [
            Self.policy(
                "db",
                "appliesTo: {endpoints: {matchLabels: {app: bb}}}, ingress: {default: deny, rules: [{name: friend, action: allow, from: [{endpoints: {matchLabels: {app: ra}}}]}]}"
            ),
            Self.policy(
                "shy",
                "appliesTo: {endpoints: {matchLabels: {app: ra}}}, egress: {default: allow, rules: [{name: not-a, action: deny, to: [{network: blue, endpoints: {matchLabels: {app: ba}}}]}]}"
            ),
        ]
        try site.start(GatewaySite.networks() + GatewaySite.endpoints + policies)
        let overlays = site.overlays
        try site.expect(true, "ra", on: "node-a", 2, 21)
        try site.expect(false, "rb", on: "node-b", 2, 21)
        try site.expect(false, "gb", on: "node-b", 2, 21)
        try site.expect(true, "bb", on: "node-b", 1, 11)
        try site.expect(true, "rb", on: "node-b", 2, 20)
        // Egress is enforced where the sender is: nothing of it leaves.
        let datagrams = try overlays.wire { try site.expect(false, "ra", on: "node-a", 2, 20) }
        #expect(datagrams == [])
        for (host, from, to, status) in [
            ("node-a", "ra", "bb", 0), ("node-a", "rb", "bb", 2), ("node-b", "rb", "bb", 2), ("node-b", "gb", "bb", 2),
            ("node-a", "ra", "ba", 2), ("node-c", "rb", "ba", 0), ("node-a", "ra", "gb", 2),
            ("node-a", "ra", "10.1.0.1", 2),
            ("node-a", "oa", "tb", 0), ("node-a", "oa", "bb", 2),
        ] {
            let trace = try overlays.host(host).bulkhead(
                "trace", from, to, "manifests", "--host", host, "--port", "80")
            #expect(trace.status == status, "\(host): \(from) to \(to): \(trace.output)\(trace.errors)")
        }
        // Packets say the same as the model, whatever is asked.
        let verify = try overlays.host("node-a").bulkhead("verify", "manifests", "--host", "node-a")
        #expect(verify.status == 0, "\(verify.output)\(verify.errors)")
    }

    @Test func siblingsStayApartAndPeersMeet() throws {
        let site = try GatewaySite()
        try site.start(
            GatewaySite.networks(red: "isolation: {intraNetwork: deny}") + GatewaySite.endpoints
                + [GatewaySite.endpoint("rx", "red", "node-a", 1, 12)])
        try site.expect(true, "ra", on: "node-a", 2, 21)
        try site.expect(true, "bb", on: "node-b", 1, 10)
        try site.expect(false, "ra", on: "node-a", 1, 11)
        try site.expect(false, "ra", on: "node-a", 1, 12)
        // Nor by way of the gateway.
        let host = try site.overlays.host("node-a")
        try host.sh("ip -n ra route add 10.1.0.12/32 via 10.1.0.1; ip -n ra -6 route add fd01::12/128 via fd01::1")
        try site.expect(false, "ra", on: "node-a", 1, 12)
    }

    /// What endpoints may use beside their addresses is behind them: no gateway leads there, or takes it from there.
    @Test func onlyAddressesAreRouted() throws {
        let site = try GatewaySite()
        let spec = "allowedAddresses: [10.2.0.100/32, 10.2.0.128/28]"
        try site.start(
            GatewaySite.networks() + GatewaySite.endpoints + [
                GatewaySite.endpoint("v1", "blue", "node-a", 2, 31, spec),
                GatewaySite.endpoint("v2", "blue", "node-a", 2, 32, spec),
            ])
        let overlays = site.overlays
        let host = try overlays.host("node-a")
        for address in ["10.2.0.100", "10.2.0.130"] {
            try host.sh("ip -n v2 address add \(address)/32 dev eth0")
            try overlays.expectPing(false, "ra", on: "node-a", address)
            try overlays.expectPing(true, "ba", on: "node-a", address)
            let trace = try host.bulkhead("trace", "ra", address, "manifests", "--host", "node-a")
            #expect(
                trace.status == 2 && trace.output.contains("no route to \(address)"), "\(trace.output)\(trace.errors)")
        }
        try site.expect(true, "ra", on: "node-a", 2, 32)
        let frames = [("10.2.0.130", "allowed"), ("10.2.0.32", "own")].map { source, marker in
            (source, "marker-\(marker)")
        }
        let link = try host.sh("ip -n router-blue -o link show gateway")
        let gateway = String(link.components(separatedBy: "link/ether ").last?.prefix(17) ?? "")
        let own = try overlays.mac("v2", on: "node-a")
        let seen = try overlays.arrivals(at: "ra", on: "node-a") {
            try overlays.send(
                frames.map { source, marker in
                    OverlaySite.Forgery(
                        end: "", from_mac: own, to_mac: gateway, from: source, to: "10.1.0.10", marker: marker)
                }, from: "node-a", in: "v2")
        }
        #expect(seen == ["marker-own"])
    }

    /// Nobody but the router has its MACs, and by it nobody says what is another's.
    @Test func nobodyPassesForARouter() throws {
        let site = try GatewaySite()
        try site.start(
            GatewaySite.networks() + GatewaySite.endpoints + [
                GatewaySite.endpoint("loose", "blue", "node-b", 2, 25, "antiSpoof: false"),
                GatewaySite.endpoint("ga", "green", "node-a", 3, 31),
            ])
        let overlays = site.overlays
        func card(_ space: String, _ name: String) throws -> String {
            let link = try overlays.host("node-b").sh("ip -n \(space) -o link show \(name)")
            return String(link.components(separatedBy: "link/ether ").last?.prefix(17) ?? "")
        }
        let (leg, gateway) = (try card("router-red", "to-blue"), try card("router-blue", "gateway"))
        let (own, target) = (try overlays.mac("loose", on: "node-b"), try overlays.mac("ba", on: "node-a"))
        func frame(_ from: String, _ to: String, _ source: String, _ address: String, _ marker: String)
            -> OverlaySite.Forgery
        {
            OverlaySite.Forgery(
                end: "", from_mac: from, to_mac: to, from: source, to: address, marker: "marker-\(marker)")
        }
        let control = frame(own, target, "10.2.0.25", "10.2.0.20", "control")
        // As a peer's endpoint on this host and on the other, by the router's MAC and by its own.
        let forged = [
            frame(leg, target, "10.1.0.11", "10.2.0.20", "leg"), frame(leg, target, "10.1.0.10", "10.2.0.20", "far"),
            frame(gateway, target, "10.2.0.1", "10.2.0.20", "gateway"),
            frame(gateway, target, "10.1.0.11", "10.2.0.20", "gateway-leg"),
            frame(own, target, "10.1.0.11", "10.2.0.20", "own"), frame(own, target, "10.2.0.1", "10.2.0.20", "address"),
        ]
        let seen = try overlays.arrivals(at: "ba", on: "node-a") {
            try overlays.send(forged + [control], from: "node-b", in: "loose")
        }
        #expect(seen == ["marker-control"])
        // By way of a router that does not lead there: to the leg of another network's, and with another's address by the
        // gateway.
        let green = try overlays.mac("ga", on: "node-a")
        let ways = [
            frame(own, leg, "10.2.0.25", "10.1.0.11", "by-leg"),
            frame(own, gateway, "10.1.0.11", "10.3.0.31", "by-gateway"),
            frame(own, gateway, "10.3.0.30", "10.1.0.11", "as-green"),
        ]
        for (endpoint, node) in [("rb", "node-b"), ("ga", "node-a")] {
            let seen = try overlays.arrivals(at: endpoint, on: node) {
                let (address, number) = endpoint == "rb" ? ("10.1.0.11", 1) : ("10.3.0.31", 3)
                let honest = frame(own, gateway, "10.2.0.25", address, "control\(number)")
                try overlays.send(ways + [honest], from: "node-b", in: "loose")
            }
            #expect(seen == ["marker-control\(endpoint == "rb" ? 1 : 3)"], "\(endpoint) \(green)")
        }
    }

    /// By a tunnel comes what the sending Host's own endpoints say by its router, and no more.
    @Test(arguments: [false, true]) func aHostRoutesForItsOwnEndpointsOnly(onIPv6: Bool) throws {
        let site = try GatewaySite(ipv6: onIPv6)
        try site.start()
        let overlays = site.overlays
        let link = try overlays.host("node-b").sh("ip -n router-red -o link show to-blue")
        let leg = String(link.components(separatedBy: "link/ether ").last?.prefix(17) ?? "")
        let other = try overlays.host("node-b").sh("ip -n router-red -o link show gateway")
        let gateway = String(other.components(separatedBy: "link/ether ").last?.prefix(17) ?? "")
        let honest = OverlaySite.Forgery(
            end: OverlaySite.underlay(1, onIPv6), vni: 4002, from_mac: leg,
            to_mac: try overlays.mac("ba", on: "node-a"), from: "10.1.0.11", to: "10.2.0.20", marker: "marker-control")
        var frames: [OverlaySite.Forgery] = []
        func add(_ marker: String, _ change: (inout OverlaySite.Forgery) -> Void) {
            var frame = honest
            frame.marker = "marker-\(marker)"
            change(&frame)
            frames.append(frame)
        }
        add("other-hosts") { $0.from = "10.1.0.10" }
        add("nobody") { $0.from = "10.1.0.99" }
        add("gateway-address") { $0.from = "10.1.0.1" }
        add("green") { $0.from = "10.3.0.30" }
        add("own-network") { $0.from = "10.2.0.21" }
        add("gateway") { $0.from_mac = gateway }
        add("other-network") { $0.vni = 4003 }
        add("arp") { $0.arp = true }
        let seen = try overlays.arrivals(at: "ba", on: "node-a") {
            try overlays.forge(frames + [honest], from: "node-b")
        }
        #expect(seen == ["marker-control"])
        for sender in ["node-c", "stranger"] {
            let seen = try overlays.arrivals(at: "ba", on: "node-a") { try overlays.forge([honest], from: sender) }
            #expect(seen == [], "\(sender)")
        }
    }
}
