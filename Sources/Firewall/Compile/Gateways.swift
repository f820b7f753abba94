internal import Addressing
internal import JSON
internal import Model

/// What passes between switches of overlays and the routers of their gateways.
///
/// A router is trusted to forward, and no more than its ports say: into a network it hands what has an address of a peer's
/// prefix, and of its own what a gateway answers to ARP and neighbour discovery and the errors that it sends. Policies are
/// asked on the bridges as for any other frame: egress where the endpoint sends to the gateway, ingress where the frame comes
/// out of the peer's router.
struct Gateways {
    private let routers: [Router]
    private let input: CompilerInput
    private let byName: [ObjectName: Network]

    init(_ input: CompilerInput) {
        self.input = input
        routers = input.desired.routers
        byName = input.networks
    }

    /// A host without gateways of overlays has none of this.
    var isEmpty: Bool { routers.isEmpty }

    // MARK: Elements

    private func element(_ key: JSON, _ card: Endpoint) -> Element { Element(key: key, comment: card.id.description) }

    private static func port(_ card: Endpoint) -> JSON { .string(card.hostInterface.text) }

    /// The ports of all cards.
    var ports: [Element] { routers.flatMap(\.cards).map { element(Self.port($0), $0) } }

    /// MACs that are the routers', by bridge.
    private func cards(_ name: String, _ cards: [Endpoint]) -> NamedSet {
        NamedSet(
            name: name, keyTypes: ["ifname", "ether_addr"],
            elements: cards.compactMap { card in
                byName[card.network].map {
                    element(Nft.concat(.string($0.bridge.text), .string(card.mac.description)), card)
                }
            })
    }

    /// Sources of what comes out of a router by a card: what endpoints of this host have handed in, and errors of its own.
    private func sources(_ router: Router, _ card: Endpoint, _ family: AddressFamily) -> [IPAddress] {
        guard let network = byName[router.network] else { return [] }
        let own = card.addresses.map(\.address).filter { $0.family == family }
        guard card.network != router.network || network.routesWithin else { return own }
        return own
            + input.desired.endpoints.filter { $0.network == router.network }.flatMap { $0.routed(family, in: network) }
    }

    // MARK: bridge

    var bridgeSets: [NamedSet] {
        guard !isEmpty else { return [] }
        let gateways = routers.map(\.gateway)
        let all = routers.flatMap(\.cards)
        return [
            NamedSet(name: "routers", keyTypes: ["ifname"], elements: ports),
            NamedSet(
                name: "router_gateways", keyTypes: ["ifname"], elements: gateways.map { element(Self.port($0), $0) }),
            NamedSet(
                name: "router_macs", keyTypes: ["ifname", "ether_addr"],
                elements: all.map { element(Nft.concat(Self.port($0), .string($0.mac.description)), $0) }),
            NamedSet(
                name: "router_cards", keyTypes: ["ether_addr"],
                elements: all.map { element(.string($0.mac.description), $0) }),
        ]
            + AddressFamily.allCases.flatMap { family -> [NamedSet] in
                let addresses = gateways.flatMap { card in
                    card.addresses.map(\.address).filter { $0.family == family }.map {
                        element(Nft.concat(Self.port(card), .string($0.description)), card)
                    }
                }
                let sources = routers.flatMap { router in
                    router.cards.flatMap { card in
                        self.sources(router, card, family).map {
                            element(Nft.concat(Self.port(card), .string($0.description)), card)
                        }
                    }
                }
                let types = ["ifname", family.setType]
                return [
                    NamedSet(name: "router_addresses\(family.suffix)", keyTypes: types, elements: addresses),
                    NamedSet(name: "router_sources\(family.suffix)", keyTypes: types, elements: sources),
                ] + targets(family)
            }
    }

    /// Whom gateways lead to, and in which prefixes.
    private func targets(_ family: AddressFamily) -> [NamedSet] {
        let all = Dictionary(
            grouping: input.desired.endpoints + input.desired.remotes.map(\.endpoint), by: \.network)
        var (targets, prefixes): ([Element], [Element]) = ([], [])
        for router in routers {
            guard let network = byName[router.network] else { continue }
            let port = Self.port(router.gateway)
            let peers = input.routedPeers(of: network)
            for target in (network.routesWithin ? [network] : []) + peers {
                for endpoint in all[target.metadata.name] ?? [] {
                    targets += endpoint.routed(family, in: target).map {
                        Element(
                            key: Nft.concat(port, .string($0.description)), comment: endpoint.id.description)
                    }
                }
            }
            prefixes += ([network] + peers).flatMap(\.routedPrefixes).filter { $0.family == family }.map {
                element(Nft.concat(port, Nft.prefix($0)), router.gateway)
            }
        }
        let types = ["ifname", family.setType]
        return [
            NamedSet(name: "router_targets\(family.suffix)", keyTypes: types, elements: targets),
            NamedSet(
                name: "router_prefixes\(family.suffix)", keyTypes: types, isInterval: true, elements: prefixes),
        ]
    }

    private static let isRouter = Nft.equal(Nft.input, "@routers")
    private static let toMany = Nft.equal(Nft.meta("pkttype"), Nft.set(["broadcast", "multicast"]))
    private static let discovery = Nft.payload("icmpv6", "type")

    /// Comes in the bridge's prerouting before what endpoints may send.
    var entrance: [Rule] {
        guard !isEmpty else { return [] }
        return [
            Rule([Self.isRouter, Nft.jump("router")], comment: "what comes out of a router"),
            Rule(
                [
                    Nft.equal(Nft.input, "@ports"), Nft.equal(Nft.payload("ether", "saddr"), "@router_cards"),
                    Nft.counter, Nft.drop,
                ], comment: "a router's MAC from an endpoint"),
        ]
    }

    /// Comes first in the bridge's forward hook.
    var exit: [Rule] {
        guard !isEmpty else { return [] }
        let target = Nft.equal(Nft.output, "@routers")
        return [
            Rule(
                [target, Nft.differs(Nft.output, "@router_gateways"), Nft.counter, Nft.drop],
                comment: "nothing is sent to a router but to its gateway"),
            Rule([target, Nft.jump("gateway")], comment: "what goes to a gateway"),
        ]
    }

    var bridgeChains: [Chain] { isEmpty ? [] : [Self.fromRouter, Self.toGateway] }

    /// Of what a router says of itself only answers are needed: it has a neighbour for everybody it sends to.
    private static let fromRouter = Chain(
        name: "router",
        rules: [
            Rule(
                [
                    Nft.differs(Nft.concat(Nft.input, Nft.payload("ether", "saddr")), "@router_macs"), Nft.counter,
                    Nft.drop,
                ], comment: "no MAC of this router"),
            Rule(
                [
                    Nft.equal(Nft.payload("arp", "operation"), "reply"), Nft.equal(Nft.input, "@router_gateways"),
                    Nft.accept,
                ], comment: "a gateway's answer"),
            Rule(
                [Nft.differs(Nft.payload("ether", "type"), Nft.set(["ip", "ip6"])), Nft.counter, Nft.drop],
                comment: "only IPv4 and IPv6 come out of a router"),
            Rule([toMany, Nft.counter, Nft.drop], comment: "nothing for many comes out of a router"),
            Rule(
                [
                    Nft.equal(discovery, Nft.set(["nd-neighbor-solicit", "nd-neighbor-advert"])),
                    Nft.equal(Nft.input, "@router_gateways"), Nft.accept,
                ], comment: "a gateway's answer"),
            Rule(
                [
                    Nft.equal(discovery, Nft.set(Nft.discoveryTypes + ["nd-redirect"])), Nft.counter, Nft.drop,
                ], comment: "no other neighbour discovery, and no redirects"),
        ]
            + AddressFamily.allCases.map { family in
                let source = Nft.concat(Nft.input, Nft.payload(family.protocolName, "saddr"))
                return Rule(
                    [Nft.equal(source, .string("@router_sources\(family.suffix)")), Nft.accept],
                    comment: "from a peer, or an error of the gateway")
            } + [Rule([Nft.counter, Nft.drop], comment: "from nobody whom this router leads here")])

    /// A gateway is a way, and no host: nothing in it listens, and nothing is to find that out.
    private static let toGateway = Chain(
        name: "gateway",
        rules: [
            Rule(
                [Nft.equal(discovery, Nft.set(["nd-neighbor-solicit", "nd-neighbor-advert"])), Nft.back],
                comment: "neighbour discovery"),
            Rule(
                [
                    Nft.equal(Nft.concat(Nft.output, Nft.payload("ip", "daddr")), "@router_addresses4"), Nft.counter,
                    Nft.drop,
                ], comment: "to the gateway itself"),
            Rule(
                [
                    Nft.equal(Nft.concat(Nft.output, Nft.payload("ip6", "daddr")), "@router_addresses6"), Nft.counter,
                    Nft.drop,
                ], comment: "to the gateway itself"),
            Rule(
                [Nft.equal(Nft.payload("ip6", "daddr"), Nft.linkLocal6), Nft.counter, Nft.drop],
                comment: "link-local addresses are not routed"),
            Rule(
                [Nft.equal(Nft.payload("ip", "daddr"), "@groups4"), Nft.counter, Nft.drop],
                comment: "groups are not routed"),
            Rule(
                [Nft.equal(Nft.payload("ip6", "daddr"), Nft.groups6), Nft.counter, Nft.drop],
                comment: "groups are not routed"),
        ] + AddressFamily.allCases.flatMap(toTargets))

    /// A router keeps every address that it asks for until somebody answers, in a table that all namespaces of the host share:
    /// who sends to many addresses of nobody would fill it. Where it leads to none it says so, and asks for nobody.
    private static func toTargets(_ family: AddressFamily) -> [Rule] {
        let target = Nft.concat(Nft.output, Nft.payload(family.protocolName, "daddr"))
        return [
            Rule(
                [Nft.equal(target, .string("@router_targets\(family.suffix)")), Nft.back], comment: "to an endpoint"),
            Rule(
                [Nft.equal(target, .string("@router_prefixes\(family.suffix)")), Nft.counter, Nft.drop],
                comment: "an address of nobody to whom the gateway leads"),
        ]
    }

    // MARK: inet

    var inetSets: [NamedSet] {
        guard !isEmpty else { return [] }
        let legs = routers.flatMap(\.legs)
        let crossed = Set(legs.map(\.network))
        let remotes = input.desired.remotes.map(\.endpoint).filter { crossed.contains($0.network) }
        return [
            cards("gateway_cards", routers.map(\.gateway)), cards("router_legs", legs),
            NamedSet(
                name: "router_remotes", keyTypes: ["ifname", "ether_addr"],
                elements: remotes.flatMap { endpoint in
                    input.cardKeys(of: endpoint, .inet).map { element($0, endpoint) }
                }),
            NamedSet(
                name: "router_siblings_denied", keyTypes: ["ifname", "ifname"],
                elements: input.desired.networks.filter { $0.hasRouter && $0.deniesIntraNetwork }.map {
                    Element(
                        key: Nft.concat(.string($0.bridge.text), .string($0.bridge.text)), comment: $0.id.description)
                }),
        ]
    }

    /// What a router sends into a peer's tunnel was let through on the sender's own bridge, and is looked at by the receiver's
    /// Host. Answers to it come by that Host's router and another bridge: tracked here, it would be half a connection, of
    /// which the kernel takes all but the first packet for invalid. Before the zone, which makes a packet tracked.
    var untracked: [Rule] {
        isEmpty
            ? []
            : [
                Rule(
                    [
                        Nft.equal(Nft.sender, "@router_legs"), Nft.equal(Nft.addressee, "@router_remotes"),
                        ["notrack": nil], Nft.accept,
                    ], comment: "routed, to another Host")
            ]
    }

    /// The same in the chains of the forward hook.
    var passing: [Rule] {
        isEmpty
            ? []
            : [
                Rule(
                    [
                        Nft.contains(["ct": ["key": "state"]], "untracked"), Nft.equal(Nft.way, "@switches"),
                        Nft.equal(Nft.sender, "@router_legs"), Nft.equal(Nft.receiver, "@router_remotes"), Nft.accept,
                    ], comment: "routed, to another Host")
            ]
    }

    /// `intraNetwork: deny` on a network with a gateway: what goes to that is for a peer, unless its address says otherwise.
    var isolation: [Rule] {
        guard !isEmpty else { return [] }
        let denied = Nft.equal(Nft.way, "@router_siblings_denied")
        return [
            Rule(
                [
                    denied, Nft.differs(Nft.sender, "@router_legs"), Nft.differs(Nft.receiver, "@gateway_cards"),
                    Nft.counter, Nft.drop,
                ], comment: "intraNetwork: deny")
        ]
            + AddressFamily.allCases.map { family in
                let target = Nft.concat(Nft.output, Nft.payload(family.protocolName, "daddr"))
                return Rule(
                    [
                        denied, Nft.equal(Nft.receiver, "@gateway_cards"),
                        Nft.equal(target, .string("@on_segment\(family.suffix)")), Nft.counter, Nft.drop,
                    ], comment: "intraNetwork: deny")
            }
    }
}

extension Endpoint {
    /// Its addresses that routers lead to: what else it may use is behind it, where no router sends anything.
    func routed(_ family: AddressFamily, in network: Network) -> [IPAddress] {
        addresses.map(\.address).filter { address in
            address.family == family && network.routedPrefixes.contains { $0.contains(address) }
        }
    }
}

extension CompilerInput {
    /// Where packets of an endpoint are seen as its own, and which of its addresses: on its own switch, and, routed, on those
    /// of peers across hosts.
    func places(of endpoint: Endpoint, _ place: Place, _ family: AddressFamily) -> [(
        interface: String, sources: [IPPrefix]
    )] {
        let all = endpoint.identities(family)
        let own = interface(of: endpoint, place).map { [($0, all)] } ?? []
        guard place == .inet, let network = networks[endpoint.network], network.hasRouter else { return own }
        let routed = endpoint.routed(family, in: network).map { IPPrefix(host: $0) }
        return own + routedPeers(of: network).map { ($0.bridge.text, routed) }
    }

    /// Networks to which the router of one leads.
    func routedPeers(of network: Network) -> [Network] {
        guard network.hasRouter else { return [] }
        return network.peers.compactMap { networks[$0] }.filter(\.hasRouter)
    }
}
