import Foundation
import TestSupport
import Testing

/// One endpoint against another of its network, by every kind of frame that might be forgotten.
@Suite struct SiblingTests {
    /// With a policy that opens another endpoint, frames pass between ports, and rules decide about each.
    @Test(arguments: [false, true])
    func intraNetworkDenyHoldsForEverything(_ opensAnother: Bool) throws {
        let web = try PolicyHost(["a", "b", "m"], network: "  isolation: {intraNetwork: deny}")
        try web.policies(
            opensAnother
                ? [("b-in", "appliesTo: {endpoints: {matchLabels: {app: b}}}\ningress: {default: allow}")] : [])
        try web.apply()
        let rig = AttackRig(web)
        let attacks = try rig.craft("siblings", rig.people())
        expectNone(try rig.seen(attacks))
        if opensAnother {
            let open = try rig.craft("siblings", rig.people(victim: "b", sibling: "a"))
            expectNone(try Self.plain.subtracting(rig.seen(open, in: "b")))
        }
    }

    /// What passes where it is allowed: the rig sees what there is to see.
    private static let plain: Set<String> = [
        "ipv4 to its mac", "ipv6 to its mac", "link-local to its mac", "invented link-local to its mac",
        "group: multicast", "group: broadcast", "group: subnet broadcast", "group: ipv6", "group: ipv6, link-local",
        "tcp", "hop-by-hop options", "destination options", "fragments", "ipv6 fragments", "gre",
        "ipv4 to the gateway's mac",
    ]

    @Test func whereItIsAllowedTheSamePass() throws {
        let web = try PolicyHost(["a", "b", "m"])
        try web.apply()
        let rig = AttackRig(web)
        let seen = try rig.seen(rig.craft("siblings", rig.people()))
        #expect(Self.plain.subtracting(seen) == [])
    }

    @Test func aPolicyThatDeniesSomebodyHoldsForEveryAddressOfHis() throws {
        let web = try PolicyHost(["a", "b", "m"])
        try web.policies([
            (
                "a-in",
                """
                appliesTo: {endpoints: {matchLabels: {app: a}}}
                ingress: {default: allow, rules: [{action: deny, from: [{endpoints: {matchLabels: {app: m}}}]}]}
                """
            )
        ])
        try web.apply()
        let rig = AttackRig(web)
        try rig.use("fe80::beef", by: "a")
        expectNone(try rig.seen(rig.craft("blacklist", rig.people())))
        let others = try rig.craft("blacklist", rig.people(own: "b", sibling: "m")).filter(Self.isStraight)
        expectNone(try Set(others.map(\.name)).subtracting(rig.seen(others, from: "b")))
    }

    /// To the MAC of the victim; what is sent to another need not arrive.
    private static func isStraight(_ attack: AttackRig.Attack) -> Bool { !attack.name.contains("by the mac of") }

    @Test func aPolicyThatForbidsToSendToSomebodyHoldsForEveryAddressOfHis() throws {
        let web = try PolicyHost(["a", "b", "m"])
        try web.policies([
            (
                "m-out",
                """
                appliesTo: {endpoints: {matchLabels: {app: m}}}
                egress: {default: allow, rules: [{action: deny, to: [{endpoints: {matchLabels: {app: a}}}]}]}
                """
            )
        ])
        try web.apply()
        let rig = AttackRig(web)
        let groups = { (name: String) in name.contains("group") }
        try rig.use("fe80::beef", by: "a")
        // A group is no endpoint: what goes to all is not what is sent to one.
        let attacks = try rig.craft("blacklist", rig.people()).filter { !groups($0.name) }
        expectNone(try rig.seen(attacks))
        try web.host.sh(
            "ip -n a address delete fe80::beef/64 dev eth0; nft flush set bridge bulkhead locals_seen; nft flush set bridge bulkhead locals_used-web"
        )
        try rig.use("fe80::beef", by: "b")
        let others = try rig.craft("blacklist", rig.people(victim: "b", sibling: "a")).filter {
            !groups($0.name) && Self.isStraight($0)
        }
        expectNone(try Set(others.map(\.name)).subtracting(rig.seen(others, in: "b")))
    }
}
