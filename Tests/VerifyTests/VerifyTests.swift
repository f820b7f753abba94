import Foundation
import TestSupport
import Testing

/// `bulkhead verify` with the real binary, kernel and packets.
@Suite struct VerifyTests {
    /// A host with these manifests applied.
    private func host(_ text: String) throws -> ScratchHost {
        let host = try ScratchHost()
        try host.write("all.yaml", text)
        let result = try host.bulkhead("apply", "manifests", "--yes")
        try #require(result.status == 0, "\(result.errors)")
        return host
    }

    static func document(_ kind: String, _ name: String, _ spec: String) -> String {
        "apiVersion: bulkhead.dev/v1alpha1\nkind: \(kind)\nmetadata: {name: \(name), labels: {app: \(name)}}\nspec: {\(spec)}\n---\n"
    }

    static let two =
        document("Network", "web", "type: nat, subnets: [{prefix: 10.1.0.0/24}]")
        + document("Endpoint", "a", "network: web, addresses: [10.1.0.10]")
        + document("Endpoint", "b", "network: web, addresses: [10.1.0.11]")
        + document(
            "Policy", "p",
            "appliesTo: {endpoints: {matchLabels: {app: b}}}, ingress: {default: deny, rules: [{action: allow, protocols: [{protocol: tcp, ports: [80-90]}]}]}"
        )

    /// Random networks and policies do what the model says: TCP, UDP and ping, both families, both ends of every
    /// range of ports, and published ports.
    /// `BULKHEAD_VERIFY_SEEDS=100-180` tries others, and more.
    private static let seeds: [UInt64] = {
        let text = ProcessInfo.processInfo.environment["BULKHEAD_VERIFY_SEEDS"] ?? "41-46"
        let ends = text.split(separator: "-").compactMap { UInt64($0) }
        return ends.count == 2 && ends[0] <= ends[1] ? Array(ends[0]...ends[1]) : ends
    }()

    @Test(arguments: seeds) func randomPoliciesDoWhatTheModelSays(seed: UInt64) throws {
        let manifests = RandomManifests(seed: seed)
        let host = try host(manifests.text())
        for step in 0..<3 {
            try host.write("all.yaml", manifests.text(step: step))
            let applied = try host.bulkhead("apply", "manifests", "--yes", "--quiet")
            try #require(applied.status == 0, "seed \(seed), step \(step):\n\(applied.errors)")
            let result = try host.bulkhead("verify", "manifests", "--limit", "400", "--seed", "\(seed)")
            #expect(result.status == 0, "seed \(seed), step \(step):\n\(result.output)\(result.errors)")
        }
    }

    /// The same beside a LAN and another Host. Of those machines none is tried, of the LAN the host's own addresses are.
    @Test(
        arguments: [Surroundings.uplink, .existingBridge, .overlays, .gateways], seeds.prefix(max(1, seeds.count / 6)))
    func randomPoliciesHoldBesideOthers(_ surroundings: Surroundings, seed: UInt64) throws {
        let manifests = RandomManifests(seed: seed, endpointCount: 8, surroundings: surroundings)
        let site = try Neighbourhood(surroundings, ScratchHost())
        for step in 0..<2 {
            try site.apply(manifests.text(step: step))
            let machine = try #require(site.machines.first)
            let verb = ["verify", "manifests", "--limit", "400", "--seed", "\(seed)"] + machine.options
            let result = try machine.host.run([ScratchHost.binary] + verb)
            #expect(
                result.status == 0, "\(surroundings), seed \(seed), step \(step):\n\(result.output)\(result.errors)")
        }
    }

    /// Every example of this host's own does what it says.
    @Test(arguments: [
        "policies", "two-tenants", "two-networks", "isolation", "pod", "private", "published-ports", "dual-stack",
    ])
    func examplesDoWhatTheySay(name: String) throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let folder = root.appendingPathComponent("examples/\(name)").path
        let host = try ScratchHost()
        let applied = try host.bulkhead("apply", folder, "--yes")
        try #require(applied.status == 0, "\(applied.errors)")
        let result = try host.bulkhead("verify", folder)
        #expect(result.status == 0, "\(result.output)\(result.errors)")
    }

    @Test func saysWhatItDidAndLeavesNothingBehind() throws {
        let host = try host(Self.two)
        let before = try host.sh("ip netns exec b ss -Hantu; ss -Hantu")
        let result = try host.bulkhead("verify", "manifests")
        #expect(result.status == 0)
        // Six pairs, ping; for b the ports around 80-90 too.
        #expect(result.output == "24 connections tried: 16 passed, 8 did not. All as the manifests say.\n")
        #expect(try host.sh("ip netns exec b ss -Hantu; ss -Hantu") == before)
        let json = try host.bulkhead("verify", "manifests", "--output", "json").output
        let found = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
        #expect(found["format"] as? String == "bulkhead.verify/v1")
        #expect(found["agrees"] as? Bool == true)
        #expect(found["tried"] as? Int == 24)
    }

    @Test func theSameSeedTriesTheSame() throws {
        let host = try host(Self.two)
        let first = try host.bulkhead("verify", "manifests", "--limit", "5", "--seed", "7", "--output", "json")
        let second = try host.bulkhead("verify", "manifests", "--limit", "5", "--seed", "7", "--output", "json")
        #expect(first.output == second.output)
        #expect(first.status == 0)
    }

    /// Somebody empties the policy's chain: what must not pass does, and is named with the rule that denies it.
    @Test func namesWhatPassesAndMustNot() throws {
        let host = try host(Self.two)
        try host.sh(
            "for chain in $(nft list table inet bulkhead | awk '/chain ingress-/ {print $2}'); do nft flush chain inet bulkhead $chain; nft add rule inet bulkhead $chain accept; done"
        )
        let result = try host.bulkhead("verify", "manifests")
        #expect(result.status == 2)
        #expect(
            result.output.contains(
                """
                a (10.1.0.10) → b (10.1.0.11), ping: must not pass, and does
                  egress of a: allowed, nothing denies it
                  ingress of b: denied by the default of Policy/p (manifests/all.yaml:19); no rule matches

                """))
        #expect(result.output.contains("a (10.1.0.10) → b (10.1.0.11), tcp 79: must not pass, and does\n"))
        #expect(!result.output.contains("tcp 80:"))
    }

    /// A chain of somebody else drops what the manifests allow.
    @Test func namesWhatShouldPassAndDoesNot() throws {
        let host = try host(Self.two)
        try host.sh("nft add table inet other; nft add chain inet other f '{type filter hook forward priority 50;}'")
        try host.sh("nft add rule inet other f tcp dport 90 drop")
        let result = try host.bulkhead("verify", "manifests")
        #expect(result.status == 2)
        #expect(
            result.output == """
                a (10.1.0.10) → b (10.1.0.11), tcp 90: should pass, and gets no answer
                  egress of a: allowed, nothing denies it
                  ingress of b: allowed by rule p/ingress-1 (manifests/all.yaml:19)
                24 connections tried: 15 passed, 9 did not. 1 not as the manifests say.

                """)
    }

    /// A service that has a port keeps it, and is not spoken to.
    @Test func leavesPortsAloneThatAreInUse() throws {
        let host = try host(Self.two)
        let server = try host.start([
            "ip", "netns", "exec", "b", "python3", "-c",
            "import socket; s=socket.create_server(('10.1.0.11', 80)); print('ready', flush=True); s.accept(); print('touched', flush=True)",
        ])
        server.waitForOutput()
        let result = try host.bulkhead("verify", "manifests")
        #expect(result.status == 0)
        #expect(result.output.contains("not tried: port 80 of 10.1.0.11 is in use (2 connections)\n"))
        server.signal(SIGKILL)
        #expect(try !server.finish().output.contains("touched"))
    }

    @Test func saysThatNothingIsThereYet() throws {
        let host = try ScratchHost()
        try host.write("all.yaml", Self.two)
        let result = try host.bulkhead("verify", "manifests")
        #expect(result.status == 1)
        #expect(
            result.errors.hasSuffix(" is not there; apply the manifests first\n")
                && result.errors.hasPrefix("bulkhead: namespace "))
    }
}
