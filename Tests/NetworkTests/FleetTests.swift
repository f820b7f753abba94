import Foundation
import TestSupport
import Testing

/// One repository for several machines.
@Suite struct FleetTests {
    private static let manifests = """
        apiVersion: bulkhead.dev/v1alpha1
        kind: Host
        metadata: {name: node-a, labels: {rack: r1}}
        spec: {networks: {web: {outboundAddresses: [198.51.100.7]}}}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Host
        metadata: {name: node-b, labels: {rack: r2}}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Network
        metadata: {name: web}
        spec: {type: nat, subnets: [{prefix: 10.88.0.0/28}]}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Network
        metadata: {name: db}
        spec: {type: internal, subnets: [{prefix: 10.89.0.0/28}], hostSelector: {matchLabels: {rack: r2}}}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Endpoint
        metadata: {name: one}
        spec: {network: web, host: node-a}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Endpoint
        metadata: {name: two}
        spec: {network: web, host: node-b}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Endpoint
        metadata: {name: three}
        spec: {network: db, host: node-b}

        """

    private func host() throws -> ScratchHost {
        let host = try ScratchHost()
        try host.write("fleet.yaml", Self.manifests)
        return host
    }

    /// Runs with a name of the machine's own.
    private func named(_ name: String, _ host: ScratchHost, _ arguments: [String]) throws -> ScratchHost.Result {
        try host.run(
            ["unshare", "--uts", "sh", "-c", "hostname \"$0\" && exec \"$@\"", name, ScratchHost.binary] + arguments)
    }

    @Test func everyMachineTakesItsOwnShare() throws {
        let (a, b) = (try host(), try host())
        for (machine, name) in [(a, "node-a"), (b, "Node-B.example.test")] {
            let result = try named(name, machine, ["apply", "--yes", "manifests"])
            #expect(result.status == 0, "\(result.errors)")
        }
        #expect(try a.sh("ls /run/netns") == "one\n")
        #expect(try b.sh("ls /run/netns") == "three\ntwo\n")
        #expect(try a.sh("ip -br link show type bridge | cut -d' ' -f1") == "bh-web\n")
        #expect(try b.sh("ip -br link show type bridge | cut -d' ' -f1 | sort") == "bh-db\nbh-web\n")
        #expect(try a.sh("nft list chain inet bulkhead outbound-web").contains("snat ip to 198.51.100.7"))
        #expect(try b.sh("nft list chain inet bulkhead outbound-web").contains("masquerade"))
        // Unique over all hosts, though the switches are apart.
        let address = "ip -4 -br address show dev eth0 scope global | awk '{print $3}'"
        let (one, two) = (
            try a.sh("ip netns exec one \(address)"), try b.sh("ip netns exec two \(address)")
        )
        #expect(one != two)
        #expect(one.hasPrefix("10.88.0.") && two.hasPrefix("10.88.0."))
    }

    @Test func aMachineThatIsNoneOfThemIsAnError() throws {
        let host = try host()
        let before = try HostDump(host)
        for verb in [["plan"], ["drift"], ["apply", "--yes"]] {
            let result = try named("elsewhere.example.test", host, verb + ["manifests"])
            #expect(result.status == 1)
            #expect(
                result.errors
                    == "error: this machine, 'elsewhere', is not among the Hosts (node-a, node-b); declare it, or say which one it is with --host\n"
            )
        }
        #expect(try named("elsewhere", host, ["validate", "manifests"]).status == 0)
        #expect(try HostDump(host).differences(from: before) == [])
    }

    /// As in CI: no capability of any kind, and no machine of that name.
    @Test func aShareIsReviewedAnywhere() throws {
        let host = try host()
        let powerless = ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all", "--no-new-privs", "--"]
        let plan = [ScratchHost.binary, "plan", "manifests", "--host", "node-b"]
        let live = try host.run(powerless + plan)
        #expect(live.status == 1)
        #expect(live.errors.contains("bulkhead needs CAP_NET_ADMIN"))
        let result = try host.run(powerless + plan + ["--assume-empty"])
        #expect(result.status == 0, "\(result.errors)")
        for words in [
            "create namespace two,", "create namespace three,", "create bridge bh-db,", "create bridge bh-web,",
        ] {
            #expect(result.output.contains(words), "\(words)")
        }
        #expect(!result.output.contains("namespace one,"))
        // What is reviewed is what the machine itself would plan.
        let real = try host.run(plan)
        #expect(real.status == 0, "\(real.errors)")
        #expect(Self.steps(real.output) == Self.steps(result.output))
    }

    /// Lines of a plan that say what is done.
    private static func steps(_ plan: String) -> [Substring] {
        plan.split(separator: "\n").filter { $0.hasPrefix("  + ") }
    }
}
