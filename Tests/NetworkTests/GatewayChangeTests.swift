import Foundation
import TestSupport
import Testing

/// Gateways of overlays that come, change and go.
@Suite struct GatewayChangeTests {
    private static let networks = GatewaySite.networks() + GatewaySite.endpoints

    @Test func anEndpointIsItsOwnEntriesOnOtherHosts() throws {
        let site = try GatewaySite()
        try site.start()
        let overlays = site.overlays
        let new = GatewaySite.endpoint("bx", "blue", "node-b", 2, 29)
        let host = try overlays.host("node-a")
        let before = try HostDump(host)
        try overlays.write(Self.networks + [new])
        let plan = try overlays.plan("node-a")
        let steps = plan.split(separator: "\n").filter {
            $0.hasPrefix("  ") && !$0.contains("firewall") && !$0.contains("/hosts ")
        }
        .map { $0.prefix { $0 != "(" }.trimmingCharacters(in: .whitespaces) }
        // Its way and its addresses, and what the routers that lead to it know.
        #expect(
            steps.sorted()
                == [
                    "+ write 3 entries for gateway in router-blue", "+ write 2 entries for to-blue in router-green",
                    "+ write 2 entries for to-blue in router-red", "+ write 5 entries for Endpoint/bx on Host/node-b",
                ].sorted(), "\(plan)")
        try overlays.apply("node-b", "node-a")
        try site.expect(true, "ra", on: "node-a", 2, 29)
        #expect(try HostDump(host).changedIdentities(from: before) == [])
        // It moves to the host of its peer, and goes.
        try overlays.write(Self.networks + [new.replacingOccurrences(of: "node-b", with: "node-a")])
        try overlays.apply("node-b", "node-a", "node-c")
        try site.expect(true, "rb", on: "node-b", 2, 29)
        try site.expect(true, "bx", on: "node-a", 1, 10)
        try overlays.write(Self.networks)
        try overlays.apply("node-a", "node-b")
        #expect(try HostDump(host).differences(from: before) == [])
    }

    @Test func whatSomebodyDoesToARouterIsPutRight() throws {
        let site = try GatewaySite()
        try site.start()
        let host = try site.overlays.host("node-a")
        let before = try HostDump(host)
        for damage in [
            "ip -n router-red link set gateway down", "ip -n router-red link set to-blue down",
            "ip -n router-red neighbour delete 10.2.0.21 dev to-blue",
            "ip -n router-red neighbour replace 10.2.0.21 lladdr 02:00:00:00:00:99 dev to-blue nud permanent",
            "ip -n router-red neighbour add 10.2.0.99 lladdr 02:00:00:00:00:99 dev to-blue nud permanent",
            "ip -n router-red route delete 10.2.0.0/24", "ip -n router-red route add default dev to-blue",
            "ip -n router-red address delete 10.1.0.1/24 dev gateway",
            "ip -n router-red address add 10.2.0.1/24 dev to-blue",
            "ip -n router-red link set to-blue address 02:00:00:00:00:98",
            "ip netns exec router-red sysctl -q net.ipv4.conf.all.forwarding=0",
            "ip netns exec router-red sysctl -q net.ipv6.conf.all.forwarding=0",
            "ip netns exec router-red sysctl -q net.ipv4.conf.gateway.forwarding=0",
            "ip -n router-red link add way type veth peer name yaw",
            "ip link set rt-red_blue nomaster", "ip link delete rt-red_blue", "ip link delete gw-red",
            "ip netns delete router-red", "nft flush chain bridge bulkhead router",
            "bridge fdb delete $(ip -n router-red -o link show gateway | sed 's/.*ether //; s/ .*//') dev gw-red master",
        ] {
            try host.sh(damage)
            let drift = try host.bulkhead("drift", "--host", "node-a", "manifests")
            #expect(drift.status == 2, "\(damage): \(drift.output)\(drift.errors)")
            try site.overlays.apply("node-a")
            #expect(try HostDump(host).differences(from: before) == [], "\(damage)")
        }
        try site.expect(true, "ra", on: "node-a", 2, 21)
    }

    /// A network without gateway gets one, peers come and go, and nothing of it is left; each change that fails is undone.
    @Test func gatewaysComeAndGo() throws {
        let site = try GatewaySite()
        let overlays = site.overlays
        let plain = Self.networks.map { text in
            ["10.1.0.1", "10.2.0.1", "10.3.0.1"].reduce(text) {
                $0.replacingOccurrences(of: ", gateway: \($1)}", with: "}")
            }
            .replacing(#/, gateway: "fd0\d::1"/#, with: "").replacing(#/peerNetworks: .*/#, with: "")
        }
        try site.start(plain)
        let host = try overlays.host("node-a")
        let before = try HostDump(host)
        try site.expect(false, "ra", on: "node-a", 2, 20)
        func change(_ documents: [String], to isAnswered: Bool) throws {
            let start = try HostDump(host)
            try overlays.write(documents)
            try host.write("bad.yaml", Self.failing)
            let failed = try host.bulkhead("apply", "--yes", "--host", "node-a", "manifests")
            #expect(failed.status == 1, "\(failed.output)\(failed.errors)")
            #expect(failed.errors.contains("the kernel still differs"), "\(failed.errors)")
            #expect(try HostDump(host).differences(from: start) == [])
            try host.sh("rm manifests/bad.yaml")
            try overlays.apply("node-a", "node-b", "node-c")
            try site.expect(isAnswered, "ra", on: "node-a", 2, 20)
            try site.expect(isAnswered, "ra", on: "node-a", 2, 21)
        }
        try change(Self.networks, to: true)
        let alone = Self.networks.map {
            $0.replacingOccurrences(of: "peerNetworks: [{network: blue}]", with: "peerNetworks: []")
                .replacingOccurrences(of: "peerNetworks: [{network: red}, {network: green}]", with: "peerNetworks: []")
        }
        try change(alone, to: false)
        let links = try host.sh("ip -o link show")
        #expect(
            !links.contains("rt-red_blue") && links.contains("gw-red") && links.contains("rt-other_twin"), "\(links)")
        try change(plain, to: false)
        #expect(try HostDump(host).differences(from: before) == [])
    }

    /// A step that fails when all else was done.
    private static let failing = """
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Compartment
        metadata: {name: ra}
        spec: {sysctls: {net.ipv4.ip_default_ttl: "077"}}

        """

    /// What was let through before is looked at again when a policy comes.
    @Test func connectionsBetweenPeersAreCut() throws {
        let site = try GatewaySite()
        try site.start()
        let overlays = site.overlays
        let server = try overlays.host("node-b").start(
            ["ip", "netns", "exec", "bb", "python3", "-u", "-c", Self.echo], hasInput: false)
        server.waitForOutput()
        let client = try overlays.host("node-a").start(
            ["ip", "netns", "exec", "ra", "python3", "-u", "-c", Self.talk], hasInput: true)
        client.waitForOutput()
        #expect(try client.ask("one") == "one")
        let policy = """
            ---
            apiVersion: bulkhead.dev/v1alpha1
            kind: Policy
            metadata: {name: closed}
            spec: {appliesTo: {endpoints: {matchLabels: {app: bb}}}, ingress: {default: deny, rules: []}}

            """
        try overlays.write(Self.networks + [policy])
        let result = try overlays.host("node-b").bulkhead("apply", "--yes", "--host", "node-b", "manifests")
        #expect(result.output.contains("cut connections that are no longer allowed"), "\(result.output)")
        #expect(try client.ask("two") == "silence")
        server.signal(9)
        _ = try client.finish()
    }

    private static let echo = """
        import socket
        s = socket.create_server(('10.2.0.21', 7))
        print('listening')
        c, _ = s.accept()
        while data := c.recv(99): c.sendall(data)
        """
    private static let talk = """
        import socket, sys
        s = socket.create_connection(('10.2.0.21', 7))
        print('connected')
        for line in sys.stdin:
            s.settimeout(2 if line == 'two\\n' else 60)
            s.sendall(line.strip().encode())
            try: print(s.recv(99).decode())
            except TimeoutError: print('silence'); break
        """
}
