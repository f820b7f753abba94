import TestSupport
import Testing

/// A host with so many namespaces that its links are read from elsewhere.
@Suite struct ManyNamespacesTests {
    @Test func cablesOfOthersAmongManyNamespacesAreLeftAlone() throws {
        let host = try ScratchHost()
        try host.sh(
            """
            for n in $(seq 1 40); do
                ip netns add other-$n
                ip link add o$n type veth peer name eth0 netns other-$n
            done
            touch /run/netns/again && mount --bind /run/netns/other-1 /run/netns/again
            """)
        let before = try HostDump(host)
        try host.declare(Manifests.web, Manifests.endpoint("web-1"), Manifests.endpoint("web-2"))
        let applied = try host.apply()
        #expect(applied.status == 0, "\(applied.errors)")
        #expect(try host.bulkhead("plan", "manifests").output == "In sync: nothing to do.\n")
        // The other end of an endpoint's cable is in another namespace than its own.
        try host.sh("ip -n web-1 link set eth0 name eth9 netns /run/netns/other-2")
        #expect(try host.bulkhead("drift", "manifests").status == 2)
        #expect(try host.apply().status == 0)
        #expect(try host.bulkhead("plan", "manifests").output == "In sync: nothing to do.\n")
        try host.sh("ip -n web-1 route get 10.88.0.1 >/dev/null && ! ip -n other-2 link show eth9 2>/dev/null")
        let destroyed = try host.bulkhead("destroy", "--all", "--yes")
        #expect(destroyed.status == 0, "\(destroyed.errors)")
        #expect(try HostDump(host).differences(from: before) == [])
    }

    /// The firewall is read while the manifests are.
    @Test func firewallAmongManyNamespacesIsReadAsItIs() throws {
        let host = try ScratchHost()
        try host.sh("for n in $(seq 1 40); do ip netns add other-$n; done")
        try host.declare(Manifests.web, Manifests.endpoint("web-1"))
        let applied = try host.apply()
        #expect(applied.status == 0, "\(applied.errors)")
        try host.sh("nft add chain bridge bulkhead strange")
        let drift = try host.bulkhead("drift", "manifests")
        #expect(drift.status == 2 && drift.output.contains("firewall"), "\(drift.output)")
        #expect(try host.apply().status == 0)
        #expect(try host.bulkhead("drift", "manifests").status == 0)
        // Without the tables everything is to be made, and with manifests that cannot be read nothing.
        try host.sh("nft delete table bridge bulkhead")
        let plan = try host.bulkhead("plan", "manifests", "--detailed-exitcode")
        #expect(plan.status == 2 && plan.output.contains("firewall"), "\(plan.output)")
        let wrong = try host.bulkhead("plan", "nowhere")
        #expect(wrong.status == 1 && wrong.errors.contains("nowhere"), "\(wrong.errors)")
        let scope = try host.bulkhead("plan", "--scope", "Not A Name", "manifests")
        #expect(scope.status != 0 && scope.errors.contains("Not A Name"), "\(scope.errors)")
    }
}
