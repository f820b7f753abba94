internal import Addressing
internal import Model

/// The text of policies that goes into the fingerprint of a state; places in files left out.
struct PolicyFingerprint {
    /// Groups that were written out; many rules share one.
    private var known: Set<String> = []

    /// One line a policy, direction and rule.
    mutating func lines(_ policy: Policy) -> [String] {
        var lines = [
            "\(policy.id) \(policy.priority) \(policy.isAudit) \(policy.keepsConnections) \(policy.metadata.preventDestroy)",
            Self.names(policy.selected),
        ]
        for direction in TrafficDirection.allCases {
            guard let part = policy[direction] else { continue }
            lines.append("\(direction.rawValue) \(part.deniesByDefault)")
            for rule in part.rules { lines += self.lines(rule) }
        }
        return lines
    }

    private mutating func lines(_ rule: PolicyRule) -> [String] {
        var lines: [String] = []
        var peers: [String] = []
        for peer in rule.peers ?? [] {
            if let group = peer.group, known.insert(group.key).inserted {
                lines.append("\(group.key): \(Self.names(group.members))")
            }
            let except = (peer.block?.except ?? []).map(\.description).joined(separator: ",")
            peers.append(
                "\(peer.group?.key ?? "-") \(peer.block?.prefix.description ?? "-") \(except) \(peer.entity?.rawValue ?? "-")"
            )
        }
        lines.append("\(rule.name) \(rule.action.rawValue) \(Self.log(rule.log))")
        lines.append(rule.peers == nil ? "anyone" : peers.joined(separator: "; "))
        lines.append(rule.services?.map(\.description).joined(separator: "; ") ?? "all")
        return lines
    }

    private static func names(_ names: [ObjectName]) -> String { names.map(\.text).joined(separator: ",") }

    private static func log(_ log: RuleLog?) -> String {
        switch log {
        case nil: "-"
        case .kernel: "kernel"
        case .nflog(let group): "\(group)"
        }
    }
}
