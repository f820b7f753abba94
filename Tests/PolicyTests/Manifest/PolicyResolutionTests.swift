import Addressing
import Model
import Testing

@Suite struct PolicyResolutionTests {
    static let base =
        network("web", "type: nat, subnets: [{prefix: 10.1.0.0/24}]")
        + document("Endpoint", "b", "app: web, tier: x", "network: web, addresses: [10.1.0.10]")
        + document("Endpoint", "a", "app: web", "network: web, addresses: [10.1.0.11]")
        + document("Endpoint", "c", "app: lb", "network: web, addresses: [10.1.0.12]")

    private func policies(_ text: String) throws -> [Policy] { try resolve(Self.base + text).policies }

    @Test func selectorsBecomeEndpointsOfThisHost() throws {
        let found = try policies(
            document("Policy", "p", "appliesTo: {endpoints: {matchLabels: {app: web}}}, ingress: {default: deny}"))
        #expect(found.map(\.selected) == [[ObjectName("a"), ObjectName("b")].compactMap { $0 }])
    }

    static let selectors: [(selector: String, key: String, members: [String])] = [
        ("endpoints: {}", "all", ["a", "b", "c"]),
        ("endpoints: {matchLabels: {app: web}}", "app=web", ["a", "b"]),
        ("endpoints: {matchLabels: {tier: x, app: web}}", "app=web,tier=x", ["b"]),
        ("endpoints: {matchExpressions: [{key: app, operator: In, values: [web]}]}", "app=web", ["a", "b"]),
        (
            "endpoints: {matchExpressions: [{key: app, operator: In, values: [web, lb, web]}]}", "app in (lb,web)",
            ["a", "b", "c"]
        ),
        ("endpoints: {matchExpressions: [{key: app, operator: NotIn, values: [web]}]}", "app notin (web)", ["c"]),
        ("endpoints: {matchExpressions: [{key: tier, operator: NotIn, values: [x]}]}", "tier notin (x)", ["a", "c"]),
        ("endpoints: {matchExpressions: [{key: tier, operator: Exists}]}", "tier", ["b"]),
        ("endpoints: {matchExpressions: [{key: tier, operator: DoesNotExist}]}", "!tier", ["a", "c"]),
        ("network: web", "all @web", ["a", "b", "c"]),
        ("network: web, endpoints: {matchLabels: {app: lb}}", "app=lb @web", ["c"]),
        ("endpoints: {matchLabels: {app: none}}", "app=none", []),
    ]

    @Test(arguments: selectors) func groups(row: (selector: String, key: String, members: [String])) throws {
        let found = try policies(
            document(
                "Policy", "p",
                "appliesTo: {endpoints: {}}, egress: {default: deny, rules: [{action: allow, to: [{\(row.selector)}]}]}"
            ))
        let group = try #require(found.first?.egress?.rules.first?.peers?.first?.group)
        #expect(group.key == row.key)
        #expect(group.members.map(\.text) == row.members)
    }

    @Test func namesPrioritiesAndPlaces() throws {
        let found = try policies(
            document(
                "Policy", "z",
                "appliesTo: {endpoints: {}}, priority: 5, ingress: {default: deny, rules: [{action: allow}, {name: x, action: deny}, {action: pass}]}"
            )
                + document(
                    "Policy", "a", "appliesTo: {endpoints: {}}, egress: {default: allow, rules: [{action: reject}]}")
                + document(
                    "Policy", "nobody", "appliesTo: {endpoints: {matchLabels: {app: none}}}, ingress: {default: deny}"))
        #expect(found.map(\.metadata.name.text) == ["z", "a"])
        #expect(found[0].ingress?.rules.map(\.name.text) == ["ingress-1", "x", "ingress-3"])
        #expect(found[1].egress?.rules.map(\.name.text) == ["egress-1"])
        #expect(
            found[0].ingress?.rules.map(\.source.description) == [
                "test.yaml:24:82", "test.yaml:24:99", "test.yaml:24:124",
            ])
    }

    @Test func typesAndExceptionsAreResolved() throws {
        let found = try policies(
            document(
                "Policy", "p",
                "appliesTo: {endpoints: {}}, ingress: {default: deny, rules: [{action: allow, from: [{cidr: 0.0.0.0/0, except: [10.1.0.0/24, 10.0.0.0/8]}], protocols: [{protocol: icmp, types: [echo-request, 13]}]}]}"
            ))
        let rule = try #require(found.first?.ingress?.rules.first)
        #expect(rule.services == [.icmp(.ipv4, [8, 13])])
        #expect(rule.peers?.first?.block?.except == [IPPrefix("10.0.0.0/8")].compactMap { $0 })
    }

    /// Anything that changes what is enforced changes the fingerprint; a moved line does not.
    @Test func theFingerprintCoversPolicies() throws {
        let policy =
            "appliesTo: {endpoints: {}}, ingress: {default: deny, rules: [{action: allow, from: [{cidr: 10.0.0.0/8}], protocols: [{protocol: tcp, ports: [80]}], log: {to: nflog, group: 1}}]}"
        func fingerprint(_ spec: String) throws -> String {
            try resolve(Self.base + document("Policy", "p", spec)).fingerprint
        }
        let first = try fingerprint(policy)
        #expect(try resolve(Self.base + "\n\n" + document("Policy", "p", policy)).fingerprint == first)
        for (old, new) in [
            ("allow", "reject"), ("deny", "allow"), ("10.0.0.0/8", "10.0.0.0/9"), ("80", "81"), ("tcp", "udp"),
            ("group: 1", "group: 2"),
            ("endpoints: {}", "endpoints: {matchLabels: {app: web}}"), ("ingress: {", "mode: audit, ingress: {"),
            ("ingress: {", "priority: 7, ingress: {"), ("ingress: {", "onRevoke: keep, ingress: {"),
            ("cidr: 10.0.0.0/8", "cidr: 10.0.0.0/8, except: [10.1.0.0/16]"), ("cidr: 10.0.0.0/8", "entity: host"),
        ] {
            #expect(try fingerprint(policy.replacing(old, with: new, maxReplacements: 1)) != first, "\(old) → \(new)")
        }
    }
}
