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
        return narrow.allSatisfy { peer in
            let able = wide.filter { coversButForBlock($0, peer) }
            return able.contains { covers($0.block, peer.block) }
                // Together, where none does alone.
                || able.count > 1 && covers(able.compactMap(\.block), peer.block)
        }
    }

    private static func coversButForBlock(_ wide: PolicyPeer, _ narrow: PolicyPeer) -> Bool {
        if let group = wide.group {
            guard let other = narrow.group, group.key == other.key || Set(group.members).isSuperset(of: other.members)
            else { return false }
        }
        return wide.entity == nil || wide.entity == narrow.entity
    }

    private static func covers(_ wide: AddressBlock?, _ narrow: AddressBlock?) -> Bool {
        guard let wide else { return true }
        return narrow.map { covers(wide, $0) } ?? false
    }

    private static func covers(_ wide: [AddressBlock], _ narrow: AddressBlock?) -> Bool {
        let union = BlockUnion(wide)
        return (narrow.map { [$0] } ?? BlockUnion.everything).allSatisfy(union.covers)
    }

    private static func covers(_ wide: AddressBlock, _ narrow: AddressBlock) -> Bool {
        wide.prefix.contains(narrow.prefix)
            && wide.except.allSatisfy { hole in
                !hole.overlaps(narrow.prefix) || narrow.except.contains { $0.contains(hole) }
            }
    }
}

/// What can be seen of a rule at a glance; most pairs need no more.
struct RuleOutline {
    /// One bit a protocol; all where a rule names none.
    private var protocols: UInt8 = 0
    private var lowest: UInt16 = .max
    private var highest: UInt16 = 0
    private let isForAnyone: Bool

    init(_ rule: PolicyRule) {
        isForAnyone = rule.peers == nil
        guard let services = rule.services else {
            (protocols, lowest, highest) = (.max, 1, .max)
            return
        }
        for service in services {
            switch service {
            case .transport(let transport, let ports):
                protocols |= transport == .tcp ? 1 : transport == .udp ? 2 : 4
                for range in ports ?? [] {
                    lowest = min(lowest, range.first)
                    highest = max(highest, range.last)
                }
                if ports == nil { (lowest, highest) = (1, .max) }
            case .icmp(let family, _): protocols |= family == .ipv4 ? 8 : 16
            }
        }
    }

    /// Whether the rule may cover the other.
    func mayCover(_ other: RuleOutline) -> Bool {
        protocols & other.protocols == other.protocols && lowest <= other.lowest && highest >= other.highest
            && (isForAnyone || !other.isForAnyone)
    }

    /// Whether both rules may match something by `protocols`.
    func mayTouch(_ other: RuleOutline) -> Bool {
        let common = protocols & other.protocols
        // Ports are about tcp, udp and sctp alone.
        return common & ~7 != 0 || common != 0 && lowest <= other.highest && other.lowest <= highest
    }
}

/// Rules that come before another one and may match some of the same, with their policies.
private struct Forerunners {
    private(set) var rules: [(rule: PolicyRule, policy: Policy)] = []
    /// There are more than are looked at together.
    private(set) var areTooMany = false

    mutating func add(_ rule: PolicyRule, of policy: Policy) {
        guard rules.count < JointCoverage.limit else { return areTooMany = true }
        rules.append((rule, policy))
    }
}

/// The rules of a policy for one direction, with their outlines.
private struct OutlinedRules {
    let policy: Policy
    let rules: [PolicyRule]
    let outlines: [RuleOutline]
    let selected: Set<ObjectName>

    init(_ policy: Policy, _ direction: TrafficDirection) {
        self.policy = policy
        rules = policy[direction]?.rules ?? []
        outlines = rules.map(RuleOutline.init)
        selected = Set(policy.selected)
    }

    /// The first of the rules, up to a place, that covers the other alone; those that may cover it with others are told.
    func cover(
        _ rule: PolicyRule, _ outline: RuleOutline, before end: Int, _ forerunners: inout Forerunners,
        _ budget: inout PolicyWarnings.Budget
    ) -> PolicyRule? {
        for place in 0..<end {
            guard budget.take() else { return nil }
            if outlines[place].mayTouch(outline) { forerunners.add(rules[place], of: policy) }
            guard outlines[place].mayCover(outline) else { continue }
            guard budget.take(20) else { return nil }
            if Coverage.covers(rules[place], rule) { return rules[place] }
        }
        return nil
    }
}

extension PolicyWarnings {
    /// Rules that earlier ones of the same direction and for the same endpoints leave nothing to.
    static func covered(_ desired: DesiredState, _ joint: JointCoverage, _ budget: inout Budget) -> [Diagnostic] {
        var result: [Diagnostic] = []
        for direction in TrafficDirection.allCases {
            let all = desired.policies.filter { $0[direction] != nil }.map { OutlinedRules($0, direction) }
            for (place, own) in all.enumerated() where !own.rules.isEmpty {
                var earlier: [OutlinedRules] = []
                // Audit policies are asked by themselves.
                for other in all[..<place] where !own.policy.isAudit && !other.policy.isAudit {
                    guard budget.take() else { return result }
                    if other.selected.isSuperset(of: own.selected) { earlier.append(other) }
                }
                for number in own.rules.indices {
                    if let found = cover(number, of: own, earlier, joint, &budget) { result.append(found) }
                }
            }
        }
        return result
    }

    /// What is said of a rule that never matches; nil where it may.
    private static func cover(
        _ number: Int, of own: OutlinedRules, _ earlier: [OutlinedRules], _ joint: JointCoverage, _ budget: inout Budget
    ) -> Diagnostic? {
        let (rule, outline) = (own.rules[number], own.outlines[number])
        var forerunners = Forerunners()
        if let cover = own.cover(rule, outline, before: number, &forerunners, &budget) {
            return coverage(of: rule, in: own.policy, by: [(cover, own.policy)])
        }
        for other in earlier {
            if let cover = other.cover(rule, outline, before: other.rules.count, &forerunners, &budget) {
                return coverage(of: rule, in: own.policy, by: [(cover, other.policy)])
            }
        }
        guard !forerunners.areTooMany,
            let places = joint.cover(of: rule, by: forerunners.rules.map(\.rule), &budget)
        else { return nil }
        return coverage(of: rule, in: own.policy, by: places.map { forerunners.rules[$0] })
    }

    private static func coverage(
        of rule: PolicyRule, in policy: Policy, by others: [(rule: PolicyRule, policy: Policy)]
    ) -> Diagnostic {
        let named = others.prefix(4).map { "\($0.policy.metadata.name)/\($0.rule.name) (\($0.rule.source))" }
        let more = others.count > named.count ? ["\(others.count - named.count) more"] : []
        let list = (named + more).dropLast().joined(separator: ", ")
        let words =
            others.count == 1
            ? "rule \(named[0]) comes first and covers it"
            : "rules \(list) and \((named + more).last ?? "") come first and cover it together"
        return warning("rule \(policy.metadata.name)/\(rule.name) never matches: \(words)", at: rule.source)
    }
}
