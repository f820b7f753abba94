import Foundation
import TestSupport
import Testing

/// The link-local addresses that the kernel gives an interface once: changes in place keep them true, and undoing brings
/// them back.
@Suite(.enabled(if: Needs.root, Needs.rootText)) struct KernelLocalTests {
    private static let first = "02:00:00:00:00:01"
    private static let second = "02:00:00:00:00:02"

    private func declare(_ type: String, mac: String = first, on host: ScratchHost) throws {
        try host.declare(
            """
            apiVersion: bulkhead.dev/v1alpha1
            kind: Network
            metadata: {name: web}
            spec: {type: \(type), subnets: [{prefix: 10.88.0.0/24}, {prefix: "fd00:88::/64"}]}
            """,
            "apiVersion: bulkhead.dev/v1alpha1\nkind: Compartment\nmetadata: {name: a}",
            Manifests.endpoint("a", "compartment: a, mac: \"\(mac)\""))
    }

    /// `bh-web fe80::…/64` and `eth0 fe80::…/64`.
    private func locals(_ host: ScratchHost) throws -> [String] {
        let show = "-6 -o address show scope link"
        return try host.sh("ip \(show) dev bh-web; ip -n a \(show) dev eth0").split(separator: "\n")
            .map { $0.split(separator: " ")[1...3].filter { $0 != "inet6" }.joined(separator: " ") }
    }

    /// Every step of a change is refused once, then it is made and reverted, then made for good.
    private func change(_ host: ScratchHost, to wanted: [String]) throws {
        let before = try locals(host)
        let steps = try host.steps()
        for (index, step) in steps.enumerated() {
            let result = try host.apply("--quiet", fault: "refuse:\(index)")
            #expect(result.status == 1, "\(step): \(result.errors)")
            #expect(try locals(host) == before, "\(step) refused")
        }
        #expect(try host.apply("--quiet", "--confirm-within", "1h").status == 0)
        #expect(try locals(host) == wanted, "to be confirmed")
        #expect(try host.bulkhead("revert").status == 0)
        #expect(try locals(host) == before, "reverted")
        #expect(try host.apply("--quiet").status == 0)
        #expect(try locals(host) == wanted)
        let drift = try host.bulkhead("drift", "manifests")
        #expect(drift.status == 0, "\(drift.output)")
    }

    @Test func aBridgeThatGetsAndLosesItsPlaceOnTheSwitch() throws {
        let host = try ScratchHost()
        let card = "eth0 fe80::ff:fe00:1/64"
        try declare("private", on: host)
        #expect(try host.apply("--quiet").status == 0)
        #expect(try locals(host) == [card])
        try declare("internal", on: host)
        #expect(try host.apply("--quiet", "--confirm-within", "1h").status == 0)
        let both = try locals(host)
        #expect(both.count == 2 && both[0].hasPrefix("bh-web fe80::") && both[1] == card, "\(both)")
        #expect(try host.bulkhead("revert").status == 0)
        try change(host, to: both)
        try declare("private", on: host)
        try change(host, to: [card])
    }

    @Test func aCardThatGetsAnotherMAC() throws {
        let host = try ScratchHost()
        try declare("internal", on: host)
        #expect(try host.apply("--quiet").status == 0)
        let bridge = try #require(try locals(host).first)
        #expect(try locals(host) == [bridge, "eth0 fe80::ff:fe00:1/64"])
        try declare("internal", mac: Self.second, on: host)
        try change(host, to: [bridge, "eth0 fe80::ff:fe00:2/64"])
    }
}
