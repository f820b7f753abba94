import Foundation
import TestSupport
import Testing

/// A compartment with every capability tries what must not pass, with raw frames of its own making.
@Suite struct AttackTests {
    /// Victim, sibling and attacker on one network.
    private func web() throws -> PolicyHost {
        let web = try PolicyHost(["a", "b", "m"])
        try web.policies([])
        try web.apply()
        return web
    }

    @Test func forgedAddressesReachNobody() throws {
        let web = try web()
        expectNone(try AttackRig(web).wrongs("spoofing"))
        expectNone(try AttackRig(web).wrongs("dhcp"))
        #expect(
            try AttackRig(web).wrongs("spoofing", watch: "bh-web", in: nil).filter { $0.hasSuffix(": passed") } == [])
    }

    @Test func forgedNeighbourDiscoveryReachesNobody() throws {
        let web = try web()
        expectNone(try AttackRig(web).wrongs("discovery"))
        #expect(
            try AttackRig(web).wrongs("discovery", watch: "bh-web", in: nil).filter { $0.hasSuffix(": passed") } == [])
    }

    @Test func onlyUntaggedIPAndARPAreTakenWhateverAntiSpoofSays() throws {
        let web = try web()
        expectNone(try AttackRig(web).wrongs("frames"))
        #expect(try AttackRig(web).wrongs("frames", watch: "bh-web", in: nil) == [])
        let base = web.host.folder.appendingPathComponent("manifests/base.yaml")
        let text = try String(contentsOf: base, encoding: .utf8)
        try web.host.write(
            "base.yaml", text.replacingOccurrences(of: "  type: nat", with: "  type: nat\n  antiSpoof: false"))
        try web.apply()
        expectNone(try AttackRig(web).wrongs("frames"))
        // Without anti-spoofing the forged ones do pass: the rig sees what there is to see.
        #expect(try AttackRig(web).wrongs("spoofing").contains("address of a sibling: passed"))
    }

    @Test func aPolicyHoldsForEveryWayToWriteAnAddress() throws {
        let web = try web()
        try web.policies([
            (
                "a-in",
                """
                appliesTo: {endpoints: {matchLabels: {app: a}}}
                ingress:
                  default: deny
                  rules: [{action: allow, from: [{endpoints: {matchLabels: {app: m}}}], protocols: [{protocol: udp, ports: [7000]}]}]
                """
            )
        ])
        try web.apply()
        try AttackRig(web).use("fe80::beef", by: "a")
        expectNone(try AttackRig(web).wrongs("policies"))
    }

    @Test func aSendersPolicyHoldsForGroupsToo() throws {
        let web = try web()
        try web.policies([
            (
                "m-out",
                """
                appliesTo: {endpoints: {matchLabels: {app: m}}}
                egress:
                  default: deny
                  rules: [{action: allow, protocols: [{protocol: udp, ports: [7000]}]}]
                """
            )
        ])
        try web.apply()
        expectNone(try AttackRig(web).wrongs("egress"))
        expectNone(try AttackRig(web).wrongs("egress", watch: "eth0", in: "b").filter { $0.hasSuffix(": passed") })
    }

    @Test func aPrivateNetworkHasNoWayToAnyAddressOfTheHost() throws {
        let web = try web()
        let base = web.host.folder.appendingPathComponent("manifests/base.yaml")
        let text = try String(contentsOf: base, encoding: .utf8)
        try web.host.write(
            "base.yaml",
            text.replacingOccurrences(of: "type: nat", with: "type: private") + """
                ---
                apiVersion: bulkhead.dev/v1alpha1
                kind: Network
                metadata: {name: other}
                spec: {type: nat, subnets: [{prefix: 10.99.0.0/24}, {prefix: "fd00:99::/64"}]}
                """)
        try web.host.sh("ip link add lan type bridge && ip address add 192.0.2.1/24 dev lan && ip link set lan up")
        try web.apply()
        var people = try AttackRig(web).people()
        people["host4"] = [
            "lan": "192.0.2.1", "other network": "10.99.0.1", "loopback": "127.0.0.1", "former gateway": "10.88.0.1",
        ]
        people["host6"] = [
            "link-local": people["gatewayLocal"] ?? "", "other network": "fd00:99::1", "loopback": "::1",
            "all nodes": "ff02::1",
        ]
        // Nothing at all comes in on the host's side of the switch, and nothing comes back.
        #expect(try AttackRig(web).wrongs("private", people: people, watch: "bh-web", in: nil) == [])
        let pings =
            ["192.0.2.1", "10.99.0.1", "10.88.0.1"].map { "ping -c1 -W1 \($0)" }
            + ["ping -c1 -W1 \(people["gatewayLocal"] ?? "")%eth0"]
        for ping in pings {
            let result = try web.host.run(
                ["ip", "netns", "exec", "m", "sh", "-c", "ip route add default dev eth0 2>/dev/null; \(ping)"])
            #expect(result.status != 0, "\(ping) was answered")
        }
        let neighbours = try web.host.sh("ip -n m neighbour show nud reachable")
        #expect(neighbours == "", "the host answered ARP or neighbour discovery")
    }
}
