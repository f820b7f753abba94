internal import Addressing
internal import Firewall
internal import Model

extension Builder {
    /// Firewall rules: what is wanted comes into force before the links it guards; what guards links that go is kept
    /// until they are gone.
    mutating func compareFirewall(_ live: Ruleset, wanted: Ruleset) {
        guard !RulesetChange.from(live, to: wanted).isEmpty else { return clearWay(live) }
        // Where there were no rules, only endpoints that are there already can have connections.
        let isFirst = live.tables.isEmpty && !hasLiveEndpoints
        let cuts = !isFirst && wanted.mayRevoke(since: live, fresh: freshOwners())
        let kept = wanted.keeping(live)
        let between = cuts ? kept.withUncheckedConnections : kept
        let reduced = cuts ? wanted.withUncheckedConnections : wanted
        appendFirewall(
            RulesetChange.from(live, to: between), inverse: RulesetChange.from(between, to: live), id: "firewall",
            action: live.tables.isEmpty ? .create : .update, phase: .firewall)
        clearWay(live)
        let surplus = RulesetChange.from(between, to: reduced)
        appendFirewall(
            surplus, inverse: RulesetChange.from(reduced, to: between), id: "firewall/surplus", action: .delete,
            requires: guardedRemovals, phase: .unguard)
        guard cuts else { return }
        // Rules that are still there for what goes let no connection in that would never be looked at.
        appendCut(requires: surplus.isEmpty ? guardedRemovals : ["firewall/surplus"])
        appendFirewall(
            RulesetChange.from(reduced, to: wanted), inverse: RulesetChange.from(wanted, to: reduced),
            id: "firewall/checked", action: .delete, requires: ["connections"], phase: .conclude)
    }

    /// Rules stay until what they guard is gone, and forwarding is off again.
    private var guardedRemovals: [String] {
        steps.filter { step in
            switch step.phase {
            case .links: true
            case .restore: step.kind == "setting"
            case .prepare, .namespaces, .firewall, .clear, .host, .cards, .compartments, .files, .reduce, .unguard,
                .connections, .conclude, .vanish:
                false
            }
        }.map(\.id)
    }

    private var hasLiveEndpoints: Bool {
        context.desired.endpoints.contains { present(LinkReference(.host, $0.hostInterface.text)) != nil }
    }

    /// Connections pass by what was decided for their first packet: those that nothing allows any more are cut.
    private mutating func appendCut(requires: [String]) {
        steps.append(
            Step(
                id: "connections", action: .update, owner: nil, kind: "connections",
                summary: "cut connections that are no longer allowed",
                reason: "rules changed; connections that were let through before pass without asking them again",
                source: context.desired.networks.first?.metadata.source, isIrreversible: true, requires: requires,
                operations: [.cutConnections], inverse: [], phase: .connections))
    }

    private mutating func appendFirewall(
        _ change: RulesetChange, inverse: RulesetChange, id: String, action: Step.Action,
        requires: [String] = [], phase: Phase
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
                source: source(of: change), after: change.words.map { Property("change", $0) }, requires: requires,
                operations: [.firewall(change.commands)], inverse: [.firewall(inverse.commands)], phase: phase))
    }

    /// The line of the first manifest object that something of it is for; else of the first network, for which the
    /// tables are there.
    private func source(of change: RulesetChange) -> SourceLocation? {
        let desired = context.desired
        let objects =
            desired.networks.map { ($0.id, $0.metadata.source) } + desired.endpoints.map { ($0.id, $0.metadata.source) }
            + desired.policies.map { ($0.id, $0.metadata.source) }
        let owner = objects.first { change.owners.contains($0.0.description) }
        return owner?.1 ?? desired.networks.first?.metadata.source
    }
}
