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
        // Ports of one rule and of the next.
        (
            rules(
                "{action: allow, protocols: [{protocol: tcp, ports: [100-150]}]}, {action: allow, protocols: [{protocol: tcp, ports: [151-200]}]}, {action: deny, protocols: [{protocol: tcp, ports: [120-180]}]}"
            ),
            [
                "test.yaml:29:220: warning: rule p/ingress-3 never matches: rules p/ingress-1 (test.yaml:29:90) and p/ingress-2 (test.yaml:29:155) come first and cover it together"
            ]
        ),
        (
            rules(
                "{action: allow, protocols: [{protocol: tcp, ports: [100-150]}]}, {action: allow, protocols: [{protocol: udp, ports: [151-200]}]}, {action: deny, protocols: [{protocol: tcp, ports: [120-180]}]}"
            ), []
        ),
        // The first has another sender, the second other ports.
        (
            rules(
                "{action: allow, from: [{entity: host}], protocols: [{protocol: tcp, ports: [100-150]}]}, {action: allow, protocols: [{protocol: tcp, ports: [151-200]}]}, {action: deny, protocols: [{protocol: tcp, ports: [120-180]}]}"
            ), []
        ),
        // Both halves of IPv4 are all that ICMP has.
        (
            rules(
                "{action: allow, from: [{cidr: 0.0.0.0/1}, {cidr: 128.0.0.0/1}]}, {action: deny, protocols: [{protocol: icmp, types: [8]}]}"
            ),
            [
                "test.yaml:29:155: warning: rule p/ingress-2 never matches: rule p/ingress-1 (test.yaml:29:90) comes first and covers it"
            ]
        ),
        (
            rules(
                "{action: allow, from: [{cidr: 0.0.0.0/1}, {cidr: 128.0.0.0/1}]}, {action: deny, protocols: [{protocol: tcp}]}"
            ), []
        ),
        (
            rules(
                "{action: allow, from: [{cidr: 0.0.0.0/1}]}, {action: allow, from: [{cidr: 128.0.0.0/1}], protocols: [{protocol: icmp}]}, {action: deny, protocols: [{protocol: icmp, types: [8]}]}"
            ),
            [
                "test.yaml:29:211: warning: rule p/ingress-3 never matches: rules p/ingress-1 (test.yaml:29:90) and p/ingress-2 (test.yaml:29:134) come first and cover it together"
            ]
        ),
        // An address of an endpoint is nobody else's.
        (
            rules(
                "{action: allow, from: [{endpoints: {matchLabels: {app: b}}}]}, {action: deny, from: [{cidr: 10.1.0.11/32}]}"
            ),
            [
                "test.yaml:29:153: warning: rule p/ingress-2 never matches: rule p/ingress-1 (test.yaml:29:90) comes first and covers it"
            ]
        ),
        (
            rules(
                "{action: allow, from: [{endpoints: {matchLabels: {app: b}}}]}, {action: deny, from: [{cidr: 10.1.0.10/31}]}"
            ), []
        ),
        (
            rules(
                "{action: allow, from: [{endpoints: {matchLabels: {app: b}}, cidr: 10.0.0.0/8, except: [10.1.0.11/32]}]}, {action: deny, from: [{cidr: 10.1.0.11/32}]}"
            ),
            [
                "test.yaml:29:90: warning: rule p/ingress-1 never matches: no endpoint among its peers has an address in 10.0.0.0/8"
            ]
        ),
        // Whoever is host, world or endpoint is anyone.
        (
            rules(
                "{action: allow, from: [{entity: host}, {endpoints: {}}]}, {action: pass, from: [{entity: world}]}, {action: deny}"
            ),
            [
                "test.yaml:29:189: warning: rule p/ingress-3 never matches: rules p/ingress-1 (test.yaml:29:90) and p/ingress-2 (test.yaml:29:148) come first and cover it together"
            ]
        ),
        (
            rules(
                "{action: allow, from: [{entity: host}, {endpoints: {matchLabels: {app: b}}}]}, {action: pass, from: [{entity: world}]}, {action: deny}"
            ),
            []
        ),
        // Neither the host nor the world has an endpoint's address.
        (
            rules("{action: deny, from: [{entity: host, cidr: 10.1.0.11/32}]}"),
            [
                "test.yaml:29:90: warning: rule p/ingress-1 never matches: in 10.1.0.11/32 it means addresses of endpoints alone, which are never the host's"
            ]
        ),
        (
            rules("{action: deny, from: [{entity: host, cidr: 10.1.0.10/31}, {entity: world, cidr: 10.1.0.11/32}]}"),
            [
                "test.yaml:29:90: warning: rule p/ingress-1 never matches: in 10.1.0.10/31, 10.1.0.11/32 it means addresses of endpoints alone, which are never the host's or the world's"
            ]
        ),
        (rules("{action: deny, from: [{entity: host, cidr: 10.1.0.1/32}]}"), []),
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

    /// An overlay's addresses are its own: elsewhere somebody else may have them.
    @Test func addressesOfOverlaysAreSettledNowhere() throws {
        let host = document("Host", "node-a", "underlay: {address: 198.51.100.1}")
        func found(_ network: String) throws -> [String] {
            let text =
                host + network + document("Endpoint", "x", "app: x", "network: n, host: node-a, addresses: [10.5.0.10]")
                + document("Endpoint", "y", "app: y", "network: n, host: node-a, addresses: [10.5.0.11]")
                + document(
                    "Policy", "p",
                    "appliesTo: {endpoints: {matchLabels: {app: x}}}, ingress: {default: deny, rules: [{action: allow, from: [{endpoints: {matchLabels: {app: y}}}]}, {action: deny, from: [{cidr: 10.5.0.11/32}]}]}"
                )
            return PolicyWarnings.of(try resolve(text, host: "node-a")).map(\.message)
        }
        #expect(try found(network("n", "type: overlay, vxlan: {vni: 7}, subnets: [{prefix: 10.5.0.0/24}]")).isEmpty)
        #expect(
            try found(network("n", "type: nat, subnets: [{prefix: 10.5.0.0/24}]")) == [
                "rule p/ingress-2 never matches: rule p/ingress-1 (test.yaml:24:90) comes first and covers it"
            ])
    }

    /// Many rules that cover something together are not looked at, and are not named all.
    @Test(arguments: [(5, true), (6, true), (64, true), (65, false)])
    func howManyCoverTogether(count: Int, isTold: Bool) throws {
        let rules =
            (1...count).map { "{action: allow, protocols: [{protocol: tcp, ports: [\($0)]}]}" }
            + ["{name: late, action: deny, protocols: [{protocol: tcp, ports: [1-\(count)]}]}"]
        let found = PolicyWarnings.of(try resolve(Self.base + Self.rules(rules.joined(separator: ", ")))).map(\.message)
        #expect(found.count == (isTold ? 1 : 0))
        #expect(found.allSatisfy { $0.hasSuffix(" and \(count - 4) more come first and cover it together") })
    }

    /// What is said never to match never decides anything.
    @Test(arguments: Surroundings.allCases, 0..<10)
    func whatNeverMatchesDecidesNothing(_ surroundings: Surroundings, seed: Int) throws {
        let manifests = RandomManifests(seed: UInt64(seed) + 500, policyCount: 8, surroundings: surroundings)
        let state = try resolve(manifests.text(), host: surroundings.hosts.first?.name ?? "here")
        try decideNothing(state, PolicyWarnings.of(state), "\(surroundings), seed \(seed)")
    }

    /// The same of one policy with very many rules about the same few things, so that they cover one another together.
    @Test func whatIsCoveredTogetherDecidesNothing() throws {
        var together = 0
        for seed in 0..<8 {
            let manifests = RandomManifests(seed: UInt64(seed) + 700, endpointCount: 4)
            let state = try resolve(manifests.topology() + manifests.crowdedPolicy())
            let warnings = PolicyWarnings.of(state)
            together += warnings.count { $0.message.hasSuffix("cover it together") }
            try decideNothing(state, warnings, "seed \(seed)")
        }
        // A test in which nothing is said would show nothing.
        #expect(together > 5)
    }

    private func decideNothing(_ state: DesiredState, _ warnings: [Diagnostic], _ name: String) throws {
        let silent = Set(
            warnings.filter {
                $0.message.contains("never matches") || $0.message.contains("allows nothing")
            }.compactMap(\.location))
        let own = Surroundings.ownAddresses.compactMap { IPAddress($0) }
        let reachability = Reachability(state, hostAddresses: Set(own))
        let addresses = RandomManifests.outside + Surroundings.ownAddresses + Surroundings.neighbours
        let places: [Place] =
            state.endpoints.map { .endpoint($0.metadata.name) } + [.host, .world]
            + addresses.compactMap { IPAddress($0) }.map { .address($0) }
        for from in places {
            for to in places where reachability.shareAddresses(from, to) {
                for pair in AddressFamily.allCases.flatMap({ reachability.pairs(from, to, $0) }) {
                    for ruling in rulings(reachability, pair) {
                        guard case .rule(let rule)? = ruling?.cause else { continue }
                        #expect(!silent.contains(rule.source), "\(name): \(rule.policy)/\(rule.rule) decides")
                    }
                }
            }
        }
    }

    private func rulings(_ reachability: Reachability, _ pair: AddressPair) -> [Ruling?] {
        let ports = PortProtocol.allCases.flatMap {
            reachability.answers(pair.connection(.transport($0, port: 1)), $0).map(\.answer)
        }
        let types: [UInt8] = pair.source.address.family == .ipv4 ? [8, 13] : [128]
        let others =
            types.map { reachability.answer(pair.connection(.icmp(type: $0))) }
            + [reachability.answer(pair.connection(.other(47)))]
        return (ports + others).flatMap { [$0.egress, $0.ingress] }
    }
}
