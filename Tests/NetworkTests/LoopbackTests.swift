import Foundation
import TestSupport
import Testing

/// Loopback addresses on the wire.
enum Loopback {
    /// Makes what is sent to 127.0.0.1 leave by a link, from an address that is not loopback.
    static func routeByWire(
        _ host: ScratchHost, in namespace: String? = nil, via gateway: String, link: String, source: String
    ) throws {
        let script =
            "echo 1 > /proc/sys/net/ipv4/conf/all/route_localnet; ip addr del 127.0.0.1/8 dev lo;"
            + "ip rule add pref 1 lookup local; ip rule del pref 0; ip route flush table local 127.0.0.0/8 || true;"
            + "ip route add 127.0.0.1/32 via \(gateway) dev \(link) src \(source)"
        let inside = namespace.map { ["ip", "netns", "exec", $0] } ?? []
        let result = try host.run(inside + ["sh", "-ec", script])
        guard result.status == 0 else { throw ScratchHost.Failure(description: "\(script): \(result.errors)") }
    }
}

/// Daemons of the host that listen on 127.0.0.1, while `route_localnet` is on for a port that is published there.
@Suite struct LoopbackTests {
    private static let daemon = """
        import socket
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("127.0.0.1", 9000))
        print("ready", flush=True)
        while True: print(s.recv(100).decode(), flush=True)
        """

    /// A frame of Ethernet, IPv4 and UDP to 127.0.0.1 port 9000, sent by a raw socket.
    private static func sender(_ link: String, _ mac: String, _ source: String) -> String {
        """
        import socket, struct
        def checksum(b): s = sum(struct.unpack("!%dH" % (len(b) // 2), b)); s = (s >> 16) + (s & 0xffff); return ~(s + (s >> 16)) & 0xffff
        body = struct.pack("!HHHH", 4000, 9000, 14, 0) + b"forged"
        head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 34, 1, 0, 64, 17, 0, socket.inet_aton("\(source)"), socket.inet_aton("127.0.0.1"))
        head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); s.bind(("\(link)", 0)); own = s.getsockname()[4]
        s.send((bytes.fromhex("\(mac)".replace(":", "")) + own + b"\\x08\\x00" + head + body).ljust(60, b"\\0"))
        """
    }

    private static let local =
        "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'local', ('127.0.0.1', 9000))"

    private static func mac(_ host: ScratchHost, _ link: String) throws -> String {
        try host.sh("cat /sys/class/net/\(link)/address").trimmingCharacters(in: .whitespacesAndNewlines)
    }

    @Test func framesToALoopbackAddressReachNoDaemon() throws {
        let web = try PolicyHost(documents: [
            Document.network("web", 88),
            Document.endpoint("a", "web", 88, 20, "portMappings: [{hostPort: 8080, port: 80, hostAddress: 127.0.0.1}]"),
            Document.endpoint("b", "web", 88, 10),
        ])
        let lan = try web.neighbour()
        try web.apply()
        #expect(try web.host.sh("cat /proc/sys/net/ipv4/conf/bh-web/route_localnet") == "1\n")
        let daemon = try web.host.start(["python3", "-c", Self.daemon])
        defer { daemon.signal(SIGKILL) }
        daemon.waitForOutput()
        let bridge = try Self.mac(web.host, "bh-web")
        let uplink = try Self.mac(web.host, "lan0")
        func send() throws {
            for name in ["a", "b"] {
                let own = name == "a" ? "10.88.0.20" : "10.88.0.10"
                for source in [own, "127.0.0.1"] {
                    let script = Self.sender("eth0", bridge, source)
                    let result = try web.host.run(["ip", "netns", "exec", name, "python3", "-c", script])
                    #expect(result.status == 0, "\(result.errors)")
                }
            }
            for source in ["192.0.2.9", "127.0.0.1"] {
                let result = try lan.run(["python3", "-c", Self.sender("lan0", uplink, source)])
                #expect(result.status == 0, "\(result.errors)")
            }
            #expect(try web.host.run(["python3", "-c", Self.local]).status == 0)
        }
        try send()
        #expect(try daemon.answer() == "local")
        // Without our tables the endpoints' frames do arrive: the rig sees what there is to see.
        try web.host.sh("nft flush ruleset")
        try send()
        #expect(try daemon.answer() == "forged")
    }
}
