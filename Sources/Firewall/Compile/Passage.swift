internal import JSON

/// The ways on which a connection can be let through, each a bit of its label (`ct label`, connlabel).
///
/// That the kernel knows a connection says only that some way was open to its first packet. A bridge that others share, or
/// that is somebody else's, tracks in one zone what it floods between its ports and what goes to the host's MAC: one who can
/// send raw frames chooses the way of every packet, and one that no rule speaks against would open all the others. So what
/// is known passes on the way it was let through on; elsewhere it is looked at like a first packet.
///
/// Labels are the only mark of a connection that no other tool's rules on hosts give a meaning of their own; OpenFlow
/// switches use them in their zones, the bits here are at the far end.
enum Passage {
    /// To and from the host itself: hooks `input` and `output`.
    case host
    /// From one interface to another, and whatever stays on a switch of endpoints alone, which has zones of its own.
    case routed
    /// From port to port of a segment that others share, to the MAC of an endpoint there.
    case sibling
    /// The same to any other MAC.
    case stranger

    /// Its bit, of 0...127.
    private var bit: JSON {
        switch self {
        case .host: 121
        case .routed: 122
        case .sibling: 123
        case .stranger: 124
        }
    }

    private static let label: JSON = ["ct": ["key": "label"]]
    private static let shared: JSON = "@shared_segments"

    /// Whether a first packet that is forwarded is on this way.
    private var begins: [JSON] {
        switch self {
        case .host: []
        case .routed: [Nft.differs(Nft.way, Self.shared)]
        case .sibling: [Nft.equal(Nft.way, Self.shared), Nft.equal(Nft.receiver, "@members")]
        case .stranger: [Nft.equal(Nft.way, Self.shared), Nft.differs(Nft.receiver, "@members")]
        }
    }

    /// The conditions of any packet of a connection on this way: on a shared segment, an answer comes from where the first
    /// packet went.
    private var isHere: [[JSON]] {
        let (original, reply) = (Nft.isDirection("original"), Nft.isDirection("reply"))
        let onSegment = Nft.equal(Nft.way, Self.shared)
        switch self {
        case .host, .routed: return [begins]
        case .sibling: return [begins + [original], [onSegment, Nft.equal(Nft.sender, "@members"), reply]]
        case .stranger: return [begins + [original], [onSegment, Nft.differs(Nft.sender, "@members"), reply]]
        }
    }

    private var isLabelled: JSON { Nft.contains(Self.label, bit) }

    /// Packets of connections that were let through on this way. Of what goes to a group the kernel says that it was let
    /// through when the host alone has had it.
    private var known: [Rule] {
        isHere.flatMap { here in
            [
                Rule([isLabelled, Nft.isEstablished] + here + [Nft.accept], comment: "answers"),
                Rule(
                    [isLabelled, Nft.differs(Nft.payload("ip", "daddr"), "@groups4"), Nft.isKnown] + here
                        + [Nft.accept], comment: "connections that were let through"),
                Rule(
                    [isLabelled, Nft.differs(Nft.payload("ip6", "daddr"), Nft.groups6), Nft.isKnown] + here
                        + [Nft.accept], comment: "connections that were let through"),
            ]
        }
    }

    /// A first packet takes the label before anything has decided: where it is dropped, its connection is forgotten.
    private var beginning: Rule {
        Rule(
            [Nft.isUnknown] + begins + [["mangle": ["key": Self.label, "value": bit]]],
            comment: "where a connection begins")
    }

    /// An error passes where the connection that it is about does, whoever of a segment sends it.
    private var related: Rule {
        let here: [JSON]
        switch self {
        case .host: here = []
        case .routed: here = [Nft.differs(Nft.way, Self.shared)]
        case .sibling, .stranger: here = [Nft.equal(Nft.way, Self.shared)]
        }
        return Rule([isLabelled, Nft.isRelated] + here + [Nft.accept], comment: "related errors")
    }

    /// What passes a chain of the forward hook whatever policies say, but for some of what stays on a shared segment.
    static func forwarded(but exceptions: [Rule] = []) -> [Rule] {
        let segment = [sibling, stranger]
        return routed.known + exceptions + segment.flatMap(\.known) + ([routed] + segment).map(\.beginning)
            + ([routed] + segment).map(\.related)
    }

    /// What passes to the host.
    static var toHost: [Rule] { host.known + [host.beginning, host.related] }

    /// What passes from the host, whose own errors are about packets on any way, and about some that it let through on
    /// none: too long for the next link.
    static var fromHost: [Rule] {
        host.known + [host.beginning, Rule([Nft.isRelated, Nft.accept], comment: "related errors")]
    }
}
