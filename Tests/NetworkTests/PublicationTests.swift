import Foundation
import TestSupport
import Testing

/// Published ports: what is open, from where, and whom the endpoint sees.
@Suite struct PublicationTests {
    /// `a` publishes, `b` is its sibling, `c` is on another network.
    private func site(_ mapping: String) throws -> PolicyHost {
        try PolicyHost(documents: [
            Document.network("web", 88), Document.network("db", 89),
            Document.endpoint("a", "web", 88, 20, "portMappings: [\(mapping)]"),
            Document.endpoint("b", "web", 88, 10), Document.endpoint("c", "db", 89, 10),
        ])
    }

    @Test func aRangeIsMappedPortByPort() throws {
        let web = try site("{hostPort: 8000-8002, port: 80-82}")
        let lan = try web.neighbour()
        try web.apply()
        for port in 79...83 { try web.serve("a", "serve-ends", "10.88.0.20", "\(port)") }
        for port in 8000...8002 {
            #expect(PolicyHost.parts(try lan.probe("tcp", "192.0.2.1", "\(port)", "60")).last == "\(port - 7920)")
        }
        for port in ["7999", "8003"] { expectNobody(try lan.probe("tcp", "192.0.2.1", port, "0.5"), port) }
    }

    @Test func aHostAddressIsTheOnlyOneItIsPublishedOn() throws {
        let web = try site("{hostPort: 8080, port: 80, hostAddress: 192.0.2.1}")
        let lan = try web.neighbour()
        try web.host.sh("ip address add 192.0.2.7/24 dev lan0")
        try web.apply()
        for address in ["10.88.0.20", "fd00:88::20"] { try web.serve("a", "serve-tcp", address, "80") }
        #expect(try lan.probe("tcp", "192.0.2.1", "8080", "60") == "192.0.2.9")
        #expect(try web.probe("c", "tcp", "192.0.2.1", "8080", "60") == "10.89.0.10")
        for address in ["192.0.2.7", "2001:db8::1"] {
            expectNobody(try lan.probe("tcp", address, "8080", "0.5"), address)
        }
        for address in ["127.0.0.1", "10.88.0.1"] {
            expectNobody(try web.probe("host", "tcp", address, "8080", "0.5"), address)
        }
    }

    @Test(arguments: [("192.0.2.1", "192.0.2.9"), ("2001:db8::1", "2001:db8::9")])
    func aPortOfUDPIsOneOfUDPAlone(_ address: String, _ client: String) throws {
        let web = try site("{protocol: udp, hostPort: 5353, port: 53}")
        let lan = try web.neighbour()
        try web.apply()
        try web.serve("a", "serve-ends", client.contains(":") ? "fd00:88::20" : "10.88.0.20", "53")
        let ends = PolicyHost.parts(try lan.probe("udp", address, "5353", "60"))
        #expect(ends.first == client)
        #expect(ends.last == "53")
        expectNobody(try lan.probe("tcp", address, "5353", "0.5"), "tcp")
    }

    @Test(arguments: ["tcp", "udp"]) func theEndpointSeesTheRealClientAndWithinItsNetworkTheGateway(
        _ transport: String
    ) throws {
        let web = try site("{protocol: \(transport), hostPort: 8080, port: 80}")
        let lan = try web.neighbour()
        try web.apply()
        for address in ["10.88.0.20", "fd00:88::20"] { try web.serve("a", "serve-ends", address, "80") }
        let answers = try [
            PolicyHost.parts(lan.probe(transport, "192.0.2.1", "8080", "60")),
            PolicyHost.parts(lan.probe(transport, "2001:db8::1", "8080", "60")),
            web.ends("c", transport, "192.0.2.1", 8080), web.ends("c", transport, "10.89.0.1", 8080),
            web.ends("c", transport, "2001:db8::1", 8080), web.ends("c", transport, "fd00:88::1", 8080),
            web.ends("b", transport, "192.0.2.1", 8080), web.ends("b", transport, "10.88.0.1", 8080),
            web.ends("b", transport, "fd00:88::1", 8080), web.ends("a", transport, "192.0.2.1", 8080),
            web.ends("a", transport, "fd00:88::1", 8080), web.ends("host", transport, "127.0.0.1", 8080),
        ].map { $0.first ?? "nobody" }
        let clients = ["192.0.2.9", "2001:db8::9", "10.89.0.10", "10.89.0.10", "fd00:89::10", "fd00:89::10"]
        let gateways = ["10.88.0.1", "10.88.0.1", "fd00:88::1", "10.88.0.1", "fd00:88::1", "10.88.0.1"]
        #expect(answers == clients + gateways)
    }

    @Test func onALoopbackAddressItIsForTheHostAlone() throws {
        let web = try site("{hostPort: 8080, port: 80, hostAddress: 127.0.0.1}")
        let lan = try web.neighbour()
        try web.apply()
        try web.serve("a", "serve-tcp", "10.88.0.20", "80")
        #expect(try web.probe("host", "tcp", "127.0.0.1", "8080", "60") == "10.88.0.1")
        expectNobody(try web.probe("host", "tcp", "192.0.2.1", "8080", "0.5"), "host")
        expectNobody(try lan.probe("tcp", "192.0.2.1", "8080", "0.5"), "lan")
        try Loopback.routeByWire(lan, via: "192.0.2.1", link: "lan0", source: "192.0.2.9")
        expectNobody(try lan.probe("tcp", "127.0.0.1", "8080", "0.5"), "lan, 127.0.0.1 by wire")
        for (client, gateway, own) in [
            ("a", "10.88.0.1", "10.88.0.20"), ("b", "10.88.0.1", "10.88.0.10"), ("c", "10.89.0.1", "10.89.0.10"),
        ] {
            for address in [gateway, "192.0.2.1"] {
                expectNobody(try web.probe(client, "tcp", address, "8080", "0.5"), client)
            }
            try Loopback.routeByWire(web.host, in: client, via: gateway, link: "eth0", source: own)
            expectNobody(try web.probe(client, "tcp", "127.0.0.1", "8080", "0.5"), "\(client), 127.0.0.1 by wire")
        }
    }

    @Test func trafficThroughTheHostIsNotCaptured() throws {
        let web = try site("{hostPort: 8080, port: 80}")
        let lan = try web.neighbour()
        let far = try ScratchHost()
        try web.host.connect("lan1", ["198.51.100.1/24"], to: far, "lan1", ["198.51.100.9/24"])
        try far.sh("ip route add default via 198.51.100.1")
        try lan.sh("ip route add 198.51.100.0/24 via 192.0.2.1")
        // This host was a router before bulkhead, and stays one.
        try web.host.sh("echo 1 > /proc/sys/net/ipv4/ip_forward")
        try web.apply()
        for address in ["10.88.0.20", "fd00:88::20"] { try web.serve("a", "serve-ends", address, "80") }
        let server = try far.serve("serve-ends", "198.51.100.9", "8080")
        defer { server.signal(SIGKILL) }
        let routed = PolicyHost.parts(try lan.probe("tcp", "198.51.100.9", "8080", "60"))
        #expect(routed.first == "192.0.2.9")
        #expect(routed.last == "8080")
        for client in ["a", "b", "c"] {
            let ends = try web.ends(client, "tcp", "198.51.100.9", 8080)
            #expect(ends.first == "198.51.100.1")
            #expect(ends.last == "8080")
        }
        #expect(try web.ends("host", "tcp", "198.51.100.9", 8080).last == "8080")
    }

    @Test func thePlanSaysThatThereIsNoPathByTheLoopbackOfIPv6() throws {
        let note =
            "ports published on all addresses are not reachable by ::1, for which the kernel has no path (127.0.0.1 works)"
        let web = try site("{hostPort: 8080, port: 80}")
        #expect(try web.host.bulkhead("plan", "manifests").output.contains(note))
        try web.apply()
        for address in ["10.88.0.20", "fd00:88::20"] { try web.serve("a", "serve-tcp", address, "80") }
        expectNobody(try web.probe("host", "tcp", "::1", "8080", "0.5"), "::1")
        #expect(try web.probe("host", "tcp", "127.0.0.1", "8080", "60") == "10.88.0.1")
        let one = try site("{hostPort: 8080, port: 80, hostAddress: 127.0.0.1}")
        #expect(try !one.host.bulkhead("plan", "manifests").output.contains(note))
    }
}
