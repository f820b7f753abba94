internal import Addressing
internal import JSON
internal import Model

/// Whether a packet comes from where its source address is. An answer belongs to its connection by addresses and ports
/// alone, whichever interface it comes in by: the kernel keeps no note of that, and its own check (`rp_filter`, RFC 3704)
/// is off on bridges and not there for IPv6. One who can use the address of somebody else would say something within
/// connections of networks to which no path leads.
enum ReversePath {
    /// Prefixes to which the host itself leads by a switch of ours.
    static func prefixes(_ input: CompilerInput, _ family: AddressFamily) -> NamedSet {
        NamedSet(
            name: name(family), keyTypes: [family.setType], isInterval: true,
            elements: input.desired.networks.filter { !$0.isShared && $0.hasHostSide }.flatMap { network in
                network.subnets.map(\.prefix).filter { $0.family == family }.map {
                    Element(key: Nft.prefix($0), comment: network.id.description)
                }
            })
    }

    private static func name(_ family: AddressFamily) -> String { "behind\(family.suffix)" }

    /// An answer that a switch hands to the host is from an address to which the host would send by that switch, as it has
    /// sent what is answered. (First packets are judged by bounds and policies; `allowedAddresses` may have no route.)
    static let answers = Rule(
        [
            Nft.equal(["ct": ["key": "direction"]], "reply"),
            Nft.equal(Nft.concat(Nft.input, Nft.payload("ether", "daddr")), "@host_sides"),
            Nft.equal(["fib": ["result": "oif", "flags": ["saddr", "iif"]]], false), Nft.counter, Nft.drop,
        ], comment: "an answer from where its address is not")

    /// What lies behind a switch of ours sends by that switch alone.
    static let elsewhere: [Rule] = AddressFamily.allCases.map { family in
        Rule(
            [
                Nft.differs(Nft.input, "@bridges"),
                Nft.equal(Nft.payload(family.protocolName, "saddr"), .string("@\(name(family))")), Nft.counter,
                Nft.drop,
            ], comment: "an address behind a switch, from elsewhere")
    }
}
