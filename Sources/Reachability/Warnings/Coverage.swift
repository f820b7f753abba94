internal import Addressing
internal import Model

/// Whether everything that one thing matches is matched by another, too.
enum Coverage {
    static func covers(_ wide: PolicyRule, _ narrow: PolicyRule) -> Bool {
        services(wide.services, narrow.services) && peers(wide.peers, narrow.peers)
    }

    static func services(_ wide: [PolicyService]?, _ narrow: [PolicyService]?) -> Bool {
        guard let wide else { return true }
        guard let narrow else { return false }
        return narrow.allSatisfy { service in
            switch service {
            case .transport(let transport, let ports):
                let mine = wide.compactMap { candidate -> [PortRange]? in
                    guard case .transport(transport, let ports) = candidate else { return nil }
                    return ports ?? PortRange(1, 65535).map { [$0] }
                }.flatMap { $0 }
                return (ports ?? PortRange(1, 65535).map { [$0] } ?? []).allSatisfy { isCovered($0, by: mine) }
            case .icmp(let family, let types):
                let mine = wide.compactMap { candidate -> Set<UInt8>? in
                    guard case .icmp(family, let types) = candidate else { return nil }
                    return types.map { Set($0) } ?? Set(0...255)
                }
                let all = mine.reduce(into: Set<UInt8>()) { $0.formUnion($1) }
                return all.isSuperset(of: types ?? Array(0...255))
            }
        }
    }

    private static func isCovered(_ range: PortRange, by ranges: [PortRange]) -> Bool {
        var next = Int(range.first)
        for candidate in ranges.sorted() where Int(candidate.first) <= next {
            next = max(next, Int(candidate.last) + 1)
        }
        return next > Int(range.last)
    }

    static func peers(_ wide: [PolicyPeer]?, _ narrow: [PolicyPeer]?) -> Bool {
        guard let wide else { return true }
        guard let narrow else { return false }
        return narrow.allSatisfy { peer in wide.contains { covers($0, peer) } }
    }

    private static func covers(_ wide: PolicyPeer, _ narrow: PolicyPeer) -> Bool {
        if let group = wide.group {
            guard let other = narrow.group, group.key == other.key || Set(group.members).isSuperset(of: other.members)
            else { return false }
        }
        if let block = wide.block {
            guard let other = narrow.block, covers(block, other) else { return false }
        }
        return wide.entity == nil || wide.entity == narrow.entity
    }

    private static func covers(_ wide: AddressBlock, _ narrow: AddressBlock) -> Bool {
        wide.prefix.contains(narrow.prefix)
            && wide.except.allSatisfy { hole in
                !hole.overlaps(narrow.prefix) || narrow.except.contains { $0.contains(hole) }
            }
    }
}

extension PolicyWarnings {
    /// Rules that an earlier one of the same direction and for the same endpoints leaves nothing to.
    static func covered(_ desired: DesiredState, _ budget: inout Budget) -> [Diagnostic] {
        var result: [Diagnostic] = []
        for direction in TrafficDirection.allCases {
            let all = desired.policies.filter { $0[direction] != nil }
            let selections = all.map { Set($0.selected) }
            for (place, policy) in all.enumerated() {
                let rules = policy[direction]?.rules ?? []
                guard !rules.isEmpty else { continue }
                var earlier: [Policy] = []
                // Audit policies are asked by themselves.
                for other in all[..<place].indices where !policy.isAudit && !all[other].isAudit {
                    guard budget.take() else { return result }
                    if selections[other].isSuperset(of: policy.selected) { earlier.append(all[other]) }
                }
                for (number, rule) in rules.enumerated() {
                    let own = rules[..<number].lazy.map { (policy, $0) }
                    let before = earlier.lazy.flatMap { other in
                        (other[direction]?.rules ?? []).lazy.map { (other, $0) }
                    }
                    guard let cover = first(own, rule, &budget) ?? first(before, rule, &budget) else { continue }
                    result.append(coverage(of: rule, in: policy, by: cover.1, cover.0))
                }
            }
        }
        return result
    }

    private static func coverage(
        of rule: PolicyRule, in policy: Policy, by other: PolicyRule, _ owner: Policy
    ) -> Diagnostic {
        warning(
            "rule \(policy.metadata.name)/\(rule.name) never matches: rule \(owner.metadata.name)/\(other.name) (\(other.source)) comes first and covers it",
            at: rule.source)
    }

    private static func first(
        _ candidates: some Sequence<(Policy, PolicyRule)>, _ rule: PolicyRule, _ budget: inout Budget
    ) -> (Policy, PolicyRule)? {
        for candidate in candidates {
            guard budget.take() else { return nil }
            if Coverage.covers(candidate.1, rule) { return candidate }
        }
        return nil
    }
}
