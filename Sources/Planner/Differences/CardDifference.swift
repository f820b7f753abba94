internal import Addressing
internal import Model

extension Builder {
    /// The cards of the desired endpoints.
    mutating func compareCards() {
        findVacancies()
        for endpoint in context.desired.endpoints {
            if context.stands(endpoint) { continue }
            guard let spec = context.cardSpec(endpoint) else { continue }
            if isLeftOut(endpoint) {
                // Should it still be there, the host's end is.
                if let link = present(spec.reference), spec.reference.namespace == .host, context.isOurs(link) {
                    changeOuter(endpoint, spec, link)
                }
                continue
            }
            switch spec.kind {
            case .veth(let peer):
                guard let compartment = endpoint.compartment.flatMap({ context.compartments[$0] }) else { continue }
                compareCard(endpoint, spec, peer, compartment)
            case .tap(let options): compareTap(endpoint, spec, options)
            case .macvlan:
                guard let compartment = endpoint.compartment.flatMap({ context.compartments[$0] }) else { continue }
                compareMacvlan(endpoint, spec, compartment)
            case .macvtap: compareMacvtap(endpoint, spec)
            case .bridge, .vxlan, .vlan, .ifb: continue
            }
        }
    }

    private mutating func compareCard(
        _ endpoint: Endpoint, _ spec: LinkSpec, _ peer: PeerSpec, _ compartment: Compartment
    ) {
        let cure = endpoint.router == nil ? "set `spec.hostInterface`" : "rename the network"
        let source = endpoint.metadata.source
        guard let link = present(spec.reference) else {
            guard isUntaken(spec.reference.name, for: endpoint.id, cure: cure, at: source),
                isFree(peer.reference, for: endpoint)
            else { return }
            createCard(endpoint, spec, peer, compartment)
            return
        }
        if context.leavesName(link, to: endpoint) {
            guard isFree(peer.reference, for: endpoint) else { return }
            clear(link, for: endpoint)
            createCard(endpoint, spec, peer, compartment)
            return
        }
        if context.isOtherDevice(link, of: endpoint, wanted: "veth") {
            guard isFree(peer.reference, for: endpoint) else { return }
            replaceCard(endpoint, spec, peer, compartment, link)
            return
        }
        guard isOurs(link, owner: endpoint.id, kind: "veth", source: endpoint.metadata.source, cure: cure)
        else { return }
        if let space = context.namespaces[compartment.reference], space.isUnsteady,
            link.peerNamespaceID == space.namespaceID
        {
            // What is said of its inner end may be of another moment; the outer one is the host's.
            changeOuter(endpoint, spec, link)
            return
        }
        guard let inner = context.peer(of: link), inner.namespace.reference == compartment.reference,
            inner.link.name == peer.reference.name, present(compartment.reference) != nil
        else {
            guard isFree(peer.reference, for: endpoint) else { return }
            replaceCard(endpoint, spec, peer, compartment, link)
            return
        }
        changeCard(endpoint, spec, peer, link, inner.link)
        compareInside(endpoint, compartment, peer.reference, present: inner.link)
    }

    /// Nothing of that name may be in the compartment but this card itself, or one of ours that makes room.
    private mutating func isFree(_ reference: LinkReference, for endpoint: Endpoint) -> Bool {
        guard present(reference.namespace) != nil, let link = context.link(reference) else { return true }
        if vacancies[reference] != nil || evictions[reference] != nil { return true }
        let own = context.hostLinks[endpoint.hostInterface.text].flatMap { context.peer(of: $0) }
        if let own, own.namespace.reference == reference.namespace, own.link.index == link.index { return true }
        fail(
            "\(endpoint.id) needs the interface name \(reference), which another interface has that stays; rename or "
                + "delete it inside, or set `spec.interface`", at: endpoint.metadata.source)
        return false
    }

    private func cardRequirements(_ spec: LinkSpec, _ peer: PeerSpec, _ compartment: Compartment) -> [String] {
        var requires = spec.master.map { requirement(LinkReference(.host, $0)) } ?? []
        if freshNamespaces.contains(compartment.reference) { requires.append(Self.id(compartment)) }
        if let vacancy = vacancies[peer.reference], vacancy.host != spec.reference.name {
            requires.append(vacancy.step)
        }
        if let cleared = cleared[spec.reference.name] { requires.append(cleared) }
        return requires + (evictions[peer.reference].map { [$0] } ?? [])
    }

    private mutating func createCard(
        _ endpoint: Endpoint, _ spec: LinkSpec, _ peer: PeerSpec, _ compartment: Compartment
    ) {
        let id = "link/\(spec.reference.name)"
        register(spec, peer, id: id)
        steps.append(
            Step(
                id: id, action: .create, owner: endpoint.id, kind: .veth,
                summary: "create veth \(spec.reference) on \(spec.master ?? "none"), its other end \(peer.reference)",
                reason: "\(endpoint.id) is declared and not there", source: endpoint.metadata.source,
                after: properties(spec),
                requires: cardRequirements(spec, peer, compartment),
                operations: [.createLink(spec)] + context.portEntries(endpoint).map { .addNeighbour($0) },
                inverse: [.deleteLink(spec.reference)], phase: .cards))
        compareQdiscs(
            context.portDisciplines(endpoint), on: spec.reference, present: nil, endpoint, phase: .cards)
        compareInside(endpoint, compartment, peer.reference, present: nil)
    }

    private mutating func replaceCard(
        _ endpoint: Endpoint, _ spec: LinkSpec, _ peer: PeerSpec, _ compartment: Compartment, _ link: ObservedLink
    ) {
        let id = "link/\(spec.reference.name)"
        register(spec, peer, id: id)
        let place = context.peer(of: link).map { LinkReference($0.namespace.reference, $0.link.name) }
        let isTap = link.kind != "veth"
        let old = isTap ? link.cardWord : place?.description
        let isGone = makeRoom(link, endpoint: endpoint, old: place)
        let inverse = isGone ? [] : context.restoration(of: link)
        let requires = cardRequirements(spec, peer, compartment) + (isGone ? ["\(id)/old"] : [])
        steps.append(
            Step(
                id: id, action: .replace, owner: endpoint.id, kind: .veth,
                summary: isTap
                    ? "replace \(link.cardWord) \(spec.reference) by a veth, its other end \(peer.reference)"
                    : "replace veth \(spec.reference): other end \(old ?? "in an unknown namespace") → \(peer.reference)",
                reason: isTap
                    ? "it is a card in a compartment now"
                    : "a card cannot be renamed or moved to another compartment while it is in use",
                disruption: Disruption(Disruption.outage, users(of: endpoint.id)),
                source: endpoint.metadata.source,
                before: old.map { [Property(isTap ? "device" : "peer", $0)] } ?? [], after: properties(spec),
                isIrreversible: !isGone && inverse.isEmpty, losses: isGone ? [] : context.losses(with: link),
                requires: requires,
                operations: (isGone ? [] : [.deleteLink(spec.reference)]) + [.createLink(spec)]
                    + context.portEntries(endpoint).map { .addNeighbour($0) },
                inverse: [.deleteLink(spec.reference)] + inverse,
                phase: .cards))
        compareQdiscs(
            context.portDisciplines(endpoint), on: spec.reference, present: nil, endpoint, phase: .cards)
        compareInside(endpoint, compartment, peer.reference, present: nil)
    }

    private mutating func register(_ spec: LinkSpec, _ peer: PeerSpec, id: String) {
        for reference in [spec.reference, peer.reference] {
            makers[reference] = id
            fresh.insert(reference)
        }
    }

    private mutating func changeCard(
        _ endpoint: Endpoint, _ spec: LinkSpec, _ peer: PeerSpec, _ link: ObservedLink, _ inner: ObservedLink
    ) {
        changeOuter(endpoint, spec, link)
        let innerMaster = inner.master.map { index in
            context.namespaces[peer.reference.namespace]?.link(index: index)?.name ?? "?"
        }
        let difference = LinkDifference(inner: inner, peer, masterName: innerMaster)
        appendChange(
            difference, of: peer.reference, kind: .link, owner: endpoint.id, source: endpoint.metadata.source,
            around: context.notices(of: difference, on: peer.reference, inner), touches: users(of: endpoint.id),
            phase: .compartments)
        removeQdiscs(on: peer.reference, present: inner, owner: endpoint.id, source: endpoint.metadata.source)
    }

    /// The host's end of the card.
    mutating func changeOuter(_ endpoint: Endpoint, _ spec: LinkSpec, _ link: ObservedLink) {
        let bridge = spec.master.flatMap { present(LinkReference(.host, $0)) }
        // Where spanning tree decides which ports forward, the kernel lets nobody else (EBUSY); ours have none.
        let isOthersTree = bridge.map { !context.isOurs($0) && $0.bridge?.spanningTree ?? false } ?? false
        let outer = LinkDifference(
            link, spec, masterName: masterName(link), isBridgeUp: !isOthersTree && bridge?.isUp ?? false,
            isUp: spec.isUp)
        let moves = masterName(link) != spec.master
        appendChange(
            outer, of: spec.reference, kind: Step.Kind(link: link.kind), owner: endpoint.id,
            source: endpoint.metadata.source, around: moves ? context.entriesAround(endpoint, link) : Surroundings(),
            touches: users(of: endpoint.id),
            requires: spec.master.map { requirement(LinkReference(.host, $0)) } ?? [], phase: .cards)
        compareEntries(
            moves ? nil : context.portEntries(endpoint), on: spec.reference, present: link, owner: endpoint.id,
            source: endpoint.metadata.source)
        compareQdiscs(
            context.portDisciplines(endpoint), on: spec.reference, present: link, endpoint, phase: .cards)
    }

    /// Settings, addresses, routes and neighbours of the card inside its compartment.
    mutating func compareInside(
        _ endpoint: Endpoint, _ compartment: Compartment, _ reference: LinkReference, present link: ObservedLink?
    ) {
        let source = endpoint.metadata.source
        let first = steps.endIndex
        if link == nil { raise(reference, endpoint, compartment) }
        compareAddresses(
            endpoint.addresses, local: link.map { context.cardLocal(endpoint, in: compartment, $0) } ?? LinkLocal(),
            on: reference, present: link, owner: endpoint.id, source: source)
        let routes = context.cardRoutes(endpoint, link: reference)
        compareRoutes(
            routes, addresses: endpoint.addresses, on: reference, present: link, owner: endpoint.id, source: source)
        compareNeighbours(of: endpoint, on: reference, present: link)
        let own = context.cardSettings(of: compartment).filter { Reads.card(of: $0.path) == reference.name }
        if let link, let space = context.namespaces[reference.namespace], link.name == reference.name {
            let inherited = context.cardSettings(endpoint, in: compartment).map { ($0.path, $0.value, source) }
            let forgotten = context.forgottenSettings(of: compartment, endpoint, beside: inherited + own)
            let left = context.leftNotices(on: link, in: compartment).map { ($0, "0", source) }
            appendSettings(
                inherited + left + own, forgotten: forgotten, in: space,
                id: "setting/\(reference.namespace)/\(reference.name)",
                owner: endpoint.id, phase: .compartments,
                requires: regained(link, endpoint.mtu, "link/\(place(reference))"), title: "card \(reference)")
        } else {
            createSettings(endpoint, compartment, own, on: reference)
        }
        if let link, link.losesIPv6(mtu: endpoint.mtu) {
            loseIPv6Last("link/\(place(reference))", on: reference, after: first)
        }
    }

    /// An endpoint has none that last; what a router knows of the endpoints comes from the manifests.
    private mutating func compareNeighbours(
        of endpoint: Endpoint, on reference: LinkReference, present link: ObservedLink?
    ) {
        let source = endpoint.metadata.source
        guard endpoint.router != nil else {
            return compareNeighbours(on: reference, present: link, owner: endpoint.id, source: source)
        }
        compareRouterEntries(
            context.routerEntries(endpoint, link: reference), on: reference, present: link, owner: endpoint.id,
            source: source)
    }

    /// The kernel cannot make the far end of a veth up: at that moment it has no near end yet.
    private mutating func raise(_ reference: LinkReference, _ endpoint: Endpoint, _ compartment: Compartment) {
        let following = context.cardSettings(of: compartment).filter {
            Context.followsCard($0.path) && Reads.card(of: $0.path) == reference.name
        }
        steps.append(
            Step(
                id: "link/\(place(reference))", action: .create, owner: endpoint.id, kind: .link,
                namespace: reference.namespace, summary: "bring up \(reference)", reason: "the card is new",
                source: endpoint.metadata.source, after: [Property("state", "up")], requires: requirement(reference),
                operations: [.changeLink(reference, [.up(true)])]
                    + following.map { .writeSetting(reference.namespace, path: $0.path, value: $0.value) },
                inverse: [], phase: .compartments))
    }

    /// A new card inherits what its namespace's defaults say; in a namespace that is not ours they say anything.
    private mutating func createSettings(
        _ endpoint: Endpoint, _ compartment: Compartment,
        _ own: [(path: String, value: String, source: SourceLocation)], on reference: LinkReference
    ) {
        var wanted = own.filter { !Context.followsCard($0.path) }
        // What is said of `all` holds for cards, and the kernel gives them what is said of `default`.
        let isSaid = compartment.sysctls.contains { !Context.isCardSetting($0.path) }
        let isAdopted = if case .adopted = compartment.namespace { true } else { false }
        if isAdopted || isSaid {
            wanted =
                context.cardSettings(endpoint, in: compartment).map { ($0.path, $0.value, endpoint.metadata.source) }
                + wanted
        }
        guard let first = wanted.first else { return }
        steps.append(
            Step(
                id: "setting/\(reference.namespace)/\(reference.name)", action: .create, owner: endpoint.id,
                kind: .setting, namespace: reference.namespace,
                summary: "write \(wanted.count) settings of \(reference)", reason: "the card is new",
                source: first.source, after: wanted.map { Property($0.path, $0.value) },
                requires: requirement(reference),
                operations: wanted.map { .writeSetting(reference.namespace, path: $0.path, value: $0.value) },
                inverse: [], phase: .compartments))
    }
}
