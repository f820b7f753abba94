import TestSupport
import Testing

/// What a DHCP client in a compartment gets for a time is its own.
@Suite(.enabled(if: Needs.root, Needs.rootText)) struct LeaseTests {
    @Test func aLeaseStaysWithItsRoutes() throws {
        let host = try ScratchHost()
        try host.declare(Manifests.web, Manifests.endpoint("a", "addresses: []"))
        #expect(try host.apply("--quiet").status == 0)
        try host.sh(
            "ip -n a address add 203.0.113.77/24 dev eth0 valid_lft 3600 preferred_lft 3600; "
                + "ip -n a route add default via 203.0.113.254 proto dhcp; ip -n a route add 198.51.100.0/24 via 203.0.113.253"
        )
        let before = try HostDump(host)
        let drift = try host.bulkhead("drift", "manifests")
        #expect(drift.status == 0, "\(drift.output)")
        #expect(try host.apply("--quiet").status == 0)
        #expect(try HostDump(host).differences(from: before) == [])
        // What no lease gives goes, and what it says of other subnets.
        try host.sh(
            "ip -n a address add 203.0.114.77/24 dev eth0; ip -n a route add 198.51.101.0/24 via 203.0.114.1; "
                + "ip -n a route add 198.51.102.0/24 dev eth0")
        let other = try host.bulkhead("drift", "manifests").output
        for word in ["203.0.114.77/24", "198.51.101.0/24", "198.51.102.0/24"] {
            #expect(other.contains(word), "\(other)")
        }
        #expect(try host.apply("--quiet").status == 0)
        #expect(try HostDump(host).differences(from: before) == [])
    }
}
