import Foundation
import TestSupport
import Testing

/// `import`: what somebody made by hand becomes manifests, and an apply takes it over where it is.
@Suite struct ImportTests {
    /// A bridge with two namespaces on it and NAT, as people make it with `ip` and `nft`, and a host beyond it.
    private func site() throws -> (host: ScratchHost, world: ScratchHost) {
        let (host, world) = (try ScratchHost(), try ScratchHost())
        try host.connect("wan", ["192.0.2.1/24"], to: world, "eth0", ["192.0.2.2/24"])
        try host.sh(
            """
            echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding
            ip link add br0 type bridge; ip address add 10.9.0.1/24 dev br0; ip address add fd00:9::1/64 dev br0 nodad
            ip link set br0 up
            for n in 1 2; do
              case $n in 1) name=web;; 2) name=db;; esac
              ip netns add $name
              ip link add v-$name address 02:00:00:00:01:0$n type veth peer name eth0 address 02:00:00:00:00:0$n netns $name
              ip link set v-$name master br0 up
              ip -n $name link set lo up; ip -n $name link set eth0 up
              ip -n $name address add 10.9.0.1$n/24 dev eth0; ip -n $name address add fd00:9::1$n/64 dev eth0 nodad
              ip -n $name route add default via 10.9.0.1; ip -n $name route add default via fd00:9::1
            done
            ip -n db link set eth0 mtu 1400
            ip -n db route add 10.50.0.0/16 via 10.9.0.11 metric 7
            nft -f - <<-END
            table ip nat {
              chain prerouting {
                type nat hook prerouting priority -100;
                tcp dport 8080 dnat to 10.9.0.11:80
                iifname "wan" udp dport 53 dnat to 10.9.0.12
              }
              chain postrouting { type nat hook postrouting priority 100; ip saddr 10.9.0.0/24 oifname "wan" masquerade; }
            }
            END
            """)
        return (host, world)
    }

    /// The command of the first comment, run as it stands.
    private func takeOver(_ host: ScratchHost, _ manifests: String) throws -> ScratchHost.Result {
        try host.write("imported.yaml", manifests)
        let lines = manifests.split(separator: "\n").drop { !$0.hasPrefix("#   bulkhead apply") }
        let end = try #require(lines.firstIndex { $0.hasSuffix("FILE") })
        let words = lines[...end].joined(separator: " ").split(separator: " ").filter { $0 != "#" && $0 != "\\" }
            .map(String.init)
        return try host.run(
            [ScratchHost.binary] + words.dropFirst().dropLast() + [
                "--yes", "--host", "node-a", "manifests/imported.yaml",
            ])
    }

    private func isInSync(_ host: ScratchHost) throws -> Bool {
        let plan = try host.bulkhead("plan", "manifests", "--detailed-exitcode", "--host", "node-a")
        return plan.status == 0 && plan.output.hasSuffix("In sync: nothing to do.\n")
    }

    /// Pings from `web` to all of these while something is done; those that lost more answers than were under way, whose
    /// question the new rules have not seen.
    private func losses(_ host: ScratchHost, _ targets: [String], while body: () throws -> Void) throws -> [String] {
        let pings = try targets.map { try host.start(["ip", "netns", "exec", "web", "ping", "-i", "0.1", $0]) }
        for ping in pings { ping.waitForOutput() }
        try body()
        return try zip(pings, targets).compactMap { ping, target in
            ping.signal(SIGINT)
            let numbers = try ping.finish().output.matches(of: #/icmp_seq=(\d+)/#).compactMap { Int($0.1) }
            let missing = Set(1...(numbers.max() ?? 1)).subtracting(numbers)
            return missing.count > 2 ? "\(target): \(missing.sorted())" : nil
        }
    }

    private func publishes(_ host: ScratchHost, to world: ScratchHost) throws -> Bool {
        let server =
            "import socket; s = socket.create_server(('10.9.0.11', 80)); print('ready', flush=True); s.accept()"
        let web = try host.start(["ip", "netns", "exec", "web", "python3", "-c", server])
        web.waitForOutput()
        defer { web.signal(SIGKILL) }
        let client = "import socket; socket.create_connection(('192.0.2.1', 8080), 20)"
        return try world.run(["python3", "-c", client]).status == 0
    }

    @Test func aHostMadeByHandIsTakenOverInPlace() throws {
        let (host, world) = try site()
        let before = try HostDump(host)
        let result = try host.bulkhead("import", "--host", "node-a")
        #expect(result.status == 0)
        try expectFixture("hand-made.yaml", result.output)
        #expect(
            result.errors
                == "warning: left out: rule in table ip nat, chain prerouting: it says more than a manifest can, and stays: iifname \"wan\" udp dport 53 dnat to 10.9.0.12\n"
        )
        #expect(try HostDump(host).differences(from: before) == [], "nothing is changed")
        #expect(try host.bulkhead("import", "--host", "node-a").output == result.output)
        try host.write("imported.yaml", result.output)
        #expect(try host.bulkhead("validate", "manifests").output == "5 documents are valid.\n")

        let bridge = try host.sh("cat /sys/class/net/br0/address")
        let lost = try losses(host, ["10.9.0.1", "10.9.0.12", "fd00:9::1", "fd00:9::12", "192.0.2.2"]) {
            let applied = try takeOver(host, result.output)
            #expect(applied.status == 0, "\(applied.errors)")
        }
        #expect(lost == [])
        #expect(try isInSync(host))
        let after = try HostDump(host)
        #expect(after.changedIdentities(from: before) == [])
        let words = [
            "-": ["v-web", "v-db", "default", "10.50.0.0/16", "accept_r", "accept_source_route", "addr_gen_mode"],
            "+": ["bulkhead"],
        ]
        let unexpected = after.differences(from: before).filter { line in
            !(words["-"] ?? []).contains(where: line.contains) && !(words["+"] ?? []).contains(where: line.contains)
        }
        #expect(unexpected == [])
        #expect(
            try host.sh("cat /sys/class/net/br0/address") == bridge, "a port that gives the bridge its MAC keeps it")
        #expect(try publishes(host, to: world))
    }

    /// With the name of bulkhead's own the bridge is a network of its own, and ports by hand are published ports.
    @Test func aBridgeThatIsHandedOverIsTakenOverInPlace() throws {
        let (host, world) = try site()
        let advice = try host.bulkhead("import").output
        #expect(advice.contains("#   ip link set dev br0 name bh-br0\n"))
        try host.sh("ip link set dev br0 name bh-br0")
        let before = try HostDump(host)
        let result = try host.bulkhead("import", "--host", "node-a")
        try expectFixture("handed-over.yaml", result.output)
        for gateway in ["10.9.0.1", "fd00:9::1"] { try host.sh("ip netns exec web ping -c 1 -W 20 \(gateway)") }
        let applied = try takeOver(host, result.output)
        #expect(applied.status == 0, "\(applied.errors)")
        // The bridge has another MAC now, and whoever knew the old one was told.
        let mac = try host.sh("cat /sys/class/net/bh-br0/address").prefix { $0 != "\n" }
        for gateway in ["10.9.0.1", "fd00:9::1"] {
            let known = try host.sh("ip -n web neighbour show \(gateway)")
            #expect(known.contains(mac), "\(known)")
        }
        #expect(
            try host.sh("cat /proc/sys/net/ipv4/conf/bh-br0/arp_notify /proc/sys/net/ipv6/conf/bh-br0/ndisc_notify")
                == "0\n0\n")
        #expect(
            try host.sh("ip link show bh-br0").contains("mtu 1500"), "the smaller MTU of a card is not the bridge's")
        #expect(try isInSync(host))
        #expect(try HostDump(host).changedIdentities(from: before) == [])
        // The rules by hand go, as the comments say, and all is as before.
        let removals = result.output.matches(of: #/when it is applied: (nft delete rule .*)/#).map { String($0.1) }
        #expect(removals.count == 2)
        for line in removals { try host.sh(line) }
        #expect(try publishes(host, to: world))
        #expect(try host.sh("ip netns exec web ping -c 1 -W 20 192.0.2.2").contains(" 0% packet loss"))
        #expect(try isInSync(host))
    }

    /// What bulkhead made, and somebody took its marks from: the manifests are lost, and no difference but the marks.
    @Test func whatBulkheadMadeComesBackWithoutItsManifests() throws {
        let host = try ScratchHost()
        try host.write(
            "all.yaml",
            """
            apiVersion: bulkhead.dev/v1alpha1
            kind: Network
            metadata: {name: a-rather-long-name}
            spec:
              type: nat
              subnets: [{prefix: 10.88.0.0/24}, {prefix: "fd00:88::/64"}]
              dns: {servers: [10.88.0.53], search: [example.test], options: [ndots:2]}
            ---
            apiVersion: bulkhead.dev/v1alpha1
            kind: Network
            metadata: {name: inside}
            spec: {type: internal, subnets: [{prefix: 10.89.0.0/24}], mtu: 1400}
            ---
            apiVersion: bulkhead.dev/v1alpha1
            kind: Network
            metadata: {name: alone}
            spec: {type: private, subnets: [{prefix: 10.90.0.0/24}]}
            ---
            apiVersion: bulkhead.dev/v1alpha1
            kind: Compartment
            metadata: {name: pod}
            spec: {namespace: {name: elsewhere}}
            ---
            apiVersion: bulkhead.dev/v1alpha1
            kind: Endpoint
            metadata: {name: another-long-name}
            spec:
              network: a-rather-long-name
              portMappings: [{hostPort: 8080, port: 80}, {protocol: udp, hostPort: 53, port: 5353, hostAddress: 0.0.0.0}]
            ---
            apiVersion: bulkhead.dev/v1alpha1
            kind: Endpoint
            metadata: {name: one}
            spec: {network: inside, compartment: pod, interface: eth0}
            ---
            apiVersion: bulkhead.dev/v1alpha1
            kind: Endpoint
            metadata: {name: two}
            spec: {network: alone, compartment: pod, interface: eth1}
            """)
        try #require(try host.bulkhead("apply", "--yes", "--host", "node-a", "manifests").status == 0)
        let before = try HostDump(host)
        try host.sh("rm manifests/all.yaml; for l in $(ls /sys/class/net); do ip link set dev $l alias ''; done")
        let result = try host.bulkhead("import", "--host", "node-a")
        #expect(result.errors == "")
        let changes = result.output.matches(of: #/#   change \S+: (.*)/#).map { String($0.1) }
        #expect(Set(changes) == ["bulkhead's mark"] && changes.count == 6, "\(result.output)")
        #expect(result.output.contains("apply --no-prune"))
        let applied = try takeOver(host, result.output)
        #expect(applied.status == 0, "\(applied.errors)")
        #expect(applied.output.contains("Done: 0 created, 6 changed, 0 replaced, 0 deleted"), "\(applied.output)")
        #expect(try isInSync(host))
        #expect(try HostDump(host).differences(from: before) == [])
    }

    @Test func anEmptyHostSaysSo() throws {
        let host = try ScratchHost()
        let result = try host.bulkhead("import", "--host", "node-a")
        #expect(result.status == 0)
        #expect(
            result.output
                == "# What `bulkhead import` found on node-a; nothing was changed.\n# There is nothing here that a manifest could say.\n"
        )
    }

    @Test func programsReadIt() throws {
        let (host, _) = try site()
        let document = try host.json("import", "--host", "node-a")
        #expect(document["format"] as? String == "bulkhead.import/v1")
        #expect(document["adopt"] as? [String] == ["Endpoint/db", "Endpoint/web"])
        #expect((document["leftOut"] as? [[String: Any]])?.count == 1)
        try host.write("imported.yaml", try #require(document["manifests"] as? String))
        #expect(try host.bulkhead("validate", "manifests").status == 0)
    }

    /// Compares with the file of that name, but for settings, of which kernels have different ones; `BULKHEAD_RECORD=1` writes
    /// it.
    private func expectFixture(_ name: String, _ output: String) throws {
        let text = output.replacing(#/#   (bridge|card) [^\n]*: net/[^\n]*\n/#, with: "")
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Fixtures/import/\(name)")
        if ProcessInfo.processInfo.environment["BULKHEAD_RECORD"] == "1" {
            try text.write(to: file, atomically: true, encoding: .utf8)
        }
        #expect(try String(contentsOf: file, encoding: .utf8) == text)
    }
}
