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
        rules: judged([Nft.equal(Nft.addressee, "@host_sides")]))

    /// On a segment that others share, a frame's MAC may not tell whether it is for the host; what the host forwards does. On
    /// a switch of ours it does not where somebody's rules translated the address of a frame that was for no MAC of the host:
    /// the kernel takes it for one that was.
    static let forwarded =
        judged([
            Nft.differs(Nft.way, "@shared_segments"), Nft.equal(Nft.sender, "@members"),
        ]) + judged([Nft.equal(Nft.input, "@bridges"), Nft.differs(Nft.way, "@switches")])
        + [beginning([Nft.isTranslated, Nft.equal(Nft.input, "@bridges")])]

    /// Nothing is translated to a published port but what is for the host.
    static let untranslated = Rule(
        [
            Nft.equal(Nft.input, "@bridges"),
            Nft.differs(Nft.addressee, "@host_sides"), Nft.back,
        ], comment: "for no MAC of the host")

    /// Frames to all reach the host, too, which does not forward them; and those whose address somebody's rules translated to
    /// one of the host.
    static let received =
        judged([Nft.equal(Nft.sender, "@members")])
        + [beginning([Nft.isTranslated, Nft.equal(Nft.input, "@bridges")])]
        + judged([
            Nft.equal(Nft.input, "@bridges"),
            Nft.differs(Nft.addressee, "@host_sides"),
        ])

    /// An answer is from an address to which the host would send by the same way, as it has sent what is answered. First
    /// packets and errors are judged by what the manifests say of addresses: there may be no route back.
    private static func judged(_ isHanded: [JSON]) -> [Rule] {
        [
            Rule(
                [Nft.isEstablished, Nft.isDirection("reply")] + isHanded + [
                    hasNoWayBack, Nft.jump(answers),
                ], comment: "an answer from where its address is not"),
            beginning(isHanded),
        ]
    }

    /// On a bridge of somebody else everything is tracked together: who goes on in a connection that was let through on no way
    /// that an endpoint's packets take is judged like one who begins. Behind what is known to have been let through.
    static func strangers(_ isHanded: JSON...) -> Rule {
        Rule(
            [Nft.isEstablished, Nft.isDirection("original")] + isHanded + [
                Nft.equal(Nft.sender, "@members"), Nft.jump(name),
            ], comment: "where it may come from")
    }

    private static func beginning(_ isHanded: [JSON]) -> Rule {
        Rule(
            [Nft.contains(["ct": ["key": "state"]], ["related", "new", "untracked"])] + isHanded + [Nft.jump(name)],
            comment: "where it may come from")
    }

    private static let hasNoWayBack = Nft.equal(["fib": ["result": "oif", "flags": ["saddr", "mark", "iif"]]], false)

    private static let name = "origins"
    private static let answers = "origins-answers"
    private static let errors = "origins-errors"

    private static func source(_ family: AddressFamily) -> JSON { Nft.payload(family.protocolName, "saddr") }

    static let chains = [
        arrivals,
        Chain(
            name: name,
            rules: [Rule([Nft.isRelated, Nft.jump(errors)])] + AddressFamily.allCases.flatMap(segment) + [
                Rule(
                    [Nft.equal(["fib": ["result": "type", "flags": ["saddr"]]], "local"), Nft.counter, Nft.drop],
                    comment: "an address of the host")
            ] + AddressFamily.allCases.flatMap(origins)),
        Chain(
            name: answers,
            rules: AddressFamily.allCases.map { family in
                Rule(
                    [
                        Nft.equal(Nft.concat(Nft.input, source(family)), .string("@\(Origins.inside(family))")),
                        Nft.back,
                    ],
                    comment: "an address that is here, too")
            } + [Rule([Nft.counter, Nft.drop])]),
        Chain(name: errors, rules: AddressFamily.allCases.flatMap(ends)),
    ]

    private static func segment(_ family: AddressFamily) -> [Rule] {
        let all: [JSON] = family == .ipv4 ? ["0.0.0.0"] : ["::", Nft.linkLocal6]
        return all.map { Rule([Nft.equal(source(family), $0), Nft.back], comment: "an address within a segment") }
    }

    /// An address that is somebody's by the manifests is taken from there alone. What an endpoint has beside the networks'
    /// prefixes may be where the host has it, too.
    private static func origins(_ family: AddressFamily) -> [Rule] {
        let source = source(family)
        let places = [
            [isIn(source, Origins.homes(family)), isNotHere(source, Origins.inside(family))],
            [isIn(source, Origins.claimed(family)), isNotHere(source, Origins.ends(family)), hasNoWayBack],
        ]
        return places.map { Rule($0 + [Nft.counter, Nft.drop], comment: "an address of others") }
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
                    [Nft.isDirection(direction)] + place + [Nft.counter, Nft.drop],
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
