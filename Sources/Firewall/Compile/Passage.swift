internal import JSON

/// The ways on which a connection can be let through, each a bit of its label (`ct label`, connlabel).
///
/// That the kernel knows a connection says only that some way was open to its first packet. A bridge that others share, or
/// that is somebody else's, tracks in the same zone what it floods between its ports and what goes to the host's MAC: one
/// who can send raw frames chooses the way of every packet, and one that no rule speaks against would open all the others.
/// So what is known passes on the way it was let through on; elsewhere it is looked at like a first packet.
///
/// Labels are the only mark of a connection that no other tool's rules on hosts give a meaning of their own; OpenFlow
/// switches use them in their zones, the bits here are at the far end.
enum Passage {
    /// To and from the host itself: hooks `input` and `output`.
    case host
    /// From one interface to another, and whatever stays on a switch of endpoints alone, which has zones of its own.
    case routed
    /// From port to port of a segment that others share.
    case segment

    /// Its bit, of 0...127.
    private var bit: JSON {
        switch self {
        case .host: 121
        case .routed: 122
        case .segment: 123
        }
    }

    /// Set with each of the others: let through by any of our rules, on whatever way.
    private static let anyWay: JSON = 120

    private static let label: JSON = ["ct": ["key": "label"]]
    private static let way = Nft.concat(Nft.input, Nft.output)
    private static let shared: JSON = "@shared_segments"

    /// Whether a forwarded packet is on this way.
    private var isHere: [JSON] {
        switch self {
        case .host: []
        case .routed: [Nft.differs(Self.way, Self.shared)]
        case .segment: [Nft.equal(Self.way, Self.shared)]
        }
    }

    private static func isLabelled(_ bit: JSON) -> JSON { Nft.contains(label, bit) }

    /// Packets of connections that were let through on this way. Of what goes to a group the kernel says that it was let
    /// through when the host alone has had it.
    private var known: [Rule] {
        let isOurs = Self.isLabelled(bit)
        return [
            Rule([isOurs, Nft.isEstablished] + isHere + [Nft.accept], comment: "answers"),
            Rule(
                [isOurs, Nft.differs(Nft.payload("ip", "daddr"), "@groups4"), Nft.isKnown] + isHere + [Nft.accept],
                comment: "connections that were let through"),
            Rule(
                [isOurs, Nft.differs(Nft.payload("ip6", "daddr"), Nft.groups6), Nft.isKnown] + isHere + [Nft.accept],
                comment: "connections that were let through"),
        ]
    }

    /// A first packet takes the label before anything has decided: where it is dropped, its connection is forgotten.
    private var beginning: Rule {
        Rule(
            [Nft.isUnknown] + isHere
                + [Self.anyWay, bit].map { ["mangle": ["key": Self.label, "value": $0]] },
            comment: "where a connection begins")
    }

    /// What passes a chain of the forward hook whatever policies say, but for some of what stays on a shared segment.
    static func forwarded(but exceptions: [Rule] = []) -> [Rule] {
        routed.known + exceptions + segment.known + [routed.beginning, segment.beginning, related]
    }

    /// What passes to the host.
    static var toHost: [Rule] { host.known + [host.beginning, related] }

    /// What passes from the host, whose own errors are about packets on any way, and about some that it let through on
    /// none: too long for the next link.
    static var fromHost: [Rule] {
        host.known + [host.beginning, Rule([Nft.isRelated, Nft.accept], comment: "related errors")]
    }

    private static let related = Rule([isLabelled(anyWay), Nft.isRelated, Nft.accept], comment: "related errors")
}
