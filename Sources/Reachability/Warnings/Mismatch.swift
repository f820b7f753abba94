internal import Addressing
internal import Model

extension PolicyWarnings {
    /// Rules whose peers are endpoints with an address in a `cidr` where none of them has one, or the host or the world
    /// with addresses that are endpoints'.
    static func mismatched(
        _ desired: DesiredState, _ reachability: Reachability, _ joint: JointCoverage, _ budget: inout Budget
    ) -> [Diagnostic] {
        var result: [Diagnostic] = []
        for policy in desired.policies {
            for rule in TrafficDirection.allCases.flatMap({ policy[$0]?.rules ?? [] }) {
                guard let peers = rule.peers, !peers.isEmpty else { continue }
                guard budget.take(peers.reduce(0) { $0 + max($1.group?.members.count ?? 0, 1) }) else { return result }
                guard peers.allSatisfy({ isNobody($0, reachability, joint) }) else { continue }
                result.append(
                    warning(
                        "rule \(policy.metadata.name)/\(rule.name) never matches: \(reason(peers))", at: rule.source))
            }
        }
        return result
    }

    private static func isNobody(_ peer: PolicyPeer, _ reachability: Reachability, _ joint: JointCoverage) -> Bool {
        guard let block = peer.block else { return false }
        if peer.entity != nil { return joint.settled.covers(block) }
        guard let group = peer.group, !group.members.isEmpty else { return false }
        return !group.members.contains { reachability.mayHave($0, block) }
    }

    private static func reason(_ peers: [PolicyPeer]) -> String {
        let place = Set(peers.compactMap(\.block?.prefix.description)).sorted().joined(separator: ", ")
        let entities = PeerEntity.allCases.filter { entity in peers.contains { $0.entity == entity } }
        guard !entities.isEmpty else { return "no endpoint among its peers has an address in \(place)" }
        guard peers.allSatisfy({ $0.entity != nil }) else { return "nobody among its peers has an address in \(place)" }
        return "in \(place) it means addresses of endpoints alone, which are never the "
            + entities.map { "\($0.rawValue)'s" }.joined(separator: " or the ")
    }
}

extension Reachability {
    /// Whether packets known as the endpoint's can have an address of the block.
    fileprivate func mayHave(_ name: ObjectName, _ block: AddressBlock) -> Bool {
        // On another Host, or using link-local addresses that no manifest knows.
        guard let endpoint = endpoint(name), !block.prefix.overlaps(Self.linkLocals) else { return true }
        let own = endpoint.addresses.map { IPPrefix(host: $0.address) } + endpoint.allowedAddresses
        return own.contains { prefix in
            prefix.overlaps(block.prefix) && !block.except.contains { $0.contains(prefix) }
        }
    }

    static let linkLocals = IPPrefix(containing: .v6(IPv6Address(value: 0xfe80 << 112)), length: 10)
}
