import Foundation
import TestSupport
import Testing

/// Which networks reach which, and the host.
@Suite struct SeparationTests {
    private func server(_ site: PolicyHost, _ name: String, _ number: Int) throws {
        for address in ["10.\(number).0.10", "fd00:\(number)::10"] {
            try site.serve(name, "serve-ends", address, "80")
        }
    }

    /// Who reaches whom by both families, TCP and UDP, and by ping: expects the client's own address, or nobody.
    private func expect(
        _ site: PolicyHost, _ client: (name: String, number: Int), to target: Int, reaches: Bool,
        location: SourceLocation = #_sourceLocation
    ) throws {
        let pairs = [
            ("10.\(target).0.10", "10.\(client.number).0.10"), ("fd00:\(target)::10", "fd00:\(client.number)::10"),
        ]
        for (address, own) in pairs {
            for transport in ["tcp", "udp"] {
                let answer = try site.probe(client.name, transport, address, "80", reaches ? "60" : "0.3")
                let seen = PolicyHost.parts(answer).first
                #expect(
                    seen == (reaches ? own : nil), "\(client.name) to \(address): \(answer)", sourceLocation: location)
            }
            #expect(
                try site.host.ping(address, from: client.name, isExpected: reaches) == reaches,
                "ping \(client.name) to \(address)", sourceLocation: location)
        }
    }

    @Test(arguments: ["nat", "internal"]) func onlyPeersReachOneAnother(_ type: String) throws {
        func documents(_ peers: (x: String, y: String)) -> [String] {
            [
                Document.network("x", 81, "type: \(type)\(peers.x)"),
                Document.network("y", 82, "type: internal\(peers.y)"),
                Document.network("z", 83), Document.endpoint("x1", "x", 81, 10), Document.endpoint("y1", "y", 82, 10),
                Document.endpoint("z1", "z", 83, 10),
            ]
        }
        let site = try PolicyHost(documents: documents(("", "")))
        try site.apply()
        let all = [("x1", 81), ("y1", 82), ("z1", 83)]
        for (name, number) in all { try server(site, name, number) }
        for (name, number) in all {
            // They do not even when they are told the way.
            _ = try site.host.run(["ip", "-n", name, "route", "add", "default", "via", "10.\(number).0.1"])
            _ = try site.host.run(["ip", "-n", name, "route", "add", "default", "via", "fd00:\(number)::1"])
            for (_, other) in all where other != number { try expect(site, (name, number), to: other, reaches: false) }
            _ = try site.host.run(["ip", "-n", name, "route", "delete", "default", "via", "10.\(number).0.1"])
            _ = try site.host.run(["ip", "-n", name, "route", "delete", "default", "via", "fd00:\(number)::1"])
        }
        try site.declare(documents((", peerNetworks: [{network: y}]", ", peerNetworks: [{network: x}]")))
        try site.apply()
        try expect(site, ("x1", 81), to: 82, reaches: true)
        try expect(site, ("y1", 82), to: 81, reaches: true)
        for (name, number) in [("x1", 81), ("y1", 82)] {
            try expect(site, (name, number), to: 83, reaches: false)
            try expect(site, ("z1", 83), to: number, reaches: false)
        }
    }

    @Test func peersMustListOneAnother() throws {
        let site = try PolicyHost(documents: [
            Document.network("x", 81, "type: nat, peerNetworks: [{network: y}]"), Document.network("y", 82),
        ])
        let result = try site.host.bulkhead("plan", "manifests")
        #expect(result.status == 1)
        #expect(result.errors.contains("error: "), "\(result.errors)")
        #expect(result.errors.contains("y"), "\(result.errors)")
    }

    @Test func anInternalNetworkHasNoWayOutAndNoWayIn() throws {
        let site = try PolicyHost(documents: [
            Document.network("web", 88, "type: internal"), Document.endpoint("a", "web", 88, 10),
            Document.endpoint("b", "web", 88, 11),
        ])
        let lan = try site.neighbour()
        try site.apply()
        try server(site, "a", 88)
        let servers = try ["192.0.2.9", "2001:db8::9"].map { try lan.serve("serve-ends", $0, "80") }
        defer { for server in servers { server.signal(SIGKILL) } }
        for family in ["-4", "-6"] {
            #expect(try site.host.sh("ip -n a \(family) route show default") == "", "no peers, no default route")
        }
        #expect(try site.ends("b", "tcp", "10.88.0.10", 80).first == "10.88.0.11")
        #expect(try site.ends("host", "tcp", "10.88.0.10", 80).first == "10.88.0.1")
        // A router for once, so that nothing but our rules stands in between.
        try site.host.sh(
            "for f in ipv4 ipv6; do for i in all lan0; do echo 1 > /proc/sys/net/$f/conf/$i/forwarding; done; done")
        for (target, gateway) in [("192.0.2.9", "10.88.0.1"), ("2001:db8::9", "fd00:88::1")] {
            try site.host.sh("ip -n a route add default via \(gateway)")
            for transport in ["tcp", "udp"] {
                expectNobody(try site.probe("a", transport, target, "80", "0.3"), "\(transport) to \(target)")
            }
            #expect(try site.host.run(["ip", "netns", "exec", "a", "ping", "-c1", "-W1", target]).status != 0)
        }
        for target in ["10.88.0.10", "fd00:88::10"] {
            for transport in ["tcp", "udp"] {
                expectNobody(try lan.probe(transport, target, "80", "0.3"), "\(transport) to \(target)")
            }
            #expect(try lan.run(["ping", "-c1", "-W1", target]).status != 0)
        }
        // Without our rules all of it passes: the rig sees what there is to see.
        try site.host.sh("nft flush ruleset")
        #expect(try PolicyHost.parts(lan.probe("tcp", "10.88.0.10", "80", "60")).first == "192.0.2.9")
    }

    @Test func anInternalNetworkWithPeersHasADefaultRoute() throws {
        let site = try PolicyHost(documents: [
            Document.network("x", 81, "type: internal, peerNetworks: [{network: y}]"),
            Document.network("y", 82, "type: internal, peerNetworks: [{network: x}]"),
            Document.endpoint("x1", "x", 81, 10),
        ])
        try site.apply()
        #expect(try site.host.sh("ip -n x1 -4 route show default").hasPrefix("default via 10.81.0.1 dev eth0"))
        #expect(try site.host.sh("ip -n x1 -6 route show default").hasPrefix("default via fd00:81::1 dev eth0"))
    }

    /// Every address of the host: its LAN's, gateways, the bridge's link-local one, that of another bridge.
    private func addresses(_ site: PolicyHost) throws -> [String] {
        let text = try site.host.sh("ip -o address show | sed -n 's/.*inet6\\? \\([^/]*\\).*/\\1/p'")
        return text.split(separator: "\n").map(String.init).filter { $0 != "::1" && $0 != "127.0.0.1" }
    }

    @Test func hostAccessDenyHoldsForEveryAddressOfTheHost() throws {
        func documents(_ access: String) -> [String] {
            [
                Document.network("web", 88, "type: nat, isolation: {hostAccess: \(access)}"),
                Document.network("db", 89),
                Document.endpoint("a", "web", 88, 10), Document.endpoint("c", "db", 89, 10),
            ]
        }
        let site = try PolicyHost(documents: documents("allow"))
        let lan = try site.neighbour()
        try site.apply()
        let servers = try ["serve-tcp", "serve-udp"].map { try site.host.serve($0, "::", "7000") }
        defer { for server in servers { server.signal(SIGKILL) } }
        let all = try addresses(site)
        #expect(all.contains("192.0.2.1") && all.contains("10.89.0.1") && all.contains("fd00:88::1"))
        /// Those that answer, with patience for those that must; a link-local address is that of the bridge, on this link.
        func answering(_ expected: [String]) throws -> [String] {
            try all.filter { address in
                let wait = expected.contains(address) ? "30" : "0.5"
                let scoped = address.hasPrefix("fe80") ? "\(address)%eth0" : address
                let answers = try [
                    site.probe("a", "tcp", scoped, "7000", wait), site.probe("a", "udp", scoped, "7000", wait),
                ].filter { $0 != "silent" && $0 != "refused" && !$0.isEmpty }
                let ping = try site.host.run(["ip", "netns", "exec", "a", "ping", "-c1", "-W1", scoped])
                return !answers.isEmpty || ping.status == 0
            }
        }
        // That of the bridge is the only link-local one on this link.
        let bridge = try site.host.sh(
            "ip -6 -o address show dev bh-web scope link | sed 's/.*inet6 \\([^/]*\\).*/\\1/'"
        )
        .trimmingCharacters(in: .whitespacesAndNewlines)
        let near = all.filter { !$0.hasPrefix("fe80") || $0 == bridge }
        #expect(try answering(near) == near)
        try site.declare(documents("deny"))
        try site.apply()
        #expect(try answering([]) == [])
        // The way out is open all the same, and the host itself reaches the endpoint.
        let outside = try lan.serve("serve-tcp", "192.0.2.9", "80")
        defer { outside.signal(SIGKILL) }
        #expect(try site.probe("a", "tcp", "192.0.2.9", "80", "60") == "192.0.2.1")
        try server(site, "a", 88)
        #expect(try site.ends("host", "tcp", "10.88.0.10", 80).first == "10.88.0.1")
    }

    @Test func intraNetworkDenyKeepsSiblingsApart() throws {
        let site = try PolicyHost(documents: [
            Document.network("web", 88, "type: nat, isolation: {intraNetwork: deny}"),
            Document.endpoint("a", "web", 88, 10), Document.endpoint("b", "web", 88, 11),
        ])
        let lan = try site.neighbour()
        try site.apply()
        try server(site, "a", 88)
        for address in ["10.88.0.10", "fd00:88::10"] {
            for transport in ["tcp", "udp"] {
                expectNobody(try site.probe("b", transport, address, "80", "0.3"), "\(transport) to \(address)")
            }
            #expect(try site.host.run(["ip", "netns", "exec", "b", "ping", "-c1", "-W1", address]).status != 0)
        }
        // Nor by way of the gateway.
        try site.host.sh(
            "ip -n b route add 10.88.0.10/32 via 10.88.0.1; ip -n b route add fd00:88::10/128 via fd00:88::1")
        for address in ["10.88.0.10", "fd00:88::10"] {
            expectNobody(try site.probe("b", "tcp", address, "80", "0.3"), "\(address) by the gateway")
        }
        #expect(try site.ends("host", "tcp", "10.88.0.10", 80).first == "10.88.0.1")
        let outside = try lan.serve("serve-tcp", "192.0.2.9", "80")
        defer { outside.signal(SIGKILL) }
        #expect(try site.probe("b", "tcp", "192.0.2.9", "80", "60") == "192.0.2.1")
    }
}
