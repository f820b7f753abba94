internal import Addressing
internal import JSON
internal import Model

/// One way in which a rule can match: expressions that must all hold. A rule of a policy becomes one rule of nftables
/// for each of its alternatives.
struct Alternative: Hashable {
    /// The only family it can match; nil for both.
    var family: AddressFamily?
    /// Whether the expressions say so themselves, as those that look into a header of the family do. libnftables leaves
    /// out what they imply when it lists rules, so it is written only where nothing implies it.
    var impliesFamily = true
    /// The only protocol it can match; nil for several.
    var transport: PortProtocol?
    /// Whether a packet of TCP can match.
    var takesTCP = true
    var expressions: [JSON]

    /// Both at once; nil where nothing can match both.
    func and(_ other: Alternative) -> Alternative? {
        if let family, let otherFamily = other.family, family != otherFamily { return nil }
        let implies = (family != nil && impliesFamily) || (other.family != nil && other.impliesFamily)
        return Alternative(
            family: family ?? other.family, impliesFamily: implies, transport: transport ?? other.transport,
            takesTCP: takesTCP && other.takesTCP, expressions: expressions + other.expressions)
    }

    /// With the family written out where nothing implies it.
    func complete(_ place: Place) -> Alternative {
        guard let family, !impliesFamily else { return self }
        let match =
            switch place {
            case .inet: Nft.equal(Nft.meta("nfproto"), .string(family.rawValue))
            case .bridge: Nft.equal(Nft.meta("protocol"), Nft.name(family))
            }
        var result = self
        result.expressions.insert(match, at: 0)
        result.impliesFamily = true
        return result
    }

    static let anything = Alternative(expressions: [])
}

/// Where a chain stands, and so what its packets can be asked.
enum Place: Hashable {
    /// Routed and tracked: interfaces are bridges, both ends are known by address.
    case inet
    /// Frames to one port of a bridge: interfaces are ports.
    case bridge

    /// Directions that are decided there: a port of a bridge decides on what comes to it from others by a group
    /// address, everything else is decided by address.
    var directions: [TrafficDirection] {
        switch self {
        case .inet: TrafficDirection.allCases
        case .bridge: [.ingress]
        }
    }
}

/// Which end of a packet a rule's peer is.
struct PeerSide {
    let direction: TrafficDirection

    /// The peer that rules of this direction speak of.
    init(direction: TrafficDirection) { self.direction = direction }

    /// The endpoint itself whose rules of this direction are asked.
    init(of direction: TrafficDirection) {
        switch direction {
        case .ingress: self.direction = .egress
        case .egress: self.direction = .ingress
        }
    }

    /// The peer's MAC, within a segment.
    var mac: JSON {
        switch direction {
        case .ingress: Nft.payload("ether", "saddr")
        case .egress: Nft.payload("ether", "daddr")
        }
    }

    /// The peer's interface.
    var interface: JSON {
        switch direction {
        case .ingress: Nft.input
        case .egress: Nft.output
        }
    }

    /// The peer's address.
    func address(_ family: AddressFamily) -> JSON {
        let field =
            switch direction {
            case .ingress: "saddr"
            case .egress: "daddr"
            }
        return Nft.payload(family.protocolName, field)
    }

    /// What the routing tables say of the peer's address.
    var addressType: JSON {
        let flag =
            switch direction {
            case .ingress: "saddr"
            case .egress: "daddr"
            }
        return ["fib": ["result": "type", "flags": [.string(flag)]]]
    }
}

extension AddressFamily {
    /// `ip` or `ip6`, as nftables names the header.
    var protocolName: String {
        switch self {
        case .ipv4: "ip"
        case .ipv6: "ip6"
        }
    }

    /// `4` or `6`, behind names of sets.
    var suffix: String {
        switch self {
        case .ipv4: "4"
        case .ipv6: "6"
        }
    }

    /// Type of its addresses in sets.
    var setType: String {
        switch self {
        case .ipv4: "ipv4_addr"
        case .ipv6: "ipv6_addr"
        }
    }
}
