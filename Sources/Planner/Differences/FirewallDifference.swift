internal import Firewall
internal import Model

extension Builder {
    /// Firewall rules: what is wanted comes into force before the links it guards; what guards links that go is kept
    /// until they are gone.
    mutating func compareFirewall(_ live: Ruleset, wanted: Ruleset) {
        let between = wanted.keeping(live)
        appendFirewall(
            RulesetChange.from(live, to: between), inverse: RulesetChange.from(between, to: live), id: "firewall",
            action: live.tables.isEmpty ? .create : .update, phase: .firewall)
        appendFirewall(
            RulesetChange.from(between, to: wanted), inverse: RulesetChange.from(wanted, to: between),
            id: "firewall/surplus", action: .delete, phase: .unguard)
    }

    private mutating func appendFirewall(
        _ change: RulesetChange, inverse: RulesetChange, id: String, action: Step.Action, phase: Phase
    ) {
        guard !change.isEmpty else { return }
        let words = change.words.prefix(4).joined(separator: "; ")
        let more = change.words.count > 4 ? "; and \(change.words.count - 4) more" : ""
        let verb =
            switch action {
            case .create: "create firewall"
            case .update, .replace: "change firewall"
            case .delete: "remove from firewall"
            }
        steps.append(
            Step(
                id: id, action: action, owner: nil, kind: "firewall", summary: "\(verb): \(words)\(more)",
                reason: action == .delete ? "nothing needs it any more" : "rules differ from what the manifests say",
                source: context.desired.networks.first?.metadata.source,
                after: change.words.map { Property("change", $0) },
                operations: [.firewall(change.commands)], inverse: [.firewall(inverse.commands)], phase: phase))
    }
}
