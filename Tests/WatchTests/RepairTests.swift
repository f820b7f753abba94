import Foundation
import TestSupport
import Testing

/// What somebody changes is put right when the kernel says so.
@Suite(.enabled(if: Watched.needs, Comment(rawValue: Watched.needsText))) struct RepairTests {
    @Test func whatIsChangedOnTheHostIsPutRight() throws {
        let watched = try Watched(Watched.network, Watched.endpoint("a"), Watched.endpoint("b"))
        let host = watched.host
        try host.sh("ip address del 10.88.0.1/24 dev bh-web")
        let address = try watched.waitForRepair(of: "add address 10.88.0.1/24 to bh-web")
        let author = (address["authors"] as? [String])?.first ?? ""
        #expect(author.wholeMatch(of: #/ip \(pid \d+\)|pid \d+, which has ended/#) != nil, "\(address)")
        #expect((address["milliseconds"] as? Int ?? -1) >= 0)
        try host.sh("ip link set bh-web mtu 1400")
        try watched.waitForRepair(of: "change bh-web: mtu 1400 → 1500")
        try host.sh("ip link del ep-a")
        try watched.waitForRepair(of: "create veth ep-a")
        try host.sh("ip link del bh-web")
        try watched.waitForRepair(of: "create bridge bh-web")
        try watched.settle()
        #expect(try host.ping("10.88.0.1", from: "a"))
    }

    @Test func rulesThatAreFlushedAreBack() throws {
        let watched = try Watched(Watched.network, Watched.endpoint("a"))
        try watched.host.sh("nft flush ruleset")
        let repaired = try watched.waitForRepair(of: "create firewall")
        #expect((repaired["authors"] as? [String])?.first?.hasPrefix("nft (pid ") == true, "\(repaired)")
        // What a firewall's manager does: all goes, and its own rules come, in one transaction.
        let own = "table inet firewalld { chain filter_FORWARD { type filter hook forward priority 10; accept; }; }"
        for _ in 0..<3 {
            try watched.host.sh("printf 'flush ruleset\\n\(own)\\n' | nft -f -")
            try watched.waitForRepair(of: "create firewall")
        }
        try watched.host.sh("nft delete chain inet bulkhead forward 2>&1 || nft flush table inet bulkhead")
        try watched.wait(for: "repaired")
        try watched.settle()
        #expect(try watched.host.sh("nft list tables").contains("inet firewalld"))
    }

    /// The table of another is nobody's business.
    @Test func rulesOfOthersAreLeftAlone() throws {
        let watched = try Watched(Watched.network, Watched.endpoint("a"), options: Watched.onlyWhenTold)
        try watched.settle(for: Watched.rest)
        let before = watched.looks
        try watched.host.sh("nft add table inet other; nft add chain inet other c; nft delete table inet other")
        usleep(500_000)
        #expect(watched.looks == before, "\(watched.errors)")
    }

    @Test func namespacesThatGoComeBack() throws {
        let watched = try Watched(Watched.network, Watched.endpoint("a"), Watched.endpoint("b"))
        let host = watched.host
        for _ in 0..<2 {
            try host.sh("ip netns del a")
            try watched.waitForRepair(of: "create namespace a")
            try watched.settle()
        }
        // The namespace of before does not live on in the sockets of who listened there.
        #expect(try host.sh("ip -o link show type veth | grep -c ep-") == "2\n")
        // It is listened to again.
        try host.sh("ip netns exec a ip route del default")
        try watched.waitForRepair(of: "add route default via 10.88.0.1 on eth0 in a")
    }

    @Test func aNamespaceThatIsReplacedIsForeign() throws {
        let watched = try Watched(Watched.network, Watched.endpoint("a"), Watched.endpoint("b"))
        try watched.unseen { try watched.host.sh("ip netns del a; ip netns add a") }
        let refused = try watched.wait(for: "refused")
        let words = refused["message"] as? String ?? ""
        #expect(words.contains("namespace a exists and bulkhead did not make it"), "\(words)")
        try watched.host.sh("ip netns del a")
        try watched.waitForRepair(of: "create namespace a")
        try watched.settle()
    }

    @Test func whatIsChangedInACompartmentIsPutRight() throws {
        let watched = try Watched(Watched.network, Watched.endpoint("a"))
        let host = watched.host
        func inside(_ command: String) throws { try host.sh("ip netns exec a \(command)") }
        try inside("ip address add 192.0.2.9/32 dev eth0")
        try watched.waitForRepair(of: "remove address 192.0.2.9/32")
        try inside("ip rule add from 192.0.2.9 lookup 7")
        try watched.wait(for: "repaired")
        try inside("ip neighbour add 10.88.0.77 lladdr 02:00:00:00:00:77 dev eth0 nud permanent")
        try watched.wait(for: "repaired")
        try inside("ip link set eth0 down")
        try watched.wait(for: "repaired")
        try watched.settle()
    }

    /// A namespace that somebody else made, and that the manifests use as it is.
    @Test func adoptedNamespacesAreListenedTo() throws {
        let host = try ScratchHost()
        try host.sh("ip netns add theirs")
        try host.write(
            "all.yaml",
            Watched.network + """
                ---
                apiVersion: bulkhead.dev/v1alpha1
                kind: Compartment
                metadata: {name: theirs}
                spec: {namespace: {path: /run/netns/theirs}}

                """ + Watched.endpoint("c", ", compartment: theirs"))
        let watched = try Watched(on: host)
        try host.sh("ip netns exec theirs ip route del default")
        try watched.waitForRepair(of: "add route default via 10.88.0.1 on eth0 in ")
        // It goes, and is not held.
        try host.sh("ip netns del theirs")
        let refused = try watched.wait(for: "refused")
        #expect("\(refused["message"] ?? "")".contains("theirs"), "\(refused)")
        try watched.until("the card stays") { try host.run(["ip", "link", "show", "ep-c"]).status != 0 }
        try host.sh("ip netns add theirs")
        try watched.waitForRepair(of: "create veth ep-c")
        try watched.settle()
    }

    /// A namespace of a process, which goes with it though somebody listens there.
    @Test func namespacesOfProcessesAreNotHeld() throws {
        let host = try ScratchHost()
        let process = try host.start(["unshare", "--net", "sh", "-c", "ip link set lo up; echo ready; exec sleep 1000"])
        defer { process.signal(SIGKILL) }
        process.waitForOutput()
        try host.write(
            "all.yaml",
            Watched.network + """
                ---
                apiVersion: bulkhead.dev/v1alpha1
                kind: Compartment
                metadata: {name: theirs}
                spec: {namespace: {path: /proc/\(process.processID)/ns/net}}

                """ + Watched.endpoint("c", ", compartment: theirs"))
        let watched = try Watched(on: host)
        try host.run(["nsenter", "--target", "\(process.processID)", "--net", "ip", "route", "del", "default"])
        try watched.waitForRepair(of: "add route default via 10.88.0.1 on eth0 in ")
        try watched.settle()
        process.signal(SIGKILL)
        _ = try process.finish()
        try watched.until("the card stays") { try host.run(["ip", "link", "show", "ep-c"]).status != 0 }
    }

    /// What a VXLAN device sends where, and whom it answers for, is made by bulkhead and by nobody else.
    @Test func neighboursOfAnOverlayArePutRight() throws {
        let (host, other) = (try ScratchHost(), try ScratchHost())
        try host.connect("eth0", ["192.0.2.1/24"], to: other, "eth0", ["192.0.2.2/24"])
        try host.write("all.yaml", Self.overlay)
        let watched = try Watched(on: host, ["--host", "node-a"])
        let entries =
            "bridge fdb show dev vx-web | grep -c 'dst 192.0.2.2'; ip neighbour show dev bh-web nud permanent | wc -l"
        let before = try host.sh(entries)
        try host.sh(
            "bridge fdb del $(bridge fdb show dev vx-web | sed -n 's/^\\([0-9a-f:]*\\) dst 192.0.2.2.*/\\1/p' | head -1) dev vx-web self"
        )
        try watched.wait(for: "repaired")
        try watched.until("entries are missing") { try host.sh(entries) == before }
    }

    /// So is what the router of an overlay's gateway knows, and the router itself.
    @Test func theRouterOfAGatewayIsPutRight() throws {
        let (host, other) = (try ScratchHost(), try ScratchHost())
        try host.connect("eth0", ["192.0.2.1/24"], to: other, "eth0", ["192.0.2.2/24"])
        try host.write(
            "all.yaml",
            Self.overlay.replacing("{prefix: 10.88.0.0/24}", with: "{prefix: 10.88.0.0/24, gateway: 10.88.0.1}"))
        let watched = try Watched(on: host, ["--host", "node-a"])
        try watched.unseen { try host.sh("ip -n router-web neighbour flush nud permanent dev gateway") }
        try watched.waitForRepair(of: "write 2 entries for gateway in router-web")
        try host.sh("ip -n router-web link set gateway down")
        try watched.waitForRepair(of: "change gateway in router-web: state down → up")
        try host.sh("ip netns delete router-web")
        try watched.waitForRepair(of: "create namespace router-web")
        try watched.until("it is not as it was") {
            try host.bulkhead("drift", "--host", "node-a", "manifests").status == 0
        }
    }

    /// The way of an l2bridge: a route that goes is put back, and whom the uplink learns of is no news.
    @Test func theWayOfAnL2BridgeIsPutRight() throws {
        let (host, other) = (try ScratchHost(), try ScratchHost())
        try host.connect("eth1", ["192.0.2.1/24"], to: other, "eth0", ["192.0.2.2/24"])
        try host.write(
            "all.yaml",
            """
            apiVersion: bulkhead.dev/v1alpha1
            kind: Network
            metadata: {name: lan}
            spec: {type: l2bridge, uplink: {interface: eth1}, subnets: [{prefix: 192.0.2.0/24}]}
            ---
            apiVersion: bulkhead.dev/v1alpha1
            kind: Endpoint
            metadata: {name: a}
            spec: {network: lan, addresses: [192.0.2.10]}
            """)
        let watched = try Watched(on: host, Watched.onlyWhenTold)
        try host.sh("ip route del 192.0.2.10 dev bh-lan")
        try watched.waitForRepair(of: "add route 192.0.2.10/32 on bh-lan")
        try watched.settle(for: Watched.rest)
        let before = watched.looks
        for _ in 0..<3 { try host.sh("ip neigh flush dev eth1; ping -c1 -W60 192.0.2.2 >/dev/null") }
        usleep(500_000)
        #expect(watched.looks == before, "\(watched.errors)")
    }

    private static let overlay = """
        apiVersion: bulkhead.dev/v1alpha1
        kind: Host
        metadata: {name: node-a}
        spec: {underlay: {address: 192.0.2.1}}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Host
        metadata: {name: node-b}
        spec: {underlay: {address: 192.0.2.2}}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Network
        metadata: {name: web}
        spec: {type: overlay, vxlan: {vni: 4096}, subnets: [{prefix: 10.88.0.0/24}]}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Endpoint
        metadata: {name: a}
        spec: {network: web, host: node-a}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Endpoint
        metadata: {name: b}
        spec: {network: web, host: node-b}
        """

    /// Forwarding and a few others, on the host and in compartments, long before everything is compared anyhow.
    @Test func settingsThatTheKernelTellsOfAreRepairedAtOnce() throws {
        let watched = try Watched(Watched.network, Watched.endpoint("a"), options: Watched.onlyWhenTold)
        try watched.settle()
        try watched.host.sh("echo 0 > /proc/sys/net/ipv4/conf/bh-web/forwarding")
        try watched.wait(for: "repaired")
        #expect(try watched.host.sh("cat /proc/sys/net/ipv4/conf/bh-web/forwarding") == "1\n")
        try watched.host.sh("ip netns exec a sh -c 'echo 1 > /proc/sys/net/ipv4/conf/all/forwarding'")
        try watched.wait(for: "repaired")
        #expect(try watched.host.sh("ip netns exec a cat /proc/sys/net/ipv4/conf/all/forwarding") == "0\n")
    }

    /// Nobody is told of most settings, and of files.
    @Test func whatTheKernelDoesNotTellIsFoundInTime() throws {
        let watched = try Watched(Watched.network, Watched.endpoint("a"), options: ["--interval", "1s"])
        try watched.host.sh("ip netns exec a sh -c 'echo 1 > /proc/sys/net/ipv4/conf/all/accept_source_route'")
        try watched.wait(for: "repaired")
        try watched.host.sh("echo 192.0.2.9 evil > etc/a/hosts")
        try watched.wait(for: "repaired")
        #expect(!(try watched.host.sh("cat etc/a/hosts")).contains("evil"))
    }

    /// What it does is told to it as well. It looks once more, finds nothing, and rests.
    @Test func itDoesNotReactToItself() throws {
        let watched = try Watched(Watched.network, Watched.endpoint("a"), options: Watched.onlyWhenTold)
        try watched.settle()
        let before = watched.looks
        try watched.host.sh("ip link del ep-a")
        try watched.waitForRepair(of: "create veth ep-a")
        try watched.settle(for: Watched.rest)
        // One that repairs, and a few that hear of it: the kernel itself says some things a second later.
        #expect(watched.looks - before < 12, "\(watched.errors)")
        let after = watched.looks
        sleep(3)
        #expect(watched.looks == after)
    }
}
