internal import Addressing
internal import JSON
internal import Model

extension Compiler {
    /// What packets may pass between networks, to the host and to the world, and how they are translated.
    static func inetTable(_ input: CompilerInput) -> Table {
        Table(
            family: .inet, name: input.tableName, sets: boundSets(input) + publishedMaps(input),
            chains: [
                Chain(
                    name: "forward", base: .init(type: "filter", hook: "forward", priority: 0), rules: forwardRules()),
                Chain(name: "input", base: .init(type: "filter", hook: "input", priority: 0), rules: inputRules()),
            ] + outboundChains(input) + [
                Chain(
                    name: "output_nat", base: .init(type: "nat", hook: "output", priority: -100),
                    rules: publishedRules()),
                Chain(
                    name: "postrouting_nat", base: .init(type: "nat", hook: "postrouting", priority: 100),
                    rules: sourceRules()),
                Chain(
                    name: "prerouting", base: .init(type: "filter", hook: "prerouting", priority: -300),
                    rules: loopbackRules()),
                Chain(
                    name: "prerouting_nat", base: .init(type: "nat", hook: "prerouting", priority: -100),
                    rules: [
                        Rule(
                            [
                                Nft.differs(Nft.input, "lo"), Nft.equal(Nft.payload("ip", "daddr"), Nft.loopback4),
                                Nft.back,
                            ],
                            comment: "loopback addresses are not published to others")
                    ] + publishedRules()),
            ])
    }

    private static func boundSets(_ input: CompilerInput) -> [NamedSet] {
        [
            NamedSet(name: "bridges", keyTypes: ["ifname"], elements: input.bridges()),
            NamedSet(
                name: "guarded", keyTypes: ["ifname"],
                elements: input.facts.guardedInterfaces.map { Element(key: .string($0), comment: "forwarding was off") }
            ),
            NamedSet(name: "host_denied", keyTypes: ["ifname"], elements: input.bridges(where: \.deniesHostAccess)),
            NamedSet(name: "internal", keyTypes: ["ifname"], elements: input.bridges { $0.type != .nat }),
            NamedSet(
                name: "outbound", keyTypes: ["ifname"], dataType: "verdict",
                elements: input.desired.networks.filter { $0.outboundNAT != nil }.map {
                    Element(key: .string($0.bridge.text), data: Nft.jump(outboundChain($0)), comment: $0.id.description)
                }),
            NamedSet(name: "paths", keyTypes: ["ifname", "ifname"], elements: paths(input)),
            NamedSet(
                name: "routed", keyTypes: ["ifname"],
                elements: input.bridges { $0.type == .nat && $0.inbound == .routed }),
            NamedSet(name: "siblings", keyTypes: ["ifname", "ifname"], elements: siblings(input) { _ in true }),
            NamedSet(
                name: "siblings_denied", keyTypes: ["ifname", "ifname"],
                elements: siblings(input, where: \.deniesIntraNetwork)),
        ]
    }

    /// Which bridge may send to which: within a network, and between peers.
    private static func paths(_ input: CompilerInput) -> [Element] {
        siblings(input) { !$0.deniesIntraNetwork }
            + input.desired.networks.flatMap { network in
                network.peers.compactMap { input.networks[$0] }.map { peer in
                    Element(
                        key: Nft.concat(.string(network.bridge.text), .string(peer.bridge.text)),
                        comment: network.id.description)
                }
            }
    }

    private static func siblings(_ input: CompilerInput, where condition: (Network) -> Bool) -> [Element] {
        input.desired.networks.filter(condition).map {
            Element(key: Nft.concat(.string($0.bridge.text), .string($0.bridge.text)), comment: $0.id.description)
        }
    }

    private static func loopbackRules() -> [Rule] {
        [("ip", Nft.loopback4), ("ip6", "::1")].flatMap { name, address in
            ["saddr", "daddr"].map { field in
                Rule(
                    [
                        Nft.equal(Nft.input, "@bridges"), Nft.equal(Nft.payload(name, field), address), Nft.counter,
                        Nft.drop,
                    ], comment: "loopback addresses stay on lo")
            }
        }
    }

    /// First match decides. Only packets that touch one of our bridges get past the second rule.
    private static func forwardRules() -> [Rule] {
        let ours: JSON = "@bridges"
        let pair = Nft.concat(Nft.input, Nft.output)
        return [
            Rule(
                [Nft.equal(Nft.input, "@guarded"), Nft.differs(Nft.output, "bh-*"), Nft.counter, Nft.drop],
                comment: "forwarding was off here before bulkhead"),
            Rule([Nft.differs(Nft.input, ours), Nft.differs(Nft.output, ours), Nft.back], comment: "not ours"),
            Rule([Nft.isAnswer, Nft.accept], comment: "answers and related errors"),
            Rule([Nft.equal(pair, "@paths"), Nft.accept], comment: "within a network, and between peers"),
            Rule([Nft.equal(pair, "@siblings_denied"), Nft.counter, Nft.drop], comment: "intraNetwork: deny"),
            Rule([Nft.equal(Nft.input, "@internal"), Nft.counter, Nft.drop], comment: "internal: no way out"),
            Rule([Nft.equal(Nft.output, "@internal"), Nft.counter, Nft.drop], comment: "internal: no way in"),
            Rule([Nft.isTranslated, Nft.accept], comment: "published ports"),
            Rule([Nft.equal(Nft.input, ours), Nft.differs(Nft.output, "bh-*"), Nft.accept], comment: "nat: way out"),
            Rule(
                [Nft.equal(Nft.output, "@routed"), Nft.differs(Nft.input, "bh-*"), Nft.accept],
                comment: "inbound: routed"),
            Rule([Nft.counter, Nft.drop], comment: "no path"),
        ]
    }

    private static func inputRules() -> [Rule] {
        [
            Rule([Nft.differs(Nft.input, "@host_denied"), Nft.back], comment: "hostAccess: allow, or not ours"),
            Rule([Nft.isAnswer, Nft.accept], comment: "answers and related errors"),
            Rule(
                [
                    Nft.equal(Nft.payload("icmpv6", "type"), Nft.set(["nd-neighbor-advert", "nd-neighbor-solicit"])),
                    Nft.accept,
                ], comment: "neighbour discovery"),
            Rule([Nft.counter, Nft.drop], comment: "hostAccess: deny"),
        ]
    }
}
