internal import Model

extension Builder {
    /// The card of a hypervisor: a port of the bridge, and nothing else on the host.
    mutating func compareTap(_ endpoint: Endpoint, _ spec: LinkSpec, _ options: TapOptions) {
        guard context.observed.features.taps ?? true else {
            fail(
                "\(endpoint.id): device tap needs /dev/net/tun, which cannot be opened here; load the kernel's module "
                    + "(`modprobe tun`), or on a kernel without CONFIG_TUN use device nic", at: endpoint.metadata.source
            )
            return
        }
        guard areKnown(options, of: endpoint) else { return }
        let (cure, source) = ("set `spec.hostInterface`", endpoint.metadata.source)
        guard let link = present(spec.reference) else {
            guard isUntaken(spec.reference.name, for: endpoint.id, cure: cure, at: source) else { return }
            createTap(endpoint, spec)
            return
        }
        if context.leavesName(link, to: endpoint) {
            clear(link, for: endpoint)
            createTap(endpoint, spec)
            return
        }
        if context.isOtherDevice(link, of: endpoint, wanted: "tun") {
            replaceByTap(
                endpoint, spec, link, summary: "replace \(link.cardWord) \(spec.reference) by a tap",
                reason: "it is the card of a hypervisor now", before: [Property("device", link.cardWord)])
            return
        }
        guard isOurs(link, owner: endpoint.id, kind: "tun", source: source, cure: cure) else { return }
        guard let tap = link.tap else {
            replaceByTap(
                endpoint, spec, link, summary: "replace tun \(spec.reference) by a tap",
                reason: "it takes no Ethernet frames", before: [Property("device", "tun")])
            return
        }
        let differences = options.differences(from: tap.options)
        guard differences.isEmpty, tap.isPersistent else {
            let changes = differences.map {
                "\($0.name) \($0.value.isEmpty ? "none" : $0.value) → \($1.value.isEmpty ? "none" : $1.value)"
            }
            let words = changes.isEmpty ? ["it is not persistent"] : changes
            replaceByTap(
                endpoint, spec, link, summary: "replace tap \(spec.reference): \(words.joined(separator: ", "))",
                reason: "a tap is given these when it is made", before: differences.map(\.before))
            return
        }
        changeOuter(endpoint, spec, link)
    }

    /// A user or group that the host does not know cannot be given anything.
    private mutating func areKnown(_ options: TapOptions, of endpoint: Endpoint) -> Bool {
        guard let accounts = context.observed.accounts else { return true }
        let unknown = [
            options.owner?.name.flatMap { name in accounts.users[name] == .some(nil) ? ("owner", "user", name) : nil },
            options.group?.name.flatMap { name in accounts.groups[name] == .some(nil) ? ("group", "group", name) : nil
            },
        ].compactMap(\.self)
        for (field, what, name) in unknown {
            fail(
                "\(endpoint.id): tap: \(field): there is no \(what) '\(name)' on this host; make it first "
                    + "(`\(what)add --system \(name)`), or give another one or its number", at: endpoint.metadata.source
            )
        }
        return unknown.isEmpty
    }

    private func tapRequirements(_ spec: LinkSpec) -> [String] {
        (spec.master.map { requirement(LinkReference(.host, $0)) } ?? [])
            + (cleared[spec.reference.name].map { [$0] } ?? [])
    }

    private mutating func createTap(_ endpoint: Endpoint, _ spec: LinkSpec) {
        let id = "link/\(spec.reference.name)"
        makers[spec.reference] = id
        fresh.insert(spec.reference)
        steps.append(
            Step(
                id: id, action: .create, owner: endpoint.id, kind: .tap,
                summary: "create tap \(spec.reference) on \(spec.master ?? "none")",
                reason: "\(endpoint.id) is declared and not there", source: endpoint.metadata.source,
                after: properties(spec), requires: tapRequirements(spec),
                operations: [.createLink(spec)] + context.portEntries(endpoint).map { .addNeighbour($0) },
                inverse: [.deleteLink(spec.reference)], phase: .cards))
        compareQdiscs(context.portDisciplines(endpoint), on: spec.reference, present: nil, endpoint, phase: .cards)
    }

    private mutating func replaceByTap(
        _ endpoint: Endpoint, _ spec: LinkSpec, _ link: ObservedLink, summary: String, reason: String,
        before: [Property]
    ) {
        let id = "link/\(spec.reference.name)"
        makers[spec.reference] = id
        fresh.insert(spec.reference)
        let place = context.peer(of: link).map { LinkReference($0.namespace.reference, $0.link.name) }
        let isGone = makeRoom(link, endpoint: endpoint, old: place)
        let inverse = isGone ? [] : context.restoration(of: link)
        steps.append(
            Step(
                id: id, action: .replace, owner: endpoint.id, kind: .tap, summary: summary, reason: reason,
                disruption: .outage([endpoint.metadata.name]), source: endpoint.metadata.source, before: before,
                after: properties(spec), isIrreversible: !isGone && inverse.isEmpty,
                losses: isGone ? [] : context.losses(with: link),
                requires: tapRequirements(spec) + (isGone ? ["\(id)/old"] : []),
                operations: (isGone ? [] : [.deleteLink(spec.reference)]) + [.createLink(spec)]
                    + context.portEntries(endpoint).map { .addNeighbour($0) },
                inverse: [.deleteLink(spec.reference)] + inverse, phase: .cards))
        compareQdiscs(context.portDisciplines(endpoint), on: spec.reference, present: nil, endpoint, phase: .cards)
    }
}
