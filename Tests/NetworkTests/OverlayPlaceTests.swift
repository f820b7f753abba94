import TestSupport
import Testing

/// The kernel has one VXLAN device for each number and port of a host.
@Suite struct OverlayPlaceTests {
    private static let guests = [
        OverlaySite.endpoint("ra", "red", "node-a", 10), OverlaySite.endpoint("rb", "red", "node-b", 11),
        OverlaySite.endpoint("ba", "blue", "node-a", 10), OverlaySite.endpoint("bb", "blue", "node-b", 12),
    ]
    /// A step that fails when all else was done.
    private static let failing = """
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Compartment
        metadata: {name: ra}
        spec: {sysctls: {net.ipv4.ip_default_ttl: "077"}}

        """

    /// Changes the manifests of all hosts by `sed`, sees that a failing apply is undone, and applies.
    private func change(_ site: OverlaySite, _ script: String) throws {
        for host in site.hosts.values { try host.sh("sed -i '\(script)' manifests/fleet.yaml") }
        let host = try site.host("node-a")
        let before = try HostDump(host)
        try host.write("bad.yaml", Self.failing)
        let failed = try host.bulkhead("apply", "--yes", "--host", "node-a", "manifests")
        #expect(failed.status == 1, "\(script): \(failed.output)\(failed.errors)")
        #expect(failed.errors.contains("the kernel still differs"), "\(failed.errors)")
        #expect(try HostDump(host).differences(from: before) == [], "after \(script)")
        try host.sh("rm manifests/bad.yaml")
        try site.apply("node-a", "node-b")
    }

    @Test func numbersAreExchangedAndNamesChange() throws {
        let site = try OverlaySite()
        try site.declare(Self.guests)
        try site.apply("node-a", "node-b")
        let swap = "s/vni: 4096/vni: 4000/; s/vni: 4097/vni: 4096/; s/vni: 4000/vni: 4097/"
        try change(site, swap)
        try site.expectPing(true, "ra", on: "node-a", "10.0.0.11")
        try site.expectPing(true, "ba", on: "node-a", "10.0.0.12")
        try site.expectPing(false, "ra", on: "node-a", "10.0.0.12")
        // Its bridge is another one then, and a bridge forgets the entries of a port that leaves it.
        try change(site, "s/name: red}/name: crimson}/; s/network: red/network: crimson/")
        try site.expectPing(true, "ra", on: "node-a", "10.0.0.11")
        try site.expectPing(true, "rb", on: "node-b", "fd00::10")
        try site.expectPing(false, "ra", on: "node-a", "10.0.0.12")
        // An endpoint goes to the other overlay.
        try change(site, "/name: ra,/{n; s/network: crimson/network: blue/; s/, .fd00::10.//; s/10.0.0.10/10.0.0.20/}")
        try site.expectPing(true, "ra", on: "node-a", "10.0.0.12")
        try site.expectPing(false, "ra", on: "node-a", "10.0.0.11")
    }

    /// What is left of a tunnel would go on joining the bridge to other hosts.
    @Test func anotherTypeHasNoTunnel() throws {
        let site = try OverlaySite()
        try site.declare(Self.guests)
        try site.apply("node-a", "node-b")
        for host in site.hosts.values {
            try host.sh(
                """
                sed -i 's/type: overlay, vxlan: {vni: 4097}, subnets: .{prefix: 10.0/type: private, subnets: [{prefix: 10.9/
                s/, hostSelector: {matchLabels: {pair: "true"}}//
                s/network: blue, host: node-\\([ab]\\), addresses: .10.0/network: blue, host: node-\\1, addresses: [10.9/' \\
                    manifests/fleet.yaml
                """)
        }
        let host = try site.host("node-a")
        let result = try host.bulkhead("apply", "--yes", "--no-prune", "--host", "node-a", "manifests")
        #expect(result.status == 0, "\(result.output)\(result.errors)")
        #expect(result.output.contains("delete vxlan vx-blue, vni 4097 port 4789  ("), "\(result.output)")
        #expect(try host.sh("ip -o link show master bh-blue | grep -c .") == "1\n")
        try site.expectPing(true, "ra", on: "node-a", "10.0.0.11")
    }

    @Test func aTunnelOfOthersIsNamed() throws {
        let site = try OverlaySite()
        try site.declare(Self.guests)
        let host = try site.host("node-a")
        try host.sh("ip link add own type vxlan id 4096 dstport 4789 local 192.0.2.1")
        let before = try HostDump(host)
        let result = try host.bulkhead("apply", "--yes", "--host", "node-a", "manifests")
        #expect(result.status == 1)
        #expect(
            result.errors.contains(
                "error: Network/red: vni 4096 port 4789 is own, which is not bulkhead's; delete it (`ip link delete own`), or give "
                    + "the network another 'vni' or 'port' on all hosts"), "\(result.errors)")
        #expect(try HostDump(host).differences(from: before) == [])
        // One of another family, or at another port, is none in the way.
        try host.sh(
            """
            ip link delete own; ip address add 2001:db8::1/64 dev eth0 nodad
            ip link add own6 type vxlan id 4096 dstport 4789 local 2001:db8::1
            ip link add away type vxlan id 4096 dstport 4790 local 192.0.2.1
            """)
        try site.apply("node-a", "node-b")
        try site.expectPing(true, "ra", on: "node-a", "10.0.0.11")
    }
}
