import Foundation
import TestSupport
import Testing

/// Overlays between three hosts, with real packets and a look at the wire.
@Suite struct OverlayTests {
    private static let pair = [
        OverlaySite.endpoint("ra", "red", "node-a", 10), OverlaySite.endpoint("rb", "red", "node-b", 11),
        OverlaySite.endpoint("rc", "red", "node-c", 12), OverlaySite.endpoint("ba", "blue", "node-a", 10),
        OverlaySite.endpoint("bb", "blue", "node-b", 11),
    ]

    @Test(arguments: [false, true]) func endpointsOfThreeHostsMeet(onIPv6: Bool) throws {
        let site = try OverlaySite(ipv6: onIPv6)
        let before = try HostDump(site.host("node-b"))
        try site.declare(Self.pair)
        try site.apply("node-a", "node-b", "node-c")
        let (red, blue) = (try site.mac("rb", on: "node-b"), try site.mac("bb", on: "node-b"))
        let datagrams = try site.wire {
            for address in ["10.0.0.11", "10.0.0.12", "fd00::11", "fd00::12"] {
                try site.expectPing(true, "ra", on: "node-a", address)
            }
            try site.expectPing(true, "rc", on: "node-c", "10.0.0.11")
            // Equal addresses on the other overlay, on the same hosts, at the same time.
            try site.expectPing(true, "ba", on: "node-a", "10.0.0.11")
            // Nobody has these: nothing is asked on the wire.
            try site.expectPing(false, "ra", on: "node-a", "10.0.0.99")
            try site.expectPing(false, "ba", on: "node-a", "10.0.0.12")
        }
        #expect(Set(datagrams.map(\.vni)) == [4096, 4097])
        #expect(datagrams.allSatisfy { $0.flags == 8 && ["0800", "86dd"].contains($0.type) })
        #expect(datagrams.filter { $0.icmpv6.map { (133...137).contains($0) } ?? false } == [])
        let ends4097 = Set(datagrams.filter { $0.vni == 4097 }.map(\.inner_to))
        #expect(try ends4097 == [blue, site.mac("ba", on: "node-a")])
        #expect(datagrams.contains { $0.vni == 4096 && $0.inner_to == red })
        let ends = Set((1...3).map { OverlaySite.underlay($0, onIPv6) })
        #expect(datagrams.allSatisfy { ends.contains($0.from) && ends.contains($0.to) })
        let show = try site.host("node-a").bulkhead("show", "network", "--host", "node-a")
        let listed = show.output.split(separator: "\n").dropFirst().map {
            $0.split(separator: " ").prefix(2).joined(separator: " ")
        }
        #expect(listed == ["blue bh-blue", "red bh-red"], "\(show.output)")
        // The host itself has no place on it.
        try site.host("node-a").sh("ip address add 10.0.0.77/32 dev lo")
        try site.expectPing(false, "ra", on: "node-a", "10.0.0.77")
        let result = try site.host("node-b").bulkhead("destroy", "--all", "--yes", "--host", "node-b")
        #expect(result.status == 0, "\(result.errors)")
        #expect(try HostDump(site.host("node-b")).differences(from: before) == [])
    }

    @Test(arguments: [false, true]) func theMTUIsWhatTheUnderlayLeaves(onIPv6: Bool) throws {
        let site = try OverlaySite(ipv6: onIPv6, mtu: 1600)
        try site.declare(Self.pair)
        try site.apply("node-a", "node-b")
        let size = onIPv6 ? 1530 : 1550
        #expect(try site.host("node-a").sh("ip -n ra -o link show eth0").contains(" mtu \(size) "))
        let datagrams = try site.wire {
            try site.expectPing(true, "ra", on: "node-a", "10.0.0.11", "-M", "do", "-s", "\(size - 28)")
            try site.expectPing(false, "ra", on: "node-a", "10.0.0.11", "-M", "do", "-s", "\(size - 27)")
        }
        // Whole, not in fragments.
        #expect(datagrams.map(\.size) == [size + 14, size + 14])
        // What changes below is drift, and repaired.
        try site.host("node-a").sh("ip link set eth0 mtu 1500")
        let drift = try site.host("node-a").bulkhead("drift", "--host", "node-a", "manifests")
        #expect(drift.status == 2)
        #expect(drift.output.contains("mtu \(size) → \(size - 100)"), "\(drift.output)")
        try site.apply("node-a")
    }

    /// A port where nobody listens is refused, and not passed over in silence.
    @Test func errorsComeFromOtherHosts() throws {
        let site = try OverlaySite()
        try site.declare(Self.pair)
        try site.apply("node-a", "node-b", "node-c")
        for address in ["10.0.0.11", "fd00::11"] {
            let answer = try site.host("node-a").askClosedPort(of: address, from: "ra")
            #expect(answer.output == "refused\n", "\(address): \(answer.errors)")
        }
    }

    @Test func policiesHoldAcrossHosts() throws {
        let site = try OverlaySite()
        let policy = """
            ---
            apiVersion: bulkhead.dev/v1alpha1
            kind: Policy
            metadata: {name: db}
            spec:
              appliesTo: {endpoints: {matchLabels: {app: rb}}}
              ingress: {default: deny, rules: [{name: friend, action: allow, from: [{endpoints: {matchLabels: {app: ra}}}]}]}
            ---
            apiVersion: bulkhead.dev/v1alpha1
            kind: Policy
            metadata: {name: shy}
            spec:
              appliesTo: {endpoints: {matchLabels: {app: ra}}}
              egress: {default: allow, rules: [{name: not-c, action: deny, to: [{endpoints: {matchLabels: {app: rc}}}]}]}

            """
        try site.declare(Self.pair + [policy])
        try site.apply("node-a", "node-b", "node-c")
        for family in ["10.0.0.", "fd00::"] {
            try site.expectPing(true, "ra", on: "node-a", "\(family)11")
            try site.expectPing(false, "rc", on: "node-c", "\(family)11")
            try site.expectPing(true, "rc", on: "node-c", "\(family)10")
        }
        // Egress is enforced where the sender is: nothing of it is on the wire.
        let datagrams = try site.wire { try site.expectPing(false, "ra", on: "node-a", "10.0.0.12") }
        #expect(datagrams == [])
        for (host, from, to, status) in [
            ("node-a", "ra", "rb", 0), ("node-a", "rc", "rb", 2), ("node-a", "ra", "rc", 2), ("node-b", "rc", "rb", 2),
            ("node-c", "rc", "ra", 0),
        ] {
            let trace = try site.host(host).bulkhead("trace", from, to, "manifests", "--host", host, "--port", "80")
            #expect(trace.status == status, "\(from) → \(to) on \(host): \(trace.output)\(trace.errors)")
        }
        // An endpoint of another host is one by its address, too, and not `world`.
        let trace = try site.host("node-b").bulkhead(
            "trace", "10.0.0.12", "rb", "manifests", "--host", "node-b", "--port", "80")
        #expect(trace.output.contains("db/ingress") || trace.output.contains("Policy/db"), "\(trace.output)")

        // What an ingress policy opens in spite of isolation is decided on the receiver's Host: the sender's lets it go.
        try site.declare(Self.pair + [policy], red: ", isolation: {intraNetwork: deny}")
        try site.apply("node-a", "node-b", "node-c")
        for family in ["10.0.0.", "fd00::"] {
            try site.expectPing(true, "ra", on: "node-a", "\(family)11")
            try site.expectPing(false, "rc", on: "node-c", "\(family)11")
            try site.expectPing(false, "rc", on: "node-c", "\(family)10")
        }
    }

    @Test func anEndpointChangesNothingButItsEntries() throws {
        let site = try OverlaySite()
        try site.declare(Self.pair)
        try site.apply("node-a", "node-b", "node-c")
        try site.declare(Self.pair + [OverlaySite.endpoint("rd", "red", "node-b", 13)])
        let added = try site.plan("node-a")
        #expect(added.contains("write 5 entries for Endpoint/rd on Host/node-b"), "\(added)")
        for other in ["rb", "rc", "bb"] { #expect(!added.contains("Endpoint/\(other)"), "\(added)") }
        #expect(added.contains("Plan: 1 to create, 2 to change, 0 to replace, 0 to delete."), "\(added)")
        let before = try HostDump(site.host("node-a"))
        try site.apply("node-a", "node-b", "node-c")
        try site.expectPing(true, "ra", on: "node-a", "10.0.0.13")
        // It moves to another host, with its addresses and another MAC; those who knew the old one lose nothing.
        try site.declare(Self.pair + [OverlaySite.endpoint("rd", "red", "node-c", 13, "mac: \"02:00:00:00:00:aa\"")])
        try site.apply("node-b", "node-c", "node-a")
        try site.expectPing(true, "ra", on: "node-a", "10.0.0.13")
        try site.expectPing(true, "rd", on: "node-c", "fd00::10")
        try site.declare(Self.pair)
        let removed = try site.plan("node-a")
        #expect(removed.contains("remove 5 entries of Network/red that no manifest gives"), "\(removed)")
        try site.apply("node-a", "node-b", "node-c")
        let after = try HostDump(site.host("node-a"))
        #expect(after.differences(from: before) == [])
        #expect(after.changedIdentities(from: before) == [])
    }

    @Test func whatSomebodyDoesToEntriesIsDrift() throws {
        let site = try OverlaySite()
        try site.declare(Self.pair)
        try site.apply("node-a", "node-b")
        let host = try site.host("node-a")
        let applied = try HostDump(host)
        let mac = try site.mac("rb", on: "node-b")
        let changes = [
            "bridge fdb del \(mac) dev vx-red self dst 192.0.2.2", "bridge fdb del \(mac) dev vx-red master",
            "bridge fdb replace \(mac) dev vx-red self permanent dst 192.0.2.9", "ip neigh del 10.0.0.11 dev bh-red",
            "ip neigh replace fd00::11 lladdr 02:00:00:00:00:99 dev bh-red nud permanent",
            "bridge fdb append 00:00:00:00:00:00 dev vx-red self permanent dst 192.0.2.9",
            "ip neigh add 10.0.0.99 lladdr \(mac) dev bh-red nud permanent",
            "bridge link set dev vx-red neigh_suppress off flood on learning on", "ip link set vx-red down",
            "ip link set bh-red down", "ip link del vx-red",
            "ip link del vx-red; ip link add vx-red type vxlan id 4096 dstport 4789 local 192.0.2.1; ip link set vx-red alias bulkhead:default/Network/red",
        ]
        for change in changes {
            try host.sh(change)
            let drift = try host.bulkhead("drift", "--host", "node-a", "manifests")
            #expect(drift.status == 2, "\(change): \(drift.output)\(drift.errors)")
            try site.apply("node-a")
            #expect(try HostDump(host).differences(from: applied) == [], "after \(change)")
        }
        try site.expectPing(true, "ra", on: "node-a", "10.0.0.11")
        try site.expectPing(true, "ra", on: "node-a", "fd00::11")
    }

    /// What an overlay needs of the host is said before anything is written.
    @Test func aHostWithoutItsUnderlayAddressIsRefused() throws {
        let site = try OverlaySite()
        try site.declare(Self.pair)
        let result = try site.host("stranger").bulkhead("apply", "--yes", "--host", "node-a", "manifests")
        #expect(result.status == 1)
        #expect(
            result.errors.contains(
                "error: Network/red: the underlay address 192.0.2.1 of Host/node-a is on no interface of this host; give it to "
                    + "one, or change `spec.underlay.address`"), "\(result.errors)")
        let review = try site.host("stranger").bulkhead("plan", "--assume-empty", "--host", "node-a", "manifests")
        #expect(review.status == 0, "\(review.errors)")
        #expect(
            review.output.contains("create vxlan vx-red on bh-red, vni 4096 local 192.0.2.1 port 4789 learning off"))
    }
}
