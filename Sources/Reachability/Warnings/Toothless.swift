internal import Addressing
internal import Model

extension PolicyWarnings {
    private static func rules(_ desired: DesiredState) -> [(Policy, TrafficDirection, PolicyRule)] {
        desired.policies.flatMap { policy in
            TrafficDirection.allCases.flatMap { direction in
                (policy[direction]?.rules ?? []).map { (policy, direction, $0) }
            }
        }
    }

    /// `reject` where the host has no route back to the sender: the packet is dropped without an answer.
    static func unanswerable(_ desired: DesiredState, _ reachability: Reachability) -> [Diagnostic] {
        rules(desired).compactMap { policy, _, rule in
            guard rule.action == .reject,
                let mute = policy.selected.first(where: {
                    !(reachability.network(of: .endpoint($0))?.hasHostSide ?? true)
                })
            else { return nil }
            let isOverlay = reachability.network(of: .endpoint(mute))?.overlay != nil
            return warning(
                "rule \(policy.metadata.name)/\(rule.name): on \(isOverlay ? "an overlay" : "a private network"), as that of Endpoint/\(mute), the kernel cannot answer; there 'reject' drops like 'deny'",
                at: rule.source)
        }
    }

    /// Rules about messages that never begin a connection, so that no rule is ever asked about them.
    static func toothless(_ desired: DesiredState) -> [Diagnostic] {
        rules(desired).compactMap { policy, _, rule in
            guard let services = rule.services, services.allSatisfy(neverBegins) else { return nil }
            let what = services.map(\.description).joined(separator: ", ")
            return warning(
                "rule \(policy.metadata.name)/\(rule.name) never matches: \(what) are answers, errors or neighbour discovery, which pass with what they belong to and begin no connection",
                at: rule.source)
        }
    }

    private static func neverBegins(_ service: PolicyService) -> Bool {
        guard case .icmp(let family, let types?) = service else { return false }
        return !types.contains { ICMPTypes.startsConnection($0, family) }
    }

    /// Rules that allow what types, `inbound` and `peerNetworks` close for every endpoint that the policy selects.
    static func closed(_ desired: DesiredState, _ reachability: Reachability) -> [Diagnostic] {
        rules(desired).compactMap { policy, direction, rule in
            guard rule.action == .allow, let peers = rule.peers, !policy.isAudit else { return nil }
            let isShut = policy.selected.allSatisfy { name in
                peers.allSatisfy { !reachability.mayMeet(name, direction, $0) }
            }
            guard isShut, let example = policy.selected.first,
                !peers.contains(where: { $0.group?.members.isEmpty ?? false })
            else { return nil }
            return warning(
                "rule \(policy.metadata.name)/\(rule.name) allows nothing: types, 'inbound' and 'peerNetworks' close the way between its peers and Endpoint/\(example)"
                    + (policy.selected.count > 1 ? ", and all others that the policy selects" : ""), at: rule.source)
        }
    }
}

extension Reachability {
    /// Whether anything that the peer names is within bounds of the endpoint. A bare `cidr` always may.
    func mayMeet(_ name: ObjectName, _ direction: TrafficDirection, _ peer: PolicyPeer) -> Bool {
        guard let own = network(of: .endpoint(name)) else { return true }
        if let group = peer.group {
            return group.members.contains { member in
                guard let other = network(of: .endpoint(member)) else { return false }
                return other.metadata.name == own.metadata.name || own.peers.contains(other.metadata.name)
                    || isPublishing(direction == .ingress ? name : member)
            }
        }
        switch peer.entity {
        case nil: return true
        case .host: return own.hasHostSide
        case .world:
            guard own.reachesOutside else { return false }
            return direction == .egress || own.isOpen || isPublishing(name)
        }
    }

    private func isPublishing(_ name: ObjectName) -> Bool { !(endpoint(name)?.portMappings.isEmpty ?? true) }
}
