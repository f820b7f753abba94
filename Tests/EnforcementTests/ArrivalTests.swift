import Foundation
import TestSupport
import Testing

/// What is sent to an address before the endpoint with it comes.
@Suite struct ArrivalTests {
    /// A datagram every 20 ms from one port to another until it is stopped; what cannot be sent now is tried again.
    private static let sender = """
        import socket, sys, time
        s = socket.socket(socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
        s.bind(('', 5000)); print('ready', flush=True)
        for n in range(1500):
            try: s.sendto(b'from before', (sys.argv[1], 7000))
            except OSError: pass
            time.sleep(0.02)
        """
    private static let marker = "from before".utf8.map { String($0, radix: 16) }.joined()

    /// A host with an endpoint on another network, whose compartment is there; `a` comes later.
    private func host() throws -> PolicyHost {
        let web = try PolicyHost([])
        try web.host.write(
            "base.yaml", Self.network("other", "10.99.0.0/24", "fd00:99::/64") + Self.endpoint("a", "other", "eth9", 99)
        )
        try web.apply()
        return web
    }

    private static func network(_ name: String, _ four: String, _ six: String) -> String {
        """
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Network
        metadata: {name: \(name)}
        spec: {type: nat, subnets: [{prefix: \(four)}, {prefix: "\(six)"}]}

        """
    }

    private static func endpoint(_ name: String, _ network: String, _ card: String, _ number: Int) -> String {
        """
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Endpoint
        metadata: {name: \(name)-\(network), labels: {on: \(network)}}
        spec: {network: \(network), compartment: \(name), interface: \(card), addresses: [10.\(number).0.10, "fd00:\(number)::10"]}

        """
    }

    /// Whether what somebody has sent since before `a` came on `web` reaches it.
    private func reaches(
        _ web: PolicyHost, policy: String, networkIsThere: Bool, from other: ScratchHost?, to address: String
    ) throws -> Bool {
        if networkIsThere {
            try web.host.write("web.yaml", Self.network("web", "10.88.0.0/24", "fd00:88::/64"))
            try web.apply()
        }
        let sender = try (other ?? web.host).start(["python3", "-c", Self.sender, address])
        sender.waitForOutput()
        defer { sender.signal(SIGKILL) }
        // Some are on their way, and some wait for a neighbour.
        usleep(400_000)
        let rig = AttackRig(web)
        let attack = AttackRig.Attack(name: "from before", frames: [], marker: Self.marker, passes: false)
        let watcher = try rig.watch([attack], "any", in: "a")
        try web.host.write(
            "web.yaml", Self.network("web", "10.88.0.0/24", "fd00:88::/64") + Self.endpoint("a", "web", "eth0", 88))
        try web.policies([
            ("a-in", "appliesTo: {endpoints: {matchLabels: {on: web}}}\ningress: {default: \(policy)}")
        ])
        try web.apply()
        // It is sent on and on.
        usleep(1_500_000)
        return try !rig.names([attack], watcher).isEmpty
    }

    @Test(arguments: ["10.88.0.10", "fd00:88::10"], [false, true])
    func whatTheHostSendsIsJudged(_ address: String, _ networkIsThere: Bool) throws {
        for (policy, passes) in [("deny", false), ("allow", true)] {
            let web = try host()
            // Where there is no network yet, it goes out by the default route.
            let lan = try web.neighbour()
            defer { withExtendedLifetime(lan) {} }
            try web.host.sh("ip route add default via 192.0.2.9; ip -6 route add default via 2001:db8::9")
            #expect(
                try reaches(web, policy: policy, networkIsThere: networkIsThere, from: nil, to: address) == passes,
                "\(policy)")
        }
    }

    /// A host that forwards anyhow, and has no network yet: what comes from outside passes it, and is known.
    @Test func whatComesFromOutsideIsJudged() throws {
        for (policy, passes) in [("deny", false), ("allow", true)] {
            let web = try host()
            let lan = try web.neighbour()
            try web.host.sh("sysctl -qw net.ipv4.ip_forward=1; ip route add default via 192.0.2.9")
            #expect(try !reaches(web, policy: policy, networkIsThere: false, from: lan, to: "10.88.0.10"), "published")
            // Where routed traffic may come in, the policy decides.
            let base = web.host.folder.appendingPathComponent("manifests/web.yaml")
            let text = try String(contentsOf: base, encoding: .utf8)
            try web.host.write(
                "web.yaml", text.replacingOccurrences(of: "type: nat,", with: "type: nat, inbound: routed,"))
            try web.apply()
            let result = try lan.start(["python3", "-c", Self.sender, "10.88.0.10"])
            defer { result.signal(SIGKILL) }
            let rig = AttackRig(web)
            let attack = AttackRig.Attack(name: "now", frames: [], marker: Self.marker, passes: passes)
            let watcher = try rig.watch([attack], "any", in: "a")
            usleep(1_500_000)
            #expect(try rig.names([attack], watcher).isEmpty != passes, "\(policy)")
        }
    }

    /// A sibling knows the MAC that an endpoint will have, and sends to it before it is there.
    @Test func whatASiblingSendsIsJudged() throws {
        for (policy, passes) in [("deny", false), ("allow", true)] {
            let web = try PolicyHost(["a", "m"])
            try web.policies([
                ("a-in", "appliesTo: {endpoints: {matchLabels: {app: a}}}\ningress: {default: \(policy)}")
            ])
            try web.apply()
            let rig = AttackRig(web)
            let people = try rig.people(own: "m", sibling: "m")
            let base = web.host.folder.appendingPathComponent("manifests/base.yaml")
            let all = try String(contentsOf: base, encoding: .utf8)
            let documents = all.components(separatedBy: "---\n")
            try web.host.write("base.yaml", documents.filter { !$0.contains("name: a,") }.joined(separator: "---\n"))
            try web.policies([])
            try web.apply()
            // From the sibling's own address, by the very frames that will be sent again; `m` is the second endpoint.
            var own = people
            own["own4"] = "10.88.0.11"
            own["own6"] = "fd00:88::11"
            let frames = try rig.craft("spoofing", own).filter { $0.name.hasPrefix("control udp") }
            #expect(frames.count == 2)
            _ = try rig.seen(frames, watch: "ep-m", in: nil)
            try web.host.write("base.yaml", all)
            try web.policies([
                ("a-in", "appliesTo: {endpoints: {matchLabels: {app: a}}}\ningress: {default: \(policy)}")
            ])
            try web.apply()
            #expect(try rig.seen(frames).count == (passes ? 2 : 0), "\(policy)")
        }
    }
}
