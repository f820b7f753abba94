import Addressing
import Model
import Reachability
import Testing

/// One table a sentence of the contract's chapter on policies.
@Suite struct RuleTests {
    static let base =
        network("web", "type: nat, inbound: routed, subnets: [{prefix: 10.1.0.0/24}, {prefix: \"fd00:1::/64\"}]")
        + network(
            "dark", "type: nat, subnets: [{prefix: 10.2.0.0/24}], isolation: {intraNetwork: deny, hostAccess: deny}")
        + document("Endpoint", "web-1", "app: web", "network: web, addresses: [10.1.0.10, \"fd00:1::10\"]")
        + document("Endpoint", "lb-1", "app: lb", "network: web, addresses: [10.1.0.20, \"fd00:1::20\"]")
        + document("Endpoint", "old-1", "app: old", "network: web, addresses: [10.1.0.30, \"fd00:1::30\"]")
        + document("Endpoint", "dark-1", "app: dark", "network: dark, addresses: [10.2.0.10]")
        + document("Endpoint", "dark-2", "app: dark", "network: dark, addresses: [10.2.0.20]")

    static func policy(_ name: String, _ spec: String) -> String { document("Policy", name, spec) }
    static let web = "appliesTo: {endpoints: {matchLabels: {app: web}}}"
    static let dark = "appliesTo: {networks: [dark]}"

    struct Row: CustomTestStringConvertible, Sendable {
        var sentence: String
        var policies: String
        var from: String
        var to: String
        var service: String
        var expected: String
        var testDescription: String { "\(sentence): \(from) → \(to) \(service)" }

        init(
            _ sentence: String, _ policies: String, _ from: String, _ to: String, _ service: String, _ expected: String
        ) {
            (self.sentence, self.policies, self.from, self.to) = (sentence, policies, from, to)
            (self.service, self.expected) = (service, expected)
        }
    }

    static let order: [Row] = [
        Row("no policy: everything is allowed", "", "lb-1", "web-1", "tcp/80", "egress allow, ingress allow"),
        Row(
            "the first match decides",
            policy(
                "p",
                "\(web), ingress: {default: deny, rules: [{action: allow, protocols: [{protocol: tcp}]}, {action: deny}]}"
            ),
            "lb-1", "web-1", "tcp/80", "egress allow, ingress allow by p/ingress-1"),
        Row(
            "the first match decides, the second rule for what the first leaves",
            policy(
                "p",
                "\(web), ingress: {default: allow, rules: [{action: allow, protocols: [{protocol: tcp}]}, {action: deny}]}"
            ),
            "lb-1", "web-1", "udp/80", "egress allow, ingress deny by p/ingress-2"),
        Row(
            "low priority first",
            policy("a", "\(web), priority: 20, ingress: {default: allow, rules: [{action: deny}]}")
                + policy("b", "\(web), priority: 10, ingress: {default: deny, rules: [{action: allow}]}"),
            "lb-1", "web-1", "tcp/80", "egress allow, ingress allow by b/ingress-1"),
        Row(
            "names break ties",
            policy("b", "\(web), ingress: {default: allow, rules: [{action: deny}]}")
                + policy("a", "\(web), ingress: {default: deny, rules: [{action: reject}]}"),
            "lb-1", "web-1", "tcp/80", "egress allow, ingress reject by a/ingress-1"),
        Row(
            "the default priority is 1000",
            policy("a", "\(web), ingress: {default: allow, rules: [{action: deny}]}")
                + policy("b", "\(web), priority: 999, ingress: {default: deny, rules: [{action: allow}]}"),
            "lb-1", "web-1", "tcp/80", "egress allow, ingress allow by b/ingress-1"),
        Row(
            "a default is asked after the rules of all policies",
            policy("a", "\(web), priority: 1, ingress: {default: deny}")
                + policy("b", "\(web), priority: 2, ingress: {default: deny, rules: [{action: allow}]}"),
            "lb-1", "web-1", "tcp/80", "egress allow, ingress allow by b/ingress-1"),
        Row(
            "deny wins over allow among defaults",
            policy("a", "\(web), priority: 1, ingress: {default: allow}")
                + policy("b", "\(web), priority: 2, ingress: {default: deny}"),
            "lb-1", "web-1", "tcp/80", "egress allow, ingress deny by default of b"),
        Row(
            "a policy that does not speak of a direction decides nothing of it",
            policy("a", "\(web), ingress: {default: deny}"), "web-1", "lb-1", "tcp/80", "egress allow, ingress allow"),
        Row(
            "both must let it: the source's egress too",
            policy("a", "\(web), egress: {default: deny}"), "web-1", "lb-1", "tcp/80",
            "egress deny by default of a, ingress allow"),
        Row(
            "audit takes part in nothing, defaults included",
            policy("a", "\(web), mode: audit, ingress: {default: deny, rules: [{action: deny}]}"), "lb-1", "web-1",
            "tcp/80", "egress allow, ingress allow"),
        Row(
            "audit leaves isolation in force",
            policy("a", "\(dark), mode: audit, ingress: {default: allow, rules: [{action: allow}]}"), "dark-1",
            "dark-2",
            "tcp/80", "egress allow, ingress deny by isolation of dark"),
        Row(
            "with both keys, endpoints that fulfil both",
            policy(
                "a", "appliesTo: {endpoints: {matchLabels: {app: web}}, networks: [dark]}, ingress: {default: deny}"),
            "lb-1", "web-1", "tcp/80", "egress allow, ingress allow"),
    ]

    static let isolation: [Row] = [
        Row("intraNetwork: deny", "", "dark-1", "dark-2", "tcp/80", "egress allow, ingress deny by isolation of dark"),
        Row("hostAccess: deny", "", "dark-1", "host", "tcp/80", "egress deny by isolation of dark"),
        Row(
            "hostAccess is about every address of the host", "", "dark-1", "10.1.0.1", "tcp/80",
            "egress deny by isolation of dark"),
        Row("isolation is about nothing else", "", "dark-1", "world", "tcp/80", "egress allow"),
        Row("the host is no endpoint of the network", "", "host", "dark-1", "tcp/80", "ingress allow"),
        Row(
            "a rule opens what isolation denies",
            policy("a", "\(dark), ingress: {default: deny, rules: [{action: allow, from: [{network: dark}]}]}"),
            "dark-1",
            "dark-2", "tcp/80", "egress allow, ingress allow by a/ingress-1"),
        Row(
            "a default opens it, too", policy("a", "\(dark), egress: {default: allow}"), "dark-1", "host", "tcp/80",
            "egress allow by default of a"),
        Row(
            "pass leaves it to isolation, which denies",
            policy("a", "\(dark), ingress: {default: allow, rules: [{action: pass}]}"), "dark-1", "dark-2", "tcp/80",
            "egress allow, ingress deny by isolation of dark (passed by a/ingress-1)"),
        Row(
            "pass leaves it to isolation, which allows",
            policy("a", "\(web), ingress: {default: deny, rules: [{action: pass}]}")
                + policy("b", "\(web), ingress: {default: deny, rules: [{action: deny}]}"),
            "lb-1", "web-1", "tcp/80", "egress allow, ingress allow (passed by a/ingress-1)"),
    ]

    static func peer(_ peer: String) -> String {
        policy("p", "\(web), ingress: {default: deny, rules: [{action: allow, from: [\(peer)]}]}")
    }
    private static let yes = "ingress allow by p/ingress-1"
    private static let no = "ingress deny by default of p"

    static let peers: [Row] = [
        Row(
            "left out: anyone", policy("p", "\(web), ingress: {default: deny, rules: [{action: allow}]}"), "world",
            "web-1", "tcp/1", yes),
        Row(
            "endpoints", peer("{endpoints: {matchLabels: {app: lb}}}"), "lb-1", "web-1", "tcp/1", "egress allow, \(yes)"
        ),
        Row(
            "endpoints, others not", peer("{endpoints: {matchLabels: {app: lb}}}"), "old-1", "web-1", "tcp/1",
            "egress allow, \(no)"),
        Row("endpoints are not the host", peer("{endpoints: {}}"), "host", "web-1", "tcp/1", no),
        Row("network", peer("{network: web}"), "old-1", "web-1", "tcp/1", "egress allow, \(yes)"),
        Row("network is its endpoints, not its gateway", peer("{network: web}"), "host", "web-1", "tcp/1", no),
        Row(
            "network and endpoints must both hold", peer("{network: dark, endpoints: {matchLabels: {app: lb}}}"),
            "lb-1", "web-1", "tcp/1", "egress allow, \(no)"),
        Row(
            "cidr is by address, endpoints included", peer("{cidr: 10.1.0.20/32}"), "lb-1", "web-1", "tcp/1",
            "egress allow, \(yes)"),
        Row("cidr is by address, the host included", peer("{cidr: 10.1.0.1/32}"), "host", "web-1", "tcp/1", yes),
        Row("cidr is by address, outside included", peer("{cidr: 198.18.0.0/15}"), "198.18.0.7", "web-1", "tcp/1", yes),
        Row(
            "except is left out", peer("{cidr: 10.0.0.0/8, except: [10.1.0.16/29]}"), "lb-1", "web-1", "tcp/1",
            "egress allow, \(no)"),
        Row(
            "except leaves the rest", peer("{cidr: 10.0.0.0/8, except: [10.1.0.16/29]}"), "old-1", "web-1", "tcp/1",
            "egress allow, \(yes)"),
        Row(
            "cidr and endpoints must both hold", peer("{cidr: 10.1.0.20/32, endpoints: {matchLabels: {app: old}}}"),
            "lb-1", "web-1", "tcp/1", "egress allow, \(no)"),
        Row("host", peer("{entity: host}"), "host", "web-1", "tcp/1", yes),
        Row("host: gateways of other networks", peer("{entity: host}"), "10.2.0.1", "web-1", "tcp/1", yes),
        Row("host is no endpoint", peer("{entity: host}"), "lb-1", "web-1", "tcp/1", "egress allow, \(no)"),
        Row("host is not the world", peer("{entity: host}"), "world", "web-1", "tcp/1", no),
        Row("world", peer("{entity: world}"), "world", "web-1", "tcp/1", yes),
        Row("world is not the host", peer("{entity: world}"), "host", "web-1", "tcp/1", no),
        Row("world is no endpoint", peer("{entity: world}"), "lb-1", "web-1", "tcp/1", "egress allow, \(no)"),
        Row(
            "world and cidr must both hold", peer("{entity: world, cidr: 198.18.0.0/15}"), "198.20.0.7", "web-1",
            "tcp/1", no),
        Row("any item of the list", peer("{entity: host}, {entity: world}"), "world", "web-1", "tcp/1", yes),
        Row(
            "a selector that selects nothing matches nobody", peer("{endpoints: {matchLabels: {app: none}}}"), "lb-1",
            "web-1", "tcp/1", "egress allow, \(no)"),
    ]

    static func service(_ services: String) -> String {
        policy("p", "\(web), ingress: {default: deny, rules: [{action: allow, protocols: [\(services)]}]}")
    }

    static let services: [Row] = [
        Row("a port", service("{protocol: tcp, ports: [80, 8000-8100]}"), "world", "web-1", "tcp/80", yes),
        Row(
            "the first of a range", service("{protocol: tcp, ports: [80, 8000-8100]}"), "world", "web-1", "tcp/8000",
            yes),
        Row(
            "the last of a range", service("{protocol: tcp, ports: [80, 8000-8100]}"), "world", "web-1", "tcp/8100", yes
        ),
        Row("past a range", service("{protocol: tcp, ports: [80, 8000-8100]}"), "world", "web-1", "tcp/8101", no),
        Row("another protocol", service("{protocol: tcp, ports: [80]}"), "world", "web-1", "udp/80", no),
        Row("no ports: all", service("{protocol: sctp}"), "world", "web-1", "sctp/65535", yes),
        Row("a type", service("{protocol: icmp, types: [echo-request]}"), "world", "web-1", "icmp/8", yes),
        Row("another type", service("{protocol: icmp, types: [echo-request]}"), "world", "web-1", "icmp/13", no),
        Row("a type by number", service("{protocol: icmp, types: [13]}"), "world", "web-1", "icmp/13", yes),
        Row("no types: all", service("{protocol: icmp}"), "world", "web-1", "icmp/13", yes),
        Row("icmpv6 is not icmp", service("{protocol: icmpv6}"), "world", "web-1", "icmp/8", no),
        Row(
            "left out: all, other protocols too", service("{protocol: tcp}, {protocol: icmp}"), "world", "web-1", "47",
            no),
        Row(
            "left out: all", policy("p", "\(web), ingress: {default: deny, rules: [{action: allow}]}"), "world",
            "web-1", "47", yes),
    ]

    @Test(arguments: order + isolation + peers + services) func sentence(row: Row) throws {
        let reachability = Reachability(try resolve(Self.base + row.policies))
        #expect(try reachability.ask(row.from, row.to, row.service).summary == row.expected)
    }

    /// Rules see a connection as the endpoint's card does: after port mapping, with the real client.
    @Test func rulesSeeTheTranslatedPortAndTheRealClient() throws {
        let mapped =
            document(
                "Endpoint", "pub", "app: web",
                "network: web, addresses: [10.1.0.40], portMappings: [{hostPort: 8080-8083, port: 80-83}]")
            + Self.policy(
                "p",
                "\(Self.web), ingress: {default: deny, rules: [{action: allow, from: [{cidr: 198.18.0.0/15}, {endpoints: {matchLabels: {app: lb}}}], protocols: [{protocol: tcp, ports: [81, 82]}]}]}"
            )
        let reachability = Reachability(try resolve(Self.base + mapped))
        #expect(try reachability.ask("198.18.0.1", "host", "tcp/8081").summary == "ingress allow by p/ingress-1")
        #expect(try reachability.ask("198.20.0.1", "host", "tcp/8081").summary == "ingress deny by default of p")
        #expect(
            try reachability.ask("lb-1", "host", "tcp/8082").summary == "egress allow, ingress allow by p/ingress-1")
        #expect(
            try reachability.ask("old-1", "host", "tcp/8082").summary == "egress allow, ingress deny by default of p")
        let pair = try #require(reachability.pairs(try place("198.18.0.1"), .host, .ipv4).first)
        let ranges = reachability.answers(pair.connection(.transport(.tcp, port: 1)), .tcp)
        #expect(
            ranges.map { "\($0.ports) \($0.answer.summary)" } == [
                "1-8079 foreign", "8080 ingress deny by default of p", "8081-8082 ingress allow by p/ingress-1",
                "8083 ingress deny by default of p", "8084-65535 foreign",
            ])
    }

    @Test func familiesAreAskedApart() throws {
        let rules = Self.policy(
            "p", "\(Self.web), ingress: {default: deny, rules: [{action: allow, from: [{cidr: \"fd00:1::/64\"}]}]}")
        let reachability = Reachability(try resolve(Self.base + rules))
        #expect(try reachability.ask("lb-1", "web-1", "tcp/80", .ipv4).allows == false)
        #expect(try reachability.ask("lb-1", "web-1", "tcp/80", .ipv6).allows)
        #expect(try reachability.ask("lb-1", "web-1", "icmp/128", .ipv6).allows)
    }

    @Test func worldIsAnAddressThatNoPolicyNames() throws {
        let rules = Self.policy(
            "p",
            "\(Self.web), ingress: {default: deny, rules: [{action: allow, from: [{cidr: 203.0.113.0/24}, {cidr: 192.0.0.0/4}]}]}"
        )
        let reachability = Reachability(try resolve(Self.base + rules))
        let address = try #require(reachability.unnamedOutside(.ipv4))
        #expect(IPPrefix("192.0.0.0/4")?.contains(address) == false)
        #expect(try reachability.ask("world", "web-1", "tcp/80").summary == "ingress deny by default of p")
    }
}
