internal import Addressing
internal import JSON
internal import Model

/// Link-local addresses that endpoints choose for themselves, beside those that follow from their MACs: guests make them
/// up (RFC 7217), and no manifest knows them. One belongs to the port that uses it first, for as long as the kernel
/// knows a silent connection of TCP. So an address has one owner, whom policies know by MAC and the judge of tracked
/// connections by port; what is for an address that nobody has used reaches nobody.
enum ChosenLocals {
    /// Which port uses which.
    static let users = "locals_seen"

    /// Addresses in use, by network: the same ones may be used on different switches.
    private static func used(_ network: Network) -> String { "locals_used-\(network.metadata.name)" }
    private static func chain(_ network: Network) -> String { "locals-\(network.metadata.name)" }

    static func sets(_ input: CompilerInput) -> [NamedSet] {
        [
            NamedSet(name: users, keyTypes: ["ifname", "ipv6_addr"], isLearned: true),
            NamedSet(
                name: "locals", keyTypes: ["ifname"], dataType: "verdict",
                elements: input.desired.endpoints.compactMap { endpoint in
                    input.networks[endpoint.network].map {
                        Element(
                            key: .string(endpoint.hostInterface.text), data: Nft.jump(chain($0)),
                            comment: endpoint.id.description)
                    }
                }),
        ] + input.desired.networks.map { NamedSet(name: used($0), keyTypes: ["ipv6_addr"], isLearned: true) }
    }

    private static let source = Nft.payload("ip6", "saddr")
    private static let port = Nft.concat(Nft.input, source)

    /// One chain a network: an address of another port is refused, and one for which there is no room.
    static func chains(_ input: CompilerInput) -> [Chain] {
        [delivery]
            + input.desired.networks.map { network in
                let isOthers = Nft.differs(port, .string("@\(users)"))
                return Chain(
                    name: chain(network),
                    rules: [
                        Rule(
                            [Nft.equal(source, .string("@\(used(network))")), isOthers, Nft.counter, Nft.drop],
                            comment: "a link-local address that another port uses"),
                        Rule([Nft.learn(source, used(network))]), Rule([Nft.learn(port, users)]),
                        Rule([isOthers, Nft.counter, Nft.drop], comment: "no room for more link-local addresses"),
                    ])
            }
    }

    /// What comes from one.
    static let sourceRule = Rule(
        [
            Nft.equal(source, Nft.linkLocal6), Nft.differs(source, "@locals_taken"), Nft.verdicts(Nft.input, "locals"),
        ], comment: "whose link-local addresses are that no manifest knows")

    /// What goes to one goes to its owner alone.
    static let deliveryRule: Rule = Rule(
        [
            Nft.equal(target, Nft.linkLocal6), Nft.equal(Nft.output, "@ports"), Nft.differs(target, "@locals_taken"),
            Nft.jump(deliveryChain),
        ], comment: "link-local addresses that no manifest knows")

    private static let target = Nft.payload("ip6", "daddr")
    private static let deliveryChain = "locals"

    private static let delivery = Chain(
        name: deliveryChain,
        rules: [
            Rule([Nft.equal(Nft.payload("icmpv6", "type"), Nft.set(Nft.discoveryTypes)), Nft.back]),
            Rule(
                [Nft.differs(Nft.concat(Nft.output, target), .string("@\(users)")), Nft.counter, Nft.drop],
                comment: "a link-local address that this port does not use"),
        ])
}
