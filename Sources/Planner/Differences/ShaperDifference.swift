internal import Addressing
internal import Model

extension Builder {
    /// The devices by which what endpoints send is limited.
    mutating func compareShapers() {
        for endpoint in context.desired.endpoints {
            guard let spec = context.shaperSpec(endpoint) else { continue }
            compareShaper(endpoint, spec)
        }
    }

    private mutating func compareShaper(_ endpoint: Endpoint, _ spec: LinkSpec) {
        let source = endpoint.metadata.source
        let link = present(spec.reference)
        if let link {
            guard isOurs(link, owner: endpoint.id, kind: "ifb", source: source, cure: nil) else { return }
            appendChange(
                LinkDifference(link, spec, masterName: masterName(link), isUp: true), of: spec.reference, kind: .link,
                owner: endpoint.id, source: source, touches: [endpoint.metadata.name], requires: [], phase: .host)
        } else {
            guard isUntaken(spec.reference.name, for: endpoint.id, cure: nil, at: source) else { return }
            let id = "link/\(spec.reference.name)"
            makers[spec.reference] = id
            fresh.insert(spec.reference)
            steps.append(
                Step(
                    id: id, action: .create, owner: endpoint.id, kind: .link,
                    summary: "create ifb \(spec.reference), by which what \(endpoint.id) sends is limited",
                    reason: "\(endpoint.id) has a limit for what it sends", source: source, after: properties(spec),
                    operations: [.createLink(spec)], inverse: [.deleteLink(spec.reference)], phase: .host))
        }
        compareQdiscs(
            context.shaperDisciplines(endpoint), on: spec.reference, present: link, endpoint, phase: .host)
    }

    /// The queueing disciplines of a link of an endpoint: what is missing is added, what is different replaced, everything
    /// else removed.
    mutating func compareQdiscs(
        _ wanted: [QdiscSpec], on reference: LinkReference, present link: ObservedLink?, _ endpoint: Endpoint,
        phase: Phase
    ) {
        let there = link.map { (context.qdiscs[reference.namespace]?[$0.index] ?? []).filter(\.isOutermost) } ?? []
        for spec in wanted {
            let live = there.first { $0.parent == spec.parent }
            if live.map({ isReading($0, of: spec) }) ?? false { continue }
            appendQdisc(spec, in: live, on: reference, endpoint, phase: phase)
        }
        removeQdiscs(
            on: reference, present: link, besides: Set(wanted.map(\.parent)), owner: endpoint.id,
            source: endpoint.metadata.source)
    }

    private func isReading(_ live: ObservedQdisc, of spec: QdiscSpec) -> Bool {
        switch spec {
        case .bucket(let bucket): live.bucket?.isReading(of: bucket) ?? false
        case .redirect(let link): live.redirect.map { present(link)?.index == $0 } ?? false
        }
    }

    private mutating func appendQdisc(
        _ spec: QdiscSpec, in live: ObservedQdisc?, on reference: LinkReference, _ endpoint: Endpoint, phase: Phase
    ) {
        let old = live.flatMap(context.spec(of:))
        var requires = requirement(reference)
        if case .redirect(let link) = spec { requires += requirement(link) }
        let isLost = live != nil && old == nil
        // At the root one gives way to the other; of the other place only an empty one is taken.
        let isMoved = live != nil && spec.parent != 0xffff_ffff
        let removal = Operation.removeQdisc(reference, parent: spec.parent)
        let before = live.map { old?.words ?? $0.kind.terminalSafe }
        steps.append(
            Step(
                id: "qdisc/\(place(reference))/\(spec.kind)", action: live == nil ? .create : .update,
                owner: endpoint.id, kind: .qdisc, namespace: reference.namespace,
                summary: "limit \(reference): \(before.map { "\($0) → " } ?? "")\(spec.words)",
                reason: live == nil
                    ? "\(endpoint.id) has a limit" : "the queueing discipline is not what the manifest says",
                source: endpoint.metadata.source, before: before.map { [Property("qdisc", $0)] } ?? [],
                after: [Property("qdisc", "\(spec.kind) \(spec.words)")],
                losses: isLost
                    ? live.map { ["queueing discipline \($0.kind.terminalSafe) on \(reference)"] } ?? [] : [],
                requires: requires, operations: (isMoved ? [removal] : []) + [.addQdisc(reference, spec)],
                inverse: isMoved || old == nil
                    ? [removal] + (old.map { [.addQdisc(reference, $0)] } ?? [])
                    : old.map { [.addQdisc(reference, $0)] } ?? [],
                phase: phase))
    }
}
