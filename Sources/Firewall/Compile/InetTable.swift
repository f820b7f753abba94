public import Addressing
internal import JSON
internal import Model

extension Compiler {
    /// What packets may pass between networks, to the host and to the world, and how they are translated.
    ///
    /// A packet between endpoints passes two chains of the forward hook, one for each end: `accept` ends a chain, not
    /// the hook, so that both ends must let it.
    static func inetTable(_ input: CompilerInput) -> Table {
        let policies = PolicyChains(input, .inet)
        let tunnels = Tunnels(input)
        let gateways = Gateways(input)
        return Table(
            family: .inet, name: input.tableName,
            sets: boundSets(input) + tunnels.inetSets + gateways.inetSets + memberMaps(policies)
                + translatedMaps(policies)
                + policies.groups.sets + publishedMaps(input) + Protection.sets(input.desired),
            chains: filterChains(input) + ReversePath.chains + tunnels.inetChains + policies.chains()
                + outboundChains(input)
                + translationChains(tunnels) + [
                    Zones.chain(input.desired, besides: gateways.untracked)
                ])
    }

    private static func filterChains(_ input: CompilerInput) -> [Chain] {
        let gateways = Gateways(input)
        return [
            Chain(name: "bounds", rules: boundRules(input)),
            Chain(
                name: "forward", base: .init(type: "filter", hook: "forward", priority: 0),
                rules: gateways.passing + senderRules()),
            Chain(
                name: "forward_to", base: .init(type: "filter", hook: "forward", priority: 10),
                rules: gateways.passing + receiverRules(gateways)),
            Chain(name: "input", base: .init(type: "filter", hook: "input", priority: 0), rules: inputRules()),
            Chain(name: PolicyChains.isolationChain(.egress), rules: hostIsolation() + [Rule([Nft.accept])]),
            Chain(
                name: PolicyChains.isolationChain(.ingress), rules: siblingIsolation(gateways) + [Rule([Nft.accept])]),
            Chain(name: "output", base: .init(type: "filter", hook: "output", priority: 0), rules: outputRules()),
            Chain(name: "translated", rules: translatedRules()),
            Chain(
                name: "prerouting", base: .init(type: "filter", hook: "prerouting", priority: -300),
                rules: portRules() + loopbackRules() + [Guests.learning]),
        ]
    }

    /// A frame to the addresses of link-local protocols (`01:80:c2:00:00:0X`) goes past the bridge: the host takes it as
    /// come in by the port itself, whatever is inside. Ports speak to nobody.
    static func portRules() -> [Rule] {
        [Rule([Nft.equal(Nft.input, "@ports"), Nft.counter, Nft.drop], comment: "past the switch")]
    }

    /// Of endpoints, tunnels and routers, and others on which the host has no place.
    static func allPorts(_ input: CompilerInput) -> [Element] {
        input.ports() + Tunnels(input).devices() + Gateways(input).ports + input.deaf
    }

    /// The same for ARP.
    static func arpTable(_ input: CompilerInput) -> Table {
        Table(
            family: .arp, name: input.tableName,
            sets: [NamedSet(name: "ports", keyTypes: ["ifname"], elements: allPorts(input))],
            chains: [
                Chain(name: "input", base: .init(type: "filter", hook: "input", priority: 0), rules: portRules())
            ])
    }

    private static func translationChains(_ tunnels: Tunnels) -> [Chain] {
        [
            Chain(
                name: "output_nat", base: .init(type: "nat", hook: "output", priority: -100),
                rules: [
                    Rule(
                        [Nft.equal(Nft.payload("ip6", "daddr"), "::1"), Nft.back],
                        comment: "no path leads away from ::1")
                ] + publishedRules()),
            Chain(
                name: "postrouting_nat", base: .init(type: "nat", hook: "postrouting", priority: 100),
                rules: sourceRules()),
            Chain(
                name: "prerouting_nat", base: .init(type: "nat", hook: "prerouting", priority: -100),
                rules: tunnels.untranslated + [
                    ReversePath.untranslated,
                    Rule(
                        [Nft.differs(Nft.input, "lo"), Nft.equal(Nft.payload("ip", "daddr"), Nft.loopback4), Nft.back],
                        comment: "loopback addresses are not published to others"),
                ] + publishedRules()),
        ]
    }

    /// Maps that lead to the policies of the endpoint at either end: by single address, and by prefix for
    /// `allowedAddresses`.
    private static func memberMaps(_ policies: PolicyChains) -> [NamedSet] {
        TrafficDirection.allCases.flatMap { direction in
            AddressFamily.allCases.flatMap { family -> [NamedSet] in
                let members = policies.members(direction, family)
                let types = ["ifname", family.setType]
                let name = "\(memberMap(direction))\(family.suffix)"
                return [
                    NamedSet(name: name, keyTypes: types, dataType: "verdict", elements: members.single),
                    NamedSet(
                        name: "\(name)_blocks", keyTypes: types, dataType: "verdict", isInterval: true,
                        elements: members.blocks),
                ]
            } + [
                NamedSet(
                    name: cardMap(direction), keyTypes: ["ifname", "ether_addr"], dataType: "verdict",
                    elements: policies.cardMembers(direction))
            ]
        }
    }

    /// Maps by address alone, for what the host sends to published ports.
    private static func translatedMaps(_ policies: PolicyChains) -> [NamedSet] {
        AddressFamily.allCases.map { family in
            NamedSet(
                name: translatedMap(family), keyTypes: [family.setType], dataType: "verdict",
                elements: policies.hostReached(family))
        }
    }

    /// Maps by MAC, for link-local addresses that no card gives: the port sees to it that a MAC is its owner's.
    private static func cardMap(_ direction: TrafficDirection) -> String { "\(memberMap(direction))_cards" }

    /// The policies of the endpoint at one end of a packet with a link-local address that no manifest knows.
    private static func cardRules(_ direction: TrafficDirection) -> [Rule] {
        let side = PeerSide(of: direction)
        return [
            Rule(
                [
                    Nft.equal(side.address(.ipv6), Nft.linkLocal6),
                    Nft.verdicts(Nft.concat(side.interface, side.mac), cardMap(direction)),
                ], comment: "policies: \(direction.rawValue)")
        ]
    }

    private static func memberMap(_ direction: TrafficDirection) -> String {
        switch direction {
        case .ingress: "receivers"
        case .egress: "senders"
        }
    }

    /// The policies of the endpoint at one end of the packet.
    private static func memberRules(_ direction: TrafficDirection) -> [Rule] {
        AddressFamily.allCases.flatMap { family -> [Rule] in
            let key =
                switch direction {
                case .egress: Nft.concat(Nft.input, Nft.payload(family.protocolName, "saddr"))
                case .ingress: Nft.concat(Nft.output, Nft.payload(family.protocolName, "daddr"))
                }
            let name = "\(memberMap(direction))\(family.suffix)"
            return [
                Rule([Nft.verdicts(key, name)], comment: "policies: \(direction.rawValue)"),
                Rule([Nft.verdicts(key, "\(name)_blocks")], comment: "policies: \(direction.rawValue)"),
            ]
        }
    }

    private static func boundSets(_ input: CompilerInput) -> [NamedSet] {
        [
            Zones.hostSides(input.desired),
            NamedSet(name: "bridges", keyTypes: ["ifname"], elements: input.bridges { !$0.isShared }),
            guarded(input, .ipv4), guarded(input, .ipv6),
            NamedSet(name: "groups4", keyTypes: ["ipv4_addr"], isInterval: true, elements: input.groups4()),
            NamedSet(name: "host_denied", keyTypes: ["ifname"], elements: input.bridges(where: \.deniesHostAccess)),
            NamedSet(
                name: "internal", keyTypes: ["ifname"],
                elements: input.bridges { $0.type != .nat && !$0.isShared && !$0.isRouted }),
            NamedSet(name: "members", keyTypes: ["ifname", "ether_addr"], elements: input.sharedMembers()),
            NamedSet(
                name: "outbound", keyTypes: ["ifname"], dataType: "verdict",
                elements: input.desired.networks.filter { $0.outboundNAT != nil }.map {
                    Element(key: .string($0.bridge.text), data: Nft.jump(outboundChain($0)), comment: $0.id.description)
                }),
            NamedSet(name: "locals", keyTypes: ["ipv6_addr"], elements: input.endpointLocals()),
            NamedSet(name: "paths", keyTypes: ["ifname", "ifname"], elements: paths(input)),
            NamedSet(
                name: "policed", keyTypes: ["ifname"], elements: input.bridges(where: input.isPoliced)),
            NamedSet(name: "ports", keyTypes: ["ifname"], elements: allPorts(input)),
            NamedSet(
                name: "routed", keyTypes: ["ifname"],
                elements: input.bridges { $0.type == .nat && $0.inbound == .routed }),
            // For what lies behind a bridge itself the host is no next hop.
            input.subnets("on_segment", .ipv4) { !$0.isShared }, input.subnets("on_segment", .ipv6) { !$0.isShared },
            segments(input),
            NamedSet(name: "shared", keyTypes: ["ifname"], elements: input.sharedBridges()),
            NamedSet(name: "shared_segments", keyTypes: ["ifname", "ifname"], elements: input.sharedSegments()),
            input.sharedAddresses(.ipv4), input.sharedAddresses(.ipv6), Guests.locals,
            NamedSet(
                name: "shared_siblings_denied", keyTypes: ["ifname", "ifname"],
                elements: siblings(input) { $0.deniesIntraNetwork && $0.isShared }),
            NamedSet(
                name: "siblings_denied", keyTypes: ["ifname", "ifname"],
                elements: siblings(input) { $0.deniesIntraNetwork && !$0.isShared && !$0.hasRouter }),
            NamedSet(
                name: "switches", keyTypes: ["ifname", "ifname"], elements: siblings(input) { !$0.isShared }),
            NamedSet(name: Table.unchecked, keyTypes: ["ifname"]),
        ] + routedSets(input) + input.unaddressedSets() + Origins(input).sets
    }

    /// Interfaces that did not forward a family before. One that did goes on to, whatever it did with the other.
    private static func guarded(_ input: CompilerInput, _ family: AddressFamily) -> NamedSet {
        NamedSet(
            name: NamedSet.guarded(family), keyTypes: ["ifname"],
            elements: input.facts.guarded(family).map {
                Element(key: .string($0), comment: NamedSet.guardedComment)
            })
    }

    /// Interfaces that may be bridges of others: what only passes from port to port of one is not forwarded.
    private static func segments(_ input: CompilerInput) -> NamedSet {
        let names = Set(input.facts.guarded4 + input.facts.guarded6).sorted()
        return NamedSet(
            name: "segments", keyTypes: ["ifname", "ifname"],
            elements: names.map {
                Element(key: Nft.concat(.string($0), .string($0)), comment: "within one segment")
            })
    }

    /// Which bridge may send to which: within a network, and between peers; and a network that the host routes to, and its
    /// uplink.
    private static func paths(_ input: CompilerInput) -> [Element] {
        siblings(input) { _ in true }
            + input.routedUplinks.flatMap { network, uplink in
                [[network.bridge.text, uplink], [uplink, network.bridge.text]].map { ends in
                    Element(key: Nft.concat(.string(ends[0]), .string(ends[1])), comment: network.id.description)
                }
            }
            + input.desired.networks.filter(\.hasHostSide).flatMap { network in
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

    /// What keeps a segment working does not leave it: a router takes one from the hop limit, and forwards nothing from a
    /// link-local address or none.
    private static func segmentRules() -> [Rule] {
        let type = Nft.payload("icmpv6", "type")
        let source = Nft.payload("ip6", "saddr")
        let origins: [JSON] = [["prefix": ["addr": "fe80::", "len": 10]], "::"]
        return [
            Rule(
                [
                    Nft.equal(type, Nft.set(Nft.discoveryTypes)),
                    Nft.equal(Nft.payload("ip6", "hoplimit"), 255), Nft.accept,
                ], comment: "neighbour discovery")
        ]
            + origins.map { origin in
                Rule(
                    [
                        Nft.equal(source, origin), Nft.equal(Nft.payload("ip6", "daddr"), Nft.groups6),
                        Nft.equal(type, Nft.set(Nft.listenerTypes)), Nft.accept,
                    ], comment: "multicast listeners")
            }
    }

    /// A connection that was cut must not begin anew with whatever its server says next.
    private static let middles = Rule(
        [
            Nft.contains(["ct": ["key": "state"]], "new"),
            Nft.differs(["&": [Nft.payload("tcp", "flags"), ["fin", "syn", "rst", "ack"]]], "syn"), Nft.counter,
            Nft.drop,
        ], comment: "TCP begins with SYN")

    private static let isOurs = "@bridges" as JSON

    /// The sender's side of forwarding. Only packets that touch one of our switches, or an endpoint on a segment that it
    /// shares with others, get past the rules that return.
    private static func senderRules() -> [Rule] {
        guardRules() + Guests.forgeries + Guests.others + linkLocalRules() + ReversePath.elsewhere()
            + ReversePath.forwarded + Passage.forwarded() + segmentRules() + [
                ReversePath.strangers(Nft.differs(Nft.way, "@shared_segments")),
                Rule(
                    [Nft.contains(["ct": ["key": "state"]], ["invalid", "untracked"]), Nft.counter, Nft.drop],
                    comment: "belongs to no connection"), middles,
                Rule([Nft.jump("bounds")]),
            ] + memberRules(.egress) + cardRules(.egress)
    }

    /// Link-local addresses are not routed (RFC 4291, 2.5.6); the kernel does so where a packet leaves by the interface by
    /// which it came.
    private static func linkLocalRules() -> [Rule] {
        return ["saddr", "daddr"].map { field in
            Rule(
                [
                    Nft.equal(Nft.payload("ip6", field), Nft.linkLocal6), Nft.equal(Nft.addressee, "@host_sides"),
                    Nft.counter,
                    Nft.drop,
                ], comment: "link-local addresses are not routed")
        }
    }

    /// What stayed off before bulkhead goes on staying off. Within one segment nothing is forwarded.
    private static func guardRules() -> [Rule] {
        AddressFamily.allCases.flatMap { family -> [Rule] in
            let isGuarded = [
                Nft.equal(Nft.meta("nfproto"), .string(family.rawValue)),
                Nft.equal(Nft.input, .string("@guarded\(family.suffix)")),
            ]
            return [
                Rule(
                    isGuarded + [
                        Nft.differs(Nft.output, "bh-*"), Nft.differs(Nft.way, "@segments"), Nft.counter, Nft.drop,
                    ],
                    comment: "forwarding was off here before bulkhead"),
                Rule(
                    isGuarded + [
                        Nft.equal(Nft.output, "@shared"), Nft.differs(Nft.way, "@segments"), Nft.counter, Nft.drop,
                    ],
                    comment: "forwarding was off here before bulkhead"),
            ]
        }
    }

    /// What no policy opens.
    private static func boundRules(_ input: CompilerInput) -> [Rule] {
        return [
            Rule([Nft.equal(Nft.way, "@paths"), Nft.back], comment: "within a network, and between peers"),
            Rule([Nft.equal(Nft.input, "@internal"), Nft.counter, Nft.drop], comment: "internal: no way out"),
            Rule([Nft.equal(Nft.output, "@internal"), Nft.counter, Nft.drop], comment: "internal: no way in"),
            Rule([Nft.isTranslated, Nft.back], comment: "published ports"),
        ] + routedRules(input) + Guests.bounds + [
            Rule([Nft.equal(Nft.input, isOurs), Nft.differs(Nft.output, "bh-*"), Nft.back], comment: "nat: way out"),
            Rule(
                [Nft.equal(Nft.output, "@routed"), Nft.differs(Nft.input, "bh-*"), Nft.back],
                comment: "inbound: routed"),
            Rule(
                [Nft.equal(Nft.output, "@routed"), Nft.equal(Nft.input, "@shared"), Nft.back],
                comment: "inbound: routed"),
            Rule([Nft.counter, Nft.drop], comment: "no path"),
        ]
    }

    /// The host routes an l2bridge to its own uplink, and whatever the host's routes say to no other interface: there nobody
    /// knows the endpoints' addresses, or somebody else has them.
    private static func routedRules(_ input: CompilerInput) -> [Rule] {
        guard !input.routedUplinks.isEmpty else { return [] }
        return [
            Rule(
                [Nft.equal(Nft.input, .string("@\(routed)")), Nft.counter, Nft.drop],
                comment: "l2bridge: by its uplink alone")
        ]
    }

    private static let routed = "l2bridges"

    private static func routedSets(_ input: CompilerInput) -> [NamedSet] {
        guard !input.routedUplinks.isEmpty else { return [] }
        return [NamedSet(name: routed, keyTypes: ["ifname"], elements: input.bridges(where: \.isRouted))]
    }

    /// The receiver's side of forwarding. What goes to a group is decided at each receiver's port.
    private static func receiverRules(_ gateways: Gateways) -> [Rule] {
        [
            Rule(
                [Nft.differs(Nft.output, isOurs), Nft.differs(Nft.output, "@shared"), Nft.back],
                comment: "not to one of ours")
        ] + Passage.forwarded(but: Guests.unaddressed) + segmentRules() + [Guests.detour] + Guests.strangers + [middles]
            + memberRules(.ingress) + cardRules(.ingress) + [
                Rule([Nft.equal(Nft.payload("ip", "daddr"), "@groups4"), Nft.accept], comment: "decided at the port"),
                Rule(
                    [Nft.equal(Nft.payload("ip6", "daddr"), Nft.groups6), Nft.accept], comment: "decided at the port"),
            ] + siblingIsolation(gateways)
    }

    private static func siblingIsolation(_ gateways: Gateways) -> [Rule] {
        return [
            Rule([Nft.equal(Nft.way, "@siblings_denied"), Nft.counter, Nft.drop], comment: "intraNetwork: deny")
        ] + gateways.isolation + Guests.isolation
    }

    /// A packet that leaves by no interface is for the host, which is one of every group.
    private static func hostIsolation() -> [Rule] {
        [
            Rule(
                [Nft.equal(Nft.input, "@host_denied"), Nft.isForHostItself, Nft.counter, Nft.drop],
                comment: "hostAccess: deny")
        ]
    }

    /// From endpoints to the host. What others on a shared segment send it is its own matter.
    private static func inputRules() -> [Rule] {
        ReversePath.elsewhere(Nft.differs(Nft.input, "lo")) + [
            Rule(
                [Nft.differs(Nft.input, isOurs), Nft.differs(Nft.input, "@shared"), Nft.back],
                comment: "not from one of ours")
        ] + Guests.forgeries + [
            Rule(
                [Nft.equal(Nft.input, "@shared"), Nft.differs(Nft.sender, "@members"), Nft.back],
                comment: "from others on a shared segment")
        ] + ReversePath.received + Passage.toHost + segmentRules() + [
            ReversePath.strangers(),
            // Not knowing a connection is not having none: somebody else may have it.
            Rule(
                [Nft.contains(["ct": ["key": "state"]], "invalid"), Nft.counter, Nft.drop],
                comment: "belongs to no connection"), middles,
        ] + memberRules(.egress)
            + cardRules(.egress) + [
                Rule([Nft.equal(Nft.input, "@host_denied"), Nft.counter, Nft.drop], comment: "hostAccess: deny")
            ]
    }

    /// From the host to endpoints. The MAC of the receiver is not known yet.
    private static func outputRules() -> [Rule] {
        let target = Nft.payload("ip6", "daddr")
        return [Rule([Nft.isTranslated, Nft.jump("translated")], comment: "to another address than was asked for")]
            + AddressFamily.allCases.map { family in
                Rule(
                    [
                        Nft.differs(Nft.output, isOurs),
                        Nft.differs(Guests.target(family), .string("@shared\(family.suffix)")),
                    ] + (family == .ipv6 ? [Nft.differs(Guests.target(.ipv6), Guests.all)] : []) + [Nft.back],
                    comment: "not to one of ours")
            } + Passage.fromHost + segmentRules() + [middles] + memberRules(.ingress) + [
                Rule(
                    [
                        Nft.equal(Nft.output, "@policed"), Nft.equal(Guests.target(.ipv6), Guests.all), Nft.counter,
                        Nft.drop,
                    ],
                    comment: "policies: whose link-local address this is, is not known here"),
                Rule(
                    [
                        Nft.equal(Nft.output, "@policed"), Nft.differs(Nft.output, "@shared"),
                        Nft.equal(target, Nft.linkLocal6), Nft.differs(target, "@locals"), Nft.counter, Nft.drop,
                    ], comment: "policies: whose link-local address this is, is not known here"),
            ]
    }

    /// From the host to published ports. The hook still knows the interface of the address that was asked for, so that the
    /// endpoint is found by its own address alone. (Where the interface is known, after routing, nothing can be rejected.)
    private static func translatedRules() -> [Rule] {
        Passage.fromHost + segmentRules() + [middles]
            + AddressFamily.allCases.map { family in
                let target = Nft.payload(family.protocolName, "daddr")
                return Rule([Nft.verdicts(target, translatedMap(family))], comment: "policies: ingress")
            }
    }

    private static func translatedMap(_ family: AddressFamily) -> String { "receivers_translated\(family.suffix)" }
}

extension NamedSet {
    /// Interfaces that did not forward a family before bulkhead.
    static func guarded(_ family: AddressFamily) -> String { "guarded\(family.suffix)" }

    /// The family whose interfaces a set of that name holds; nil where it holds others.
    public static func guardedFamily(_ name: String) -> AddressFamily? {
        AddressFamily.allCases.first { guarded($0) == name }
    }

    /// Comment of their elements.
    public static let guardedComment = "forwarding was off"
}
