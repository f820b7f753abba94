internal import Addressing
internal import JSON
internal import Model

/// Endpoints on segments that others share. Not every frame there is of an endpoint, and the host has its own business
/// with the others: endpoints are told from all by MAC and address, and what belongs to none of them passes.
enum Guests {
    /// Which address of a family on which interface.
    static func target(_ family: AddressFamily) -> JSON {
        Nft.concat(Nft.output, Nft.payload(family.protocolName, "daddr"))
    }

    private static let ours: JSON = "@bridges"

    // MARK: Sender

    /// What touches neither one of our switches nor an endpoint on a shared segment.
    static var others: [Rule] {
        AddressFamily.allCases.flatMap { family -> [Rule] in
            let target = Nft.differs(target(family), .string("@shared\(family.suffix)"))
            return [
                Rule(
                    [
                        Nft.differs(Nft.input, ours), Nft.differs(Nft.input, "@shared"),
                        Nft.differs(Nft.output, ours), target, Nft.back,
                    ], comment: "not ours"),
                Rule(
                    [
                        Nft.equal(Nft.input, "@shared"), Nft.differs(Nft.sender, "@members"),
                        Nft.differs(Nft.output, ours), target, Nft.back,
                    ], comment: "between others on a shared segment"),
            ]
        }
    }

    /// Endpoints are known by address, which nobody else there may use.
    static var forgeries: [Rule] {
        AddressFamily.allCases.map { family in
            let source = Nft.concat(Nft.input, Nft.payload(family.protocolName, "saddr"))
            return Rule(
                [
                    Nft.equal(source, .string("@shared\(family.suffix)")), Nft.differs(Nft.sender, "@members"),
                    Nft.counter, Nft.drop,
                ], comment: "an endpoint's address from another card")
        }
    }

    /// Bounds of what the host routes to and from segments that endpoints share with others. The world lies behind them;
    /// their endpoints are no peers of any other network.
    static var bounds: [Rule] {
        let isMember = Nft.equal(Nft.sender, "@members")
        return AddressFamily.allCases.flatMap { family -> [Rule] in
            let isEndpoint = Nft.equal(target(family), .string("@shared\(family.suffix)"))
            return [
                Rule([Nft.equal(Nft.input, ours), isEndpoint, Nft.counter, Nft.drop], comment: "not peers"),
                Rule([isMember, isEndpoint, Nft.counter, Nft.drop], comment: "not peers"),
            ]
        } + [
            Rule([Nft.equal(Nft.output, "@shared"), Nft.back], comment: "a physical network"),
            Rule(
                [Nft.equal(Nft.input, "@shared"), Nft.differs(Nft.output, "bh-*"), Nft.back],
                comment: "through the host"),
            Rule([isMember, Nft.counter, Nft.drop], comment: "not peers"),
        ]
    }

    // MARK: Receiver

    /// To a shared segment, but to no endpoint there.
    static var strangers: [Rule] {
        AddressFamily.allCases.flatMap { family -> [Rule] in
            let isOther = [
                Nft.equal(Nft.output, "@shared"), Nft.differs(target(family), .string("@shared\(family.suffix)")),
                Nft.back,
            ]
            return [
                Rule([Nft.differs(Nft.input, "@shared")] + isOther, comment: "to others on a shared segment"),
                Rule(
                    [Nft.equal(Nft.input, "@shared"), Nft.differs(Nft.receiver, "@members")] + isOther,
                    comment: "to others on a shared segment"),
            ]
        }
    }

    /// `intraNetwork: deny` for what no address tells: no policy can open a way there, so that nothing of a sibling's but
    /// answers reaches the MAC of such an endpoint, whatever else was let through with the same addresses. The first packet
    /// may have gone to a MAC of nobody, as what goes to the physical network does. Nor does the host send there what came
    /// from a sibling.
    static var unaddressed: [Rule] {
        func isUnknown(_ family: AddressFamily) -> JSON {
            Nft.differs(target(family), .string("@shared\(family.suffix)"))
        }
        let notLocal = Nft.differs(Nft.payload("ip6", "daddr"), Nft.linkLocal6)
        // From one that may use any address, what looks like an answer may be to a question that it made up.
        let origins =
            [Nft.isDirection("original")]
            + ["@shared_unaddressed", "@shared_unchecked"].map { Nft.equal(Nft.sender, $0) }
        let unchecked = Nft.equal(Nft.receiver, "@shared_unchecked")
        let receivers: [[JSON]] = [
            [Nft.equal(Nft.receiver, "@shared_unaddressed")], [unchecked, isUnknown(.ipv4)],
            [unchecked, isUnknown(.ipv6), notLocal],
        ]
        let sides = AddressFamily.allCases.map { family in
            [
                Nft.equal(Nft.receiver, "@shared_sides"),
                Nft.equal(target(family), .string("@shared_subnets\(family.suffix)")), isUnknown(family),
            ]
        }
        let conditions = receivers.flatMap { receiver in origins.map { receiver + [$0] } } + sides
        return conditions.map { Rule(denied + $0 + [Nft.counter, Nft.drop], comment: "intraNetwork: deny") }
    }

    private static let denied = [
        Nft.equal(Nft.way, "@shared_siblings_denied"), Nft.equal(Nft.sender, "@members"),
    ]

    /// `intraNetwork: deny`, by way of the host, too, whose MAC a frame has then.
    static var isolation: [Rule] {
        let receivers =
            [Nft.equal(Nft.receiver, "@members")]
            + AddressFamily.allCases.map { Nft.equal(target($0), .string("@shared\($0.suffix)")) }
        return receivers.map { Rule(denied + [$0, Nft.counter, Nft.drop], comment: "intraNetwork: deny") }
    }

    // MARK: Link-local addresses

    /// Those that endpoints choose for themselves, by bridge. On a switch of endpoints alone every such address is one of
    /// theirs; here most are of machines that the host has to reach, its routers among them.
    static let locals = NamedSet(name: "shared_locals", keyTypes: ["ifname", "ipv6_addr"], isLearned: true)
    static let all: JSON = .string("@\(locals.name)")

    private static let source = Nft.payload("ip6", "saddr")

    /// What comes from one is from an endpoint by its MAC.
    static let learning = Rule(
        [
            Nft.equal(Nft.sender, "@members"), Nft.equal(source, Nft.linkLocal6), Nft.differs(source, "@locals"),
            Nft.learn(Nft.concat(Nft.input, source), locals.name),
        ], comment: "link-local addresses that no manifest knows")

    /// By way of the host, which routes what leaves by the interface by which it came: the frame has its MAC, and nobody
    /// knows whose policies to ask.
    static let detour = Rule(
        [
            Nft.equal(Nft.output, "@policed"), Nft.equal(target(.ipv6), all), Nft.differs(Nft.receiver, "@members"),
            Nft.counter, Nft.drop,
        ], comment: "link-local addresses are not routed")
}

extension CompilerInput {
    /// Bridges behind which there is a physical network, those of other scopes too.
    func sharedBridges() -> [Element] {
        bridges(where: \.isShared) + facts.otherShared.map { Element(key: .string($0), comment: nil) }
    }

    /// From port to port of each of these.
    func sharedSegments() -> [Element] {
        sharedBridges().map { Element(key: Nft.concat($0.key, $0.key), comment: $0.comment) }
    }

    /// Endpoints on segments that others share, with their networks.
    var sharedEndpoints: [(endpoint: Endpoint, network: Network)] {
        desired.endpoints.compactMap { endpoint in
            networks[endpoint.network].flatMap { $0.isShared ? (endpoint, $0) : nil }
        }
    }

    /// MACs by which the endpoints of shared segments are told from all others there.
    func sharedMembers() -> [Element] { members(sharedEndpoints) }

    private func members(_ endpoints: [(endpoint: Endpoint, network: Network)]) -> [Element] {
        endpoints.flatMap { endpoint, network in
            Set([endpoint.mac] + endpoint.allowedMACs).sorted().map {
                Element(
                    key: Nft.concat(.string(network.bridge.text), .string($0.description)),
                    comment: endpoint.id.description)
            }
        }
    }

    /// Where `intraNetwork: deny` keeps siblings from endpoints of which the manifests know no address, and from those that
    /// may use others beside; what tells frames to the host from others on a bridge of our own (the MAC of somebody else's
    /// may change with its ports); and the segments' own addresses.
    func unaddressedSets() -> [NamedSet] {
        let isDenied = { (network: Network) in network.isShared && network.deniesIntraNetwork }
        let ends = sharedEndpoints.filter { $0.network.deniesIntraNetwork }
        return [
            NamedSet(
                name: "shared_sides", keyTypes: ["ifname", "ether_addr"],
                elements: desired.networks.compactMap { network in
                    facts.uplinkMACs[network.metadata.name].map {
                        Element(
                            key: Nft.concat(.string(network.bridge.text), .string($0.description)),
                            comment: network.id.description)
                    }
                }), subnets("shared_subnets", .ipv4, of: isDenied),
            subnets("shared_subnets", .ipv6, of: isDenied),
            NamedSet(
                name: "shared_unaddressed", keyTypes: ["ifname", "ether_addr"],
                elements: members(ends.filter(\.endpoint.addresses.isEmpty))),
            NamedSet(
                name: "shared_unchecked", keyTypes: ["ifname", "ether_addr"],
                elements: members(ends.filter { !$0.endpoint.addresses.isEmpty && !$0.endpoint.checksAddresses })),
        ]
    }

    /// Addresses of the endpoints of shared segments.
    func sharedAddresses(_ family: AddressFamily) -> NamedSet {
        let elements = Origins.elements(
            sharedEndpoints.map { endpoint, network in
                (network, endpoint.identities(family).map { ($0, endpoint.id.description) })
            })
        return NamedSet(
            name: "shared\(family.suffix)", keyTypes: ["ifname", family.setType], isInterval: true, elements: elements)
    }

    /// The same whatever the bridge; overlapping ones once.
    func sharedTargets(_ family: AddressFamily) -> NamedSet {
        let all = sharedEndpoints.flatMap { endpoint, _ in
            endpoint.identities(family).map { (prefix: $0, owner: endpoint.id.description) }
        }
        return NamedSet(
            name: "shared_targets\(family.suffix)", keyTypes: [family.setType], isInterval: true,
            elements: Origins.outermost(all).map { Element(key: Nft.prefix($0.prefix), comment: $0.owner) })
    }
}
