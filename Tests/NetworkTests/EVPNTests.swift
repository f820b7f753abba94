import Foundation
import TestSupport
import Testing

/// Overlays whose hosts learn by BGP EVPN, with `bgpd` and `zebra` of FRR on three of them.
@Suite(.enabled(if: RoutingDaemons.areThere, Comment(rawValue: RoutingDaemons.reason))) struct EVPNTests {
    private static func mover(_ node: String) -> String {
        OverlaySite.endpoint("rd", "red", node, 13, "mac: \"02:00:00:00:00:aa\"")
    }

    @Test func endpointsComeAndGoWithoutTheOthersBeingTold() throws {
        let evpn = try EVPNSite()
        let site = evpn.site
        let before = try HostDump(site.host("node-b"))
        let configuration = try evpn.routing("node-b").configuration()
        try evpn.deploy()
        let datagrams = try site.wire {
            for address in ["10.0.0.11", "10.0.0.12", "fd00::11", "fd00::12"] {
                try site.expectPing(true, "ra", on: "node-a", address)
            }
            try site.expectPing(true, "rc", on: "node-c", "10.0.0.11")
            // Nobody has it: nothing is asked on the wire.
            try site.expectPing(false, "ra", on: "node-a", "10.0.0.99")
        }
        #expect(datagrams.allSatisfy { $0.vni == 4096 && ["0800", "86dd"].contains($0.type) })
        #expect(datagrams.filter { $0.icmpv6.map { (133...137).contains($0) } ?? false } == [])
        // What was learnt is no difference.
        for node in EVPNSite.nodes {
            let drift = try site.host(node).bulkhead("drift", "--host", node, "manifests")
            #expect(drift.status == 0, "\(drift.output)\(drift.errors)")
        }

        // One more on a host; the others are told by BGP alone.
        try evpn.declare([EVPNSite.endpoints[1].1, Self.mover("node-b")], on: "node-b")
        try site.apply("node-b")
        let mac = try site.mac("rd", on: "node-b")
        for node in ["node-a", "node-c"] { try evpn.learns(node, of: mac, "10.0.0.13", "fd00::13") }
        try site.expectPing(true, "ra", on: "node-a", "10.0.0.13")
        try site.expectPing(true, "rd", on: "node-b", "fd00::12")
        let plan = try site.plan("node-a")
        #expect(plan.contains("In sync"), "\(plan)")

        // It moves, with its addresses and its MAC.
        try evpn.declare([EVPNSite.endpoints[1].1], on: "node-b")
        try site.apply("node-b")
        for node in ["node-a", "node-c"] { try evpn.forgets(node, mac) }
        try site.expectPing(false, "ra", on: "node-a", "10.0.0.13")
        try evpn.declare([EVPNSite.endpoints[2].1, Self.mover("node-c")], on: "node-c")
        try site.apply("node-c")
        try evpn.learns("node-a", of: mac, "10.0.0.13")
        try site.expectPing(true, "ra", on: "node-a", "10.0.0.13")

        // A host without any: what it had is withdrawn, and FRR is as it was.
        let gone = try site.mac("rb", on: "node-b")
        let result = try site.host("node-b").bulkhead("destroy", "--all", "--yes", "--host", "node-b")
        #expect(result.status == 0, "\(result.errors)")
        for node in ["node-a", "node-c"] { try evpn.forgets(node, gone) }
        #expect(try HostDump(site.host("node-b")).differences(from: before) == [])
        #expect(try evpn.routing("node-b").configuration() == configuration)
        #expect(try evpn.routing("node-b").file() == "")
    }
}
