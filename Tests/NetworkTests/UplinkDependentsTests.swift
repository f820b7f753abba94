import Foundation
import TestSupport
import Testing

/// What lies on an uplink and does not move along is refused.
@Suite struct UplinkDependentsTests {
    private static let cure = ", or use an uplink that the host does not use itself"

    private func segment() throws -> Segment {
        let segment = try Segment.withUplink()
        try segment.addCard()
        return segment
    }

    struct Case: Sendable, CustomStringConvertible {
        /// What of `LINK` is in the way: the uplink, or the bridge that stands for it.
        let setup: String
        let undo: String
        let reason: String

        var description: String { setup }
        func on(_ link: String) -> Case {
            let put = { (text: String) in text.replacingOccurrences(of: "LINK", with: link) }
            return Case(setup: put(setup), undo: put(undo), reason: put(reason))
        }
    }

    static let cases = [
        Case(
            setup: "ip neigh replace 192.0.2.99 lladdr 02:00:00:00:00:99 dev LINK nud permanent",
            undo: "ip neigh delete 192.0.2.99 dev LINK",
            reason: "the permanent neighbour 192.0.2.99 on LINK would be lost"),
        Case(
            setup: "ip neigh add proxy 192.0.2.98 dev LINK", undo: "ip neigh delete proxy 192.0.2.98 dev LINK",
            reason: "the proxy entry 192.0.2.98 on LINK would be lost"),
        Case(
            setup: "ip route add multicast 239.1.0.0/16 dev LINK", undo: "ip route delete multicast 239.1.0.0/16",
            reason: "the host's route `multicast 239.1.0.0/16` on LINK would be lost"),
        Case(
            setup: "ip route add 239.2.0.0/16 dev LINK", undo: "ip route delete 239.2.0.0/16",
            reason: "the host's route `239.2.0.0/16` on LINK would be lost"),
        Case(
            setup:
                "ip route add 10.95.0.0/16 via 192.0.2.9 dev LINK; ip route append 10.95.0.0/16 via 172.30.0.9 dev wg0",
            undo: "ip route delete 10.95.0.0/16; ip route delete 10.95.0.0/16",
            reason:
                "the host has 2 routes to 10.95.0.0/16 in table 254 with metric 0, and the host's route `10.95.0.0/16 via 192.0.2.9` on LINK would lose its place among them"
        ),
        Case(
            setup:
                "ip route add 10.95.0.0/16 via 172.30.0.8 dev wg0 src 192.0.2.1; ip route append 10.95.0.0/16 via 172.30.0.9 dev wg0",
            undo: "ip route delete 10.95.0.0/16; ip route delete 10.95.0.0/16",
            reason:
                "the host has 2 routes to 10.95.0.0/16 in table 254 with metric 0, and the host's route `10.95.0.0/16 via 172.30.0.8 src 192.0.2.1` on wg0 would lose its place among them"
        ),
    ]

    @Test(arguments: cases) func isRefused(_ item: Case) throws {
        let segment = try segment()
        func expect(_ item: Case, _ what: String, _ command: [String], cure: String = "") throws {
            try segment.host.sh(item.setup)
            let before = try HostDump(segment.host)
            let result = try segment.host.bulkhead(command[0], command[1], command[2])
            #expect(result.status == 1, "\(result.output)")
            let message =
                "error: Network/lan: \(what): \(item.reason); delete it, and make it again afterwards\(cure)\n"
            #expect(result.errors.contains(message), "\(result.errors)")
            #expect(try HostDump(segment.host).differences(from: before) == [])
            try segment.host.sh(item.undo)
        }
        let before = try HostDump(segment.host)
        try expect(
            item.on("eth1"), "eth1 cannot become a port of bh-lan", ["apply", "manifests", "--yes"], cure: Self.cure)
        try segment.apply()
        try expect(
            item.on("bh-lan"), "eth1 cannot get back what the host has on bh-lan", ["destroy", "--all", "--yes"])
        try segment.destroy(to: before)
    }
}
