internal import Addressing
internal import Model

/// Whether two rules may match the same traffic of the same endpoint.
struct Overlap {
    let reachability: Reachability

    func overlaps(_ one: PolicyRule, _ other: PolicyRule) -> Bool {
        services(one.services, other.services) && peers(one.peers, other.peers)
    }

    private func services(_ one: [PolicyService]?, _ other: [PolicyService]?) -> Bool {
        guard let one, let other else { return true }
        return one.contains { left in
            other.contains { right in
                switch (left, right) {
                case (.transport(let a, let ports), .transport(let b, let others)):
                    guard a == b, let ports, let others else { return a == b }
                    return ports.contains { range in others.contains { $0.overlaps(range) } }
                case (.icmp(let a, let types), .icmp(let b, let others)):
                    guard a == b, let types, let others else { return a == b }
                    return types.contains(where: others.contains)
                case (.transport, .icmp), (.icmp, .transport): return false
                }
            }
        }
    }

    private func peers(_ one: [PolicyPeer]?, _ other: [PolicyPeer]?) -> Bool {
        guard let one, let other else { return true }
        return one.contains { left in other.contains { overlaps(left, $0) } }
    }

    private func overlaps(_ one: PolicyPeer, _ other: PolicyPeer) -> Bool {
        if let left = one.entity, let right = other.entity, left != right { return false }
        if one.group != nil && other.entity != nil || one.entity != nil && other.group != nil { return false }
        let blocks = [one.block, other.block].compactMap { $0 }
        if blocks.count == 2, !blocks[0].prefix.overlaps(blocks[1].prefix) { return false }
        let groups = [one.group, other.group].compactMap { $0 }
        guard let first = groups.first else { return true }
        let members = groups.dropFirst().reduce(Set(first.members)) { $0.intersection($1.members) }
        return members.contains { name in
            guard let endpoint = reachability.endpoint(name) else { return false }
            return blocks.isEmpty
                || endpoint.addresses.contains { own in blocks.allSatisfy { $0.contains(own.address) } }
        }
    }
}

extension PolicyWarnings {
    /// Policies of one priority that decide differently for an endpoint that both select: only their names say which
    /// one is asked first.
    static func disagreements(
        _ desired: DesiredState, _ reachability: Reachability, _ budget: inout Budget
    ) -> [Diagnostic] {
        var result: [Diagnostic] = []
        let overlap = Overlap(reachability: reachability)
        let groups = Dictionary(grouping: desired.policies.filter { !$0.isAudit }, by: \.priority)
        for priority in groups.keys.sorted() {
            let policies = groups[priority] ?? []
            for (place, policy) in policies.enumerated() {
                let selected = Set(policy.selected)
                for later in policies[(place + 1)...] {
                    guard budget.take() else { return result }
                    guard let endpoint = later.selected.first(where: selected.contains),
                        let (mine, other) = disagreement(policy, later, overlap, &budget)
                    else { continue }
                    result.append(
                        warning(
                            "rule \(later.metadata.name)/\(other.name) and rule \(policy.metadata.name)/\(mine.name) (\(mine.source)) decide differently for "
                                + "Endpoint/\(endpoint) at the same priority, \(priority); Policy/\(policy.metadata.name) is asked first because of its name "
                                + "alone: give them different priorities", at: other.source))
                }
            }
        }
        return result
    }

    private static func disagreement(
        _ one: Policy, _ other: Policy, _ overlap: Overlap, _ budget: inout Budget
    ) -> (PolicyRule, PolicyRule)? {
        for direction in TrafficDirection.allCases {
            for mine in one[direction]?.rules ?? [] {
                for rule in other[direction]?.rules ?? [] where outcome(mine.action) != outcome(rule.action) {
                    guard budget.take(20) else { return nil }
                    if overlap.overlaps(mine, rule) { return (mine, rule) }
                }
            }
        }
        return nil
    }

    /// `deny` and `reject` decide the same.
    private static func outcome(_ action: RuleAction) -> RuleAction { action == .reject ? .deny : action }
}
