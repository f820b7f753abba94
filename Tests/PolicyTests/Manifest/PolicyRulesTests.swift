import Addressing
import Model
import Testing

/// Every rule of validation, with the place and the whole message.
@Suite struct PolicyRulesTests {
    static let base =
        network("web", "type: nat, subnets: [{prefix: 10.1.0.0/24}]")
        + document("Endpoint", "web-1", "app: web", "network: web, addresses: [10.1.0.10]")

    /// The last document, whose `spec` stands in line 12.
    private func complaints(_ spec: String, extra: String = "") -> [String] {
        diagnostics(Self.base + document("Policy", "p", spec) + extra)
    }

    static let rules: [(spec: String, expected: [String])] = [
        (
            "appliesTo: {}, ingress: {default: deny}",
            [
                "test.yaml:14:19: error: appliesTo: give 'endpoints', 'networks' or both; 'endpoints: {}' is all endpoints"
            ]
        ),
        (
            "appliesTo: {networks: [wb]}, ingress: {default: deny}",
            ["test.yaml:14:31: error: Network 'wb' is not declared; did you mean 'web'?"]
        ),
        (
            "appliesTo: {networks: [web]}",
            ["test.yaml:13:18: error: Policy/p has neither 'ingress' nor 'egress', so that it would do nothing"]
        ),
        (
            "appliesTo: {endpoints: {matchLabels: {app: wbe}}}, ingress: {default: deny}",
            ["test.yaml:14:31: warning: Policy/p: appliesTo selects no endpoint"]
        ),
        (
            "appliesTo: {networks: []}, ingress: {default: deny}",
            [
                "test.yaml:14:30: error: networks: an empty list would match nothing; leave 'networks' out, or put something in"
            ]
        ),
        (
            "appliesTo: {networks: [web]}, ingress: {rules: []}",
            ["test.yaml:14:47: error: ingress: 'default' is missing"]
        ),
        (
            "appliesTo: {networks: [web]}, ingress: {default: deny, rules: [{action: allow}, {name: ingress-1, action: deny}]}",
            [
                "test.yaml:14:95: error: ingress: the name, 'ingress-1', is also that of the rule at test.yaml:14:71; name one of them otherwise"
            ]
        ),
        (
            "appliesTo: {networks: [web]}, ingress: {default: deny, rules: [{name: Big, action: allow}]}",
            [
                "test.yaml:14:78: error: name: expected a name (DNS-1123 label: a-z, 0-9 and '-', at most 63 characters), found 'Big'"
            ]
        ),
        (
            "appliesTo: {networks: [web]}, ingress: {default: deny, rules: [{action: allow, from: [{}]}]}",
            [
                "test.yaml:14:94: error: a peer needs at least one of 'endpoints', 'network', 'cidr' and 'entity'; for anyone leave 'from' or 'to' out"
            ]
        ),
        (
            "appliesTo: {networks: [web]}, ingress: {default: deny, rules: [{action: allow, from: [{entity: host, endpoints: {}}]}]}",
            [
                "test.yaml:14:103: error: 'entity: host' is no endpoint, so that 'endpoints' beside it matches nothing; make two items of them"
            ]
        ),
        (
            "appliesTo: {networks: [web]}, ingress: {default: deny, rules: [{action: allow, from: [{except: [10.0.0.0/8]}]}]}",
            ["test.yaml:14:103: error: 'except' has no meaning without 'cidr'"]
        ),
        (
            "appliesTo: {networks: [web]}, ingress: {default: deny, rules: [{action: allow, from: [{cidr: 10.0.0.0/8, except: [11.0.0.0/8]}]}]}",
            ["test.yaml:14:122: error: except: 11.0.0.0/8 lies outside 10.0.0.0/8"]
        ),
        (
            "appliesTo: {networks: [web]}, ingress: {default: deny, rules: [{action: allow, from: [{network: db}]}]}",
            ["test.yaml:14:104: error: Network 'db' is not declared"]
        ),
        (
            "appliesTo: {networks: [web]}, ingress: {default: deny, rules: [{action: allow, from: [{endpoints: {matchLabels: {app: x}}}]}]}",
            ["test.yaml:14:106: warning: selects no endpoint, so that this peer matches nothing"]
        ),
        (
            "appliesTo: {networks: [web]}, ingress: {default: deny, rules: [{action: allow, protocols: [{protocol: icmp, ports: [80]}]}]}",
            ["test.yaml:14:123: error: 'ports' are not used by icmp; it has 'types'"]
        ),
        (
            "appliesTo: {networks: [web]}, ingress: {default: deny, rules: [{action: allow, protocols: [{protocol: udp, types: [8]}]}]}",
            ["test.yaml:14:122: error: 'types' are not used by udp; it has 'ports'"]
        ),
        (
            "appliesTo: {networks: [web]}, ingress: {default: deny, rules: [{action: allow, protocols: [{protocol: icmp, types: [echo-reqest]}]}]}",
            ["test.yaml:14:124: error: types: icmp has no type 'echo-reqest'; did you mean 'echo-request'?"]
        ),
        (
            "appliesTo: {networks: [web]}, ingress: {default: deny, rules: [{action: allow, protocols: [{protocol: icmp, types: [256]}]}]}",
            [
                "test.yaml:14:124: error: types: expected a type such as echo-request, or its number from 0 to 255, found '256'"
            ]
        ),
        (
            "appliesTo: {networks: [web]}, ingress: {default: deny, rules: [{action: allow, from: [{cidr: 10.0.0.0/8}], protocols: [{protocol: icmpv6}]}]}",
            ["test.yaml:14:127: error: icmpv6 never comes from or goes to ipv4 addresses"]
        ),
        (
            "appliesTo: {networks: [web]}, ingress: {default: deny, rules: [{action: allow, log: {to: nflog}}]}",
            ["test.yaml:14:92: error: log: 'to: nflog' needs the 'group' that a program listens on"]
        ),
        (
            "appliesTo: {networks: [web]}, ingress: {default: deny, rules: [{action: allow, log: {to: kernel, group: 1}}]}",
            ["test.yaml:14:112: error: log: 'group' is not used by 'to: kernel'"]
        ),
        (
            "appliesTo: {networks: [web]}, priority: 65536, ingress: {default: deny}",
            ["test.yaml:14:48: error: priority: expected a number from 0 to 65535, found '65536'"]
        ),
        (
            "appliesTo: {endpoints: {matchExpressions: [{key: app, operator: In}]}}, ingress: {default: deny}",
            [
                "test.yaml:14:31: warning: Policy/p: appliesTo selects no endpoint",
                "test.yaml:14:31: error: matchExpressions: operator In needs 'values'",
            ]
        ),
    ]

    @Test(arguments: rules) func rule(row: (spec: String, expected: [String])) {
        #expect(complaints(row.spec) == row.expected)
    }

    static let target = "appliesTo: {endpoints: {}}, ingress: {default: deny}"

    @Test func endpointsWithoutAntiSpoof() {
        let extra = document("Endpoint", "free", "network: web, antiSpoof: false")
        #expect(
            complaints(Self.target, extra: extra) == [
                "test.yaml:14:19: error: Policy/p selects Endpoint/free (test.yaml:18:18), which has no antiSpoof; rules match by address, which it could forge"
            ])
    }

    @Test func endpointsWithoutAddresses() {
        let extra = document("Endpoint", "bare", "network: web, addresses: []")
        #expect(
            complaints(Self.target, extra: extra) == [
                "test.yaml:14:19: error: Policy/p selects Endpoint/bare (test.yaml:18:18), which has no address; rules match by address: give it 'addresses' or 'allowedAddresses'"
            ])
    }

    @Test func addressesOfTwoEndpoints() {
        let extra = document(
            "Endpoint", "router", "network: web, addresses: [10.1.0.1], allowedAddresses: [10.1.0.0/28]"
        )
        .replacing("10.1.0.1]", with: "10.1.0.2]")
        #expect(
            complaints(Self.target, extra: extra) == [
                "test.yaml:14:19: error: 10.1.0.10 may be a source of both Endpoint/router (test.yaml:18:18) and Endpoint/web-1 (test.yaml:8:18), and Policy/p selects one of them; rules match by address and could not tell them apart: narrow 'allowedAddresses'"
            ])
        // No policy, no harm.
        #expect(diagnostics(Self.base + extra).isEmpty)
    }

    @Test func rightOnesAreNotComplainedOf() {
        let all =
            "appliesTo: {endpoints: {matchLabels: {app: web}}, networks: [web]}, priority: 100, mode: audit, onRevoke: keep, "
            + "ingress: {default: deny, rules: [{name: a, action: allow, from: [{endpoints: {matchLabels: {app: web}}, network: web}, "
            + "{cidr: 10.0.0.0/8, except: [10.1.0.0/16]}, {entity: host}], protocols: [{protocol: tcp, ports: [80, 443, 8000-8100]}, "
            + "{protocol: icmp, types: [echo-request, 13]}], log: {to: nflog, group: 100}}]}, "
            + "egress: {default: allow, rules: [{action: reject, to: [{cidr: 169.254.169.254/32}, {cidr: \"fd00:ec2::254/128\"}], log: {to: kernel}}]}"
        #expect(complaints(all).isEmpty)
    }
}
