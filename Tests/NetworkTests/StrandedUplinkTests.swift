import Foundation
import TestSupport
import Testing

/// Others take the uplink away from its bridge, which has what the host had on it: it is never deleted with that.
@Suite struct StrandedUplinkTests {
    private static let gone = [
        "ip link set eth1 down; ip link set eth1 name ethx; ip link set ethx up", "ip link delete eth1",
    ]

    private func segment() throws -> Segment {
        try Segment(
            [Segment.network("lan", "uplink: {interface: eth1}"), Segment.endpoint("a", "lan", 10)],
            addresses: ["192.0.2.1/24", "2001:db8::1/64"])
    }

    private func expectAddresses(_ segment: Segment, on link: String, location: SourceLocation = #_sourceLocation)
        throws
    {
        let addresses = try segment.host.sh("ip -br address show \(link)")
        #expect(
            addresses.contains(" 192.0.2.1/24 ") && addresses.contains(" 2001:db8::1/64 "), "\(addresses)",
            sourceLocation: location)
    }

    /// Nothing can move back: the bridge stays, and the revert does not say that all is as before.
    @Test(arguments: gone) func revertKeepsTheBridgeWithoutItsUplink(_ loss: String) throws {
        let segment = try segment()
        let result = try segment.host.bulkhead("apply", "manifests", "--yes", "--confirm-within", "1h")
        try #require(result.status == 0, "\(result.errors)")
        try segment.host.sh(loss)
        let revert = try segment.host.bulkhead("revert")
        #expect(revert.status == 3, "\(revert.output)\(revert.errors)")
        for line in [
            "bh-lan has still what the host had on its uplink, and stays; `bulkhead apply` goes on from there",
            "  whether all is as before could not be checked: Network/lan: the uplink eth1 is not there; name another (`ip link show`)",
        ] { #expect(revert.errors.contains("\(line)\n"), "\(revert.errors)") }
        try expectAddresses(segment, on: "bh-lan")
        guard loss.contains("name ethx") else { return }
        // The port is known by its MAC.
        let destroy = try segment.host.bulkhead("destroy", "--all", "--yes")
        #expect(destroy.status == 0, "\(destroy.errors)")
        try expectAddresses(segment, on: "ethx")
        #expect(try segment.ping(segment.host, to: 254))
    }
}
