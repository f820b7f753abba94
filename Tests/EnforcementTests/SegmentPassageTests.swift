import Foundation
import TestSupport
import Testing

/// On a shared segment, too, what is known passes only where it was let through: on that segment, to an endpoint or to the
/// world, as its first packet went.
@Suite struct SegmentPassageTests {
    private static func network(_ name: String, _ uplink: String, _ number: Int, _ spec: String = "") -> String {
        """
        apiVersion: bulkhead.dev/v1alpha1
        kind: Network
        metadata: {name: \(name)}
        spec:
          type: transparent
          uplink: {interface: \(uplink)}
          subnets: [{prefix: 10.\(number).0.0/24, gateway: 10.\(number).0.1}]
        \(spec)---

        """
    }

    private static func endpoint(_ name: String, _ network: String, _ address: String, _ spec: String = "") -> String {
        """
        apiVersion: bulkhead.dev/v1alpha1
        kind: Endpoint
        metadata: {name: \(name), labels: {app: \(name)}}
        spec: {network: \(network), addresses: [\(address)]\(spec)}
        ---

        """
    }

    /// A host whose card leads to a router at 10.88.0.1.
    private func segment() throws -> (PolicyHost, ScratchHost) {
        let (web, router) = (try PolicyHost([]), try ScratchHost())
        try router.connect("eth0", ["10.88.0.1/24"], to: web.host, "eth1", ["10.88.0.2/24"])
        return (web, router)
    }

    /// `lan` on that card.
    private static func lan(_ isolation: String = "") -> String {
        network("lan", "eth1", 88, isolation.isEmpty ? "" : "  isolation: {\(isolation)}\n")
    }

    private func mac(_ host: ScratchHost, _ link: String, in namespace: String? = nil) throws -> String {
        let place = namespace.map { "ip netns exec \($0) " } ?? ""
        return try host.sh("\(place)cat /sys/class/net/\(link)/address").trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// A router between two segments brings a packet of the one to the other, where its policies are asked; answers go all
    /// the way back.
    @Test func aRouterBetweenTwoSegmentsOpensNothing() throws {
        let web = try PolicyHost([])
        let router = try ScratchHost()
        for (link, number) in [("eth1", 88), ("eth2", 89)] {
            try router.connect(link, ["10.\(number).0.1/24"], to: web.host, link, ["10.\(number).0.2/24"])
        }
        try router.sh("sysctl -qw net.ipv4.ip_forward=1")
        try web.host.write(
            "base.yaml",
            Self.network("left", "eth1", 88) + Self.network("right", "eth2", 89)
                + Self.endpoint("m", "left", "10.88.0.10") + Self.endpoint("a", "right", "10.89.0.10")
                + Self.endpoint("b", "right", "10.89.0.11"))
        try web.policies([
            ("a-in", "appliesTo: {endpoints: {matchLabels: {app: a}}}\ningress: {default: deny}"),
            (
                "b-both",
                "appliesTo: {endpoints: {matchLabels: {app: b}}}\ningress: {default: deny, rules: [{action: allow, from: [{cidr: 10.88.0.0/24}]}]}\negress: {default: deny}"
            ),
        ])
        try web.apply()
        try web.serve("a", "serve-ends", "10.89.0.10", "7000")
        try web.serve("b", "serve-ends", "10.89.0.11", "7000")
        for kind in ["tcp", "udp"] {
            #expect(try web.probe("m", kind, "10.89.0.10", "7000", "3") == "silent", "\(kind)")
            // Let in by policy, and answered through an egress that is closed: by that router and back.
            #expect(try web.probe("m", kind, "10.89.0.11", "7000", "30").hasPrefix("10.88.0.10 "), "\(kind)")
        }
    }

    /// A frame to a sibling that has not spoken yet is flooded to the physical network, too; egress to the world is closed
    /// all the same.
    @Test(arguments: ["", ", antiSpoof: false"]) func aSilentSiblingIsNoWayToTheWorld(_ sibling: String) throws {
        let (web, router) = try segment()
        try web.host.write(
            "base.yaml",
            Self.lan() + Self.endpoint("m", "lan", "10.88.0.10")
                + Self.endpoint("s", "lan", "10.88.0.11", sibling))
        let policy = (
            "m-out",
            "appliesTo: {endpoints: {matchLabels: {app: m}}}\negress: {default: allow, rules: [{action: deny, to: [{entity: world}]}]}"
        )
        try web.policies([policy])
        try web.apply()
        let server = try router.start(["python3", PolicyHost.probe, "serve-ends", "10.88.0.1", "7000"])
        server.waitForOutput()
        defer { server.signal(SIGKILL) }
        let (silent, gateway) = try (mac(web.host, "eth0", in: "s"), mac(router, "eth0"))
        func answers(_ first: String) throws -> [String] {
            func name(_ mac: String) throws {
                try web.host.sh("ip -n m neighbour replace 10.88.0.1 lladdr \(mac) dev eth0 nud permanent")
            }
            try name(first)
            _ = try web.host.run(["bridge", "fdb", "del", silent, "dev", "ep-s", "master"])
            let clients = try ["tcp", "udp"].map { kind in
                try web.host.start(
                    ["ip", "netns", "exec", "m", "python3", "-c", PassageTests.client, kind, "10.88.0.1"])
            }
            usleep(900_000)
            try name(gateway)
            return try clients.map { try $0.finish().output.trimmingCharacters(in: .whitespacesAndNewlines) }
        }
        #expect(try answers(silent) == ["10.88.0.1 tcp silent", "10.88.0.1 udp silent"])
        #expect(try answers("02:de:ad:00:00:77") == ["10.88.0.1 tcp silent", "10.88.0.1 udp silent"])
        // Without the policy the same goes through.
        try web.policies([])
        try web.apply()
        #expect(try answers(silent) == ["10.88.0.1 tcp answered", "10.88.0.1 udp answered"])
    }

    /// Frames as a list of MAC, source, destination, source port, port and text; or of an ICMP error about the packet that
    /// would come back.
    private static let sender = """
        import json, socket, struct, sys, time
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); s.bind(('eth0', 0))
        own = s.getsockname()[4]
        def total(data):
            n = sum(struct.unpack('!%dH' % (len(data) // 2), data)); n = (n >> 16) + (n & 0xffff)
            return ~(n + (n >> 16)) & 0xffff
        def ip(source, target, protocol, payload):
            head = lambda c: struct.pack('!BBHHHBBH4s4s', 0x45, 0, 20 + len(payload), 1, 0, 64, protocol, c,
                socket.inet_aton(source), socket.inet_aton(target))
            return head(total(head(0))) + payload
        def udp(source, target, sport, dport, text):
            return ip(source, target, 17, struct.pack('!HHHH', sport, dport, 8 + len(text), 0) + text)
        for kind, mac, source, target, sport, dport, text in json.loads(sys.argv[1]):
            text = text.encode().ljust(32)
            packet = udp(source, target, sport, dport, text)
            if kind == 'error':
                body = lambda c: struct.pack('!BBHI', 3, 3, c, 0) + udp(target, source, dport, sport, text)
                packet = ip(source, target, 1, body(total(body(0))))
            for _ in range(2): s.send(bytes.fromhex(mac.replace(':', '')) + own + b'\\x08\\x00' + packet)
            time.sleep(0.2)
        """

    private static let nobody = "02:de:ad:00:00:77"

    private func send(_ host: ScratchHost, from name: String, _ frames: [[Any]]) throws {
        let text = String(decoding: try JSONSerialization.data(withJSONObject: frames), as: UTF8.self)
        let result = try host.run(["ip", "netns", "exec", name, "python3", "-c", Self.sender, text])
        #expect(result.status == 0, "\(result.errors)")
    }

    /// What comes in at a compartment, or the host, while something is done: a raw socket of this protocol, behind all
    /// rules.
    private func received(_ host: ScratchHost, in name: String?, _ protocolNumber: Int, _ body: () throws -> Void)
        throws -> Bool
    {
        let wait =
            "import socket, sys; s = socket.socket(socket.AF_INET, socket.SOCK_RAW, \(protocolNumber)); s.settimeout(0.5)\n"
            + "print('ready', flush=True); sys.stdin.readline(); got = False\n"
            + "try:\n  while not got: got = b'payload' in s.recv(999)\nexcept OSError: pass\nprint(got)"
        let inside = name.map { ["ip", "netns", "exec", $0] } ?? []
        let waiting = try host.start(inside + ["python3", "-c", wait], hasInput: true)
        waiting.waitForOutput()
        try body()
        try waiting.tell("stop")
        return try waiting.finish().output.contains("True")
    }

    /// An error passes where the connection that it is about was let through, and nowhere else.
    @Test func anErrorAboutWhatABridgeFloodedGoesNowhere() throws {
        let (web, router) = try segment()
        defer { withExtendedLifetime(router) {} }
        try web.host.write(
            "base.yaml",
            Self.lan("hostAccess: deny") + Self.endpoint("m", "lan", "10.88.0.10")
                + """
                apiVersion: bulkhead.dev/v1alpha1
                kind: Network
                metadata: {name: inside}
                spec: {type: internal, subnets: [{prefix: 10.66.0.0/24}]}
                ---

                """ + Self.endpoint("i", "inside", "10.66.0.10"))
        try web.policies([])
        try web.apply()
        let host = try mac(web.host, "bh-lan")
        for (name, address) in [("i", "10.66.0.10"), (nil, "10.88.0.2")] {
            let seen = try received(web.host, in: name, 1) {
                try send(
                    web.host, from: "m",
                    [
                        ["udp", Self.nobody, "10.88.0.10", address, 5000, 7000, "payload"],
                        ["error", host, "10.88.0.10", address, 5000, 7000, "payload"],
                    ])
            }
            #expect(!seen, "\(address)")
        }
        // With a connection that the host let in, the error gets there: the rig sees what there is to see.
        try web.host.write(
            "base.yaml", Self.lan() + Self.endpoint("m", "lan", "10.88.0.10"))
        try web.apply()
        let seen = try received(web.host, in: nil, 1) {
            try send(
                web.host, from: "m",
                [
                    ["udp", host, "10.88.0.10", "10.88.0.2", 5001, 7000, "payload"],
                    ["error", host, "10.88.0.10", "10.88.0.2", 5001, 7000, "payload"],
                ])
        }
        #expect(seen)
    }

    /// One without addresses makes up the question that another one seems to have asked.
    @Test func nobodyAnswersWhatASiblingNeverAsked() throws {
        let (web, router) = try segment()
        defer { withExtendedLifetime(router) {} }
        try web.host.write(
            "base.yaml",
            Self.lan("intraNetwork: deny") + Self.endpoint("a", "lan", "10.88.0.10")
                + Self.endpoint("m", "lan", "") + Self.endpoint("g", "lan", ""))
        try web.policies([("a-in", "appliesTo: {endpoints: {matchLabels: {app: a}}}\ningress: {default: allow}")])
        try web.apply()
        try web.host.sh("ip -n g addr add 10.88.0.50/24 dev eth0; ip -n m addr add 10.88.0.51/24 dev eth0")
        let victim = try mac(web.host, "eth0", in: "g")
        let frames: [[Any]] = [
            ["udp", Self.nobody, "10.88.0.50", "10.88.0.51", 7000, 5000, "question"],
            ["udp", victim, "10.88.0.51", "10.88.0.50", 5000, 7000, "payload"],
        ]
        #expect(try !received(web.host, in: "g", 17) { try send(web.host, from: "m", frames) })
        try web.host.write(
            "base.yaml",
            Self.lan() + Self.endpoint("a", "lan", "10.88.0.10") + Self.endpoint("m", "lan", "")
                + Self.endpoint("g", "lan", ""))
        try web.apply()
        try web.host.sh("ip -n g addr replace 10.88.0.50/24 dev eth0; ip -n m addr replace 10.88.0.51/24 dev eth0")
        #expect(try received(web.host, in: "g", 17) { try send(web.host, from: "m", frames) })
    }
}
