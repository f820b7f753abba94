internal import Firewall
internal import JSON
internal import Manifest
internal import Model
internal import Planner
internal import Reconciler

/// Finds the draft of which an apply takes nothing away, by asking the planner, as an apply would.
struct ImportCheck {
    let host: ImportedHost
    let global: GlobalOptions
    let session: HostSession

    /// Drafts anew until nothing stands against it; each time something more is left out, so that there is an end.
    func settle() throws -> ImportDraft {
        var limits = ImportLimits()
        while true {
            var drafter = ImportDrafter(host, limits)
            var draft = drafter.make()
            guard !draft.documents.isEmpty else { return draft }
            let before = limits.count
            do {
                let plan = try plan(draft)
                for step in plan.steps {
                    guard let document = draft.documents.first(where: { $0.id == step.owner }),
                        let loss = Self.loss(step)
                    else { continue }
                    exclude(document, loss, &limits)
                }
                guard limits.count > before else {
                    note(plan, in: &draft)
                    return draft
                }
            } catch let rejected as Rejected {
                exclude(rejected, draft, &limits)
                guard limits.count > before else { throw rejected }
            }
        }
    }

    private func plan(_ draft: ImportDraft) throws -> Plan {
        // Each document is a file of its own, by whose name the planner's words are led back to it.
        let sources = draft.documents.map { document in
            SourceText(
                name: "\(document.id)",
                bytes: Array(ManifestText.document(document.id, document.spec, comments: []).utf8))
        }
        let prepared = try Preparation.attempt(sources, named: ["the import"], global)
        var options = try Comparison.options(global)
        options.prunes = false
        options.adopts = Set(draft.adopts)
        return try Comparison.attempt(
            prepared.state, warnings: [], sources: sources, global, options, session: session
        ).plan
    }

    /// What a step takes away of what is there; nil where it only adds or sets.
    private static func loss(_ step: Step) -> String? {
        let takesAway =
            switch step.action {
            case .delete, .replace: true
            case .create, .update: step.isIrreversible || !step.losses.isEmpty || step.disruption.level == "outage"
            }
        guard takesAway else { return nil }
        return "an apply would \(step.summary), for no manifest says what it is"
    }

    private func exclude(_ rejected: Rejected, _ draft: ImportDraft, _ limits: inout ImportLimits) {
        for diagnostic in rejected.diagnostics where diagnostic.severity == .error {
            guard let file = diagnostic.location?.file,
                let document = draft.documents.first(where: { "\($0.id)" == file })
            else { continue }
            exclude(document, Self.withoutPlaces(diagnostic.message, draft), about: diagnostic.subject, &limits)
        }
    }

    /// Places are lines of files that nobody has.
    private static func withoutPlaces(_ message: String, _ draft: ImportDraft) -> String {
        var message = message
        for document in draft.documents {
            guard let start = message.firstRange(of: " (\(document.id):") else { continue }
            let end = message[start.upperBound...].firstIndex(of: ")") ?? message.index(before: message.endIndex)
            message.removeSubrange(start.lowerBound...end)
        }
        return message
    }

    /// Leaves out as little as may help: published ports before a card, taking a bridge over before using it.
    private func exclude(
        _ document: ImportDraft.Document, _ reason: String, about subject: Diagnostic.Subject? = nil,
        _ limits: inout ImportLimits
    ) {
        switch document.origin {
        case .bridge(let name):
            if document.isAdopted { limits.foreign[name] = reason } else { limits.bridges[name] = reason }
        case .card(let name):
            let hasPorts = document.spec["portMappings"] != nil
            switch subject {
            case .shadowedListener? where hasPorts && limits.shadowing[name] == nil: limits.shadowing[name] = reason
            case .shadowedListener? where hasPorts && limits.unpublished[name] == nil,
                .publishedPort? where hasPorts && limits.unpublished[name] == nil:
                limits.unpublished[name] = reason
            case .shadowedListener?, .publishedPort?, nil: limits.cards[name] = reason
            }
        case .namespace(let reference):
            for card in host.cards where card.space.reference == reference { limits.cards[card.link.name] = reason }
        }
    }

    /// Says at each document what an apply will change of it, and what the planner warns of.
    private func note(_ plan: Plan, in draft: inout ImportDraft) {
        if !host.firewall.tables.isEmpty {
            draft.notes += plan.steps.filter { $0.kind == .firewall && !$0.isNote }.map {
                "Of the rules of scope \(host.scope): \($0.summary)"
            }
        }
        for index in draft.documents.indices {
            let id = draft.documents[index].id
            let steps = plan.steps.filter { $0.owner == id }.map { step in
                let level = step.disruption.level
                return "  \(Self.words(step))\(level == "none" ? "" : " (disruption: \(level))")"
            }
            let warnings = plan.warnings.filter { $0.location?.file == "\(id)" }.map { "Warning: \($0.message)" }
            draft.documents[index].comments +=
                (steps.isEmpty ? [] : ["Taken over, it changes thus:"] + steps) + warnings
        }
    }

    /// What a step does, without what is the same before and after, and without the mark, which all get.
    private static func words(_ step: Step) -> String {
        let differences = zip(step.before, step.after).filter { $0.name != "alias" && $0.value != $1.value }
        guard step.kind != .setting, step.action == .update, step.before.count == step.after.count,
            !step.before.isEmpty
        else { return step.summary }
        let list = differences.map { old, new in
            // Options are pairs of a name and a value.
            let (was, becomes) = (old.value.split(separator: " "), new.value.split(separator: " "))
            guard old.name.hasSuffix("options"), was.count == becomes.count else {
                return
                    "\(old.name) \(old.value.isEmpty ? "none" : old.value) → \(new.value.isEmpty ? "none" : new.value)"
            }
            return zip(was.indices, zip(was, becomes)).filter { $1.0 != $1.1 && $0 > 0 }
                .map { "\(was[$0 - 1]) \($1.0) → \($1.1)" }.joined(separator: ", ")
        }
        let subject = step.summary.split(separator: ": ", maxSplits: 1).first.map(String.init) ?? step.summary
        return list.isEmpty ? "\(subject): bulkhead's mark" : "\(subject): \(list.joined(separator: ", "))"
    }
}
