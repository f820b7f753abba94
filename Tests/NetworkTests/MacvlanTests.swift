import Foundation
import TestSupport
import Testing

/// `attachment: macvlan`: endpoints on the wire behind `eth1`, which stays the host's.
@Suite struct MacvlanTests {
    static func network(_ spec: String = "") -> String {
        Segment.network("lan", "uplink: {interface: eth1}, attachment: macvlan\(spec.isEmpty ? "" : ", \(spec)")")
    }

    private static let addresses = ["192.0.2.1/24", "2001:db8::1/64"]

    private func segment(_ spec: String = "", _ endpoints: [String] = ["a", "b"]) throws -> Segment {
        let cards = endpoints.enumerated().map { Segment.endpoint($1, "lan", 10 + $0) }
        return try Segment([Self.network(spec)] + cards, addresses: Self.addresses)
    }

    private func index(_ segment: Segment, _ namespace: String) throws -> String {
        String(try segment.host.sh("ip -n \(namespace) -o link show eth0").prefix { $0 != ":" })
    }

    @Test func endpointsAreOnTheWireWithTheirOwnMACs() throws {
        let segment = try segment()
        let before = try HostDump(segment.host)
        try segment.apply()
        // Nothing of the host has moved, and there is nothing new but what is in compartments.
        let own = try segment.host.sh("ip -o link | cut -d: -f2; ip -4 -o address show eth1; ip route")
        #expect(own.contains("192.0.2.1/24") && own.contains("default via 192.0.2.254 dev eth1"))
        #expect(!own.contains("bh-") && !own.contains("ep-"))
        #expect(try segment.ping(segment.host, "a", to: 254))
        #expect(try segment.ping(segment.host, "a", to: 11))
        #expect(try segment.ping(segment.lan, to: 10) && segment.ping(segment.lan, to: 11))
        #expect(try segment.ping(segment.host, to: 254) && segment.ping(segment.lan, to: 1))
        let seen = try segment.seen()
        #expect(try seen.contains(segment.mac("a")) && seen.contains(segment.mac("b")))
        // The router of the LAN is the next hop.
        try segment.lan.sh("ip address add 198.51.100.9/32 dev lo; ip address add 2001:db8:9::9/128 dev lo")
        for address in ["198.51.100.9", "2001:db8:9::9"] {
            #expect(try segment.host.ping(address, from: "b"))
        }
        #expect(try segment.host.bulkhead("plan", "manifests", "--detailed-exitcode").status == 0)
        #expect(try segment.host.bulkhead("drift", "manifests").status == 0)
        try segment.destroy(to: before)
    }

    /// Also where the switch sends frames back by the port they came in by.
    @Test(arguments: [false, true]) func thereIsNoWayBetweenHostAndEndpoint(_ sendsBack: Bool) throws {
        let segment = try segment()
        try segment.apply()
        if sendsBack { try segment.wire.sh("bridge link set dev h1 hairpin on") }
        #expect(try segment.ping(segment.host, "a", to: 254))
        #expect(try segment.pingsNothing(segment.host, "a", to: 1))
        #expect(try segment.pingsNothing(segment.host, to: 10))
        // Whoever knows the MACs does not get through either.
        let (host, own) = (try segment.host.sh("cat /sys/class/net/eth1/address"), try segment.mac("a"))
        try segment.host.sh(
            "ip -n a neigh replace 192.0.2.1 lladdr \(host.trimmingCharacters(in: .newlines)) dev eth0; "
                + "ip neigh replace 192.0.2.10 lladdr \(own) dev eth1")
        #expect(try segment.pingsNothing(segment.host, "a", to: 1))
        #expect(try segment.pingsNothing(segment.host, to: 10))
        // Siblings meet on the host, and once.
        let ping = try segment.host.run(["ip", "netns", "exec", "a", "ping", "-c3", "-i0.2", "192.0.2.11"])
        #expect(ping.status == 0 && !ping.output.contains("DUP"), "\(ping.output)")
    }

    @Test func isolationAndQuarantineAreChangedInPlace() throws {
        let segment = try segment()
        try segment.apply()
        let indexes = [try index(segment, "a"), try index(segment, "b")]
        #expect(try segment.ping(segment.host, "a", to: 11))
        let cards = [Segment.endpoint("a", "lan", 10), Segment.endpoint("b", "lan", 11)]
        try segment.site.declare([Self.network("isolation: {intraNetwork: deny}")] + cards)
        try segment.apply()
        #expect(try segment.pingsNothing(segment.host, "a", to: 11))
        #expect(try segment.ping(segment.host, "a", to: 254) && segment.ping(segment.lan, to: 11))
        try segment.wire.sh("bridge link set dev h1 hairpin on")
        #expect(try segment.pingsNothing(segment.host, "a", to: 11))
        try segment.wire.sh("bridge link set dev h1 hairpin off")

        try segment.site.declare([Self.network(), cards[0], Segment.endpoint("b", "lan", 11, "enabled: false")])
        try segment.apply()
        let kept = try segment.host.sh("ip -n b address show eth0; ip -n b route; ip -n b -6 route")
        #expect(
            kept.contains("192.0.2.11/24") && kept.contains("2001:db8::11/64")
                && kept.contains("default via 192.0.2.254"))
        #expect(try segment.pingsNothing(segment.host, "a", to: 11) && segment.pingsNothing(segment.lan, to: 11))
        #expect(try segment.pingsNothing(segment.host, "b", to: 254) && segment.pingsNothing(segment.host, "b", to: 10))
        // It hears nothing that is for all, and nobody hears it.
        let counting = "mount -t sysfs none /sys; cat /sys/class/net/eth0/statistics/rx_packets"
        func heard() throws -> String { try segment.host.sh("ip netns exec b unshare -m sh -c '\(counting)'") }
        let before = try heard()
        try segment.forget()
        for who in ["a", "b"] {
            _ = try segment.host.run(["ip", "netns", "exec", who, "ping", "-c2", "-W1", "192.0.2.77"])
        }
        #expect(try segment.pingsNothing(segment.lan, to: 11))
        #expect(try heard() == before)
        let seen = try segment.seen()
        #expect(try seen.contains(segment.mac("a")) && !seen.contains(segment.mac("b")))

        try segment.site.declare([Self.network()] + cards)
        try segment.apply()
        #expect(try segment.ping(segment.host, "a", to: 11) && segment.ping(segment.lan, to: 11))
        #expect(try [index(segment, "a"), index(segment, "b")] == indexes)
    }

    /// What somebody does by hand, inside or outside.
    @Test(arguments: [
        "ip -n a link set eth0 down", "ip -n a link set eth0 type macvlan mode private",
        "ip -n a link set eth0 type macvlan mode source", "ip -n a link set eth0 address 02:00:00:00:00:77",
        "ip -n a link set eth0 mtu 1300", "ip -n a link set eth0 alias other",
        "ip -n a link set eth0 down; ip -n a link set eth0 name x0", "ip -n a link delete eth0",
        "ip -n a address flush dev eth0", "ip -n a route delete default",
        "ip -n a link property add dev eth0 altname y0",
        "ip link set eth1 mtu 1300; ip link set eth1 mtu 1500",
        "ip -n a link delete eth0; ip -n a link add eth0 type bridge", "ip netns delete a",
        "nft delete table netdev bulkhead", "nft flush table netdev bulkhead",
        "nft flush set netdev bulkhead cards-lan", "nft add element netdev bulkhead cards-lan '{ 02:00:00:00:00:01 }'",
        "nft delete element netdev bulkhead sources4-lan \"{ $(cat /proc/self/fd/3) . 192.0.2.10 }\"",
        "nft add table netdev bulkhead '{ flags dormant; }'",
    ])
    func driftIsSeenAndRepaired(_ command: String) throws {
        let segment = try segment()
        try segment.apply()
        let before = try HostDump(segment.host)
        let own = try segment.mac("a")
        try segment.host.sh(command.replacingOccurrences(of: "$(cat /proc/self/fd/3)", with: own))
        let drift = try segment.host.bulkhead("drift", "manifests")
        #expect(drift.status == 2, "\(drift.output)\(drift.errors)")
        try segment.apply()
        #expect(try HostDump(segment.host).differences(from: before) == [])
        #expect(try segment.ping(segment.host, "a", to: 254) && segment.ping(segment.lan, to: 10))
    }

    /// Everything that a manifest says of a card, in place: its index stays.
    @Test func attributesChangeInPlace() throws {
        let segment = try segment()
        try segment.apply()
        let number = try index(segment, "a")
        try segment.site.declare([
            Self.network("mtu: 1450, routes: [{to: 172.16.0.0/12, via: 192.0.2.254}]"),
            Segment.endpoint(
                "a", "lan", 20,
                "mac: \"02:00:00:00:00:aa\", mtu: 1400, routes: [{to: 198.51.100.0/24, via: 192.0.2.253}]"),
            Segment.endpoint("b", "lan", 11),
        ])
        try segment.apply()
        let link = try segment.host.sh("ip -n a link show eth0; ip -n a address show eth0; ip -n a route")
        for text in [
            "mtu 1400", "02:00:00:00:00:aa", "192.0.2.20/24", "172.16.0.0/12 via 192.0.2.254", "198.51.100.0/24 via",
        ] {
            #expect(link.contains(text), "\(text): \(link)")
        }
        #expect(!link.contains("192.0.2.10/"))
        #expect(try segment.host.sh("ip -n b link show eth0").contains("mtu 1450"))
        #expect(try index(segment, "a") == number)
        #expect(try segment.ping(segment.lan, to: 20) && segment.ping(segment.host, "b", to: 20))
        #expect(try segment.pingsNothing(segment.lan, to: 10))
    }

    /// From a card of one kind to one of another, by another name, and at another place.
    @Test func cardsBecomeMacvlansAndTheOtherWayRound() throws {
        let segment = try Segment([Self.network(), Segment.endpoint("a", "lan", 10)])
        let before = try HostDump(segment.host)
        try segment.apply()
        let nat = Document.network("inside", 88)
        let steps: [(String, [String], () throws -> Bool)] = [
            (
                "to a veth", [Self.network(), nat, Document.endpoint("a", "inside", 88, 10)],
                {
                    try segment.host.ping("10.88.0.1", from: "a")
                }
            ),
            (
                "and back", [Self.network(), nat, Segment.endpoint("a", "lan", 10)],
                { try segment.ping(segment.lan, to: 10) }
            ),
            (
                "to another compartment", [Self.network(), Segment.endpoint("a", "lan", 10, "compartment: box")],
                {
                    try segment.ping(segment.host, "box", to: 254)
                }
            ),
            (
                "by another name inside",
                [Self.network(), Segment.endpoint("a", "lan", 10, "compartment: box, interface: lan0")],
                {
                    try segment.ping(segment.host, "box", to: 254)
                }
            ),
            (
                "with another endpoint's MAC",
                [
                    Self.network(),
                    Segment.endpoint("b", "lan", 10, "mac: \"\(try segment.mac("a"))\", compartment: other"),
                ], { try segment.ping(segment.host, "other", to: 254) }
            ),
        ]
        for (what, documents, works) in steps {
            try segment.site.declare(documents)
            try segment.apply()
            #expect(try works(), "\(what)")
            #expect(try segment.host.bulkhead("plan", "manifests", "--detailed-exitcode").status == 0, "\(what)")
        }
        try segment.destroy(to: before)
    }

    @Test func cardsOfOneCompartmentExchangeTheirNames() throws {
        let segment = try Segment([Self.network()])
        let before = try HostDump(segment.host)
        let nat = Document.network("inside", 88)
        func two(_ first: String, _ second: String) -> [String] {
            [Self.network(), nat] + [
                Segment.endpoint("b", "lan", 10, "compartment: pod, interface: \(first), defaultRoute: true"),
                Document.endpoint("c", "inside", 88, 10, "compartment: pod, interface: \(second), defaultRoute: false"),
            ]
        }
        for names in [("eth0", "eth1"), ("eth1", "eth0")] {
            try segment.site.declare(two(names.0, names.1))
            try segment.apply()
            #expect(try segment.ping(segment.host, "pod", to: 254), "\(names)")
        }
        try segment.destroy(to: before)
    }

    /// On another interface, and without one: by a bridge, where the kernel takes no interface with macvlans.
    @Test func theUplinkChanges() throws {
        let segment = try Segment([Self.network(), Segment.endpoint("a", "lan", 10)])
        try segment.host.connect("eth2", [], to: segment.wire, "h2", [])
        let before = try HostDump(segment.host)
        try segment.apply()
        try segment.wire.sh("ip link set h2 master sw")
        let other = Self.network().replacingOccurrences(of: "interface: eth1", with: "interface: eth2")
        try segment.site.declare([other, Segment.endpoint("a", "lan", 10)])
        try segment.apply()
        #expect(try segment.ping(segment.lan, to: 10))
        #expect(try segment.host.sh("nft list table netdev bulkhead").contains("\"eth2\""))
        #expect(!(try segment.host.sh("nft list table netdev bulkhead").contains("\"eth1\"")))
        try segment.site.declare([
            other.replacingOccurrences(of: "attachment: macvlan", with: "attachment: bridge"),
            Segment.endpoint("a", "lan", 10),
        ])
        let refused = try segment.host.bulkhead("plan", "manifests")
        #expect(refused.status == 1)
        #expect(refused.errors.contains("eth2 carries the macvlan eth0 in a"), "\(refused.errors)")
        try segment.destroy(to: before)
    }

    /// A change that fails is undone, wherever it does.
    @Test(arguments: [1, 2, 4, 7, 12]) func aChangeThatFailsIsUndone(_ number: Int) throws {
        let segment = try segment()
        try segment.apply()
        let before = try HostDump(segment.host)
        try segment.site.declare([
            Self.network("isolation: {intraNetwork: deny}, mtu: 1400"),
            Segment.endpoint("a", "lan", 20, "mac: \"02:00:00:00:00:aa\""), Segment.endpoint("c", "lan", 12),
            Segment.endpoint("d", "lan", 13, "enabled: false"),
        ])
        let failed = try segment.host.bulkhead(
            "apply", "manifests", "--yes", environment: ["BULKHEAD_FAULT": "refuse:\(number)"])
        #expect(failed.status == 1, "\(failed.output)\(failed.errors)")
        #expect(try HostDump(segment.host).differences(from: before) == [])
        #expect(try segment.ping(segment.host, "a", to: 11) && segment.ping(segment.lan, to: 10))
        try segment.apply()
        #expect(try segment.ping(segment.lan, to: 20) && segment.pingsNothing(segment.host, "a", to: 12))
    }

    /// A part of it is destroyed, and the rest stays guarded.
    @Test func aPartCanBeDestroyed() throws {
        let segment = try segment()
        try segment.host.connect("eth2", [], to: segment.wire, "h2", [])
        let before = try HostDump(segment.host)
        let other = Document.network("other", 30, "type: transparent, attachment: macvlan, uplink: {interface: eth2}")
        try segment.host.write("part.yaml", other + Document.endpoint("c", "other", 30, 12))
        try segment.apply()
        try segment.host.sh("mv manifests/part.yaml .")
        #expect(try segment.host.bulkhead("destroy", "part.yaml", "--yes").status == 0)
        #expect(try segment.host.sh("ls /run/netns") == "a\nb\n")
        let rules = try segment.host.sh("nft list table netdev bulkhead")
        #expect(rules.contains("eth1") && !rules.contains("eth2") && !rules.contains("-other"), "\(rules)")
        #expect(try segment.ping(segment.host, "a", to: 11))
        #expect(try segment.host.bulkhead("plan", "manifests", "--detailed-exitcode").status == 0)
        let all = try segment.host.bulkhead("destroy", "manifests", "--yes")
        #expect(all.status == 0, "\(all.errors)")
        #expect(try HostDump(segment.host).differences(from: before) == [])
    }

    /// What stands against it on this host.
    @Test(arguments: [
        (
            "ip link set eth1 down",
            "the uplink eth1 is down, and its macvlans with it; set it up (`ip link set eth1 up`)"
        ),
        (
            "ip link add br0 type bridge; ip link set eth1 master br0",
            "eth1 belongs to br0, and the kernel makes no macvlans on such an interface"
        ),
        ("ip link add mv0 link eth1 type macvlan", "eth1 carries the macvlan mv0, which is not bulkhead's"),
        ("ip address add 192.0.2.254/24 dev eth1", "gateway 192.0.2.254 is this host's own address"),
        ("ip link set eth1 address 02:00:00:00:00:0a", "02:00:00:00:00:0a is the MAC of eth1"),
        ("ip link set eth1 name eth7", "the uplink eth1 is not there"),
    ])
    func whatStandsAgainstItIsSaid(_ command: String, _ words: String) throws {
        let segment = try Segment([
            Self.network(), Segment.endpoint("a", "lan", 10, "mac: \"02:00:00:00:00:0a\""),
        ])
        try segment.host.sh(command)
        let plan = try segment.host.bulkhead("plan", "manifests")
        #expect(plan.status == 1)
        #expect(plan.errors.contains(words) && plan.errors.contains("manifests/base.yaml:"), "\(plan.errors)")
    }

    /// Two scopes on one interface would be one segment, and one's rules would drop what the other's endpoints send.
    @Test func anotherScopeHasAnotherUplink() throws {
        let segment = try segment()
        try segment.apply()
        let other = Segment.network("twin", "uplink: {interface: eth1}, attachment: macvlan")
            .replacingOccurrences(of: "192.0.2.", with: "198.51.100.").replacingOccurrences(
                of: "2001:db8", with: "2001:db9")
        try segment.host.sh("mkdir other")
        try segment.host.write("../other/net.yaml", other)
        let plan = try segment.host.bulkhead("plan", "other", "--scope", "second")
        #expect(plan.status == 1)
        #expect(plan.errors.contains("eth1 is the uplink of macvlans of scope default"), "\(plan.errors)")
    }

    /// `show` has them by what the kernel says.
    @Test func showTellsThem() throws {
        let segment = try segment()
        try segment.apply()
        let text = try segment.host.bulkhead("show").output
        #expect(text.contains("lan      eth1") && text.contains("a         lan      a            eth0  up"), "\(text)")
        let json = try segment.host.bulkhead("show", "endpoint/a", "--output", "json").output
        #expect(json.contains("\"hostInterface\": null") && json.contains("\"device\": \"nic\""), "\(json)")
        #expect(try segment.host.bulkhead("verify", "manifests").status == 0)
    }
}
