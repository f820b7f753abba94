import Foundation
import TestSupport
import Testing

/// What somebody changes by hand in what is owned is seen by `drift`, named, and repaired by the next apply.
@Suite struct DriftTests {
    /// One change by hand, and a word that `drift` must say of it.
    struct Case: Sendable, CustomStringConvertible {
        let description: String
        let line: String
        let names: String

        init(_ description: String, _ line: String, names: String) {
            self.description = description
            self.line = line
            self.names = names
        }
    }

    static let addresses = [
        Case("surplus address", "ip -n a address add 10.88.0.77/24 dev eth0", names: "10.88.0.77"),
        Case("surplus IPv6 address", "ip -n a address add fd00:88::77/64 dev eth0", names: "fd00:88::77"),
        Case("surplus address on the bridge", "ip address add 10.88.0.78/24 dev bh-web", names: "10.88.0.78"),
        Case("address gone", "ip -n a address del 10.88.0.10/24 dev eth0", names: "10.88.0.10"),
        Case("IPv6 address gone", "ip -n a address del fd00:88::10/64 dev eth0", names: "fd00:88::10"),
        Case("gateway address gone", "ip address del 10.88.0.1/24 dev bh-web", names: "10.88.0.1"),
        Case(
            "prefix length changed",
            "ip -n a address del 10.88.0.10/24 dev eth0; ip -n a address add 10.88.0.10/25 dev eth0",
            names: "10.88.0.10"),
        Case(
            "IPv6 prefix length changed",
            "ip -n a address del fd00:88::10/64 dev eth0; ip -n a address add fd00:88::10/60 dev eth0 nodad",
            names: "fd00:88::10/60"),
        Case(
            "IPv6 prefix length of the gateway changed",
            "ip address del fd00:88::1/64 dev bh-web; ip address add fd00:88::1/60 dev bh-web nodad",
            names: "fd00:88::1/60"),
        Case(
            "address for a time on the bridge",
            "ip address add 10.88.0.78/24 dev bh-web valid_lft 900 preferred_lft 900",
            names: "10.88.0.78"),
        Case("default route gone", "ip -n a route del default", names: "route default"),
        Case("IPv6 default route gone", "ip -n a -6 route del default", names: "route default"),
        Case("surplus route", "ip -n a route add 172.30.0.0/16 via 10.88.0.11", names: "172.30.0.0/16"),
        Case("route by another gateway", "ip -n a route replace default via 10.88.0.11", names: "default"),
        Case("second route of another metric", "ip -n a route add default via 10.88.0.1 metric 9", names: "metric 9"),
        Case(
            "surplus route in another table", "ip -n a route add 172.30.0.0/16 via 10.88.0.11 table 77",
            names: "172.30.0.0/16"),
        Case(
            "surplus neighbour", "ip -n a neighbour add 10.88.0.99 lladdr 02:00:00:00:00:99 dev eth0",
            names: "10.88.0.99"),
        Case(
            "surplus neighbour on the bridge", "ip neighbour add 10.88.0.98 lladdr 02:00:00:00:00:98 dev bh-web",
            names: "10.88.0.98"),
        Case("surplus IPv6 address on the bridge", "ip address add fd00:88::78/64 dev bh-web", names: "fd00:88::78"),
        Case("address on the loopback", "ip -n a address add 10.88.0.79/32 dev lo", names: "10.88.0.79"),
        Case("loopback address gone", "ip -n a address del 127.0.0.1/8 dev lo", names: "127.0.0.1"),
        Case("IPv6 loopback address gone", "ip -n a address del ::1/128 dev lo", names: "::1/128"),
        Case(
            "static forwarding entry", "bridge fdb add 02:00:00:00:00:97 dev ep-a master static",
            names: "02:00:00:00:00:97"),
        Case("blackhole", "ip -n a route add blackhole 10.88.0.11", names: "blackhole 10.88.0.11/32"),
        Case("IPv6 blackhole", "ip -n a route add blackhole fd00:88::11", names: "blackhole fd00:88::11/128"),
        Case("unreachable default", "ip -n a route add unreachable default metric 9", names: "unreachable default"),
        Case("route to the loopback", "ip -n a route add 172.31.0.0/16 dev lo", names: "172.31.0.0/16"),
        Case("local route", "ip -n a route add local 172.31.0.0/16 dev lo", names: "local 172.31.0.0/16"),
        Case("source of a route", "ip -n a route change default via 10.88.0.1 src 10.88.0.10", names: "src 10.88.0.10"),
        Case(
            "rule", "ip -n a rule add from 10.88.0.0/24 lookup 77 priority 9", names: "9: from 10.88.0.0/24 lookup 77"),
        Case("IPv6 rule", "ip -n a -6 rule add fwmark 7 blackhole priority 9", names: "9: from all fwmark 0x7"),
        Case("rule gone", "ip -n a rule del priority 32766", names: "32766: from all lookup main"),
        Case("IPv6 rule gone", "ip -n a -6 rule del priority 0", names: "0: from all lookup local"),
    ]

    /// What the kernel makes beside an address or by itself, and does not make again.
    static let locals = [
        Case(
            "route to an address gone", "ip -n a route del local 10.88.0.10 dev eth0 table local",
            names: "make address 10.88.0.10/24 on eth0 in a reachable again"),
        Case(
            "route to an IPv6 address gone", "ip -n a -6 route del local fd00:88::10 dev eth0 table local",
            names: "make address fd00:88::10/64 on eth0 in a reachable again"),
        Case(
            "route to the gateway gone", "ip route del local 10.88.0.1 dev bh-web table local",
            names: "make address 10.88.0.1/24 on bh-web reachable again"),
        Case(
            "route to the IPv6 gateway gone", "ip -6 route del local fd00:88::1 dev bh-web table local",
            names: "make address fd00:88::1/64 on bh-web reachable again"),
        Case(
            "route to an address taken", "ip -n a route replace local 10.88.0.10 dev lo table local",
            names: "make address 10.88.0.10/24 on eth0 in a reachable again"),
        Case(
            "route to a loopback address gone", "ip -n a route del local 127.0.0.1 dev lo table local",
            names: "make address 127.0.0.1/8 on lo in a reachable again"),
        Case(
            "route to the loopback's subnet gone", "ip -n a route del local 127.0.0.0/8 dev lo table local",
            names: "make address 127.0.0.1/8 on lo in a reachable again"),
        Case("link-local address gone", "ip -n a address flush dev eth0 scope link", names: "add address fe80::"),
        Case(
            "link-local address of the bridge gone", "ip address flush dev bh-web scope link",
            names: "add address fe80::"),
        Case(
            "route to a link-local address gone",
            "ip -6 route del local $(ip -6 -o address show dev bh-web scope link | awk '{print $4}' | cut -d/ -f1) "
                + "dev bh-web table local", names: "on bh-web reachable again"),
        Case(
            "link-local address of the bridge gone, and its mode",
            "ip link set bh-web addrgenmode none; ip address flush dev bh-web scope link",
            names: "add address fe80::"),
    ]

    /// Routes and addresses that say more than bulkhead's own ever do, and what the kernel makes by itself.
    static let uncommon = [
        Case(
            "route for a service", "ip -n a route add 172.22.0.0/16 via 10.88.0.11 tos 8",
            names: "172.22.0.0/16 via 10.88.0.11 tos 0x8"),
        Case(
            "default for a service beside ours", "ip -n a route add default via 10.88.0.11 tos 10",
            names: "default via 10.88.0.11 tos 0x10"),
        Case(
            "route for a source", "ip -n a route add fd77::/64 from fd00:88::10 via fd00:88::11",
            names: "fd77::/64 via fd00:88::11 from fd00:88::10/128"),
        Case(
            "route by a next hop of the other family", "ip -n a route add 10.77.0.0/16 via inet6 fe80::1 dev eth0",
            names: "10.77.0.0/16 via fe80::1 inet6"),
        Case(
            "route by an object that drops",
            "ip -n a nexthop add id 9 blackhole; ip -n a route add 172.21.0.0/16 nhid 9", names: "172.21.0.0/16"),
        Case(
            "route by an object",
            "ip -n a nexthop add id 5 via 10.88.0.11 dev eth0; ip -n a route add 172.20.0.0/16 nhid 5",
            names: "172.20.0.0/16 via 10.88.0.11 nhid 5"),
        Case(
            "default route by a group", "ip -n a nexthop add id 6 group 5; ip -n a route replace default nhid 6",
            names: "nhid 6"),
        Case(
            "IPv6 route by an object",
            "ip -n a nexthop add id 7 via fd00:88::11 dev eth0; ip -n a -6 route add fd78::/64 nhid 7",
            names: "nhid 7"),
        Case(
            "several next hops",
            "ip -n a route add 172.20.0.0/16 nexthop via 10.88.0.11 dev eth0 nexthop via 10.88.0.1 dev eth0",
            names: "172.20.0.0/16 2 next hops"),
        Case(
            "second IPv6 next hop", "ip -n a -6 route append default via fd00:88::11 dev eth0", names: "2 next hops"),
        Case("metrics of a route", "ip -n a route change default via 10.88.0.1 mtu 1000 proto 98", names: "mtu 1000"),
        Case("second route in one place", "ip -n a route append default via 10.88.0.11", names: "via 10.88.0.11"),
        Case(
            "route in the table of local ones", "ip -n a route add 10.88.0.11/32 via 10.88.0.1 table local",
            names: "10.88.0.11/32 via 10.88.0.1 table 255"),
        Case(
            "local route on the bridge", "ip route add local 172.31.1.0/24 dev bh-web table local",
            names: "local 172.31.1.0/24"),
        Case(
            "route as if the kernel had made it", "ip -n a route add 172.19.0.0/16 dev eth0 proto kernel",
            names: "172.19.0.0/16"),
        Case(
            "default that leads nowhere", "ip -n a route del default; ip -n a route add blackhole default",
            names: "blackhole default"),
        Case("route to the subnet gone", "ip -n a route del 10.88.0.0/24", names: "add route 10.88.0.0/24"),
        Case("IPv6 route to the subnet gone", "ip -n a route del fd00:88::/64", names: "add route fd00:88::/64"),
        Case(
            "no route at all", "ip -n a route del default; ip -n a route del 10.88.0.0/24",
            names: "add route 10.88.0.0/24"),
        Case(
            "route to the subnet by another way", "ip -n a route replace 10.88.0.0/24 via 10.88.0.1 dev eth0 onlink",
            names: "10.88.0.0/24 via 10.88.0.1"),
        Case("bridge's route gone", "ip route del 10.88.0.0/24 dev bh-web", names: "add route 10.88.0.0/24"),
        Case("bridge's IPv6 route gone", "ip route del fd00:88::/64 dev bh-web", names: "add route fd00:88::/64"),
        Case(
            "address with a peer", "ip -n a address add 10.9.9.9 peer 10.9.9.8/32 dev lo",
            names: "10.9.9.9 peer 10.9.9.8/32"),
        Case(
            "IPv6 address with a peer", "ip -n a address add fd00:9::1 peer fd00:9::2/128 dev eth0",
            names: "fd00:9::1 peer fd00:9::2/128"),
        Case(
            "lifetime", "ip -n a address change fd00:88::10/64 dev eth0 valid_lft 9000 preferred_lft 9000",
            names: "keep address fd00:88::10/64"),
        Case(
            "IPv4 lifetime", "ip -n a address change 10.88.0.10/24 dev eth0 valid_lft 9000 preferred_lft 9000",
            names: "keep address 10.88.0.10/24"),
        Case("deprecated", "ip -n a address change fd00:88::10/64 dev eth0 preferred_lft 0", names: "keep address"),
        Case(
            "surplus address with a lifetime",
            "ip -n a address add 10.88.0.76/24 dev eth0 valid_lft 9000 preferred_lft 9000", names: "10.88.0.76"),
        Case(
            "IPv6 off inside", "ip netns exec a sysctl -qw net.ipv6.conf.all.disable_ipv6=1", names: "disable_ipv6"),
        Case(
            "IPv6 off on the card", "ip netns exec a sysctl -qw net.ipv6.conf.eth0.disable_ipv6=1",
            names: "disable_ipv6"),
        Case(
            "IPv6 off on the loopback", "ip netns exec a sysctl -qw net.ipv6.conf.lo.disable_ipv6=1",
            names: "disable_ipv6"),
    ]

    static let links = [
        Case("loopback down", "ip -n a link set lo down", names: "lo"),
        Case("card down", "ip -n a link set eth0 down", names: "eth0"),
        Case("port down", "ip link set ep-a down", names: "ep-a"),
        Case("bridge down", "ip link set bh-web down", names: "bh-web"),
        Case("card's MTU", "ip -n a link set eth0 mtu 1400", names: "1400"),
        Case("port's MTU", "ip link set ep-a mtu 1400", names: "1400"),
        Case("bridge's MTU", "ip link set bh-web mtu 1400", names: "1400"),
        // Without the entry of an address in table local no route may have it as source.
        Case(
            "routes of an address", "ip -n a route del table local local 10.88.0.10; ip -n a route del 10.88.0.0/24",
            names: "add route 10.88.0.0/24"),
        Case(
            "routes of an address on the bridge",
            "ip route del table local local 10.88.0.1; ip route del 10.88.0.0/24", names: "add route 10.88.0.0/24"),
        Case(
            "default route on a link of somebody's",
            "ip -n a link add b0 type bridge; ip -n a link set b0 up; ip -n a address add 10.88.0.10/24 dev b0; "
                + "ip -n a route del default; ip -n a route add default via 10.88.0.1 dev b0", names: "delete bridge b0"
        ),
        Case(
            "card's name beside the loopback's own",
            "ip -n a link set eth0 down; ip -n a link set eth0 name foo; ip -n a link property add dev lo altname eth0",
            names: "take alternative name eth0 from lo"),
        // Below 1280 the kernel drops all that an interface has of IPv6, settings included.
        Case("card's MTU without IPv6", "ip -n a link set eth0 mtu 1279", names: "1279 → 1500"),
        Case("port's MTU without IPv6", "ip link set ep-a mtu 1000", names: "1000 → 1500"),
        Case("bridge's MTU without IPv6", "ip link set bh-web mtu 68", names: "68 → 1500"),
        Case(
            "IPv6 lost and back", "ip -n a link set eth0 mtu 500; ip -n a link set eth0 mtu 1500", names: "fd00:88::10"),
        Case("card's MAC", "ip -n a link set eth0 address 02:00:00:00:00:55", names: "02:00:00:00:00:55"),
        Case("bridge's MAC", "ip link set bh-web address 02:00:00:00:00:56", names: "02:00:00:00:00:56"),
        Case("port off the bridge", "ip link set ep-a nomaster", names: "ep-a"),
        Case("port on another bridge", "ip link add other type bridge; ip link set ep-a master other", names: "ep-a"),
        Case(
            "foreign port on the bridge",
            "ip link add foreign type veth peer name foreign2; ip link set foreign master bh-web", names: "foreign"),
        Case("card renamed", "ip -n a link set eth0 down; ip -n a link set eth0 name eth9", names: "eth0"),
        Case("hairpin", "bridge link set dev ep-a hairpin on", names: "hairpin"),
        Case("isolated port", "bridge link set dev ep-a isolated on", names: "isolated"),
        Case("learning", "bridge link set dev ep-a learning off", names: "learning"),
        Case("spanning tree", "ip link set bh-web type bridge stp_state 1", names: "bh-web"),
        Case("frames past the firewall", "ip link set bh-web type bridge nf_call_iptables 0", names: "bh-web"),
        Case("card deleted", "ip link del ep-a", names: "ep-a"),
        Case("bridge deleted", "ip link del bh-web", names: "bh-web"),
        Case("namespace deleted", "ip netns del a", names: "namespace a"),
        Case("multicast snooping", "ip link set bh-web type bridge mcast_snooping 1", names: "mcast_snooping"),
        Case("guarded port", "bridge link set dev ep-a guard off", names: "guard"),
        Case("port's MAC", "ip link set ep-a address 02:00:00:00:00:57", names: "02:00:00:00:00:57"),
        Case("surplus name of a port", "ip link property add dev ep-a altname surplus", names: "surplus"),
        Case("surplus name of a card", "ip -n a link property add dev eth0 altname surplus", names: "surplus"),
        Case("card's alias", "ip -n a link set eth0 alias mine", names: "mine"),
        Case(
            "card on a bridge inside",
            "ip -n a link add br0 type bridge; ip -n a link set eth0 master br0", names: "br0"),
        Case("bridge inside", "ip -n a link add br9 type bridge", names: "br9 in a"),
        Case(
            "way around the policies", "ip -n a link add way type veth peer name way netns b", names: "way in b"),
        Case("queueing discipline", "tc qdisc add dev ep-a root tbf rate 8kbit burst 2k latency 9ms", names: "tbf"),
        Case("queueing discipline inside", "tc -n a qdisc add dev eth0 root handle 1: htb", names: "htb"),
        Case("place for filters", "tc qdisc add dev bh-web clsact", names: "clsact"),
        Case("bridge without ARP", "ip link set bh-web arp off", names: "arp off → on"),
        Case("card without ARP", "ip -n a link set eth0 arp off", names: "arp off → on"),
        Case("blocked port", "bridge link set dev ep-a state 0", names: "port state blocked → forwarding"),
        Case("locked port", "bridge link set dev ep-a locked on", names: "locked on"),
        Case("port that answers for others", "ip link set ep-a type bridge_slave proxy_arp on", names: "proxy_arp on"),
        Case(
            "another link under the card's name", "ip -n a link del eth0; ip -n a link add eth0 type bridge",
            names: "delete bridge eth0 in a"),
        Case("port moved into another compartment", "ip link set ep-a netns b", names: "delete veth ep-a in b"),
        Case("card taken away", "ip -n a link set eth0 netns b name stolen", names: "ep-a"),
    ]

    static let settings = [
        Case("forwarding inside", "ip netns exec a sysctl -qw net.ipv4.conf.all.forwarding=1", names: "forwarding"),
        Case(
            "redirects inside", "ip netns exec a sysctl -qw net.ipv4.conf.eth0.accept_redirects=1",
            names: "accept_redirects"),
        Case(
            "router advertisements inside", "ip netns exec a sysctl -qw net.ipv6.conf.eth0.accept_ra=1",
            names: "accept_ra"),
        Case("bridge's forwarding", "sysctl -qw net.ipv4.conf.bh-web.forwarding=0", names: "forwarding"),
        Case(
            "IPv6 forwarding inside", "ip netns exec a sysctl -qw net.ipv6.conf.all.forwarding=1", names: "forwarding"),
        Case("bridge's redirects", "sysctl -qw net.ipv4.conf.bh-web.accept_redirects=1", names: "accept_redirects"),
        Case("bridge's IPv6 settings", "sysctl -qw net.ipv6.conf.bh-web.accept_ra=1", names: "accept_ra"),
        Case("name servers edited", "echo nameserver 10.0.0.1 >> etc/a/resolv.conf", names: "resolv.conf"),
        Case("name servers gone", "rm etc/a/resolv.conf", names: "resolv.conf"),
        Case(
            "rule replaced in its place",
            "nft replace rule inet bulkhead forward handle $(nft -a list chain inet bulkhead forward | sed -n 's/.*invalid,untracked.*handle //p') accept",
            names: "forward"),
        Case("hosts file edited", "echo 10.0.0.1 evil >> etc/a/hosts", names: "hosts"),
        Case("hosts file gone", "rm etc/a/hosts", names: "hosts"),
        Case(
            "rule deleted",
            "nft delete rule inet bulkhead forward handle $(nft -a list chain inet bulkhead forward | sed -n 's/.*invalid,untracked.*handle //p')",
            names: "forward"),
        Case("rule inserted", "nft insert rule inet bulkhead forward accept", names: "forward"),
        Case("rule at the end", "nft add rule bridge bulkhead prerouting accept", names: "prerouting"),
        Case("element removed", "nft delete element inet bulkhead bridges '{ \"bh-web\" }'", names: "bh-web"),
        Case("element added", "nft add element bridge bulkhead sources4 '{ \"ep-a\" . 10.9.9.9 }'", names: "10.9.9.9"),
        Case(
            "claim gone", "nft delete element bridge bulkhead claims4 '{ \"ep-a\" . 0x0a58000a }'",
            names: "claims4: ep-a . 10.88.0.10"),
        Case(
            "set of claims of another type",
            "for c in nd err; do nft flush chain bridge bulkhead $c; done; nft delete set bridge bulkhead claims6; "
                + "nft 'add set bridge bulkhead claims6 { type ipv6_addr; }'",
            names: "claims6"),
        Case("chain policy", "nft chain inet bulkhead forward '{ policy drop; }'", names: "forward"),
        Case("surplus chain", "nft add chain inet bulkhead surplus", names: "surplus"),
        Case("surplus set", "nft add set inet bulkhead more '{ type mark; }'", names: "more"),
        Case("chain emptied", "nft flush chain bridge bulkhead prerouting", names: "prerouting"),
        Case("table deleted", "nft delete table bridge bulkhead", names: "bridge bulkhead"),
        Case("ruleset flushed", "nft flush ruleset", names: "inet bulkhead"),
    ]

    @Test func addressesRoutesAndNeighbours() throws { try check(Self.addresses) }
    @Test func addressesThatTheKernelMinds() throws { try check(Self.locals) }
    @Test func uncommonRoutesAndAddresses() throws { try check(Self.uncommon) }
    @Test func linksAndNamespaces() throws { try check(Self.links) }
    @Test func settingsFilesAndRules() throws { try check(Self.settings) }

    private func check(_ cases: [Case]) throws {
        let host = try ScratchHost()
        try host.write("all.yaml", Self.manifests)
        #expect(try host.bulkhead("apply", "manifests", "--yes").status == 0)
        let before = try HostDump(host)
        for item in cases {
            try host.sh(item.line)
            let drift = try host.bulkhead("drift", "manifests")
            #expect(drift.status == 2, "\(item): \(drift.output)\(drift.errors)")
            #expect(drift.output.contains(item.names), "\(item): \(drift.output)")
            let apply = try host.bulkhead("apply", "manifests", "--yes")
            #expect(apply.status == 0, "\(item): \(apply.errors)")
            let again = try host.bulkhead("drift", "manifests")
            #expect(again.status == 0, "\(item), repaired: \(again.output)\(again.errors)")
            // What is not ours stays, so it is taken away here.
            try host.sh("for l in other foreign; do ip link del $l 2>/dev/null || true; done")
            let differences = try HostDump(host).differences(from: before)
            #expect(differences == [], "\(item), repaired: \(differences)")
        }
    }

    /// What somebody does by hand so that no packet passes any more, and who then waits for an answer.
    @Test func whatCutsAnEndpointOffIsRepaired() throws {
        let host = try ScratchHost()
        try host.write("all.yaml", Self.manifests)
        #expect(try host.bulkhead("apply", "manifests", "--yes").status == 0)
        let fromHost = "ping -q -c 1 -W 1 10.88.0.10"
        let fromNext = "ip netns exec b \(fromHost)"
        for namespace in [nil, "b"] { #expect(try host.ping("10.88.0.10", from: namespace)) }
        let cuts = [
            ("ip route del 10.88.0.0/24 dev bh-web", fromHost),
            ("ip -n a route del 10.88.0.0/24; ip -n a route del default", fromNext),
            ("ip link set bh-web arp off; ip neighbour flush dev bh-web", fromHost),
            ("ip -n a link set eth0 arp off; ip -n b neighbour flush dev eth0", fromNext),
            ("bridge link set dev ep-a state 0", fromNext),
            ("ip -n a link del eth0; ip -n a link add eth0 type bridge", fromNext),
            (
                "ip -n a address del 10.88.0.10/24 dev eth0; ip -n a address add 10.88.0.10/24 dev eth0 noprefixroute",
                fromNext
            ),
        ]
        for (cut, ping) in cuts {
            try host.sh(cut)
            #expect(try host.run(["sh", "-c", ping]).status != 0, "\(cut): packets still pass")
            let apply = try host.bulkhead("apply", "manifests", "--yes")
            #expect(apply.status == 0, "\(cut): \(apply.errors)")
            // A neighbour that did not answer before the repair is not asked again at once.
            let isAnswered = try host.ping("10.88.0.10", from: ping == fromHost ? nil : "b")
            #expect(isAnswered, "\(cut), repaired")
            #expect(try host.bulkhead("drift", "manifests").status == 0, "\(cut)")
        }
    }

    /// Whoever may do everything in one compartment cannot keep the host from being changed.
    @Test func aCompartmentCannotHinderItsQuarantine() throws {
        let host = try ScratchHost()
        try host.write("all.yaml", Self.manifests)
        #expect(try host.bulkhead("apply", "manifests", "--yes").status == 0)
        for item in Self.uncommon where item.line.hasPrefix("ip -n a ") {
            // Some of it stands in the way of the rest.
            try host.sh("{ \(item.line); } 2>/dev/null || true")
        }
        try host.sh("ip -n a link set lo down; ip -n a link set lo name low; ip -n a link add lo type bridge")
        let endpoint = "{network: web, addresses: [10.88.0.10"
        let disabled = "{enabled: false, network: web, addresses: [10.88.0.10"
        try host.write("all.yaml", Self.manifests.replacingOccurrences(of: endpoint, with: disabled))
        let apply = try host.bulkhead("apply", "manifests", "--yes")
        #expect(apply.status == 0, "\(apply.output)\(apply.errors)")
        #expect(try host.bulkhead("drift", "manifests").status == 0)
        #expect(try host.sh("cat /sys/class/net/ep-a/operstate").contains("down"))
    }

    @Test func aLinkThatLostItsMarkIsSeenAndTakenOverOnlyWhenTold() throws {
        let host = try ScratchHost()
        try host.write("all.yaml", Self.manifests)
        #expect(try host.bulkhead("apply", "manifests", "--yes").status == 0)
        let index = try host.sh("cat /sys/class/net/ep-a/ifindex")
        try host.sh("ip link set ep-a alias ''")
        #expect(try host.bulkhead("drift", "manifests").status == 2)
        let refused = try host.bulkhead("apply", "manifests", "--yes")
        #expect(refused.status == 1)
        #expect(refused.errors.contains("--adopt Endpoint/a"), "\(refused.errors)")
        #expect(try host.bulkhead("apply", "manifests", "--yes", "--adopt", "Endpoint/a").status == 0)
        #expect(try host.bulkhead("drift", "manifests").status == 0)
        #expect(try host.sh("cat /sys/class/net/ep-a/ifindex") == index)
    }

    @Test func aDifferenceOfTheFirewallNamesTheLineItIsFor() throws {
        let host = try ScratchHost()
        try host.write("all.yaml", Self.manifests)
        #expect(try host.bulkhead("apply", "manifests", "--yes").status == 0)
        try host.sh("nft delete element bridge bulkhead ports '{ \"ep-b\" }'")
        let drift = try host.bulkhead("drift", "manifests")
        #expect(drift.status == 2)
        #expect(drift.output.contains("all.yaml:16"), "\(drift.output)")
    }

    @Test func anAdoptedNamespaceKeepsWhatIsInIt() throws {
        let host = try ScratchHost()
        let compartment = """

            ---
            apiVersion: bulkhead.dev/v1alpha1
            kind: Compartment
            metadata: {name: a}
            spec: {namespace: {path: /run/netns/theirs}}

            """
        try host.sh(
            "ip netns add theirs; ip netns set theirs auto; ip -n theirs link set lo up; ip -n theirs link add br9 type bridge; "
                + "ip -n theirs rule add from 10.0.0.0/8 lookup 77; ip -n theirs route add blackhole 10.9.9.9")
        let before = try HostDump(host)
        try host.write("all.yaml", Self.manifests + compartment)
        let apply = try host.bulkhead("apply", "manifests", "--yes")
        #expect(apply.status == 0, "\(apply.errors)")
        #expect(try host.bulkhead("drift", "manifests").status == 0)
        #expect(try host.bulkhead("destroy", "--all", "--yes").status == 0)
        let differences = try HostDump(host).differences(from: before)
        #expect(differences == [], "\(differences)")
    }

    @Test func twoCardsThatHoldOneAnothersNames() throws {
        let host = try ScratchHost()
        let card = { (name: String, interface: String) in
            "---\napiVersion: bulkhead.dev/v1alpha1\nkind: Endpoint\nmetadata: {name: \(name)}\n"
                + "spec: {network: web, compartment: c, interface: \(interface), defaultRoute: \(name == "a")}\n"
        }
        try host.write(
            "all.yaml",
            """
            apiVersion: bulkhead.dev/v1alpha1
            kind: Network
            metadata: {name: web}
            spec: {type: nat, subnets: [{prefix: 10.88.0.0/24}]}
            ---
            apiVersion: bulkhead.dev/v1alpha1
            kind: Compartment
            metadata: {name: c}

            """ + card("a", "eth0") + card("b", "eth1"))
        #expect(try host.bulkhead("apply", "manifests", "--yes").status == 0)
        let before = try HostDump(host)
        let rename = { (old: String, new: String) in
            "ip -n c link set \(old) down; ip -n c link set \(old) name \(new); "
        }
        let name = { (link: String, other: String) in "ip -n c link property add dev \(link) altname \(other); " }
        for line in [
            rename("eth0", "x") + name("eth1", "eth0"),
            rename("eth0", "x") + rename("eth1", "y") + name("y", "eth0") + name("x", "eth1"),
            rename("eth0", "x") + rename("eth1", "eth0") + rename("x", "eth1"),
        ] {
            try repair(line, on: host, to: before)
        }
    }

    /// What was done by hand is seen, and the next apply makes the host as it was.
    private func repair(_ line: String, on host: ScratchHost, to before: HostDump) throws {
        try host.sh(line)
        let drift = try host.bulkhead("drift", "manifests")
        #expect(drift.status == 2, "\(line): \(drift.output)\(drift.errors)")
        let apply = try host.bulkhead("apply", "manifests", "--yes")
        #expect(apply.status == 0, "\(line): \(apply.errors)")
        #expect(try host.bulkhead("drift", "manifests").status == 0, "\(line)")
        let differences = try HostDump(host).differences(from: before)
        #expect(differences == [], "\(line): \(differences)")
    }

    /// A name is any bytes, and those that are no text are as easily removed.
    @Test func namesThatAreNoText() throws {
        let host = try ScratchHost()
        try host.write("all.yaml", Self.manifests)
        #expect(try host.bulkhead("apply", "manifests", "--yes").status == 0)
        let before = try HostDump(host)
        for line in [
            "ip -n a link add \"$(printf '\\377\\376')\" type bridge",
            "ip -n a link add \"$(printf 'x\\364\\217\\276\\201')\" type bridge",
            "ip -n a link property add dev eth0 altname \"$(printf 'x\\377')\"",
            "ip -n a link property add dev lo altname \"$(printf '\\303\\050')\"",
        ] {
            try repair(line, on: host, to: before)
        }
    }

    /// Names of interfaces inside are anybody's who may configure them there; they hold up nobody's plan.
    @Test func aCompartmentMayNotKeepANameFromItsCard() throws {
        let host = try ScratchHost()
        try host.write("all.yaml", Self.manifests)
        #expect(try host.bulkhead("apply", "manifests", "--yes").status == 0)
        let before = try HostDump(host)
        let rename = { (old: String, new: String) in
            "ip -n a link set \(old) down; ip -n a link set \(old) name \(new); ip -n a link set \(new) up; "
        }
        let cases = [
            rename("lo", "loop"),
            rename("eth0", "card") + rename("lo", "eth0"),
            rename("eth0", "swap") + rename("lo", "eth0") + rename("swap", "lo"),
            rename("lo", "loop") + "ip -n a link add lo type veth peer name lo2; ip -n a link set lo up",
            rename("lo", "loop") + "ip -n a link property add dev eth0 altname lo",
            rename("lo", "loop") + "ip -n a link set loop down",
            rename("lo", "loop") + rename("eth0", "x")
                + "ip -n a link add d0 type bridge; ip -n a link property add dev d0 altname eth0",
            rename("lo", "loop")
                + "ip -n a route add 172.31.0.0/16 dev loop; ip -n a address add fd00:9::9 dev loop nodad; "
                + "ip -n a address add 10.9.9.9/32 dev loop; ip -n a link property add dev loop altname other",
        ]
        for line in cases {
            try host.sh(line)
            let drift = try host.bulkhead("drift", "manifests")
            #expect(drift.status == 2, "\(line): \(drift.output)\(drift.errors)")
            #expect(drift.output.contains("rename loopback "), "\(line): \(drift.output)")
            let renamed = try HostDump(host)
            let refused = try host.run(
                [ScratchHost.binary, "apply", "manifests", "--yes", "--quiet"],
                environment: ["BULKHEAD_FAULT": line.hasSuffix("loop down") ? "refuse:1" : "refuse:0:1"])
            #expect(refused.status == 1, "\(line): \(refused.errors)")
            let undone = try HostDump(host).differences(from: renamed)
            #expect(undone == [], "\(line), refused: \(undone)")
            let apply = try host.bulkhead("apply", "manifests", "--yes")
            #expect(apply.status == 0, "\(line): \(apply.errors)")
            let differences = try HostDump(host).differences(from: before)
            #expect(differences == [], "\(line), repaired: \(differences)")
            let again = try host.bulkhead("drift", "manifests")
            #expect(again.status == 0, "\(line), repaired: \(again.output)\(again.errors)")
        }
    }

    @Test func aFileThatBecameALinkIsForeign() throws {
        let host = try ScratchHost()
        try host.write("all.yaml", Self.manifests)
        #expect(try host.bulkhead("apply", "manifests", "--yes").status == 0)
        try host.sh("rm etc/a/hosts; ln -s /etc/hosts etc/a/hosts")
        #expect(try host.bulkhead("drift", "manifests").status != 0)
        let refused = try host.bulkhead("apply", "manifests", "--yes")
        #expect(refused.status == 1)
        let lines = refused.errors.split(separator: "\n")
        #expect(
            lines.first?.hasSuffix(
                "/etc/a/hosts is there and is not bulkhead's; move it away, or put its contents into `dns` and `hostAliases`"
            )
                == true, "\(refused.errors)")
        try host.sh("rm etc/a/hosts")
        #expect(try host.bulkhead("apply", "manifests", "--yes").status == 0)
    }

    private static let manifests = """
        apiVersion: bulkhead.dev/v1alpha1
        kind: Network
        metadata: {name: web}
        spec:
          type: nat
          subnets: [{prefix: 10.88.0.0/24}, {prefix: "fd00:88::/64"}]
          dns: {servers: [10.88.0.53]}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Endpoint
        metadata: {name: a}
        spec: {network: web, addresses: [10.88.0.10, "fd00:88::10"]}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Endpoint
        metadata: {name: b}
        spec: {network: web, addresses: [10.88.0.11, "fd00:88::11"]}
        """
}
