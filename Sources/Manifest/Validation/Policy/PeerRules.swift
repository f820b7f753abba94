internal import Addressing
internal import Model

extension Validator {
    /// One peer of a rule: something in it, nothing that contradicts itself.
    mutating func checkPeer(_ peer: PolicyDocument.Peer) {
        if !peer.hasGroup, peer.cidr == nil, peer.entity == nil, peer.exceptAt == nil {
            fail(
                "a peer needs at least one of 'endpoints', 'network', 'cidr' and 'entity'; for anyone leave 'from' or 'to' out",
                at: peer.at)
        }
        if let entity = peer.entity, peer.hasGroup {
            let other = peer.endpoints == nil ? "network" : "endpoints"
            fail(
                "'entity: \(entity.value.rawValue)' is no endpoint, so that '\(other)' beside it matches nothing; make two items of them",
                at: entity.at)
        }
        checkExceptions(peer)
        checkGroup(peer)
    }

    private mutating func checkExceptions(_ peer: PolicyDocument.Peer) {
        guard let cidr = peer.cidr else {
            if let place = peer.exceptAt { fail("'except' has no meaning without 'cidr'", at: place) }
            return
        }
        for part in peer.except {
            if !cidr.value.contains(part.value) {
                fail("except: \(part.value) lies outside \(cidr.value)", at: part.at)
            } else if part.value == cidr.value {
                fail("except: nothing of \(cidr.value) is left", at: part.at)
            }
        }
    }

    private mutating func checkGroup(_ peer: PolicyDocument.Peer) {
        if let selector = peer.endpoints { checkSelector(selector) }
        if let network = peer.network, networks[network.value] == nil {
            missing(.network, network, among: Array(networks.keys))
            return
        }
        guard peer.hasGroup, !documents.endpoints.contains(where: peer.selects) else { return }
        let what =
            switch (peer.endpoints, peer.network) {
            case (nil, let network?): "Network/\(network.value) has no endpoint, so that this peer matches nothing"
            case (_, let network?): "selects no endpoint of Network/\(network.value), so that this peer matches nothing"
            case (_, nil): "selects no endpoint, so that this peer matches nothing"
            }
        warn(what, at: peer.endpoints?.at ?? peer.at)
    }

    /// Rules whose peers and protocols are of different families never match.
    mutating func checkFamilies(_ rule: PolicyDocument.Rule) {
        guard let peers = rule.peers, !peers.isEmpty else { return }
        let families = Set(peers.compactMap { $0.cidr?.value.family })
        guard families.count == 1, peers.allSatisfy({ $0.cidr != nil }), let family = families.first else { return }
        for service in rule.services ?? [] {
            if case .icmp(let other) = service.kind, other != family {
                fail("\(service.kind.word) never comes from or goes to \(family.rawValue) addresses", at: service.at)
            }
        }
    }
}
