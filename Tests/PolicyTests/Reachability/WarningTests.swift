import Addressing
import Model
import Reachability
import TestSupport
import Testing

@Suite struct WarningTests {
    static let base =
        network("web", "type: nat, subnets: [{prefix: 10.1.0.0/24}]")
        + network("dark", "type: private, subnets: [{prefix: 10.2.0.0/24}]")
        + document("Endpoint", "a", "app: a", "network: web, addresses: [10.1.0.10]")
        + document("Endpoint", "b", "app: b", "network: web, addresses: [10.1.0.11]")
        + document("Endpoint", "d", "app: d", "network: dark, addresses: [10.2.0.10]")

    private func warnings(_ policies: String) throws -> [String] {
        PolicyWarnings.of(try resolve(Self.base + policies)).map(\.headline)
    }

    private static func rules(_ rules: String, _ more: String = "") -> String {
        document(
            "Policy", "p",
            "appliesTo: {endpoints: {matchLabels: {app: a}}}, ingress: {default: deny, rules: [\(rules)]}\(more)")
    }

    static let table: [(policies: String, expected: [String])] = [
        (
            rules("{action: allow}, {name: late, action: deny, protocols: [{protocol: tcp}]}"),
            [
                "test.yaml:29:107: warning: rule p/late never matches: rule p/ingress-1 (test.yaml:29:90) comes first and covers it"
            ]
        ),
        (
            rules(
                "{action: allow, protocols: [{protocol: tcp, ports: [80-90]}, {protocol: tcp, ports: [91-99]}]}, {action: deny, protocols: [{protocol: tcp, ports: [85-95]}]}"
            ),
            [
                "test.yaml:29:186: warning: rule p/ingress-2 never matches: rule p/ingress-1 (test.yaml:29:90) comes first and covers it"
            ]
        ),
        (
            rules(
                "{action: allow, protocols: [{protocol: tcp, ports: [80-90]}]}, {action: deny, protocols: [{protocol: tcp, ports: [85-95]}]}"
            ), []
        ),
        (
            rules("{action: deny, from: [{cidr: 10.0.0.0/8}]}, {action: allow, from: [{cidr: 10.9.0.0/16}]}"),
            [
                "test.yaml:29:134: warning: rule p/ingress-2 never matches: rule p/ingress-1 (test.yaml:29:90) comes first and covers it"
            ]
        ),
        (
            rules(
                "{action: deny, from: [{cidr: 10.0.0.0/8, except: [10.9.0.0/16]}]}, {action: allow, from: [{cidr: 10.9.0.0/16}]}"
            ), []
        ),
        (
            rules(
                "{action: deny, from: [{endpoints: {}}]}, {action: allow, from: [{endpoints: {matchLabels: {app: b}}}]}"
            ),
            [
                "test.yaml:29:131: warning: rule p/ingress-2 never matches: rule p/ingress-1 (test.yaml:29:90) comes first and covers it"
            ]
        ),
        (rules("{action: deny, from: [{entity: world}]}, {action: allow, from: [{entity: host}]}"), []),
        // Two halves are the whole, but for what is left out.
        (
            rules(
                "{action: deny, from: [{cidr: 10.9.0.0/25}, {cidr: 10.9.0.128/25}]}, {action: allow, from: [{cidr: 10.9.0.0/24}]}"
            ),
            [
                "test.yaml:29:158: warning: rule p/ingress-2 never matches: rule p/ingress-1 (test.yaml:29:90) comes first and covers it"
            ]
        ),
        (
            rules(
                "{action: deny, from: [{cidr: 10.9.0.0/25, except: [10.9.0.7/32]}, {cidr: 10.9.0.128/25}]}, {action: allow, from: [{cidr: 10.9.0.0/24}]}"
            ), []
        ),
        (
            rules(
                "{action: deny, from: [{cidr: 10.9.0.0/25, except: [10.9.0.7/32]}, {cidr: 10.9.0.128/25}]}, {action: allow, from: [{cidr: 10.9.0.0/24, except: [10.9.0.6/31]}]}"
            ),
            [
                "test.yaml:29:181: warning: rule p/ingress-2 never matches: rule p/ingress-1 (test.yaml:29:90) comes first and covers it"
            ]
        ),
        (
            rules(
                "{action: deny, from: [{entity: host, cidr: 0.0.0.0/0}, {entity: host, cidr: \"::/0\"}]}, {action: allow, from: [{entity: host}]}"
            ),
            [
                "test.yaml:29:177: warning: rule p/ingress-2 never matches: rule p/ingress-1 (test.yaml:29:90) comes first and covers it"
            ]
        ),
        // Who has another address.
        (
            rules("{action: allow, from: [{endpoints: {matchLabels: {app: b}}, cidr: 192.0.2.0/24}]}"),
            [
                "test.yaml:29:90: warning: rule p/ingress-1 never matches: no endpoint among its peers has an address in 192.0.2.0/24"
            ]
        ),
        (
            rules(
                "{action: allow, from: [{endpoints: {matchLabels: {app: b}}, cidr: 10.1.0.0/24, except: [10.1.0.10/31]}]}"
            ),
            [
                "test.yaml:29:90: warning: rule p/ingress-1 never matches: no endpoint among its peers has an address in 10.1.0.0/24"
            ]
        ),
        (rules("{action: allow, from: [{endpoints: {matchLabels: {app: b}}, cidr: 10.1.0.8/29}]}"), []),
        (
            document(
                "Policy", "first",
                "appliesTo: {endpoints: {}}, priority: 1, ingress: {default: allow, rules: [{action: deny}]}")
                + rules("{action: allow}"),
            [
                "test.yaml:34:90: warning: rule p/ingress-1 never matches: rule first/ingress-1 (test.yaml:29:83) comes first and covers it"
            ]
        ),
        // The earlier one is for fewer endpoints.
        (
            rules("{action: deny}", ", priority: 1")
                + document(
                    "Policy", "q", "appliesTo: {endpoints: {}}, ingress: {default: allow, rules: [{action: allow}]}"),
            []
        ),
        // Audit policies take part in nothing.
        (
            document(
                "Policy", "first",
                "appliesTo: {endpoints: {}}, mode: audit, priority: 1, ingress: {default: allow, rules: [{action: deny}]}"
            ) + rules("{action: allow}"), []
        ),
        (
            rules("{name: x, action: allow, protocols: [{protocol: tcp, ports: [80]}]}")
                + document(
                    "Policy", "q",
                    "appliesTo: {networks: [web]}, ingress: {default: allow, rules: [{name: y, action: reject, protocols: [{protocol: tcp, ports: [1-100]}]}]}"
                ),
            [
                "test.yaml:34:72: warning: rule q/y and rule p/x (test.yaml:29:90) decide differently for Endpoint/a at the same priority, 1000; Policy/p is asked first because of its name alone: give them different priorities"
            ]
        ),
        (
            rules("{name: x, action: allow, protocols: [{protocol: tcp, ports: [80]}]}")
                + document(
                    "Policy", "q",
                    "appliesTo: {networks: [web]}, priority: 7, ingress: {default: allow, rules: [{name: y, action: reject, protocols: [{protocol: tcp, ports: [1-79]}]}]}"
                ),
            []
        ),
        (
            document(
                "Policy", "p", "appliesTo: {networks: [dark]}, ingress: {default: allow, rules: [{action: reject}]}"),
            [
                "test.yaml:29:73: warning: rule p/ingress-1: on a private network, as that of Endpoint/d, the kernel cannot answer; there 'reject' drops like 'deny'"
            ]
        ),
        (
            rules("{action: deny, protocols: [{protocol: icmp, types: [echo-reply, destination-unreachable]}]}"),
            [
                "test.yaml:29:90: warning: rule p/ingress-1 never matches: icmp echo-reply,destination-unreachable are answers, errors or neighbour discovery, which pass with what they belong to and begin no connection"
            ]
        ),
        (
            document(
                "Policy", "p",
                "appliesTo: {networks: [dark]}, egress: {default: deny, rules: [{action: allow, to: [{entity: host}, {entity: world}]}]}"
            ),
            [
                "test.yaml:29:71: warning: rule p/egress-1 allows nothing: types, 'inbound' and 'peerNetworks' close the way between its peers and Endpoint/d"
            ]
        ),
        (
            rules("{action: allow, from: [{network: dark}]}"),
            [
                "test.yaml:29:90: warning: rule p/ingress-1 allows nothing: types, 'inbound' and 'peerNetworks' close the way between its peers and Endpoint/a"
            ]
        ),
    ]

    @Test(arguments: table) func warns(row: (policies: String, expected: [String])) throws {
        let found = try warnings(row.policies)
        #expect(found == row.expected)
    }

    /// No ports are all ports, in either rule; some services of several are covered by the same of others.
    @Test(arguments: [
        ("{protocol: tcp, ports: [1-65535]}", "{protocol: tcp}", true),
        ("{protocol: tcp}", "{protocol: tcp, ports: [1-65535]}", true),
        ("{protocol: tcp, ports: [2-65535]}", "{protocol: tcp}", false),
        ("{protocol: icmp}", "{protocol: icmp, types: [8]}", true),
        ("{protocol: icmp, types: [8]}", "{protocol: icmp}", false),
        ("{protocol: tcp}, {protocol: icmp}", "{protocol: icmp}", true),
        ("{protocol: tcp}, {protocol: icmp}", "{protocol: icmpv6}", false),
        (
            "{protocol: udp, ports: [53]}, {protocol: tcp}",
            "{protocol: udp, ports: [53]}, {protocol: tcp, ports: [9]}", true
        ),
        ("{protocol: udp, ports: [53]}, {protocol: tcp}", "{protocol: udp, ports: [54]}", false),
    ])
    func coverageOfServices(wide: String, narrow: String, isCovered: Bool) throws {
        let found = try warnings(
            Self.rules("{action: allow, protocols: [\(wide)]}, {action: deny, protocols: [\(narrow)]}"))
        #expect(found.count == (isCovered ? 1 : 0))
    }

    @Test func endpointsThatCouldSendAsOthers() throws {
        let free = document("Endpoint", "free", "network: web, addresses: [10.1.0.66], antiSpoof: false")
        #expect(try warnings(free).isEmpty)
        #expect(
            try warnings(free + Self.rules("{action: allow, from: [{cidr: 10.1.0.11/32}]}")) == [
                "test.yaml:28:18: warning: Endpoint/free has no antiSpoof: it could send from the address of somebody whom the policies of Endpoint/a allow"
            ])
    }

    @Test func saysThatItDidNotLookAtEverything() throws {
        let many = Self.rules(
            (1...20).map { "{action: allow, protocols: [{protocol: tcp, ports: [\($0)]}]}" }.joined(separator: ", "))
        let state = try resolve(Self.base + many)
        #expect(PolicyWarnings.of(state).isEmpty)
        #expect(
            PolicyWarnings.of(state, limit: 100).map(\.headline) == [
                "test.yaml:28:18: warning: the policies have too many rules to compare each with all others; further rules that never match, or that disagree, are not told"
            ])
    }

    /// What is said never to match never decides anything.
    @Test(arguments: 0..<30) func whatNeverMatchesDecidesNothing(seed: Int) throws {
        let state = try resolve(RandomManifests(seed: UInt64(seed) + 500, policyCount: 8).text())
        let silent = Set(
            PolicyWarnings.of(state).filter {
                $0.message.contains("never matches") || $0.message.contains("allows nothing")
            }.compactMap(\.location))
        let reachability = Reachability(state)
        let places: [Place] =
            state.endpoints.map { .endpoint($0.metadata.name) } + [.host, .world]
            + RandomManifests.outside.compactMap { IPAddress($0) }.map { .address($0) }
        for from in places {
            for to in places {
                for pair in AddressFamily.allCases.flatMap({ reachability.pairs(from, to, $0) }) {
                    let ports = PortProtocol.allCases.flatMap {
                        reachability.answers(pair.connection(.transport($0, port: 1)), $0).map(\.answer)
                    }
                    let types: [UInt8] = pair.source.address.family == .ipv4 ? [8, 13] : [128]
                    let others =
                        types.map { reachability.answer(pair.connection(.icmp(type: $0))) }
                        + [reachability.answer(pair.connection(.other(47)))]
                    for ruling in (ports + others).flatMap({ [$0.egress, $0.ingress] }) {
                        guard case .rule(let rule)? = ruling?.cause else { continue }
                        #expect(
                            !silent.contains(rule.source),
                            "\(rule.policy)/\(rule.rule) decides"
                        )
                    }
                }
            }
        }
    }
}
