import Foundation
import TestSupport
import Testing

/// An endpoint with `addresses: []` gets one from elsewhere: only its MAC is known, and what belongs to others.
@Suite struct UnaddressedTests {
    private func site() throws -> PolicyHost {
        let web = try PolicyHost(["a", "b"])
        try web.host.write(
            "m.yaml",
            """
            apiVersion: bulkhead.dev/v1alpha1
            kind: Endpoint
            metadata: {name: m, labels: {app: m}}
            spec: {network: web, addresses: []}
            """)
        return web
    }

    @Test func itUsesNoAddressOfOthers() throws {
        let web = try site()
        try web.apply()
        let rig = AttackRig(web)
        expectNone(try rig.wrongs("impersonation"))
        let passed = try rig.wrongs("impersonation", watch: "bh-web", in: nil).filter { $0.hasSuffix(": passed") }
        expectNone(passed)
    }

    @Test func itIsNotTakenForSomebodyWhomAPolicyAllows() throws {
        let web = try site()
        try web.policies([
            (
                "a-in",
                """
                appliesTo: {endpoints: {matchLabels: {app: a}}}
                ingress: {default: deny, rules: [{action: allow, from: [{endpoints: {matchLabels: {app: b}}}]}]}
                """
            )
        ])
        try web.apply()
        // In full: the attacker gives itself the sibling's address and asks for the victim.
        try web.serve("a", "serve-udp", "10.88.0.10", "7000")
        #expect(try web.probe("b", "udp", "10.88.0.10", "7000", "60") == "10.88.0.11")
        try web.host.sh("ip -n b link set eth0 down; ip -n m address add 10.88.0.11/24 dev eth0")
        #expect(try web.probe("m", "udp", "10.88.0.10", "7000", "1.5") == "silent")
    }

    @Test func anAddressThatNobodyHasIsItsOwnToUse() throws {
        let web = try site()
        try web.apply()
        try web.serve("a", "serve-udp", "10.88.0.10", "7000")
        try web.serve("a", "serve-udp", "fd00:88::10", "7000")
        try web.host.sh("ip -n m address add 10.88.0.77/24 dev eth0; ip -n m address add fd00:88::77/64 dev eth0 nodad")
        #expect(try web.probe("m", "udp", "10.88.0.10", "7000", "60") == "10.88.0.77")
        #expect(try web.probe("m", "udp", "fd00:88::10", "7000", "60") == "fd00:88::77")
    }
}
