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
    ]

    static let links = [
        Case("loopback down", "ip -n a link set lo down", names: "lo"),
        Case("card down", "ip -n a link set eth0 down", names: "eth0"),
        Case("port down", "ip link set ep-a down", names: "ep-a"),
        Case("bridge down", "ip link set bh-web down", names: "bh-web"),
        Case("card's MTU", "ip -n a link set eth0 mtu 1400", names: "1400"),
        Case("port's MTU", "ip link set ep-a mtu 1400", names: "1400"),
        Case("bridge's MTU", "ip link set bh-web mtu 1400", names: "1400"),
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
        Case("hosts file edited", "echo 10.0.0.1 evil >> etc/a/hosts", names: "hosts"),
        Case("hosts file gone", "rm etc/a/hosts", names: "hosts"),
        Case(
            "rule deleted",
            "nft delete rule inet bulkhead forward handle $(nft -a list chain inet bulkhead forward | sed -n 's/.*untracked.*handle //p')",
            names: "forward"),
        Case("rule inserted", "nft insert rule inet bulkhead forward accept", names: "forward"),
        Case("rule at the end", "nft add rule bridge bulkhead prerouting accept", names: "prerouting"),
        Case("element removed", "nft delete element inet bulkhead bridges '{ \"bh-web\" }'", names: "bh-web"),
        Case("element added", "nft add element bridge bulkhead sources4 '{ \"ep-a\" . 10.9.9.9 }'", names: "10.9.9.9"),
        Case("chain policy", "nft chain inet bulkhead forward '{ policy drop; }'", names: "forward"),
        Case("surplus chain", "nft add chain inet bulkhead surplus", names: "surplus"),
        Case("surplus set", "nft add set inet bulkhead more '{ type mark; }'", names: "more"),
        Case("chain emptied", "nft flush chain bridge bulkhead prerouting", names: "prerouting"),
        Case("table deleted", "nft delete table bridge bulkhead", names: "bridge bulkhead"),
        Case("ruleset flushed", "nft flush ruleset", names: "inet bulkhead"),
    ]

    @Test func addressesRoutesAndNeighbours() throws { try check(Self.addresses) }
    @Test func linksAndNamespaces() throws { try check(Self.links) }
    @Test func settingsFilesAndRules() throws { try check(Self.settings) }

    private func check(_ cases: [Case]) throws {
        let host = try ScratchHost()
        try host.write("all.yaml", Self.manifests)
        #expect(try host.bulkhead("apply", "manifests", "--yes").status == 0)
        for item in cases {
            try host.sh(item.line)
            let drift = try host.bulkhead("drift", "manifests")
            #expect(drift.status == 2, "\(item): \(drift.output)\(drift.errors)")
            #expect(drift.output.contains(item.names), "\(item): \(drift.output)")
            let apply = try host.bulkhead("apply", "manifests", "--yes")
            #expect(apply.status == 0, "\(item): \(apply.errors)")
            let again = try host.bulkhead("drift", "manifests")
            #expect(again.status == 0, "\(item), repaired: \(again.output)\(again.errors)")
        }
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

    @Test func aFileThatBecameALinkIsForeign() throws {
        let host = try ScratchHost()
        try host.write("all.yaml", Self.manifests)
        #expect(try host.bulkhead("apply", "manifests", "--yes").status == 0)
        try host.sh("rm etc/a/hosts; ln -s /etc/hosts etc/a/hosts")
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
