import Foundation
import TestSupport
import Testing

/// `transparent` on a bridge that somebody else made.
@Suite struct ExistingBridgeTests {
    private static let network = Segment.network("lan", "bridge: {existing: br0}")

    /// A host with a bridge of its own, on which its card to the world is.
    private func segment(_ documents: [String] = [], endpoints: [String] = ["a", "b"]) throws -> Segment {
        let cards = endpoints.enumerated().map { Segment.endpoint($1, "lan", 10 + $0) }
        let segment = try Segment([Self.network] + cards + documents)
        try segment.host.sh(
            "ip link add br0 type bridge; ip link set eth1 master br0; ip addr add 192.0.2.1/24 dev br0; "
                + "ip addr add 2001:db8::1/64 dev br0 nodad; ip link set br0 up; ip route add default via 192.0.2.254; "
                + "until ip -6 addr show dev br0 | grep -q fe80:; do sleep 0.05; done; "
                + "while ip -6 addr show | grep -q tentative; do sleep 0.05; done")
        return segment
    }

    /// All that the kernel says of the bridge and its other port, word by word; timers and what was learnt come and go.
    private func bridge(_ host: ScratchHost) throws -> Set<String> {
        let text = try host.sh("ip -d link show br0; ip addr show br0; ip -d link show eth1")
        let words = text.replacing(#/[a-z_]+_timer +[0-9.]+|fdb_n_learned [0-9]+/#, with: "")
        return Set(words.split(whereSeparator: \.isWhitespace).map(String.init))
    }

    private func expectUnchanged(_ host: ScratchHost, _ before: Set<String>) throws {
        let changes = try bridge(host).symmetricDifference(before)
        #expect(changes == [])
    }

    @Test func onlyPortsAreAttached() throws {
        let segment = try segment()
        let (before, bridge) = (try HostDump(segment.host), try bridge(segment.host))
        try segment.apply()
        try expectUnchanged(segment.host, bridge)
        #expect(try segment.ping(segment.lan, to: 10))
        #expect(try segment.ping(segment.host, "a", to: 254))
        #expect(try segment.ping(segment.host, "a", to: 11))
        #expect(try segment.ping(segment.host, "a", to: 1))
        #expect(try segment.ping(segment.host, to: 11))
        // On the wire the endpoints are what they are: cards of their own.
        let macs = try segment.seen()
        #expect(macs.isSuperset(of: [try segment.mac("a")]))
        let shown = try segment.host.bulkhead("show", "network/lan").output
        #expect(shown.contains("br0") && shown.contains("br_netfilter"), "\(shown)")
        let endpoint = try segment.host.bulkhead("show", "endpoint/a", "--output", "json").output
        #expect(endpoint.contains("\"network\": \"lan\""), "\(endpoint)")
        try segment.destroy(to: before)
        try expectUnchanged(segment.host, bridge)
    }

    /// As libvirt gives them to the ports of virtual machines. Whatever the names of our endpoints make of theirs, it is
    /// above: of sixteen one would hardly be otherwise.
    @Test func aBridgeOfVirtualMachinesKeepsItsMAC() throws {
        let segment = try segment((12..<28).map { Segment.endpoint("e\($0)", "lan", $0) })
        try segment.host.sh("ip link set eth1 address fe:fe:00:12:34:56")
        let bridge = try bridge(segment.host)
        #expect(bridge.contains("8000.fe:fe:0:12:34:56"), "\(bridge)")
        try segment.apply()
        try expectUnchanged(segment.host, bridge)
    }

    /// A card with fewer bytes must not make the bridge's fewer.
    @Test func theBridgeKeepsItsMTU() throws {
        let segment = try segment([Segment.endpoint("c", "lan", 12, "mtu: 1400")])
        try segment.apply()
        #expect(try segment.host.sh("ip link show br0").contains("mtu 1500"))
        #expect(try segment.host.sh("ip -n c link show eth0").contains("mtu 1400"))
        #expect(try segment.ping(segment.lan, to: 12))
    }

    /// The kernel makes a bridge as small as its smallest port. One card made smaller by hand must not make all of them so,
    /// be there others or not.
    @Test(arguments: [["a", "b"], ["a"]])
    func aCardMadeSmallerDoesNotDragTheOthers(_ names: [String]) throws {
        let segment = try segment(endpoints: names)
        try segment.apply()
        let shown = try segment.host.bulkhead("show", "endpoint/a", "--output", "json").output
        let port = try #require(shown.firstMatch(of: #/"hostInterface": "([^"]+)"/#)).1
        try segment.host.sh("ip link set \(port) mtu 1300")
        #expect(try segment.host.sh("ip link show br0").contains("mtu 1300"))
        let drift = try segment.host.bulkhead("drift", "manifests")
        #expect(drift.status == 2 && !drift.output.contains("1300 where"), "\(drift)")
        try segment.apply()
        #expect(try segment.host.sh("ip link show br0").contains("mtu 1500"))
        for name in names { #expect(try segment.host.sh("ip -n \(name) link show eth0").contains("mtu 1500")) }
        // A bridge that its owner makes smaller is followed.
        try segment.host.sh("ip link set br0 mtu 1300")
        try segment.apply()
        for name in names { #expect(try segment.host.sh("ip -n \(name) link show eth0").contains("mtu 1300")) }
    }

    @Test func aBridgeThatIsNotThereIsNamed() throws {
        let segment = try Segment([Self.network, Segment.endpoint("a", "lan", 10)])
        let result = try segment.host.bulkhead("plan", "manifests")
        #expect(result.status == 1)
        #expect(
            result.errors.hasPrefix(
                "manifests/base.yaml:4:18: error: Network/lan: the bridge br0 is not there; `bridge: {existing}` names one that somebody else makes, so make it first "
                    + "(`ip link add br0 type bridge`), or name another\n"), "\(result.errors)")
        try segment.host.sh("ip link add br0 type veth peer name br0x")
        #expect(
            try segment.host.bulkhead("plan", "manifests").errors.contains(
                "Network/lan: br0 is no bridge; `bridge: {existing}` must name one\n"))
    }

    private static let policy = """
        appliesTo: {endpoints: {matchLabels: {app: a}}}
        ingress:
          default: deny
          rules:
            - {action: allow, from: [{entity: world, cidr: 192.0.2.254/32}, {entity: world, cidr: "2001:db8::254/128"}], protocols: [{protocol: tcp, ports: [80]}]}
            - {action: allow, from: [{entity: host}], protocols: [{protocol: tcp, ports: [81]}]}
            - {action: allow, from: [{endpoints: {matchLabels: {app: b}}}], protocols: [{protocol: tcp, ports: [82]}]}
        egress: {default: allow, rules: [{action: deny, to: [{entity: world}], protocols: [{protocol: tcp, ports: [90]}]}]}
        """

    /// A policy decides on what comes from the physical network as on all else.
    @Test func policiesHoldTowardsTheWorld() throws {
        let segment = try segment()
        try segment.lan.sh(
            "ip addr add 192.0.2.253/24 dev eth0; "
                + "ip addr add 2001:db8::253/64 dev eth0 nodad preferred_lft 0")
        try segment.site.policies([("in", Self.policy)])
        try segment.apply()
        for port in ["80", "81", "82"] {
            for address in ["192.0.2.10", "2001:db8::10"] { try segment.site.serve("a", "serve-tcp", address, port) }
        }
        for (address, source) in [("192.0.2.10", "192.0.2.254"), ("2001:db8::10", "2001:db8::254")] {
            func lan(_ port: String) throws -> String {
                try segment.lan.probe("tcp", address, port, port == "80" ? "60" : "0.5")
            }
            #expect(try lan("80") == source)
            expectNobody(try lan("81"), "the world is not the host")
            expectNobody(try lan("82"), "the world is no endpoint")
            #expect(try segment.site.probe("host", "tcp", address, "81", "60") != "silent")
            expectNobody(try segment.site.probe("host", "tcp", address, "80", "0.5"), "the host is not the world")
            #expect(try segment.site.probe("b", "tcp", address, "82", "60") != "silent")
            expectNobody(try segment.site.probe("b", "tcp", address, "80", "0.5"), "a sibling is not the world")
        }
        // Answers come back, and what egress denies does not go out.
        let servers = try ["90", "91"].map { try segment.lan.serve("serve-tcp", "192.0.2.254", $0) }
        #expect(try segment.site.probe("a", "tcp", "192.0.2.254", "91", "60") == "192.0.2.10")
        expectNobody(try segment.site.probe("a", "tcp", "192.0.2.254", "90", "0.5"), "egress to the world")
        for server in servers { server.signal(SIGKILL) }
        // Somebody on the LAN who takes the address of the sibling is not the sibling.
        try segment.lan.sh("ip addr add 192.0.2.11/24 dev eth0")
        let bind =
            "import socket; s=socket.create_connection(('192.0.2.10', 82), 0.7, ('192.0.2.11', 0)); print('reached')"
        #expect(try segment.lan.run(["python3", "-c", bind]).output != "reached\n")
        // And one whom no rule names comes in nowhere.
        let other =
            "import socket; s=socket.create_connection(('192.0.2.10', 80), 0.7, ('192.0.2.253', 0)); print('reached')"
        #expect(try segment.lan.run(["python3", "-c", other]).output != "reached\n")
    }

    /// The manifests alone say the same.
    @Test func tracesAreAsThePacketsGo() throws {
        let segment = try segment()
        try segment.site.policies([("in", Self.policy)])
        func trace(_ from: String, _ to: String, _ port: String) throws -> Int32 {
            try segment.host.bulkhead("trace", from, to, "manifests", "--port", port).status
        }
        #expect(try trace("192.0.2.254", "endpoint/a", "80") == 0)
        #expect(try trace("192.0.2.254", "endpoint/a", "81") == 2)
        #expect(try trace("192.0.2.253", "endpoint/a", "80") == 2)
        #expect(try trace("host", "endpoint/a", "81") == 0)
        #expect(try trace("host", "endpoint/a", "80") == 2)
        #expect(try trace("endpoint/b", "endpoint/a", "82") == 0)
        #expect(try trace("endpoint/a", "192.0.2.254", "91") == 0)
        #expect(try trace("endpoint/a", "world", "90") == 2)
    }

    /// What is tried is what there is: no address of the host on the segment is made up.
    @Test func verifyAgrees() throws {
        let segment = try segment()
        try segment.apply()
        let result = try segment.host.bulkhead("verify", "manifests")
        #expect(result.status == 0, "\(result.output)\(result.errors)")
    }

    /// A packet for one endpoint in a frame for all, or for a card that is another's, passes no policy by.
    @Test func framesForManyCarryNothingForOne() throws {
        let segment = try segment()
        try segment.apply()
        // UDP from 192.0.2.254 to 192.0.2.10, port 5000, payload "mark".
        let ip = "45000020000000004011f5c4" + "c00002fe" + "c000020a" + "13881388000c0000" + "6d61726b"
        let source = try segment.lan.sh("cat /sys/class/net/eth0/address").trimmingCharacters(
            in: .whitespacesAndNewlines
        )
        .replacingOccurrences(of: ":", with: "")
        let own = try segment.mac("a").replacingOccurrences(of: ":", with: "")
        let targets = ["ffffffffffff", "01005e000001", "020000000077", own]
        func arriving() throws -> [String] {
            let sniffer = try segment.host.start(
                ["ip", "netns", "exec", "a", "python3", PolicyHost.probe, "sniff", "eth0", "1"]
                    + targets.map { $0 + source + "0800" }, hasInput: true)
            sniffer.waitForOutput()
            for target in targets { _ = try segment.lan.probe("send", "eth0", target + source + "0800" + ip) }
            try sniffer.tell("enough")
            return try sniffer.finish().output.split(whereSeparator: \.isWhitespace).map { String($0.prefix(12)) }
        }
        let open = try arriving()
        // Nobody sends one endpoint's packet to many, or to a card that is another's, for a good reason, policies or not.
        #expect(open == [own], "\(open)")
        try segment.site.policies([("in", "appliesTo: {endpoints: {matchLabels: {app: a}}}\ningress: {default: deny}")])
        try segment.apply()
        let closed = try arriving()
        #expect(closed == ["nothing"], "\(closed)")
    }

    /// Endpoints send as themselves only, towards the physical network too.
    @Test func endpointsCannotForge() throws {
        let segment = try segment()
        try segment.apply()
        let before = try segment.ping(segment.host, "a", to: 254)
        #expect(before)
        try segment.host.sh("ip -n a addr add 192.0.2.77/24 dev eth0")
        #expect(
            try segment.host.run(["ip", "netns", "exec", "a", "ping", "-c1", "-W1", "-I", "192.0.2.77", "192.0.2.254"])
                .status != 0)
        try segment.host.sh("ip -n a link set eth0 address 02:00:00:00:00:99")
        #expect(try segment.pingsNothing(segment.host, "a", to: 254))
        #expect(try !segment.seen().contains("02:00:00:00:00:99"))
    }

    @Test func isolationIsAmongEndpointsOnly() throws {
        let segment = try Segment([
            Segment.network("lan", "bridge: {existing: br0}, isolation: {intraNetwork: deny, hostAccess: deny}"),
            Segment.endpoint("a", "lan", 10), Segment.endpoint("b", "lan", 11),
        ])
        try segment.host.sh(
            "ip link add br0 type bridge; ip link set eth1 master br0; ip addr add 192.0.2.1/24 dev br0; "
                + "ip addr add 2001:db8::1/64 dev br0 nodad; ip link set br0 up")
        try segment.apply()
        #expect(try segment.ping(segment.lan, to: 10))
        #expect(try segment.ping(segment.host, "b", to: 254))
        #expect(try segment.pingsNothing(segment.host, "a", to: 11))
        #expect(try segment.pingsNothing(segment.host, "a", to: 1))
        // The host may still begin, and others on the bridge reach it as before.
        #expect(try segment.ping(segment.host, to: 10))
        #expect(try segment.ping(segment.lan, to: 1))
        // A policy that opens a way opens it.
        try segment.site.policies([
            (
                "ab",
                "appliesTo: {endpoints: {matchLabels: {app: b}}}\ningress: {default: allow, rules: [{action: allow, from: [{endpoints: {matchLabels: {app: a}}}]}]}"
            )
        ])
        try segment.apply()
        #expect(try segment.ping(segment.host, "a", to: 11))
    }

    /// What others have on the bridge goes on, tracked or not, whatever is closed for endpoints.
    @Test func othersOnTheBridgeAreLeftAlone() throws {
        let segment = try segment()
        let other = try ScratchHost()
        try other.connect("eth0", ["192.0.2.50/24"], to: segment.host, "vm0", [])
        try segment.host.sh("ip link set vm0 master br0")
        let server = try other.start(["python3", PolicyHost.probe, "echo-tcp", "192.0.2.50", "7"])
        server.waitForOutput()
        let own = try segment.host.start(["python3", PolicyHost.probe, "echo-tcp", "192.0.2.1", "7"])
        own.waitForOutput()
        let talks = [
            try segment.talk(segment.lan, to: "192.0.2.50", 7), try segment.talk(segment.lan, to: "192.0.2.1", 7),
        ]
        func areAlive(_ when: String) throws { for talk in talks { #expect(try talk.ask("go") == "alive", "\(when)") } }
        try areAlive("before")
        try segment.site.policies([
            ("in", "appliesTo: {networks: [lan]}\ningress: {default: deny}\negress: {default: deny}")
        ])
        try segment.apply()
        try areAlive("applied")
        #expect(try segment.ping(segment.lan, to: 254))
        #expect(try other.ping("192.0.2.254"))
        #expect(try other.ping("192.0.2.1"))
        #expect(try other.run(["ping", "-c1", "-W1", "192.0.2.10"]).status != 0)
        _ = try segment.host.bulkhead("destroy", "--all", "--yes")
        try areAlive("destroyed")
        for process in [server, own] { process.signal(SIGKILL) }
    }

    /// Networks of their own go out by such a bridge, and their endpoints are no peers of those on it.
    @Test func otherNetworksGoOutByIt() throws {
        let segment = try segment([Document.network("web", 88), Document.endpoint("w", "web", 88, 10)])
        try segment.apply()
        #expect(try segment.host.ping("192.0.2.254", from: "w"))
        #expect(try !segment.host.ping("192.0.2.10", from: "w", isExpected: false))
        #expect(try segment.host.ping("192.0.2.1", from: "w"))
        try segment.host.sh("ip -n a route add 10.88.0.0/24 via 192.0.2.1")
        #expect(try !segment.host.ping("10.88.0.10", from: "a", isExpected: false))
    }
}
