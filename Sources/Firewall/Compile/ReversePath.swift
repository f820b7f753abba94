internal import Addressing
internal import JSON
internal import Model

/// Whether a packet comes from where its source address is. An answer belongs to its connection by addresses and ports
/// alone, whichever interface it comes in by: the kernel keeps no note of that, and its own check (`rp_filter`, RFC 3704)
/// is off on bridges and not there for IPv6. One who can use the address of somebody else would say something within
/// connections of networks to which no path leads, or have answers sent to one who asked for none.
enum ReversePath {
    /// What lies behind a switch of ours sends by that switch alone, to others as to the host.
    static func elsewhere(_ exceptions: JSON...) -> [Rule] {
        AddressFamily.allCases.map { family in
            Rule(
                [Nft.differs(Nft.input, "@bridges")] + exceptions + [
                    Nft.equal(source(family), .string("@\(Origins.behind(family))")), Nft.counter, Nft.drop,
                ], comment: "an address behind a switch, from elsewhere")
        }
    }

    /// What endpoints hand to the host comes to the host's side of their switch, before an address is translated: a bridge
    /// hands on by itself what is for one of its own ports then, under the MAC of that one. Marks of other rules, by which
    /// the kernel may choose another way, are set earlier (mangle, −150).
    private static let arrivals = Chain(
        name: "arrivals", base: .init(type: "filter", hook: "prerouting", priority: -110),
        rules: judged([Nft.equal(Nft.concat(Nft.input, Nft.payload("ether", "daddr")), "@host_sides")]))

    /// On a segment that others share, a frame's MAC may not tell whether it is for the host; what the host forwards does.
    static let forwarded = judged([
        Nft.differs(Nft.concat(Nft.input, Nft.output), "@shared_segments"), Nft.equal(Nft.sender, "@members"),
    ])

    /// Frames to all reach the host, too, which does not forward them.
    static let received =
        judged([Nft.equal(Nft.sender, "@members")])
        + judged([
            Nft.equal(Nft.input, "@bridges"),
            Nft.differs(Nft.concat(Nft.input, Nft.payload("ether", "daddr")), "@host_sides"),
        ])

    /// An answer is from an address to which the host would send by the same way, as it has sent what is answered. First
    /// packets and errors are judged by what the manifests say of addresses: there may be no route back.
    private static func judged(_ isHanded: [JSON]) -> [Rule] {
        [
            Rule(
                [Nft.isEstablished, Nft.equal(["ct": ["key": "direction"]], "reply")] + isHanded + [
                    Nft.equal(["fib": ["result": "oif", "flags": ["saddr", "mark", "iif"]]], false), Nft.counter,
                    Nft.drop,
                ], comment: "an answer from where its address is not"),
            Rule(
                [Nft.contains(["ct": ["key": "state"]], ["related", "new"])] + isHanded + [Nft.jump(name)],
                comment: "where it may come from"),
        ]
    }

    private static let name = "origins"
    private static let errors = "origins-errors"

    private static func source(_ family: AddressFamily) -> JSON { Nft.payload(family.protocolName, "saddr") }

    static let chains = [
        arrivals,
        Chain(name: name, rules: [Rule([Nft.isRelated, Nft.jump(errors)])] + AddressFamily.allCases.flatMap(origins)),
        Chain(name: errors, rules: AddressFamily.allCases.flatMap(ends)),
    ]

    /// An address that is somebody's by the manifests is taken from there alone.
    private static func origins(_ family: AddressFamily) -> [Rule] {
        let source = source(family)
        let nobody: [JSON] = family == .ipv4 ? ["0.0.0.0"] : ["::", Nft.linkLocal6]
        let sets = [
            (Origins.homes(family), Origins.inside(family)), (Origins.claimed(family), Origins.ends(family)),
        ]
        return nobody.map { Rule([Nft.equal(source, $0), Nft.back], comment: "an address within a segment") }
            + sets.map { all, here in
                Rule(
                    [isIn(source, all), isNotHere(source, here), Nft.counter, Nft.drop], comment: "an address of others"
                )
            }
    }

    /// An error about a packet comes from where that one was for, or from a router on the way there. (The kernel counts it
    /// to the direction in which it goes itself.)
    private static func ends(_ family: AddressFamily) -> [Rule] {
        func end(_ direction: String) -> JSON {
            ["ct": ["key": .string("\(family.protocolName) saddr"), "dir": .string(direction)]]
        }
        let local = Rule(
            [Nft.equal(end("original"), Nft.linkLocal6), Nft.back], comment: "an address within a segment")
        let rules = ["original", "reply"].flatMap { direction in
            [
                [isIn(end(direction), Origins.homes(family)), isNotHere(end(direction), Origins.inside(family))],
                [isNotHere(end(direction), Origins.ends(family))],
            ].map { place in
                Rule(
                    [Nft.equal(["ct": ["key": "direction"]], .string(direction))] + place + [Nft.counter, Nft.drop],
                    comment: "an error about a connection of others")
            }
        }
        return (family == .ipv6 ? [local] : []) + rules
    }

    private static func isIn(_ address: JSON, _ set: String) -> JSON { Nft.equal(address, .string("@\(set)")) }

    private static func isNotHere(_ address: JSON, _ set: String) -> JSON {
        Nft.differs(Nft.concat(Nft.input, address), .string("@\(set)"))
    }
}
