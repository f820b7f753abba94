import Foundation
import TestSupport
import Testing

/// `transparent` on a bridge of bulkhead's own, which takes the uplink as a port.
@Suite struct UplinkTests {
    private static let addresses = ["192.0.2.1/24", "2001:db8::1/64"]
    private static func documents(_ spec: String = "uplink: {interface: eth1}") -> [String] {
        [Segment.network("lan", spec), Segment.endpoint("a", "lan", 10), Segment.endpoint("b", "lan", 11)]
    }

    private func expectWorks(_ segment: Segment, location: SourceLocation = #_sourceLocation) throws {
        #expect(try segment.ping(segment.lan, to: 10), sourceLocation: location)
        #expect(try segment.ping(segment.host, "a", to: 254), sourceLocation: location)
        #expect(try segment.ping(segment.host, "a", to: 11), sourceLocation: location)
    }

    /// A server on the host that a machine on the LAN talks to, and one there that the host talks to.
    private func talks(_ segment: Segment) throws -> (servers: [RunningProcess], clients: [RunningProcess]) {
        var (servers, clients): ([RunningProcess], [RunningProcess]) = ([], [])
        for (here, there, address) in [
            (segment.lan, segment.host, "192.0.2.1"), (segment.host, segment.lan, "2001:db8::254"),
        ] {
            let server = try there.start(["python3", PolicyHost.probe, "echo-tcp", address, "7"])
            server.waitForOutput()
            servers.append(server)
            clients.append(try segment.talk(here, to: address, 7))
        }
        return (servers, clients)
    }

    /// Interface, MAC, default route: the uplink is found, when it is taken too.
    @Test(arguments: ["interface: eth1", "mac: 02:00:00:00:00:01", "defaultRoute: true"])
    func takesAlongWhatTheHostHas(_ uplink: String) throws {
        let segment = try Segment(Self.documents("uplink: {\(uplink)}"), addresses: Self.addresses)
        try segment.host.sh(
            "ip link set eth1 address 02:00:00:00:00:01; ip addr add 192.0.2.2/24 dev eth1; ip route add 10.9.0.0/16 via 192.0.2.254 metric 7 mtu 1400; "
                + "ip addr add 198.51.100.1/32 dev eth1 label eth1:x; \(Segment.settling)"
        )
        let before = try HostDump(segment.host)
        let (servers, clients) = try talks(segment)
        defer { for process in servers + clients { process.signal(SIGKILL) } }
        for client in clients { #expect(try client.ask("go") == "alive") }
        let neighbour = try segment.lan.sh("ip neigh show 192.0.2.1")
        try segment.apply()
        for client in clients { #expect(try client.ask("go") == "alive", "taken") }
        try expectWorks(segment)
        #expect(try segment.ping(segment.lan, to: 1))
        #expect(try segment.ping(segment.host, "a", to: 1))
        // The LAN knows the host by the MAC that it had, and the endpoints by their own.
        #expect(
            try segment.lan.sh("ip neigh show 192.0.2.1").split(separator: " ").contains("02:00:00:00:00:01"),
            "\(neighbour)")
        #expect(try segment.seen().isSuperset(of: ["02:00:00:00:00:01", try segment.mac("a")]))
        #expect(
            try segment.host.sh("ip route show 10.9.0.0/16")
                == "10.9.0.0/16 via 192.0.2.254 dev bh-lan metric 7 mtu 1400 \n")
        #expect(try segment.host.sh("ip -br -4 addr show eth1") == "")
        try segment.destroy(to: before)
        for client in clients { #expect(try client.ask("go") == "alive", "given back") }
        #expect(try segment.ping(segment.lan, to: 1))
    }

    @Test func anUplinkOfItsOwnIsBroughtUpAndDownAgain() throws {
        let segment = try Segment(Self.documents())
        try segment.host.sh("ip link set eth1 down")
        let before = try HostDump(segment.host)
        try segment.apply()
        try expectWorks(segment)
        #expect(try segment.pingsNothing(segment.lan, to: 1))
        // Set down by hand it is repaired; that it was down before is not forgotten.
        try segment.host.sh("ip link set eth1 down")
        #expect(try segment.host.bulkhead("drift", "manifests").status == 2)
        try segment.apply()
        try waitForCarrier(segment)
        try expectWorks(segment)
        try segment.destroy(to: before)
        #expect(try segment.host.sh("ls \(segment.host.folder.path)/state").contains("originals") == false)
    }

    /// The way to the gateway is lost: the step fails, and the host is as it was, without anybody's help.
    @Test func isUndoneWhereTheGatewayIsLost() throws {
        let segment = try Segment(Self.documents(), addresses: Self.addresses)
        // Only the bridge's ARP is stopped.
        try segment.host.sh(
            "nft 'table arp site { chain out { type filter hook output priority 0; oifname \"bh-lan\" drop; }; }'")
        let before = try HostDump(segment.host)
        #expect(try segment.ping(segment.host, to: 254))
        let result = try segment.host.bulkhead("apply", "manifests", "--yes")
        #expect(result.status == 1)
        #expect(
            result.errors.contains(
                "192.0.2.254 answered before, and does not any more; look at the switch port (does it let this MAC in?), or use another uplink"
            ), "\(result.errors)")
        try segment.settle()
        #expect(try HostDump(segment.host).differences(from: before) == [])
        #expect(try segment.ping(segment.host, to: 254))
        #expect(try segment.ping(segment.lan, to: 1))
    }

    /// The host has spoken with an endpoint, which is not behind the uplink: that it does not answer there any more stands
    /// against nothing.
    @Test func isGivenBackWithoutTheEndpoints() throws {
        let segment = try Segment(Self.documents(), addresses: Self.addresses)
        let before = try HostDump(segment.host)
        try segment.apply()
        #expect(try segment.ping(segment.host, to: 10))
        let lately = try segment.host.sh("ip neigh show dev bh-lan nud reachable")
        #expect(lately.contains("192.0.2.10 ") && lately.contains("2001:db8::10 "), "\(lately)")
        try segment.destroy(to: before)
    }

    /// Nobody confirms: the uplink gets back what it had, by itself. The plan says how to have that.
    @Test func isUndoneWhereNobodyConfirms() throws {
        let segment = try Segment(Self.documents(), addresses: Self.addresses)
        let before = try HostDump(segment.host)
        #expect(
            try segment.host.bulkhead("plan", "manifests").output.contains(
                "if you come in by it, add `--confirm-within 60s`, which undoes the change unless you confirm it"))
        let result = try segment.host.bulkhead("apply", "manifests", "--yes", "--confirm-within", "3s")
        #expect(result.status == 0, "\(result.errors)")
        while try HostDump(segment.host).differences(from: before) != [] { usleep(100_000) }
        #expect(try segment.ping(segment.host, to: 254))
        #expect(try segment.ping(segment.lan, to: 1))
    }

    /// The apply fails, and the kernel refuses to move things back: the bridge must not be deleted with them on it.
    @Test func aBridgeThatIsStillInUseStays() throws {
        let segment = try Segment(Self.documents(), addresses: Self.addresses)
        let before = try HostDump(segment.host)
        let steps = try segment.steps()
        let move = try #require(steps.firstIndex(of: "uplink/eth1"))
        let result = try segment.host.bulkhead(
            "apply", "manifests", "--yes",
            environment: ["BULKHEAD_FAULT": "refuse:\(steps.count - 1):0,refuse-undo:\(move)"])
        #expect(result.status == 3, "\(result.errors)")
        #expect(
            result.errors.contains("bh-lan has still what the host had on its uplink, and stays"), "\(result.errors)")
        #expect(try segment.ping(segment.host, to: 254))
        #expect(try segment.ping(segment.lan, to: 1))
        try segment.apply()
        try expectWorks(segment)
        try segment.destroy(to: before)
    }

    @Test func whatHandWorkDidIsRepaired() throws {
        let segment = try Segment(Self.documents(), addresses: Self.addresses)
        let before = try HostDump(segment.host)
        try segment.apply()
        for damage in [
            "ip link set eth1 nomaster", "ip link set bh-lan mtu 1400", "ip link set bh-lan down",
            "ip link set bh-lan address 02:00:00:00:00:77", "ip addr add 192.0.2.3/24 dev eth1",
            "sysctl -qw net.ipv4.conf.bh-lan.rp_filter=2", "ip link set eth1 down",
            "ip link set eth1 down; ip addr add 192.0.2.5/24 dev eth1",
        ] {
            try segment.host.sh(damage)
            let drift = try segment.host.bulkhead("drift", "manifests")
            #expect(drift.status == 2, "\(damage): \(drift.output)\(drift.errors)")
            try segment.apply()
            try waitForCarrier(segment)
            try expectWorks(segment)
        }
        // What the host has on the bridge is the host's: neither wanted nor surplus.
        try segment.host.sh("ip addr add 192.0.2.4/24 dev bh-lan; ip addr del 192.0.2.3/24 dev bh-lan")
        // That it was down for a while is nothing to go back to.
        #expect(try segment.host.run(["grep", "-rs", "link/eth1/up", "state"]).status == 1)
        let plan = try segment.host.bulkhead("plan", "manifests", "--detailed-exitcode")
        #expect(plan.status == 0, "\(plan.output)")
        _ = try segment.host.bulkhead("destroy", "--all", "--yes")
        let addresses = try segment.host.sh("ip -4 -br addr show eth1")
        #expect(addresses.contains("192.0.2.4/24") && addresses.contains("192.0.2.1/24"), "\(addresses)")
        _ = before
    }

    /// A cable that came up takes a moment until both bridges let frames through.
    private func waitForCarrier(_ segment: Segment) throws {
        while try !segment.ping(segment.lan, to: 10) { usleep(100_000) }
    }

    /// Nothing passes any more, which the plan says and the apply cures; refused, it is down as before.
    @Test func anUplinkThatIsSetDownComesUpAgain() throws {
        let segment = try Segment(Self.documents(), addresses: Self.addresses)
        let before = try HostDump(segment.host)
        try segment.apply()
        let applied = try HostDump(segment.host)
        try segment.host.sh("ip link set eth1 down")
        #expect(try segment.pingsNothing(segment.lan, to: 10))
        let down = try HostDump(segment.host)
        let plan = try segment.host.bulkhead("plan", "manifests")
        #expect(
            plan.output.contains("  ~ change eth1: state down → up  (")
                && plan.output.contains("Plan: 0 to create, 1 to change, 0 to replace, 0 to delete."), "\(plan.output)")
        let refused = try segment.host.bulkhead(
            "apply", "manifests", "--yes", environment: ["BULKHEAD_FAULT": "refuse:0:0"])
        #expect(refused.status == 1, "\(refused.errors)")
        #expect(try HostDump(segment.host).differences(from: down) == [])
        try segment.apply()
        try waitForCarrier(segment)
        try expectWorks(segment)
        #expect(try HostDump(segment.host).differences(from: applied) == [])
        try segment.destroy(to: before)
    }

    @Test func theUplinksMTUIsFollowed() throws {
        let segment = try Segment(Self.documents(), addresses: Self.addresses)
        try segment.apply()
        try segment.host.sh("ip link set eth1 mtu 1400")
        #expect(try segment.host.bulkhead("drift", "manifests").status == 2)
        try segment.apply()
        for link in ["bh-lan", "ep-a"] { #expect(try segment.host.sh("ip link show \(link)").contains("mtu 1400")) }
        #expect(try segment.host.sh("ip -n a link show eth0").contains("mtu 1400"))
    }

    /// Another name, then another uplink: the host is connected all the time.
    @Test func movesFromBridgeToBridge() throws {
        let segment = try Segment(Self.documents(), addresses: Self.addresses)
        try segment.host.connect("eth2", [], to: segment.wire, "h2", [])
        let before = try HostDump(segment.host)
        try segment.apply()
        let (servers, clients) = try talks(segment)
        defer { for process in servers + clients { process.signal(SIGKILL) } }
        func areAlive(_ when: String) throws {
            for client in clients { #expect(try client.ask("go") == "alive", "\(when)") }
        }
        try segment.site.declare([
            Segment.network("new", "uplink: {interface: eth1}"), Segment.endpoint("a", "new", 10),
        ])
        try segment.apply()
        try areAlive("renamed")
        #expect(try segment.host.sh("ip -br addr show bh-new").contains("192.0.2.1/24"))
        #expect(try segment.ping(segment.lan, to: 10))
        try segment.site.declare([
            Segment.network("new", "uplink: {interface: eth2}"), Segment.endpoint("a", "new", 10),
        ])
        // The host's own addresses go back, and no other network may have their prefix.
        let refused = try segment.host.bulkhead("plan", "manifests")
        #expect(
            refused.errors.contains(
                "prefix 192.0.2.0/24 of Network/new overlaps the host's address 192.0.2.1/24 on bh-new"),
            "\(refused.errors)")
        try segment.site.declare([
            Segment.network("new", "uplink: {interface: eth2}").replacing(#/subnets: .*?\}\], /#, with: ""),
            "---\napiVersion: bulkhead.dev/v1alpha1\nkind: Endpoint\nmetadata: {name: a}\nspec: {network: new, addresses: []}\n",
        ])
        try segment.apply()
        try areAlive("given back")
        #expect(try segment.host.sh("ip -br addr show eth1").contains("192.0.2.1/24"))
        #expect(try segment.host.sh("ip -br link show master bh-new").contains("eth2"))
        try segment.destroy(to: before)
    }

    /// A network with translation goes out by a bridge that stands for the host's card, and forwards nothing else.
    @Test func networksBehindTheHostGoOutByTheBridge() throws {
        let web = [
            Document.network("web", 88),
            Document.endpoint("w", "web", 88, 10, "portMappings: [{hostPort: 8080, port: 80}]"),
        ]
        let segment = try Segment(Self.documents() + web, addresses: Self.addresses)
        let before = try HostDump(segment.host)
        try segment.apply()
        for address in ["10.88.0.10", "fd00:88::10"] { try segment.site.serve("w", "serve-tcp", address, "80") }
        let server = try segment.lan.serve("serve-tcp", "192.0.2.254", "90")
        defer { server.signal(SIGKILL) }
        #expect(try segment.site.probe("w", "tcp", "192.0.2.254", "90", "60") == "192.0.2.1")
        #expect(try segment.lan.probe("tcp", "192.0.2.1", "8080", "60") == "192.0.2.254")
        #expect(try segment.lan.probe("tcp", "2001:db8::1", "8080", "60") == "2001:db8::254")
        #expect(try segment.site.probe("a", "tcp", "192.0.2.1", "8080", "60") == "192.0.2.10")
        expectNobody(try segment.site.probe("w", "tcp", "192.0.2.10", "80", "0.5"), "not peers")
        // The machine on the LAN does not make the host its router.
        try segment.lan.sh("ip route add 10.88.0.0/24 via 192.0.2.1")
        #expect(try segment.lan.run(["ping", "-c1", "-W1", "10.88.0.10"]).status != 0)
        try segment.destroy(to: before)
    }

    @Test func refusalsNameWhatStandsAgainstThem() throws {
        let segment = try Segment(Self.documents())
        func expect(_ setup: String, _ message: String, _ undo: String) throws {
            try segment.host.sh(setup)
            let before = try HostDump(segment.host)
            let result = try segment.host.bulkhead("apply", "manifests", "--yes")
            #expect(result.status == 1)
            #expect(result.errors.contains(" error: \(message)\n"), "\(result.errors)")
            #expect(try HostDump(segment.host).differences(from: before) == [])
            try segment.host.sh(undo)
        }
        try expect(
            "ip addr add 192.0.2.1/24 dev eth1 valid_lft 3000 preferred_lft 3000",
            "Network/lan: eth1 cannot become a port of bh-lan: its address 192.0.2.1/24 is leased or learnt, and who renews it would look for it there; "
                + "give the host permanent addresses and routes there, or use an uplink that it does not use itself",
            "ip addr flush dev eth1 scope global")
        try expect(
            "ip link add mv0 link eth1 type macvlan",
            "Network/lan: eth1 carries the macvlan mv0, and the kernel puts no such interface on a bridge; delete it (`ip link delete mv0`), or use another uplink",
            "ip link delete mv0")
        try expect(
            "ip link add br9 type bridge; ip link set eth1 master br9",
            "Network/lan: eth1 belongs to br9, which is not bulkhead's; use `bridge: {existing: br9}`, or take it off (`ip link set eth1 nomaster`)",
            "ip link delete br9")
        try expect(
            "ip link set eth1 name eth7", "Network/lan: the uplink eth1 is not there; name another (`ip link show`)",
            "ip link set eth7 name eth1")
        try expect(
            "ip link set eth1 mtu 1200", "Network/lan: IPv6 needs at least 1280 bytes, and eth1 has 1200",
            "ip link set eth1 mtu 1500")
        try segment.host.write(
            "more.yaml",
            Segment.network("two", "uplink: {defaultRoute: true}").replacing("192.0.2", "198.51.100").replacing(
                "2001:db8", "2001:db9"))
        try expect(
            "ip addr add 192.0.2.1/24 dev eth1; ip link set eth1 up; ip route add default via 192.0.2.254",
            "Network/two and Network/lan would be one segment: both are on eth1; declare one network",
            "ip route del default")
    }

    /// Anti-spoofing keeps the physical network from speaking as an endpoint.
    @Test func theWorldCannotSpeakAsAnEndpoint() throws {
        let segment = try Segment(Self.documents(), addresses: Self.addresses)
        try segment.apply()
        #expect(try segment.ping(segment.host, "a", to: 11))
        let mac = try segment.mac("a").replacing(":", "")
        let other = try segment.mac("b").replacing(":", "")
        // A frame from the wire with the MAC of `a`: the bridge must not learn that `a` is out there.
        _ = try segment.lan.probe("send", "eth0", other + mac + "0806" + String(repeating: "00", count: 46))
        let table = try segment.host.sh("bridge fdb show br bh-lan dev eth1")
        #expect(!table.contains(try segment.mac("a")), "\(table)")
        #expect(try segment.ping(segment.host, "b", to: 10))
    }
}

extension String {
    fileprivate func replacing(_ old: String, _ new: String) -> String { replacingOccurrences(of: old, with: new) }
}
