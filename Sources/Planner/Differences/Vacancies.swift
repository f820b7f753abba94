internal import Model

/// An interface name in a compartment that a card of ours has and another one gets.
struct Vacancy {
    /// Host side of the card that has it; empty where it is a macvlan, which has none.
    let host: String
    /// The step that removes that card.
    let step: String
    /// Whether the card is made anew elsewhere, so that its removal is a step of its own.
    let isReplaced: Bool
}

extension Builder {
    /// Cards that others wait for: an endpoint that was renamed, or two that exchange their names inside.
    mutating func findVacancies() {
        // Nobody waits for the place of a card that stands, and an interface takes the MAC of any macvlan once.
        let specs = context.desired.endpoints.filter { $0.isMacvlan || !context.stands($0) }
            .compactMap(context.cardSpec)
        var takers: [LinkReference: String] = [:]
        for spec in specs {
            if case .veth(let peer) = spec.kind { takers[peer.reference] = spec.reference.name }
        }
        clearMacvlans(specs, takers: takers)
        for spec in specs where spec.isMacvlan { takers[spec.reference] = "" }
        for link in context.observed.host.links where link.kind == "veth" {
            guard let mark = link.mark, mark.scope == context.desired.scope, let inner = context.peer(of: link)
            else { continue }
            let reference = LinkReference(inner.namespace.reference, inner.link.name)
            guard let taker = takers[reference], taker != link.name else { continue }
            let isReplaced = context.isCard(link.name)
            guard isReplaced || context.mayRemove(mark.owner) || context.isMacvlan(mark.owner) else { continue }
            vacancies[reference] = Vacancy(
                host: link.name, step: isReplaced ? "link/\(link.name)/old" : "link/\(link.name)",
                isReplaced: isReplaced)
        }
    }

    /// Removes a card whose name on the host another endpoint gets before any is made.
    mutating func clear(_ link: ObservedLink, for endpoint: Endpoint) {
        guard let owner = link.mark?.owner else { return }
        let id = "link/\(link.name)/old"
        cleared[link.name] = id
        steps.append(
            Step(
                id: id, action: .delete, owner: owner, kind: Step.Kind(link: link.kind),
                summary: "delete \(link.cardWord) \(link.name), whose name \(endpoint.id) gets",
                reason: context.endpointNames.contains(owner.name)
                    ? "\(owner) has another name on the host" : "\(owner) is not declared any more",
                disruption: .outage([owner.name]), source: endpoint.metadata.source,
                before: [Property("alias", link.alias ?? "")], losses: context.losses(with: link),
                operations: [.deleteLink(LinkReference(.host, link.name))], inverse: context.restoration(of: link),
                phase: .clear))
    }

    /// Removes a card that is made anew before any is made, where another waits for its name. True where it did.
    mutating func makeRoom(_ link: ObservedLink, endpoint: Endpoint, old: LinkReference?) -> Bool {
        guard let old, let vacancy = vacancies[old], vacancy.isReplaced, vacancy.host == link.name else { return false }
        steps.append(
            Step(
                id: vacancy.step, action: .delete, owner: endpoint.id, kind: .veth,
                summary: "delete veth \(link.name), whose name \(old) another card gets",
                reason: "it is made anew at another place", disruption: .outage([endpoint.metadata.name]),
                source: endpoint.metadata.source, before: [Property("peer", old.description)],
                losses: context.losses(with: link), operations: [.deleteLink(LinkReference(.host, link.name))],
                inverse: context.restoration(of: link),
                phase: .clear))
        return true
    }
}

extension Context {
    /// Whether a card of the host is that of another endpoint, which gives up its name with this plan.
    func leavesName(_ link: ObservedLink, to endpoint: Endpoint) -> Bool {
        guard link.isCard, let mark = link.mark, mark.scope == desired.scope, mark.owner.kind == .endpoint,
            mark.owner != endpoint.id
        else { return false }
        // One that stays has another name, or two would claim this one.
        return endpointNames.contains(mark.owner.name) || (mayRemove(mark.owner) && !mark.protected)
    }
}
