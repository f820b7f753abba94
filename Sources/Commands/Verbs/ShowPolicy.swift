internal import Firewall
internal import JSON
internal import Model

/// What `show` prints of policies.
enum ShowPolicy {
    static func document(_ policy: PolicyReport) -> JSON {
        [
            "name": .string(policy.name), "mode": policy.isAudit ? "audit" : "enforce",
            "endpoints": .array(policy.endpoints.map { .string($0) }), "rules": .array(policy.rules.map(rule)),
        ]
    }

    private static func rule(_ rule: PolicyReport.Rule) -> JSON {
        [
            "id": .string(rule.id), "name": rule.name.map { .string($0) } ?? .null,
            "direction": .string(rule.direction.rawValue), "verdict": .string(rule.verdict),
            "packets": .int(rule.packets), "bytes": .int(rule.bytes),
            "logPrefix": rule.logPrefix.map { .string($0) } ?? .null,
        ]
    }

    /// One policy: a head, then its rules.
    static func text(_ policy: PolicyReport) -> String {
        "policy     \(policy.name.terminalSafe)\nmode       \(policy.isAudit ? "audit" : "enforce")\n"
            + "enforced   on the host, by nftables: table inet for connections, those between ports of one bridge by "
            + "way of br_netfilter; table bridge for groups and anti-spoofing\n"
            + "endpoints  \(policy.endpoints.map(\.terminalSafe).joined(separator: " "))\n\n"
            + ShowText.table(
                ["RULE", "VERDICT", "PACKETS", "BYTES", "LOG PREFIX"],
                policy.rules.map { [title($0), $0.verdict, "\($0.packets)", "\($0.bytes)", $0.logPrefix ?? "-"] })
    }

    /// A rule's id; where that is a hash, with the name that the manifest has.
    private static func title(_ rule: PolicyReport.Rule) -> String {
        guard rule.id.hasPrefix("#"), let name = rule.name else { return rule.id }
        return "\(rule.id) \(name.terminalSafe)"
    }

    static func table(_ policies: [PolicyReport]) -> String {
        ShowText.table(
            ["POLICY", "MODE", "ENDPOINTS", "RULES", "DENIED"],
            policies.map { policy in
                let denied = policy.rules.filter { ["deny", "reject", "would deny"].contains($0.verdict) }.map(
                    \.packets)
                return [
                    policy.name, policy.isAudit ? "audit" : "enforce", "\(policy.endpoints.count)",
                    "\(policy.rules.count)", "\(denied.reduce(0, +))",
                ]
            })
    }
}
