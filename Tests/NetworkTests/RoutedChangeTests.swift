import Foundation
import TestSupport
import Testing

/// Changes, drift and refusals of a network of type `l2bridge`.
@Suite struct RoutedChangeTests {
    private func works(_ segment: Segment, location: SourceLocation = #_sourceLocation) throws {
        #expect(try segment.ping(segment.lan, to: 10), sourceLocation: location)
        #expect(try segment.ping(segment.host, "a", to: 254), sourceLocation: location)
    }

    /// One by one: what `drift` says, what it takes to repair, and that it is whole again.
    @Test(arguments: [
        ("ip route del 192.0.2.10 dev bh-lan", "add route 192.0.2.10/32 on bh-lan"),
        ("ip -6 route del 2001:db8::10 dev bh-lan", "add route 2001:db8::10/128 on bh-lan"),
        ("ip route add 192.0.2.77 dev bh-lan", "remove route 192.0.2.77/32 from bh-lan"),
        ("ip route replace 192.0.2.10 dev bh-lan src 192.0.2.1", "192.0.2.10/32"),
        ("ip neigh del proxy 192.0.2.10 dev eth1", "answer for 192.0.2.10 on eth1"),
        ("ip neigh del proxy 2001:db8::10 dev eth1", "answer for 2001:db8::10 on eth1"),
        ("ip neigh add proxy 192.0.2.78 dev eth1 protocol 98", "answer for 192.0.2.78 on eth1 no more"),
        ("sysctl -w net.ipv4.conf.eth1.forwarding=0", "net/ipv4/conf/eth1/forwarding 0 → 1"),
        ("sysctl -w net.ipv6.conf.eth1.forwarding=0", "net/ipv6/conf/eth1/forwarding 0 → 1"),
        ("sysctl -w net.ipv6.conf.eth1.proxy_ndp=0", "net/ipv6/conf/eth1/proxy_ndp 0 → 1"),
        ("sysctl -w net.ipv4.conf.bh-lan.forwarding=0", "net.ipv4.conf.bh-lan.forwarding"),
        ("ip address del 169.254.1.1/32 dev bh-lan", "add address 169.254.1.1/32 to bh-lan"),
        ("ip address flush dev bh-lan scope link", "add address fe80::"),
        ("ip link set bh-lan down", "bh-lan"),
        ("ip -n a route del 192.0.2.0/24", "192.0.2.0/24 via 169.254.1.1"),
        ("ip -n a route del 169.254.1.1", "169.254.1.1/32"),
        ("ip -n a route del default", "default via 169.254.1.1"),
        ("ip -n a -6 route del default", "default via fe80::"),
        ("ip -n a address add 192.0.2.10/24 dev eth0", "192.0.2.10/24"),
        ("ip link set ep-a down", "ep-a"),
    ]) func everythingIsRepaired(_ line: String, _ word: String) throws {
        let segment = try Routed.segment(Routed.documents())
        try segment.apply()
        let applied = try HostDump(segment.host)
        try segment.host.sh(line)
        let drift = try segment.host.bulkhead("drift", "manifests")
        #expect(drift.status == 2)
        let said = drift.output.contains(word) || drift.output.contains(word.replacingOccurrences(of: ".", with: "/"))
        #expect(said, "\(drift.output)")
        try segment.apply()
        #expect(try HostDump(segment.host).differences(from: applied) == [])
        try works(segment)
    }

    /// What others want answered stays theirs.
    @Test func proxyEntriesOfOthersStay() throws {
        let segment = try Routed.segment(Routed.documents())
        try segment.host.sh("ip neigh add proxy 192.0.2.90 dev eth1; ip neigh add proxy 2001:db8::90 dev eth1")
        let before = try HostDump(segment.host)
        try segment.apply()
        try segment.destroy(to: before)
    }

    /// An endpoint that comes, changes its address or goes touches no other.
    @Test func endpointsComeAndGoInPlace() throws {
        let segment = try Routed.segment(Routed.documents())
        try segment.apply()
        try segment.site.serve("a", "echo-tcp", "192.0.2.10", "7")
        let client = try segment.talk(segment.lan, to: "192.0.2.10", 7)
        defer { client.signal(SIGKILL) }
        #expect(try client.ask("go") == "alive")
        let identities = try HostDump(segment.host)
        try segment.site.declare(Routed.documents() + [Segment.endpoint("c", "lan", 12)])
        try segment.apply()
        #expect(try client.ask("go") == "alive")
        #expect(try HostDump(segment.host).changedIdentities(from: identities) == [])
        #expect(try segment.ping(segment.lan, to: 12))
        try segment.site.declare(
            [Routed.network(), Segment.endpoint("a", "lan", 10), Segment.endpoint("b", "lan", 13)])
        try segment.apply()
        #expect(try client.ask("go") == "alive")
        #expect(try segment.ping(segment.lan, to: 13))
        #expect(try segment.ping(segment.host, "b", to: 10))
        #expect(try segment.pingsNothing(segment.lan, to: 11))
        #expect(try segment.pingsNothing(segment.lan, to: 12))
        #expect(try !segment.host.sh("ip neigh show proxy; ip route; ip -6 route").contains("192.0.2.12"))
    }

    /// The host has a gateway that is given.
    @Test func aGivenGatewayIsTheHosts() throws {
        let given = "{prefix: 192.0.2.0/24, gateway: 192.0.2.3}, {prefix: \"2001:db8::/64\", gateway: \"2001:db8::3\"}"
        let segment = try Routed.segment(
            [Routed.network(subnets: given), Segment.endpoint("a", "lan", 10), Segment.endpoint("b", "lan", 11)])
        let before = try HostDump(segment.host)
        try segment.apply()
        try works(segment)
        #expect(try segment.ping(segment.host, "a", to: 3))
        #expect(try segment.ping(segment.host, "a", to: 11))
        #expect(try segment.host.sh("ip -n a route show default").hasPrefix("default via 192.0.2.3 dev eth0"))
        // Taken away again, in place.
        let identities = try HostDump(segment.host)
        try segment.site.declare(Routed.documents())
        try segment.apply()
        #expect(try HostDump(segment.host).changedIdentities(from: identities) == [])
        try works(segment)
        #expect(try segment.pingsNothing(segment.host, "a", to: 3))
        try segment.destroy(to: before)
    }

    @Test(arguments: [
        "{prefix: 192.0.2.0/24, pool: [192.0.2.10]}", "{prefix: \"2001:db8::/64\", pool: [\"2001:db8::10\"]}",
    ])
    func oneFamilyIsEnough(_ subnet: String) throws {
        let endpoint = """
            ---
            apiVersion: bulkhead.dev/v1alpha1
            kind: Endpoint
            metadata: {name: a}
            spec: {network: lan}

            """
        let segment = try Routed.segment([Routed.network(subnets: subnet), endpoint])
        let before = try HostDump(segment.host)
        try segment.apply()
        let address = subnet.contains("::") ? "2001:db8::10" : "192.0.2.10"
        #expect(try segment.lan.ping(address))
        let settings = try segment.host.sh("sysctl -n net.ipv4.conf.eth1.forwarding net.ipv6.conf.eth1.proxy_ndp")
        #expect(settings == (subnet.contains("::") ? "0\n1\n" : "1\n0\n"))
        try segment.destroy(to: before)
    }

    /// A host that learns its default route from router advertisements goes on to.
    @Test func routerAdvertisementsAreStillHeard() throws {
        let segment = try Routed.segment(Routed.documents())
        try segment.host.sh("sysctl -qw net.ipv6.conf.eth1.accept_ra=1")
        let before = try HostDump(segment.host)
        let plan = try segment.host.bulkhead("plan", "manifests").output
        #expect(plan.contains("host: net/ipv6/conf/eth1/accept_ra 1 → 2"), "\(plan)")
        try segment.apply()
        #expect(try segment.host.sh("sysctl -n net.ipv6.conf.eth1.accept_ra") == "2\n")
        try segment.destroy(to: before)
    }

    /// What stands against it is said before anything is done.
    @Test(arguments: [
        ("ip link set eth1 down", "Network/lan: the uplink eth1 is down; set it up (`ip link set eth1 up`)"),
        (
            "ip link add br0 type bridge; ip link set eth1 master br0",
            "Network/lan: the uplink eth1 is a port of br0, and the host answers for nobody by a port"
        ),
        ("ip address add 192.0.2.10/24 dev eth1", "Endpoint/a: 192.0.2.10 is the host's own, on eth1"),
        (
            "ip route add 198.51.100.0/24 via 192.0.2.11",
            "Endpoint/b: 192.0.2.11 is the next hop of the host's route to 198.51.100.0/24"
        ),
        ("ip link set eth1 name eth7", "Network/lan: the uplink eth1 is not there"),
    ]) func whatStandsAgainstItIsSaid(_ line: String, _ message: String) throws {
        let segment = try Routed.segment(Routed.documents())
        try segment.host.sh(line)
        let before = try HostDump(segment.host)
        let result = try segment.host.bulkhead("apply", "manifests", "--yes")
        #expect(result.status == 1)
        #expect(result.errors.contains(message), "\(result.errors)")
        #expect(try HostDump(segment.host).differences(from: before) == [])
    }

    /// The router of the segment is no gateway of an l2bridge: the host would have its address.
    @Test(arguments: [
        ("192.0.2.254", "the gateway 192.0.2.254 is the next hop of the host's route to default"),
        ("192.0.2.1", "the gateway 192.0.2.1 is the host's own, on eth1"),
    ]) func aGatewayOfOthersIsRefused(_ gateway: String, _ message: String) throws {
        let segment = try Routed.segment(
            [Routed.network(subnets: "{prefix: 192.0.2.0/24, gateway: \(gateway)}")])
        let result = try segment.host.bulkhead("plan", "manifests")
        #expect(result.status == 1)
        #expect(result.errors.contains(message), "\(result.errors)")
    }

    /// The host's way to the world is another one than endpoints have.
    @Test func anotherDefaultRouteIsWarnedOf() throws {
        let segment = try Routed.segment(Routed.documents())
        try segment.addCard()
        try segment.host.sh("ip route replace default via 172.30.0.9")
        let plan = try segment.host.bulkhead("plan", "manifests")
        #expect(
            plan.output.contains(
                "warning: Network/lan: the host's ipv4 default route leads by wg0, and endpoints of an l2bridge go by eth1 alone"
            ),
            "\(plan.output)")
    }

    /// The same network with the uplink as a port: nothing of the way by the host is left, nor goes to the uplink with what
    /// the host has there.
    @Test func becomesAnotherTypeInPlace() throws {
        let segment = try Routed.segment(Routed.documents())
        let before = try HostDump(segment.host)
        try segment.apply()
        let identities = try HostDump(segment.host)
        try segment.site.declare(
            [
                Segment.network("lan", "uplink: {interface: eth1}"), Segment.endpoint("a", "lan", 10),
                Segment.endpoint("b", "lan", 11),
            ])
        try segment.apply()
        #expect(try HostDump(segment.host).changedIdentities(from: identities) == [])
        try works(segment)
        #expect(try segment.ping(segment.host, "a", to: 11))
        #expect(try segment.host.sh("ip neigh show proxy; ip -br address | grep 169.254 || true") == "")
        try segment.destroy(to: before)
    }

    /// Without pruning an endpoint that no manifest declares keeps its way, as it keeps all else.
    @Test func whatIsNotPrunedKeepsItsWay() throws {
        let segment = try Routed.segment(Routed.documents())
        try segment.apply()
        try segment.site.declare([Routed.network(), Segment.endpoint("a", "lan", 10)])
        let result = try segment.host.bulkhead("apply", "manifests", "--yes", "--no-prune")
        #expect(result.status == 0, "\(result.errors)")
        #expect(try segment.ping(segment.lan, to: 11))
        try works(segment)
        try segment.apply()
        #expect(try segment.pingsNothing(segment.lan, to: 11))
        #expect(try !segment.host.sh("ip neigh show proxy; ip route").contains("192.0.2.11"))
    }

    /// Two scopes on two cards: neither takes the other's entries for its own.
    @Test func otherScopesKeepTheirs() throws {
        let segment = try Routed.segment(Routed.documents())
        try segment.addCard()
        try segment.apply()
        let other = """
            apiVersion: bulkhead.dev/v1alpha1
            kind: Network
            metadata: {name: far}
            spec: {type: l2bridge, uplink: {interface: wg0}, subnets: [{prefix: 172.30.0.0/24}]}
            ---
            apiVersion: bulkhead.dev/v1alpha1
            kind: Endpoint
            metadata: {name: f}
            spec: {network: far, addresses: [172.30.0.10]}
            """
        try segment.host.sh("mkdir other; cat > other/far.yaml <<'END'\n\(other)\nEND")
        let applied = try segment.host.bulkhead("apply", "other", "--yes", "--scope", "other")
        #expect(applied.status == 0, "\(applied.errors)")
        // That the host forwards on a card, and will no more, is every scope's business; entries and routes are not.
        func plan() throws -> String { try segment.host.bulkhead("plan", "manifests").output }
        for word in ["answer for", "route"] { #expect(try !plan().contains(word)) }
        let destroyed = try segment.host.bulkhead("destroy", "--all", "--yes", "--scope", "other")
        #expect(destroyed.status == 0, "\(destroyed.errors)")
        #expect(try !segment.host.sh("ip neigh show proxy").contains("172.30.0.10"))
        for word in ["answer for", "route"] { #expect(try !plan().contains(word)) }
        try segment.apply()
        try works(segment)
    }
}
