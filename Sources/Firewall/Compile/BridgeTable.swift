internal import Addressing
internal import JSON
internal import Model
internal import Reachability

extension Compiler {
    /// What frames may enter by a port: the anti-spoofing of every endpoint, and the seclusion of private networks; and
    /// what may leave by one: policies on what goes to groups.
    static func bridgeTable(_ input: CompilerInput) -> Table {
        let policies = PolicyChains(input, .bridge)
        let tunnels = Tunnels(input)
        let gateways = Gateways(input)
        return Table(
            family: .bridge, name: input.tableName,
            sets: portSets(input, tunnels) + tunnels.bridgeSets + gateways.bridgeSets + sourceSets(input)
                + Claims.sets(input)
                + ChosenLocals.sets(input) + Delivery.sets(input, policies)
                + policies.groups.sets,
            chains: [
                Chain(name: "content", rules: contentRules()),
                Chain(name: Delivery.chain, rules: Delivery.rules()),
                Chain(
                    name: "forward", base: .init(type: "filter", hook: "forward", priority: -200),
                    rules: tunnels.exit + gateways.exit + [
                        Rule(
                            [Nft.equal(Nft.input, "@isolated"), Nft.counter, Nft.drop],
                            comment: "intraNetwork: deny"),
                        Rule(
                            [
                                Nft.equal(Nft.input, "@isolated_shared"), Nft.equal(Nft.output, "@isolated_shared"),
                                Nft.counter, Nft.drop,
                            ], comment: "intraNetwork: deny"),
                    ] + reassembledRules() + [ChosenLocals.deliveryRule, Delivery.entrance]),
                Chain(
                    name: "input", base: .init(type: "filter", hook: "input", priority: -200),
                    rules: [
                        Rule(
                            [Nft.equal(Nft.input, "@secluded"), Nft.counter, Nft.drop],
                            comment: "private, overlay: nothing to the host"),
                        Rule(
                            [
                                Nft.equal(Nft.input, "@switch_ports"), Nft.equal(Nft.meta("pkttype"), "host"),
                                Nft.differs(Nft.payload("ether", "daddr"), "@host_macs"), Nft.counter, Nft.drop,
                            ], comment: "to the host by the switch's own MAC alone"),
                    ] + reassembledRules()),
                Chain(
                    name: PolicyChains.isolationChain(.ingress), rules: Delivery.groupIsolation() + [Rule([Nft.accept])]
                ),
                Chain(
                    name: "output", base: .init(type: "filter", hook: "output", priority: -200),
                    rules: [
                        Rule(
                            [Nft.equal(Nft.output, "@secluded"), Nft.counter, Nft.drop],
                            comment: "private, overlay: nothing from the host"), ChosenLocals.deliveryRule,
                        Delivery.entrance,
                    ]),
                Chain(
                    name: "prerouting", base: .init(type: "filter", hook: "prerouting", priority: -300),
                    rules: tunnels.entrance + gateways.entrance + frameRules() + addressRules()),
            ] + tunnels.bridgeChains + gateways.bridgeChains + policies.chains() + Claims.chains(input)
                + ChosenLocals.chains(input))
    }

    private static func portSets(_ input: CompilerInput, _ tunnels: Tunnels) -> [NamedSet] {
        [
            NamedSet(
                name: "checked_addresses", keyTypes: ["ifname"],
                elements: input.ports { endpoint, _ in endpoint.checksAddresses }),
            NamedSet(
                name: "checked_macs", keyTypes: ["ifname"], elements: input.ports { endpoint, _ in endpoint.antiSpoof }),
            // Every port has a MAC as well, and what is sent to that the host would take for its own: past the zone of
            // what goes to the host, and so past what is decided there.
            NamedSet(name: "host_macs", keyTypes: ["ether_addr"], elements: hostMACs(input)),
            NamedSet(name: "foreign_macs", keyTypes: ["ifname", "ether_addr"], elements: foreignMACs(input)),
            NamedSet(name: "guest_macs", keyTypes: ["ether_addr"], elements: guestMACs(input)),
            NamedSet(
                name: "isolated", keyTypes: ["ifname"],
                elements: input.ports { input.isSecluded($1) && !$1.isShared }
                    + tunnels.devices(where: input.isSecluded)),
            NamedSet(
                name: "isolated_shared", keyTypes: ["ifname"],
                elements: input.ports { input.isSecluded($1) && $1.isShared }),
            NamedSet(name: "ports", keyTypes: ["ifname"], elements: input.ports()),
            NamedSet(
                name: "secluded", keyTypes: ["ifname"],
                elements: input.ports { !$1.hasHostSide } + tunnels.devices(where: { !$0.hasHostSide })
                    + vlans(input) + Gateways(input).ports),
            // Somebody else's bridge has the MAC that they give it; what goes to the host there is known by no zone.
            NamedSet(name: "switch_ports", keyTypes: ["ifname"], elements: input.ports { $1.ownsBridge }),
            NamedSet(name: "shared_ports", keyTypes: ["ifname"], elements: input.ports { $1.isShared }),
            input.sharedTargets(.ipv4), input.sharedTargets(.ipv6),
        ]
    }

    /// By them comes what is on the wire, of which the host has no part either.
    private static func vlans(_ input: CompilerInput) -> [Element] {
        input.desired.networks.compactMap { network in
            network.vlan.map { Element(key: .string($0.device.text), comment: network.id.description) }
        }
    }

    /// MACs of the switches themselves: those that stand for an interface have its.
    private static func hostMACs(_ input: CompilerInput) -> [Element] {
        // An overlay's is the same on every host, and two overlays may have one.
        var seen: Set<MACAddress> = []
        return input.desired.networks.filter(\.ownsBridge).compactMap { network in
            let mac = input.facts.uplinkMACs[network.metadata.name] ?? network.mac
            guard seen.insert(mac).inserted else { return nil }
            return Element(key: .string(mac.description), comment: network.id.description)
        }
    }

    /// MACs of endpoints that no frame from their uplink may have as its source: the bridge would learn that they are
    /// there.
    private static func foreignMACs(_ input: CompilerInput) -> [Element] {
        input.sharedEndpoints.flatMap { endpoint, network -> [Element] in
            guard let uplink = input.facts.uplinkPorts[network.metadata.name] else { return [] }
            return Set([endpoint.mac] + endpoint.allowedMACs).sorted().map {
                Element(
                    key: Nft.concat(.string(uplink), .string($0.description)), comment: endpoint.id.description)
            }
        }
    }

    /// The same of endpoints on somebody else's bridge, whose ports come and go: by no port but their own. (The bridge's
    /// name, `meta ibrname`, is not known to every kernel.)
    private static func guestMACs(_ input: CompilerInput) -> [Element] {
        input.sharedEndpoints.filter { !$0.network.ownsBridge }.flatMap { endpoint, _ in
            Set([endpoint.mac] + endpoint.allowedMACs).sorted().map {
                Element(key: .string($0.description), comment: endpoint.id.description)
            }
        }
    }

    private static func sourceSets(_ input: CompilerInput) -> [NamedSet] {
        let checked = input.desired.endpoints.filter(\.antiSpoof)
        func elements(_ values: (Endpoint) -> [JSON]) -> [Element] {
            checked.flatMap { endpoint in
                values(endpoint).map {
                    Element(key: Nft.concat(.string(endpoint.hostInterface.text), $0), comment: endpoint.id.description)
                }
            }
        }
        let withAddresses = { (family: AddressFamily) in
            elements { $0.checksAddresses ? $0.sources(family).map(Nft.prefix) : [] }
        }
        return [
            NamedSet(
                name: "locals_own", keyTypes: ["ifname", "ipv6_addr"],
                elements: elements { $0.linkLocals.map { .string($0.description) } }),
            NamedSet(name: "locals_taken", keyTypes: ["ipv6_addr"], elements: takenLocals(input)),
            NamedSet(
                name: "macs", keyTypes: ["ifname", "ether_addr"],
                elements: elements { endpoint in
                    Set([endpoint.mac] + endpoint.allowedMACs).sorted().map { .string($0.description) }
                }),
            NamedSet(
                name: "sources4", keyTypes: ["ifname", "ipv4_addr"], isInterval: true, elements: withAddresses(.ipv4)),
            NamedSet(
                name: "sources6", keyTypes: ["ifname", "ipv6_addr"], isInterval: true, elements: withAddresses(.ipv6)),
        ]
    }

    /// Link-local addresses of endpoints and gateways, which no other endpoint may use.
    private static func takenLocals(_ input: CompilerInput) -> [Element] {
        var owners: [IPv6Address: String] = [:]
        for endpoint in input.desired.endpoints {
            for local in endpoint.linkLocals { owners[local] = endpoint.id.description }
        }
        for card in input.desired.routers.flatMap(\.cards) { owners[card.mac.linkLocal] = card.id.description }
        for network in input.desired.networks where network.ownsBridge {
            let mac = input.facts.uplinkMACs[network.metadata.name] ?? network.mac
            owners[mac.linkLocal] = network.id.description
        }
        return owners.sorted { $0.key < $1.key }.map { Element(key: .string($0.key.description), comment: $0.value) }
    }

    /// What holds for the frame itself, whatever is inside.
    private static func frameRules() -> [Rule] {
        let source = Nft.concat(Nft.input, Nft.payload("ether", "saddr"))
        let sender = Nft.concat(Nft.input, Nft.payload("arp", "saddr ether"))
        let checked = Nft.equal(Nft.input, "@checked_macs")
        // The kernel takes the connection of a frame for many for let through once the host has had its copy
        // (br_nf_local_in), whatever the rules say of the others.
        let toMany = Nft.equal(Nft.meta("pkttype"), Nft.set(["broadcast", "multicast"]))
        return [
            Rule(
                [Nft.equal(source, "@foreign_macs"), Nft.counter, Nft.drop],
                comment: "an endpoint's MAC from the physical network"),
            Rule(
                [
                    Nft.differs(Nft.input, "@ports"), Nft.equal(Nft.payload("ether", "saddr"), "@guest_macs"),
                    Nft.counter, Nft.drop,
                ], comment: "an endpoint's MAC by a port of others"),
            // The host's copy of such a frame would make its connection known, and what follows pass by that.
            Rule(
                [toMany, Nft.equal(Nft.payload("ip", "daddr"), "@shared_targets4"), Nft.counter, Nft.drop],
                comment: "an endpoint's address in a frame for many"),
            Rule(
                [toMany, Nft.equal(Nft.payload("ip6", "daddr"), "@shared_targets6"), Nft.counter, Nft.drop],
                comment: "an endpoint's address in a frame for many"),
            Rule([Nft.differs(Nft.input, "@ports"), Nft.back], comment: "not a port of ours"),
            Rule(
                [Nft.differs(Nft.payload("ether", "type"), Nft.set(["arp", "ip", "ip6"])), Nft.counter, Nft.drop],
                comment: "only untagged IPv4, IPv6 and ARP"),
            Rule(
                [toMany, Nft.differs(Nft.payload("ip", "daddr"), "@groups4"), Nft.counter, Nft.drop],
                comment: "an address of one in a frame for many"),
            Rule(
                [toMany, Nft.differs(Nft.payload("ip6", "daddr"), Nft.groups6), Nft.counter, Nft.drop],
                comment: "an address of one in a frame for many"),
            Rule([checked, Nft.differs(source, "@macs"), Nft.counter, Nft.drop], comment: "antiSpoof: MAC"),
            Rule([Nft.differs(sender, "@macs"), checked, Nft.counter, Nft.drop], comment: "antiSpoof: MAC in ARP"),
        ] + reassembledRules()
    }

    /// What is inside of a packet is looked at when it comes in, and once more when it is whole: the first fragment need
    /// not hold the header, and fragments are put together (by connection tracking) only after they came in.
    private static func reassembledRules() -> [Rule] {
        let kinds = Nft.equal(Nft.meta("l4proto"), Nft.set([Nft.icmp(.ipv4), Nft.number(.udp), Nft.icmp(.ipv6)]))
        return [
            Rule([kinds, Nft.equal(Nft.input, "@checked_macs"), Nft.jump("content")], comment: "antiSpoof: content")
        ]
    }

    /// What an endpoint never sends unless its address is the gateway, and neighbour discovery for addresses of others.
    private static func contentRules() -> [Rule] {
        [
            Rule(
                [
                    Nft.equal(Nft.payload("icmpv6", "type"), Nft.set(["nd-redirect", "nd-router-advert"])),
                    Nft.counter, Nft.drop,
                ], comment: "antiSpoof: router advertisement, redirect"),
            Rule(
                [
                    Nft.equal(Nft.payload("icmp", "type"), Nft.set(["redirect", "router-advertisement"])), Nft.counter,
                    Nft.drop,
                ], comment: "antiSpoof: redirect, router advertisement"),
            Rule(
                [Nft.equal(Nft.payload("udp", "sport"), Nft.set([67, 547])), Nft.counter, Nft.drop],
                comment: "antiSpoof: DHCP server"),
            Rule(
                [Nft.equal(Nft.payload("udp", "dport"), Nft.set([68, 546])), Nft.counter, Nft.drop],
                comment: "antiSpoof: DHCP server"),
            Claims.check(
                Nft.equal(Nft.payload("icmpv6", "type"), "nd-neighbor-advert"),
                comment: "antiSpoof: neighbour advertisement", isError: false),
            Claims.check(
                Nft.equal(Nft.payload("ip6", "saddr"), "::"),
                Nft.equal(Nft.payload("icmpv6", "type"), "nd-neighbor-solicit"),
                comment: "antiSpoof: duplicate address detection", isError: false),
            Claims.check(
                Nft.equal(Nft.payload("icmp", "type"), Nft.set(Nft.errors4)),
                comment: "antiSpoof: what an error is about", isError: true),
            Claims.check(
                Nft.below(Nft.payload("icmpv6", "type"), "echo-request"),
                comment: "antiSpoof: what an error is about", isError: true),
        ]
    }

    /// What holds for addresses inside.
    private static func addressRules() -> [Rule] {
        let checked = Nft.equal(Nft.input, "@checked_addresses")
        let sender = Nft.payload("arp", "saddr ip")
        let source4 = Nft.payload("ip", "saddr")
        let source6 = Nft.payload("ip6", "saddr")
        // What a card says before it has an address.
        let begun: [JSON] = [
            "mld-listener-report", "mld-listener-done", "nd-router-solicit", "nd-neighbor-solicit",
            "mld2-listener-report",
        ]
        return [
            ChosenLocals.sourceRule,
            Rule([Nft.verdicts(Nft.input, "unaddressed")], comment: "antiSpoof: addresses of others"),
            Rule(
                [
                    Nft.differs(sender, "0.0.0.0"), checked, Nft.differs(Nft.concat(Nft.input, sender), "@sources4"),
                    Nft.counter, Nft.drop,
                ],
                comment: "antiSpoof: IPv4 address in ARP"),
            Rule(
                [
                    Nft.equal(Nft.payload("ether", "daddr"), "ff:ff:ff:ff:ff:ff"), checked,
                    Nft.equal(source4, "0.0.0.0"), Nft.equal(Nft.payload("ip", "daddr"), "255.255.255.255"),
                    Nft.equal(Nft.payload("udp", "sport"), 68),
                    Nft.equal(Nft.payload("udp", "dport"), 67), Nft.back,
                ], comment: "DHCP client"),
            Rule(
                [checked, Nft.differs(Nft.concat(Nft.input, source4), "@sources4"), Nft.counter, Nft.drop],
                comment: "antiSpoof: IPv4 source"),
            Rule(
                [
                    Nft.equal(source6, "::"), checked, Nft.equal(Nft.payload("icmpv6", "type"), Nft.set(begun)),
                    Nft.back,
                ],
                comment: "duplicate address detection, listener reports"),
            Rule(
                [
                    Nft.equal(source6, Nft.linkLocal6), checked,
                    Nft.equal(Nft.concat(Nft.input, source6), "@locals_own"),
                    Nft.back,
                ],
                comment: "its own link-local address"),
            // On a segment of others no manifest knows all cards, its routers' among them.
            Rule(
                [
                    Nft.equal(source6, Nft.linkLocal6), checked, Nft.equal(Nft.input, "@shared_ports"),
                    Nft.equal(Claims.fromMAC, 0xfffe), Nft.counter, Nft.drop,
                ],
                comment: "antiSpoof: the link-local address of another card"),
            Rule(
                [
                    Nft.equal(source6, Nft.linkLocal6), checked, Nft.differs(source6, "@locals_taken"), Nft.back,
                ],
                comment: "a link-local address that nobody else has"),
            Rule(
                [Nft.differs(Nft.concat(Nft.input, source6), "@sources6"), checked, Nft.counter, Nft.drop],
                comment: "antiSpoof: IPv6 source"),
        ]
    }
}
