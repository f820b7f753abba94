import Addressing
import Model
import Reachability
import TestSupport
import Testing

@Suite struct ChangeTests {
    private func changes(_ old: String, _ new: String) throws -> [String] {
        let found = ReachabilityChanges(from: try resolve(RuleTests.base + old), to: try resolve(RuleTests.base + new))
        #expect(found.isComplete)
        return found.changes.map(\.description)
    }

    private static func policy(_ rules: String) -> String {
        document(
            "Policy", "p",
            "appliesTo: {endpoints: {matchLabels: {app: web}}}, ingress: {default: deny, rules: [\(rules)]}")
    }

    @Test func aPortMore() throws {
        let found = try changes(
            Self.policy("{action: allow, from: [{network: web}], protocols: [{protocol: tcp, ports: [80]}]}"),
            Self.policy("{action: allow, from: [{network: web}], protocols: [{protocol: tcp, ports: [80, 81-90]}]}"))
        #expect(
            found == [
                "lb-1 → web-1, tcp 81-90: now allowed", "old-1 → web-1, tcp 81-90: now allowed",
            ])
    }

    @Test func aPrefixLess() throws {
        let found = try changes(
            Self.policy(
                "{action: allow, from: [{cidr: 198.18.0.0/15}], protocols: [{protocol: tcp}, {protocol: icmp}]}"),
            Self.policy("{action: allow, from: [{cidr: 198.18.0.0/15}], protocols: [{protocol: icmp}]}"))
        #expect(found == ["198.18.0.0/15 → web-1, tcp, all ports: no longer allowed"])
    }

    @Test func aFamilyLess() throws {
        let found = try changes(
            Self.policy(
                "{action: allow, from: [{cidr: 10.1.0.20/32}, {cidr: \"fd00:1::20/128\"}], protocols: [{protocol: udp, ports: [53]}]}"
            ),
            Self.policy("{action: allow, from: [{cidr: 10.1.0.20/32}], protocols: [{protocol: udp, ports: [53]}]}"))
        #expect(found == ["lb-1 → web-1, udp 53 (ipv6): no longer allowed"])
    }

    @Test func whatDecidesNothingIsNoChange() throws {
        let one = Self.policy("{action: allow, from: [{network: web}]}")
        #expect(try changes(one, "\n" + one).isEmpty)
        #expect(try changes(one, Self.policy("{name: other, action: allow, from: [{network: web}]}")).isEmpty)
        #expect(
            try changes(
                "", document("Policy", "a", "appliesTo: {endpoints: {}}, mode: audit, ingress: {default: deny}")
            ).isEmpty)
    }

    @Test func saysThatItDidNotLookAtEverything() throws {
        let (old, new) = (try resolve(RuleTests.base), try resolve(RuleTests.base + Self.policy("")))
        let found = ReachabilityChanges(from: old, to: new, pairLimit: 3)
        #expect(!found.isComplete)
    }

    /// Over steps of random policies: every pair and port whose answer changes is named, and nothing else.
    @Test(arguments: 0..<12) func namesJustWhatChanges(seed: Int) throws {
        let manifests = RandomManifests(seed: UInt64(seed) + 900, endpointCount: 4)
        for step in 0..<3 {
            let (old, new) = (try resolve(manifests.text(step: step)), try resolve(manifests.text(step: step + 1)))
            let found = ReachabilityChanges(from: old, to: new)
            #expect(found.isComplete)
            let (before, after) = (Reachability(old), Reachability(new))
            let names = new.endpoints.map(\.metadata.name)
            for from in names {
                for to in names where from != to {
                    check(before, after, found.changes, from, to)
                }
            }
        }
    }

    private func check(
        _ before: Reachability, _ after: Reachability, _ changes: [ReachabilityChange], _ from: ObjectName,
        _ to: ObjectName
    ) {
        let mine = changes.filter { $0.from == .endpoint(from) && $0.to == .endpoint(to) }
        for family in AddressFamily.allCases {
            guard let pair = after.pairs(.endpoint(from), .endpoint(to), family).first else { continue }
            for transport in PortProtocol.allCases {
                for port in [1, 65535] + Array(6999...7018) as [UInt16] {
                    let asked = pair.connection(.transport(transport, port: port))
                    let (was, becomes) = (before.answer(asked).allows, after.answer(asked).allows)
                    let named = mine.first { change in
                        guard case .ports(transport, let ports) = change.service else { return false }
                        return change.families.contains(family) && ports.first <= port && port <= ports.last
                    }
                    #expect(named?.isOpened == (was == becomes ? nil : becomes), "\(from) → \(to) \(transport) \(port)")
                }
            }
        }
    }
}
