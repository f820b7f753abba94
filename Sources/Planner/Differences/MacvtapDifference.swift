internal import Addressing
internal import Model

extension Builder {
    /// The card of a hypervisor that stands on an uplink: a link of the host, whose frames pass none of its stack.
    mutating func compareMacvtap(_ endpoint: Endpoint, _ spec: LinkSpec) {
        guard context.observed.features.macvtaps ?? true else {
            fail(
                "\(endpoint.id): this kernel has no macvtaps; load the module (`modprobe macvtap`), boot one with CONFIG_MACVTAP, or use "
                    + "device nic", at: endpoint.metadata.source)
            return
        }
        let (cure, source) = ("set `spec.hostInterface`", endpoint.metadata.source)
        guard let link = present(spec.reference), cleared[link.name] == nil else {
            guard isUntaken(spec.reference.name, for: endpoint.id, cure: cure, at: source) else { return }
            makeMacvtap(endpoint, spec, replacing: nil)
            return
        }
        if context.leavesName(link, to: endpoint) {
            clear(link, for: endpoint)
            makeMacvtap(endpoint, spec, replacing: nil)
            return
        }
        if context.isOtherDevice(link, of: endpoint, wanted: "macvtap") {
            makeMacvtap(endpoint, spec, replacing: link)
            return
        }
        guard isOurs(link, owner: endpoint.id, kind: "macvtap", source: source, cure: cure) else { return }
        guard link.lower == context.grounds[endpoint.network]?.index else {
            makeMacvtap(endpoint, spec, replacing: link)
            return
        }
        var difference = LinkDifference(link, spec, masterName: masterName(link), isUp: endpoint.enabled)
        if case .macvtap(_, let mode) = spec.kind {
            difference.note(
                "mode", link.macvlan, mode, disruptive: true, words: { $0?.rawValue ?? "unknown" },
                change: { .macvtap($0 ?? .private) })
        }
        difference.note(
            "allmulticast", link.hearsAllGroups, true, words: { $0 ?? false ? "on" : "off" },
            change: { .hearsAllGroups($0 ?? false) })
        appendChange(
            difference, of: spec.reference, kind: .tap, owner: endpoint.id, source: source,
            touches: [endpoint.metadata.name], phase: .cards)
        removeQdiscs(on: spec.reference, present: link, owner: endpoint.id, source: source)
    }

    /// What a link on an uplink, or on a VLAN of it, waits for.
    func standing(on ground: LinkReference) -> [String] { requirement(ground) + [Self.raising(ground)] }

    private mutating func makeMacvtap(_ endpoint: Endpoint, _ spec: LinkSpec, replacing old: ObservedLink?) {
        guard case .macvtap(let lower, let mode) = spec.kind else { return }
        let id = "link/\(spec.reference.name)"
        makers[spec.reference] = id
        fresh.insert(spec.reference)
        let place = old.flatMap { context.peer(of: $0) }.map { LinkReference($0.namespace.reference, $0.link.name) }
        let isGone = old.map { makeRoom($0, endpoint: endpoint, old: place) } ?? false
        let kept = isGone ? nil : old
        let inverse = kept.map { context.restoration(of: $0) }
        let requires =
            standing(on: LinkReference(.host, lower)) + (cleared[spec.reference.name].map { [$0] } ?? [])
            + (isGone ? ["\(id)/old"] : [])
        let before = old.map { link in
            [Property("device", link.cardWord)]
                + (link.lower.flatMap { context.hostLinkNames[$0] }.map { [Property("uplink", $0)] } ?? [])
        }
        steps.append(
            Step(
                id: id, action: old == nil ? .create : .replace, owner: endpoint.id, kind: .tap,
                summary: old == nil
                    ? "create macvtap \(spec.reference) on \(lower.terminalSafe), mode \(mode.rawValue)"
                    : "replace \(old?.cardWord ?? "") \(spec.reference) by a macvtap on \(lower.terminalSafe)",
                reason: old == nil
                    ? "\(endpoint.id) is declared and not there"
                    : "the kernel does not change these of a link that is there",
                disruption: old == nil ? .none : .outage([endpoint.metadata.name]), source: endpoint.metadata.source,
                before: before ?? [], after: properties(spec), isIrreversible: inverse?.isEmpty ?? false,
                losses: kept.map { context.losses(with: $0) } ?? [], requires: requires,
                operations: (kept == nil ? [] : [.deleteLink(spec.reference)]) + [.createLink(spec)],
                inverse: [.deleteLink(spec.reference)] + (inverse ?? []), phase: .cards))
    }

    /// Macvtaps of ours that lose what they stand on, or whose MAC another card gets: they go before any is made, because an
    /// interface takes a MAC once.
    mutating func clearMacvtaps(_ specs: [LinkSpec]) {
        let wanted = Dictionary(
            specs.filter(\.isMacvtap).map { ($0.reference.name, $0) }, uniquingKeysWith: { first, _ in first })
        for link in context.observed.host.links.sorted(by: { $0.name < $1.name }) where link.kind == "macvtap" {
            guard let mark = link.mark, mark.scope == context.desired.scope, mark.owner.kind == .endpoint else {
                continue
            }
            let losesGround = link.lower.flatMap { context.hostLinkNames[$0] }.flatMap { cleared[$0] } != nil
            let isTaken = specs.contains { spec in
                (spec.isMacvlan || spec.isMacvtap) && spec.mac == link.mac && spec.reference.name != link.name
            }
            let stays = wanted[link.name].map { OwnershipMark($0.alias)?.owner == mark.owner && !isTaken } ?? !isTaken
            guard losesGround || !stays else { continue }
            let mayGo = context.endpointNames.contains(mark.owner.name) || context.mayRemove(mark.owner)
            guard mayGo || (losesGround && isRemovable(mark, what: link.name)) else { continue }
            let id = "link/\(link.name)/old"
            cleared[link.name] = id
            steps.append(
                Step(
                    id: id, action: .delete, owner: mark.owner, kind: .tap,
                    summary: "delete macvtap \(link.name.terminalSafe), whose "
                        + (losesGround ? "VLAN goes" : "MAC another card gets"),
                    reason: context.endpointNames.contains(mark.owner.name)
                        ? "\(mark.owner) has its card elsewhere" : "\(mark.owner) is not declared any more",
                    disruption: .outage([mark.owner.name]), source: nil, before: [Property("alias", mark.text)],
                    losses: context.losses(with: link), operations: [.deleteLink(LinkReference(.host, link.name))],
                    inverse: context.restoration(of: link), phase: .clear))
        }
    }

    /// Steps that take macvlans and macvtaps off a link that goes before anything comes.
    func clearing(_ ground: ObservedLink) -> [String] {
        context.macvlans(on: ground).map { "link/\($0.namespace == .host ? $0.name : place($0))/old" }
    }

    /// Steps that take those off a link that goes when all has come.
    func removals(from ground: ObservedLink) -> [String] {
        context.macvlans(on: ground).map { "link/\($0.namespace == .host ? $0.name : place($0))" }
    }
}

extension LinkSpec {
    /// Whether it is a macvtap.
    var isMacvtap: Bool { if case .macvtap = kind { true } else { false } }
}
