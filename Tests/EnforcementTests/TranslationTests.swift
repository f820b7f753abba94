import Foundation
import TestSupport
import Testing

/// What a neighbour on the LAN sees of the endpoints of a `nat` network, and what it reaches.
@Suite struct TranslationTests {
    private static let mapped = "  portMappings: [{hostPort: 8080, port: 80}]"

    /// `a` publishes port 80 as 8080; `b` is its sibling.
    private func site(network: String = "") throws -> PolicyHost {
        let web = try PolicyHost(["b"], network: network)
        try web.host.write(
            "a.yaml",
            """
            apiVersion: bulkhead.dev/v1alpha1
            kind: Endpoint
            metadata: {name: a}
            spec:
              network: web
              addresses: [10.88.0.20, "fd00:88::20"]
            \(Self.mapped)

            """)
        return web
    }

    @Test(arguments: [("192.0.2.9", "192.0.2.1"), ("2001:db8::9", "2001:db8::1")])
    func outboundIsMasqueraded(_ target: String, _ source: String) throws {
        let web = try site()
        let lan = try web.neighbour()
        try web.apply()
        let server = try lan.serve("serve-tcp", target, "80")
        defer { server.signal(SIGKILL) }
        #expect(try web.probe("b", "tcp", target, "80", "60") == source)
        #expect(try web.host.ping(target, from: "b"))
    }

    @Test(arguments: [
        ("10.88.0.20", "192.0.2.1", "192.0.2.9", "10.88.0.10"),
        ("fd00:88::20", "2001:db8::1", "2001:db8::9", "fd00:88::10"),
    ])
    func publishedPortsAreOpenFromEverywhereAndNothingElseIs(
        _ endpoint: String, _ host: String, _ client: String, _ sibling: String
    ) throws {
        let web = try site()
        let lan = try web.neighbour()
        try web.apply()
        try web.serve("a", "serve-tcp", endpoint, "80")
        try web.serve("a", "serve-tcp", endpoint, "81")
        try web.serve("b", "serve-tcp", sibling, "80")
        #expect(try lan.probe("tcp", host, "8080", "60") == client)
        // From the host, a sibling and the endpoint itself there is an answer, whatever address it came from.
        for place in ["host", "b", "a"] {
            let answer = try web.probe(place, "tcp", host, "8080", "60")
            #expect(!["silent", "refused", "closed", ""].contains(answer), "\(place): \(answer)")
        }
        for (address, port) in [(endpoint, "80"), (endpoint, "81"), (sibling, "80")] {
            #expect(try lan.probe("tcp", address, port, "0.5") == "silent")
        }
        #expect(try lan.run(["ping", "-c1", "-W1", sibling]).status == 1)
    }

    @Test(arguments: ["10.88.0.20", "fd00:88::20"])
    func inboundRoutedLetsTheNeighbourIn(_ endpoint: String) throws {
        let web = try site(network: "  inbound: routed")
        let lan = try web.neighbour()
        try web.apply()
        try web.serve("a", "serve-tcp", endpoint, "81")
        #expect(try lan.probe("tcp", endpoint, "81", "60") == (endpoint.contains(":") ? "2001:db8::9" : "192.0.2.9"))
    }

    @Test func loopbackMappingIsReachableFromTheHostAlone() throws {
        let web = try site()
        let lan = try web.neighbour()
        try web.apply()
        try web.serve("a", "serve-tcp", "10.88.0.20", "80")
        let daemon = try web.host.serve("serve-tcp", "127.0.0.1", "9000")
        defer { daemon.signal(SIGKILL) }
        #expect(!["silent", "refused", ""].contains(try web.probe("host", "tcp", "127.0.0.1", "8080", "60")))
        #expect(try web.probe("host", "tcp", "127.0.0.1", "9000", "60") == "127.0.0.1")
        // The neighbour sends packets to 127.0.0.1 on the wire, from an address that is not loopback.
        try lan.sh(
            "echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet; ip addr del 127.0.0.1/8 dev lo;"
                + "ip rule add pref 1 lookup local; ip rule del pref 0; ip route flush table local 127.0.0.0/8 || true;"
                + "ip route add 127.0.0.1/32 via 192.0.2.1 dev lan0 src 192.0.2.9")
        #expect(try lan.sh("ip route get 127.0.0.1").contains("via 192.0.2.1"))
        for port in ["9000", "8080"] { #expect(try lan.probe("tcp", "127.0.0.1", port, "0.5") == "silent") }
    }

    /// Whoever comes by a published port comes to the endpoint, and its policies decide: of the host, too, which knows
    /// the endpoint's interface only after its rules were asked.
    @Test(arguments: ["deny", "reject"])
    func policiesHoldForTheHostsWayThroughItsOwnPorts(_ action: String) throws {
        let web = try site()
        let rules = "rules: [{name: from-host, action: \(action), from: [{entity: host}]}]"
        try web.policies([
            (
                "a-in",
                "appliesTo: {networks: [web]}\ningress: {default: \(action == "deny" ? "deny" : "allow"), \(rules)}"
            )
        ])
        try web.apply()
        for address in ["10.88.0.20", "fd00:88::20"] { try web.serve("a", "serve-tcp", address, "80") }
        let daemon = try web.host.serve("serve-tcp", "::1", "8080")
        defer { daemon.signal(SIGKILL) }
        let wanted = action == "deny" ? "silent" : "refused"
        for address in ["10.88.0.1", "127.0.0.1", "fd00:88::1", "10.88.0.20"] {
            let port = address.hasSuffix("20") ? "80" : "8080"
            #expect(try web.probe("host", "tcp", address, port, action == "deny" ? "1" : "60") == wanted, "\(address)")
        }
        // No path leads away from ::1: what listens there is the host's own.
        #expect(try web.probe("host", "tcp", "::1", "8080", "60") == "::1")
        let verify = try web.host.bulkhead("verify", "manifests")
        #expect(verify.status == 0, "\(verify.output)\(verify.errors)")
        try web.policies([
            (
                "a-in",
                "appliesTo: {networks: [web]}\ningress: {default: deny, \(rules.replacingOccurrences(of: action, with: "allow"))}"
            )
        ])
        try web.apply()
        for address in ["10.88.0.1", "127.0.0.1", "fd00:88::1"] {
            let answer = try web.probe("host", "tcp", address, "8080", "60")
            #expect(!["silent", "refused", "closed", ""].contains(answer), "\(address): \(answer)")
        }
    }

    @Test func everyIPv6AddressCanBeUsedWhenApplyReturns() throws {
        let web = try PolicyHost(["a", "b"])
        try web.policies([])
        let result = try web.host.run([
            "sh", "-c",
            "\(ScratchHost.binary) apply manifests --yes --quiet && ip -6 -o addr show dev bh-web; ip -n a -6 -o addr",
        ])
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.output.contains("fe80::") && result.output.contains("fd00:88::10"))
        #expect(!result.output.contains("tentative"), "\(result.output)")
    }
}
