internal import Addressing
internal import Firewall
internal import Model

extension Context {
    /// What the manifests make of the tables, or what remains of the live ones.
    func compiledRules(live: Ruleset, _ aside: Planner.Aside) -> () -> Ruleset {
        guard !remains else { return { remainingRules(live) } }
        let facts = HostFacts(
            guarded4: guardedInterfaces(.ipv4), guarded6: guardedInterfaces(.ipv6), otherShared: otherShared(),
            uplinkPorts: uplinkPorts(), uplinkMACs: uplinkMACs(), macvlanUplinks: macvlanUplinks(),
            routedUplinks: routedUplinks())
        return aside { [desired] in Compiler.compile(desired, facts) }
    }
}

extension Builder {
    /// The tables that shall be.
    mutating func wantedRules(_ compiled: Ruleset, live: Ruleset) -> Ruleset {
        checkPolicies(live, compiled)
        // Elements of objects that stay although no manifest declares them stay, too.
        return context.options.prunes ? compiled : compiled.keeping(live)
    }

    /// Policies are nothing but rules: one that is protected must not go with its document, and what holds for endpoints
    /// that stay when one of theirs is destroyed, only manifests can say.
    private mutating func checkPolicies(_ live: Ruleset, _ wanted: Ruleset) {
        let declared = Set(context.desired.policies.map(\.id.description))
        for policy in live.protectedPolicies.subtracting(wanted.protectedPolicies).subtracting(declared).sorted() {
            fail(
                "\(policy) is protected (bulkhead.dev/prevent-destroy), and this would delete its rules; apply it once "
                    + "without the annotation, then remove it", at: nil)
        }
        guard context.remains else { return }
        let removed = Set((context.options.removesOnly ?? []).filter { $0.kind == .policy }.map(\.name.text))
        for policy in PolicyReport.all(wanted) where removed.contains(policy.name) {
            fail(
                "Policy/\(policy.name) is in force for endpoints that stay; apply the manifests without it instead, which "
                    + "say what holds for them then", at: nil)
        }
    }

    /// Firewall rules: what is wanted comes into force before the links it guards; what guards links that go is kept
    /// until they are gone.
    mutating func compareFirewall(_ current: Ruleset, wanted: Ruleset) {
        let live = unhook(current)
        guard !RulesetChange.from(live, to: wanted).isEmpty else { return clearWay(live) }
        // Where there were no rules, only endpoints that are there already can have connections.
        let isFirst = live.tables.isEmpty && !hasLiveEndpoints
        // What is destroyed takes its connections along, and nothing is known of the others.
        let cuts = !isFirst && !context.remains && wanted.mayRevoke(since: live, fresh: freshOwners())
        let kept = wanted.keeping(live)
        let between = cuts ? kept.withUncheckedConnections : kept
        let reduced = cuts ? wanted.withUncheckedConnections : wanted
        let handed = live.handingOver(to: wanted)
        appendFirewall(
            RulesetChange.from(live, to: handed), inverse: RulesetChange.from(handed, to: live),
            id: "firewall/handover",
            action: .delete, reason: "another endpoint gets it", requires: [Self.unhooking] + grounding,
            phase: .firewall)
        appendFirewall(
            RulesetChange.from(handed, to: between), inverse: RulesetChange.from(between, to: handed), id: "firewall",
            action: live.tables.isEmpty ? .create : .update,
            requires: ["firewall/handover", Self.unhooking] + grounding, phase: .firewall)
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

    /// Steps that make what hooks are put on.
    private var grounding: [String] {
        context.desired.networks.compactMap(\.groundVLAN).flatMap {
            requirement(LinkReference(.host, $0.device.text))
        }
    }

    /// Takes hooks off interfaces that go before rules come, and only then: with an interface the kernel deletes its chains,
    /// which nothing would bring back.
    private mutating func unhook(_ live: Ruleset) -> Ruleset {
        let left = live.unhooked(from: Set(cleared.keys))
        appendFirewall(
            RulesetChange.from(live, to: left), inverse: RulesetChange.from(left, to: live), id: Self.unhooking,
            action: .delete, reason: "the interface that they hang on is made anew",
            requires: cleared.keys.sorted().compactMap { context.hostLinks[$0] }.flatMap(clearing), phase: .firewall)
        return left
    }

    /// The step that does it.
    static let unhooking = "firewall/unhooked"

    /// Rules stay until what they guard is gone, and forwarding is off again.
    private var guardedRemovals: [String] {
        steps.filter { step in
            switch step.phase {
            case .links: true
            case .restore: step.kind == .setting
            case .prepare, .namespaces, .firewall, .clear, .host, .cards, .compartments, .files, .reduce, .unguard,
                .connections, .conclude, .vanish:
                false
            }
        }.map(\.id)
    }

    var hasLiveEndpoints: Bool {
        context.desired.endpoints.contains {
            !$0.isOnGround && present(LinkReference(.host, $0.hostInterface.text)) != nil
        }
    }

    /// Connections pass by what was decided for their first packet: those that nothing allows any more are cut.
    private mutating func appendCut(requires: [String]) {
        steps.append(
            Step(
                id: "connections", action: .update, owner: nil, kind: .connections,
                summary: "cut connections that are no longer allowed",
                reason: "rules changed; connections that were let through before pass without asking them again",
                source: context.desired.networks.first?.metadata.source, isIrreversible: true, requires: requires,
                operations: [.cutConnections], inverse: [], phase: .connections))
    }

    private mutating func appendFirewall(
        _ change: RulesetChange, inverse: RulesetChange, id: String, action: Step.Action,
        reason: String? = nil, requires: [String] = [], phase: Phase
    ) {
        guard !change.isEmpty else { return }
        let why = action == .delete ? "nothing needs it any more" : "rules differ from what the manifests say"
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
                id: id, action: action, owner: nil, kind: .firewall, summary: "\(verb): \(words)\(more)",
                reason: reason ?? why,
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

extension Context {
    /// Whether only some objects are removed (`destroy PATH`) and others of the scope stay, of which no manifest is known.
    var remains: Bool {
        guard let removed = options.removesOnly else { return false }
        return observed.host.links.contains { link in
            link.mark.map { $0.scope == desired.scope && !removed.contains($0.owner) } ?? false
        } || markedMacvlans.contains { !removed.contains($0.mark.owner) }
    }

    /// The rules without those of what is removed.
    fileprivate func remainingRules(_ live: Ruleset) -> Ruleset {
        live.leaving(Set((options.removesOnly ?? []).map(\.description)))
    }
}
