import TestSupport
import Testing

/// Of IPv6 the kernel knows an address of a link once, whatever its prefix length: with another one it acknowledges the
/// address, and does nothing.
@Suite(.enabled(if: Needs.root, Needs.rootText)) struct PrefixLengthTests {
    private static func manifest(_ length: Int, _ sysctls: String = "") -> String {
        """
        apiVersion: bulkhead.dev/v1alpha1
        kind: Network
        metadata: {name: web}
        spec: {type: nat, subnets: [{prefix: 10.88.0.0/24}, {prefix: "fd00:88::/\(length)"}]}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Compartment
        metadata: {name: a}
        spec: {sysctls: {\(sysctls)}}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Endpoint
        metadata: {name: a}
        spec: {network: web, addresses: [10.88.0.10, "fd00:88::10"]}
        """
    }

    @Test(arguments: [(64, 60), (60, 64), (64, 96), (96, 64), (64, 63)])
    func itIsChanged(_ old: Int, _ new: Int) throws {
        let host = try ScratchHost()
        try host.declare(Self.manifest(old))
        #expect(try host.apply("--quiet").status == 0)
        let before = try HostDump(host)
        // One that fails leaves all as it was.
        try host.declare(Self.manifest(new, "net.ipv4.ip_default_ttl: '077'"))
        #expect(try host.apply("--quiet").status == 1)
        #expect(try HostDump(host).differences(from: before) == [])
        try host.declare(Self.manifest(new))
        let plan = try host.bulkhead("plan", "manifests").output
        #expect(plan.contains("replace address fd00:88::10/\(old) on eth0 in a by fd00:88::10/\(new)"), "\(plan)")
        #expect(plan.contains("replace address fd00:88::1/\(old) on bh-web by fd00:88::1/\(new)"), "\(plan)")
        let apply = try host.apply("--quiet")
        #expect(apply.status == 0, "\(apply.errors)")
        #expect(try host.bulkhead("drift", "manifests").status == 0)
        #expect(try host.ping("fd00:88::1", from: "a"))
        #expect(try host.sh("ip -n a -6 route show default").contains("via fd00:88::1"))
    }
}
