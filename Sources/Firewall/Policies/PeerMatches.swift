internal import Addressing
internal import JSON
internal import Model

/// What a rule's peers become.
struct PeerMatches {
    let groups: PeerGroups
    let place: Place
    let side: PeerSide

    init(_ groups: PeerGroups, _ direction: TrafficDirection) {
        self.groups = groups
        place = groups.place
        side = PeerSide(direction: direction)
    }

    /// The ways in which one of the peers can be matched; one that takes everything where the rule names none.
    func alternatives(_ peers: [PolicyPeer]?) -> [Alternative] {
        guard let peers else { return [.anything] }
        let plain = peers.compactMap(\.plainPrefix)
        return blocks(plain) + peers.filter { $0.plainPrefix == nil }.flatMap(alternatives)
    }

    /// Prefixes without exceptions are one look-up a family.
    private func blocks(_ prefixes: [IPPrefix]) -> [Alternative] {
        AddressFamily.allCases.compactMap { family in
            let own = prefixes.filter { $0.family == family }
            guard !own.isEmpty else { return nil }
            return inside(own, family)
        }
    }

    /// Every key of the peer must hold.
    private func alternatives(_ peer: PolicyPeer) -> [Alternative] {
        var result = [Alternative.anything]
        if let group = peer.group { result = combine(result, groups.alternatives(group, side)) }
        if let block = peer.block {
            let family = block.prefix.family
            result = combine(result, [inside([block.prefix], family)])
            if !block.except.isEmpty {
                let outside = Nft.differs(side.address(family), Nft.anyOf(block.except))
                result = combine(result, [Alternative(family: family, expressions: [outside])])
            }
        }
        switch peer.entity {
        case nil: return result
        case .host: return combine(result, host())
        case .world: return combine(result, world())
        }
    }

    private func combine(_ left: [Alternative], _ right: [Alternative]) -> [Alternative] {
        left.flatMap { one in right.compactMap { one.and($0) } }
    }

    /// libnftables has no prefix of length 0: that is the family.
    private func inside(_ prefixes: [IPPrefix], _ family: AddressFamily) -> Alternative {
        guard !prefixes.contains(where: \.isDefault) else {
            return Alternative(family: family, impliesFamily: false, expressions: [])
        }
        return Alternative(family: family, expressions: [Nft.equal(side.address(family), Nft.anyOf(prefixes))])
    }

    /// Local addresses of this host. A frame that came in by one of our bridges has none as its source, whatever it
    /// says of itself.
    private func host() -> [Alternative] {
        switch place {
        case .inet:
            let local = Nft.equal(side.addressType, "local")
            switch side.direction {
            case .ingress:
                return [
                    Alternative(expressions: [
                        local, Nft.differs(Nft.input, "@bridges"), Nft.differs(Nft.input, "@shared"),
                    ])
                ]
            // What goes on to another port of a bridge is for an endpoint, whatever else has that address: an overlay's
            // prefix may be one of the host's.
            case .egress: return [Alternative(expressions: [local, Nft.differs(Nft.output, "@bridges")])]
            }
        case .bridge:
            return AddressFamily.allCases.map { family in
                Alternative(
                    family: family,
                    expressions: [
                        Nft.differs(Nft.input, "@ports"), Nft.differs(Nft.output, "@shared_ports"),
                        Nft.equal(side.address(family), .string("@gateways\(family.suffix)")),
                    ])
            } + [Alternative(expressions: [Nft.equal(Nft.output, "@shared_ports"), Nft.isFromHost])]
        }
    }

    /// What lies beyond every bridge of ours. On networks that are joined to no physical one no frame of a bridge is
    /// from there; on the others all those are that are of no endpoint.
    private func world() -> [Alternative] {
        switch place {
        case .inet:
            switch side.direction {
            case .ingress:
                return [
                    Alternative(expressions: [
                        Nft.differs(side.addressType, "local"), Nft.differs(Nft.input, "@bridges"),
                        Nft.differs(Nft.input, "@shared"),
                    ]),
                    Alternative(expressions: [
                        Nft.equal(Nft.input, "@shared"), Nft.differs(Nft.sender, "@members"),
                    ]),
                ]
            case .egress:
                return [
                    Alternative(expressions: [
                        Nft.equal(side.addressType, "unicast"), Nft.differs(Nft.output, "@bridges"),
                        Nft.differs(Nft.output, "@shared"),
                    ]),
                    Alternative(expressions: [
                        Nft.equal(side.addressType, "unicast"), Nft.equal(Nft.output, "@shared"),
                        Nft.differs(Nft.receiver, "@members"),
                    ]),
                ]
            }
        case .bridge:
            return AddressFamily.allCases.map { family in
                Alternative(
                    family: family,
                    expressions: [
                        Nft.differs(Nft.input, "@ports"), Nft.differs(Nft.output, "@shared_ports"),
                        Nft.differs(side.address(family), .string("@gateways\(family.suffix)")),
                    ])
            } + [
                Alternative(expressions: [
                    Nft.equal(Nft.output, "@shared_ports"), Nft.differs(Nft.input, "@ports"), Nft.isFromCard,
                ])
            ]
        }
    }
}

extension PolicyPeer {
    /// The prefix, where the peer is nothing but one.
    fileprivate var plainPrefix: IPPrefix? {
        guard group == nil, entity == nil, let block, block.except.isEmpty else { return nil }
        return block.prefix
    }
}
