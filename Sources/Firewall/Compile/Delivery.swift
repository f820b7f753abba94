internal import Addressing
internal import JSON
internal import Model
internal import Reachability

/// What leaves by a port. Policies know an endpoint by its addresses: frames to any other address do not reach one that a
/// policy guards, and what goes to a group is decided here, where the receiver is known.
enum Delivery {
    static let chain = "delivery"

    /// Only frames to ports that something guards are looked at.
    static let entrance = Rule([Nft.verdicts(Nft.output, "guards")], comment: "policies: what leaves by a port")

    static func sets(_ input: CompilerInput, _ policies: PolicyChains) -> [NamedSet] {
        let program = input.program
        let guarded = { (endpoint: Endpoint, network: Network) in
            network.deniesIntraNetwork || program.profile(.ingress, of: endpoint.metadata.name) != nil
                || takesOwnAlone(endpoint, network)
        }
        return [
            NamedSet(name: "gateways4", keyTypes: ["ipv4_addr"], elements: input.gateways(.ipv4)),
            NamedSet(name: "gateways6", keyTypes: ["ipv6_addr"], elements: input.gateways(.ipv6)),
            NamedSet(
                name: "group_receivers", keyTypes: ["ifname"], dataType: "verdict", elements: policies.portMembers()),
            NamedSet(
                name: "guards", keyTypes: ["ifname"], dataType: "verdict",
                elements: input.ports(where: guarded).map {
                    Element(key: $0.key, data: Nft.jump(chain), comment: $0.comment)
                }),
            NamedSet(name: "groups4", keyTypes: ["ipv4_addr"], isInterval: true, elements: input.groups4()),
            NamedSet(
                name: "policed_receivers", keyTypes: ["ifname"],
                elements: input.ports { endpoint, network in
                    program.isPoliced(.ingress, endpoint.metadata.name) || takesOwnAlone(endpoint, network)
                }),
            NamedSet(name: "siblings_denied", keyTypes: ["ifname"], elements: input.ports { $1.deniesIntraNetwork }),
        ] + AddressFamily.allCases.map { ownSet($0, input, guarded) }
    }

    private static func own(_ family: AddressFamily) -> String { "deliveries\(family.suffix)" }

    /// Whether a set is one of cards with their addresses.
    static func isOwn(_ set: String) -> Bool { AddressFamily.allCases.contains { own($0) == set } }

    /// Ports, cards and single addresses of endpoints at whose ports something is asked. The broadcast address of one
    /// network may be an endpoint's in another one: what goes to it is looked at more closely.
    private static func ownSet(
        _ family: AddressFamily, _ input: CompilerInput, _ guarded: (Endpoint, Network) -> Bool
    ) -> NamedSet {
        let groups = Set(input.groups4().compactMap(\.key.string))
        let endpoints = input.desired.endpoints.filter { endpoint in
            endpoint.checksAddresses && (input.networks[endpoint.network].map { guarded(endpoint, $0) } ?? false)
        }
        return NamedSet(
            name: own(family), keyTypes: ["ifname", "ether_addr", family.setType],
            elements: endpoints.flatMap { endpoint in
                endpoint.sources(family).filter { $0.length == family.width }.map(\.address)
                    .filter { !$0.isMulticast && !groups.contains($0.description) }.map { address in
                        Element(
                            key: Nft.concat(
                                .string(endpoint.hostInterface.text), .string(endpoint.mac.description),
                                .string(address.description)), comment: endpoint.id.description)
                    }
            })
    }

    /// What goes to an endpoint's own card and to one of its own addresses, as nearly all packets do: none of the other
    /// rules says anything of it. One look at a hash, instead of ten rules of which some ask sets of ranges.
    private static func ownRules() -> [Rule] {
        AddressFamily.allCases.map { family in
            let header = family == .ipv4 ? "ip" : "ip6"
            let key = Nft.concat(Nft.output, Nft.payload("ether", "daddr"), Nft.payload(header, "daddr"))
            return Rule([Nft.equal(key, .string("@\(own(family))")), Nft.back], comment: "to its own card and address")
        }
    }

    /// On a shared segment a packet is told to be an endpoint's or the world's by the MAC that it goes to. One for the
    /// world with the MAC of an endpoint would be let through as what goes to that, and its connection be known from then
    /// on, whatever MAC its next packet goes to.
    private static func takesOwnAlone(_ endpoint: Endpoint, _ network: Network) -> Bool {
        network.isShared && endpoint.checksAddresses
    }

    /// All of this is asked of every packet. What its header tells comes first in a rule, so that sets are looked up only
    /// for the few that may be meant.
    static func rules() -> [Rule] {
        let guarded = Nft.equal(Nft.output, "@policed_receivers")
        let (target4, target6) = (Nft.payload("ip", "daddr"), Nft.payload("ip6", "daddr"))
        let toMany = Nft.equal(Nft.meta("pkttype"), Nft.set(["broadcast", "multicast"]))
        let target = Nft.concat(Nft.output, Nft.payload("ether", "daddr"))
        return ownRules() + [
            // What comes from a physical network has been looked at by nobody yet.
            Rule(
                [toMany, guarded, Nft.differs(target4, "@groups4"), Nft.counter, Nft.drop],
                comment: "an address of one in a frame for many"),
            Rule(
                [toMany, guarded, Nft.differs(target6, Nft.groups6), Nft.counter, Nft.drop],
                comment: "an address of one in a frame for many"),
            Rule(
                [
                    // Frames of the host itself are of no packet type yet.
                    guarded, Nft.isFromCard, Nft.differs(Nft.meta("pkttype"), Nft.set(["broadcast", "multicast"])),
                    Nft.differs(target, "@macs"), Nft.counter, Nft.drop,
                ], comment: "no MAC of this endpoint"),
            Rule(
                [Nft.equal(Nft.payload("icmpv6", "type"), Nft.set(Nft.discoveryTypes)), Nft.accept],
                comment: "neighbour discovery"),
            Rule(
                [
                    Nft.equal(target6, Nft.groups6),
                    Nft.equal(Nft.payload("icmpv6", "type"), Nft.set(Nft.listenerTypes)), Nft.accept,
                ], comment: "multicast listeners"),
            Rule(
                [Nft.equal(target4, "@groups4"), Nft.verdicts(Nft.output, "group_receivers")],
                comment: "policies: ingress of groups"),
            Rule(
                [Nft.equal(target6, Nft.groups6), Nft.verdicts(Nft.output, "group_receivers")],
                comment: "policies: ingress of groups"),
            Rule(
                [
                    Nft.equal(target6, Nft.linkLocal6), guarded, Nft.differs(target6, "@locals_taken"),
                    Nft.equal(Nft.concat(Nft.output, Nft.payload("ether", "daddr")), "@macs"), Nft.back,
                ], comment: "a link-local address that nobody else has, at this endpoint's MAC"),
            Rule(
                [
                    guarded, Nft.differs(target4, "@groups4"),
                    Nft.differs(Nft.concat(Nft.output, target4), "@sources4"), Nft.counter, Nft.drop,
                ], comment: "no address of this endpoint"),
            Rule(
                [
                    Nft.differs(target6, Nft.groups6), guarded,
                    Nft.differs(Nft.concat(Nft.output, target6), "@sources6"),
                    Nft.differs(Nft.concat(Nft.output, target6), "@locals_own"), Nft.counter, Nft.drop,
                ], comment: "no address of this endpoint"),
        ] + groupIsolation()
    }

    static func groupIsolation() -> [Rule] {
        let pair = [Nft.equal(Nft.input, "@siblings_denied"), Nft.equal(Nft.output, "@siblings_denied")]
        return [
            Rule(
                [Nft.equal(Nft.payload("ip", "daddr"), "@groups4")] + pair + [Nft.counter, Nft.drop],
                comment: "intraNetwork: deny"),
            Rule(
                [Nft.equal(Nft.payload("ip6", "daddr"), Nft.groups6)] + pair + [Nft.counter, Nft.drop],
                comment: "intraNetwork: deny"),
        ]
    }
}
