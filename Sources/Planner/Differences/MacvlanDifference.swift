internal import Model

extension Builder {
    /// The card of an endpoint that is a macvlan: a link in its compartment, and none of the host.
    mutating func compareMacvlan(_ endpoint: Endpoint, _ spec: LinkSpec, _ compartment: Compartment) {
        guard let space = present(spec.reference.namespace), let link = context.link(spec.reference) else {
            createMacvlan(endpoint, spec, compartment)
            return
        }
        // What is said of it may be of another moment.
        if space.isUnsteady { return }
        guard vacancies[spec.reference] == nil, evictions[spec.reference] == nil else {
            createMacvlan(endpoint, spec, compartment)
            return
        }
        guard context.isMacvlan(link, in: space, of: context.grounds[endpoint.network]) else {
            fail(
                "\(endpoint.id) needs the interface name \(spec.reference), which another interface has that stays; rename or "
                    + "delete it inside, or set `spec.interface`", at: endpoint.metadata.source)
            return
        }
        let source = endpoint.metadata.source
        let master = link.master.map { space.link(index: $0)?.name ?? "?" }
        let difference = LinkDifference(macvlan: link, spec, masterName: master)
        appendChange(
            difference, of: spec.reference, kind: .link, owner: endpoint.id, source: source,
            around: context.notices(of: difference, on: spec.reference, link), touches: [endpoint.metadata.name],
            phase: .compartments)
        removeQdiscs(on: spec.reference, present: link, owner: endpoint.id, source: source)
        compareInside(endpoint, compartment, spec.reference, present: link)
    }

    private mutating func createMacvlan(_ endpoint: Endpoint, _ spec: LinkSpec, _ compartment: Compartment) {
        guard case .macvlan(let lower, let mode) = spec.kind else { return }
        let id = "macvlan/\(place(spec.reference))"
        makers[spec.reference] = id
        fresh.insert(spec.reference)
        var requires = [vacancies[spec.reference]?.step, evictions[spec.reference]].compactMap(\.self)
        // Another one may have its MAC until then.
        requires += vacancies.values.filter { $0.host.isEmpty }.map(\.step).sorted()
        if freshNamespaces.contains(compartment.reference) { requires.append(Self.id(compartment)) }
        requires += standing(on: LinkReference(.host, lower))
        steps.append(
            Step(
                id: id, action: .create, owner: endpoint.id, kind: .link, namespace: spec.reference.namespace,
                summary: "create macvlan \(spec.reference) on \(lower.terminalSafe), mode \(mode.rawValue)",
                reason: "\(endpoint.id) is declared and not there", source: endpoint.metadata.source,
                after: properties(spec), requires: requires, operations: [.createLink(spec)],
                inverse: [.deleteLink(spec.reference)], phase: .compartments))
        compareInside(endpoint, compartment, spec.reference, present: nil)
    }

    /// Macvlans of ours that do not stay where they are, and whose name or MAC another card gets: they go before any is made,
    /// because an interface takes a MAC once.
    mutating func clearMacvlans(_ specs: [LinkSpec], takers: [LinkReference: String]) {
        let wanted = Dictionary(specs.map { ($0.reference, $0) }, uniquingKeysWith: { first, _ in first })
        let macs = Set(specs.compactMap { spec in spec.isMacvlan || spec.isMacvtap ? spec.mac : nil })
        clearMacvtaps(specs)
        for (space, link, mark) in context.markedMacvlans {
            let reference = LinkReference(space.reference, link.name)
            let isTaken = takers[reference] != nil || wanted[reference]?.isMacvlan ?? false
            let losesGround = link.peerIndex.flatMap { context.hostLinkNames[$0] }.flatMap { cleared[$0] } != nil
            guard !stays(link, mark, wanted[reference]),
                losesGround || ((isTaken || link.mac.map(macs.contains) ?? false) && mayGo(mark))
            else { continue }
            if losesGround, !mayGo(mark), !isRemovable(mark, what: "\(reference)") { continue }
            let inverse = context.restoration(ofMacvlan: link, in: space)
            let id = "link/\(place(reference))/old"
            vacancies[reference] = Vacancy(host: "", step: id, isReplaced: false)
            steps.append(
                Step(
                    id: id, action: .delete, owner: mark.owner, kind: .link, namespace: reference.namespace,
                    summary: "delete macvlan \(reference), whose "
                        + (losesGround ? "VLAN goes" : "\(isTaken ? "name" : "MAC") another card gets"),
                    reason: context.endpointNames.contains(mark.owner.name)
                        ? "\(mark.owner) has its card elsewhere" : "\(mark.owner) is not declared any more",
                    disruption: .outage([mark.owner.name]), source: nil, before: [Property("alias", mark.text)],
                    isIrreversible: inverse.isEmpty, operations: [.deleteLink(reference)], inverse: inverse,
                    phase: .clear))
        }
    }

    /// Macvlans of ours that no manifest declares any more; those in a namespace that goes are deleted before it, because the
    /// kernel does that some time after, and until then an interface has their MACs.
    mutating func removeMacvlans() {
        let specs = context.desired.endpoints.compactMap(context.cardSpec).filter(\.isMacvlan)
        let wanted = Dictionary(specs.map { ($0.reference, $0) }, uniquingKeysWith: { first, _ in first })
        for (space, link, mark) in context.markedMacvlans {
            let reference = LinkReference(space.reference, link.name)
            guard !stays(link, mark, wanted[reference]), vacancies[reference] == nil, mayGo(mark),
                context.endpointNames.contains(mark.owner.name) || isRemovable(mark, what: "\(reference)")
            else { continue }
            steps.append(
                Step(
                    id: "link/\(place(reference))", action: .delete, owner: mark.owner, kind: .link,
                    namespace: reference.namespace, summary: "delete macvlan \(reference)",
                    reason: "\(mark.owner) is not declared any more", disruption: .outage([mark.owner.name]),
                    source: nil, before: [Property("alias", mark.text)], isIrreversible: true,
                    operations: [.deleteLink(reference)],
                    inverse: context.restoration(ofMacvlan: link, in: space), phase: .links))
        }
    }

    /// Whether a macvlan is the wanted one that has its name: of the same endpoint and the same interface.
    private func stays(_ link: ObservedLink, _ mark: OwnershipMark, _ spec: LinkSpec?) -> Bool {
        guard let spec, case .macvlan(let lower, _) = spec.kind else { return false }
        return OwnershipMark(spec.alias)?.owner == mark.owner && cleared[lower] == nil
            && link.peerIndex == context.hostLinks[lower]?.index
    }

    /// A card of an endpoint that has another one by now goes, whatever is pruned.
    private func mayGo(_ mark: OwnershipMark) -> Bool {
        context.endpointNames.contains(mark.owner.name) || context.mayRemove(mark.owner)
    }
}

extension LinkSpec {
    /// Whether it is a macvlan.
    var isMacvlan: Bool { if case .macvlan = kind { true } else { false } }
}

extension LinkDifference {
    /// Compares a macvlan in a compartment, which is a port of nothing there (`masterName`) and has no other name.
    init(macvlan link: ObservedLink, _ spec: LinkSpec, masterName: String?) {
        note("alias", link.alias ?? "", spec.alias, words: { $0 }, change: { .alias($0) })
        compareInner(link, mac: spec.mac, mtu: spec.mtu, masterName: masterName) { difference in
            guard case .macvlan(_, let mode) = spec.kind else { return }
            difference.note(
                "mode", link.macvlan, mode, disruptive: true, words: { $0?.rawValue ?? "unknown" },
                change: { .macvlan($0 ?? .private) })
        }
    }
}
