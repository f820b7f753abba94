internal import Addressing
internal import Model

extension Builder {
    /// Everything that carries a mark of this scope and that no manifest declares.
    mutating func removeSurplus() {
        let bridges = Set(context.desired.networks.filter(\.ownsBridge).map(\.bridge.text))
        let cards = Set(
            context.desired.endpoints.filter { !$0.isMacvlan }.map(\.hostInterface.text)
                + context.desired.endpoints.compactMap(\.shaper?.interface.text)
                + context.desired.networks.compactMap(\.overlay?.tunnel.text)
                + context.desired.networks.compactMap(\.vlan?.device.text))
        for link in context.observed.host.links.sorted(by: { $0.name < $1.name }) {
            guard let mark = link.mark, mark.scope == context.desired.scope, !bridges.contains(link.name),
                !cards.contains(link.name), cleared[link.name] == nil,
                context.mayRemove(mark.owner) || context.isMacvlan(mark.owner)
            else { continue }
            removeLink(link, mark)
        }
        removeMacvlans()
        removeForeignPorts(bridges, cards)
        keepProtectedGuestsOfOthers()
        let spaces = Set(context.desired.compartments.map(\.reference))
        for space in context.observed.namespaces where !spaces.contains(space.reference) {
            guard case .named(let name) = space.reference, let id = context.owner(of: space) else { continue }
            // The name of the compartment may be another than that of its namespace.
            let mark = context.currentMark(id, ofNamespace: name)
            if context.mayRemove(mark.owner) { removeNamespace(space, mark) }
        }
    }

    private mutating func removeLink(_ link: ObservedLink, _ mark: OwnershipMark) {
        // What only limits an endpoint that stays is not the endpoint.
        let limited = link.kind == "ifb" && context.endpointNames.contains(mark.owner.name) ? mark.owner : nil
        guard limited != nil || context.isMacvlan(mark.owner) || isRemovable(mark, what: link.name) else { return }
        if link.kind == "vlan", link.master == nil { return removeGround(link, mark) }
        if link.kind == "bridge" { keepProtectedGuests(of: link) }
        let isCard = link.isCard
        let uplink = context.observed.host.uplinkPort(of: link)
        if let uplink, !claimed.contains(uplink.name) {
            giveBack(uplink, from: link, owner: mark.owner, source: nil, phase: .reduce)
        }
        if uplink == nil { keepStranded(link, mark) }
        steps.append(
            Step(
                id: "link/\(link.name)", action: .delete, owner: mark.owner, kind: Step.Kind(link: link.kind),
                summary: "delete \(link.cardWord) \(link.name.terminalSafe)",
                reason: limited.map { "what \($0) sends is not limited any more" } ?? reason(without: mark.owner),
                disruption: isCard ? Disruption(Disruption.outage, users(of: mark.owner)) : .none, source: nil,
                before: [Property("alias", mark.text)], isIrreversible: true,
                // What the host had on a bridge that stood for an uplink has left it before.
                losses: uplink == nil ? context.losses(with: link) : [],
                requires: (departures[link.name] ?? []) + redirections(to: link),
                operations: [.deleteLink(LinkReference(.host, link.name))],
                inverse: context.restoration(of: link, isVacated: uplink != nil), phase: .links))
    }

    /// A network that stays may lose its gateway, or a peer.
    private func reason(without owner: ObjectID) -> String {
        let stays = owner.kind == .network && context.networks[owner.name] != nil
        return stays ? "\(owner) needs it no more" : "\(owner) is not declared any more"
    }

    /// Steps that take away what sends frames through a device that goes: while the device is not there they are lost.
    private func redirections(to link: ObservedLink) -> [String] {
        (context.redirections[link.index] ?? []).compactMap { context.hostLinkNames[$0] }.flatMap { port in
            ["link/\(port)", "link/\(port)/old", "qdisc/\(port)/ingress"]
        }
    }

    /// A port that somebody put on our bridge would be an unguarded way in.
    private mutating func removeForeignPorts(_ bridges: Set<String>, _ cards: Set<String>) {
        for link in context.observed.host.links where !cards.contains(link.name) && !claimed.contains(link.name) {
            guard let bridge = masterName(link), bridges.contains(bridge), link.mark == nil,
                let network = context.desired.networks.first(where: { $0.bridge.text == bridge }),
                present(LinkReference(.host, bridge)).map(context.isOurs) ?? false
            else { continue }
            let reference = LinkReference(.host, link.name)
            steps.append(
                Step(
                    id: "port/\(link.name)", action: .update, owner: network.id, kind: .port,
                    summary: "take foreign interface \(reference) off \(bridge)",
                    reason: "a port that no manifest declares is not guarded", source: network.metadata.source,
                    before: [Property("bridge", bridge)], after: [Property("bridge", "")],
                    operations: [.changeLink(reference, [.master(nil)])],
                    // A bridge that has its MAC from its ports forgets neighbours when one of them goes.
                    inverse: context.membership(of: link, bridge)
                        + context.neighbourEntries(on: LinkReference(.host, bridge)),
                    phase: .host))
        }
    }

    private mutating func removeNamespace(_ space: ObservedNamespace, _ mark: OwnershipMark) {
        guard case .named(let name) = space.reference,
            isRemovable(mark, what: "namespace \(space.reference)")
        else { return }
        keepProtectedGuests(in: space)
        keepProtectedMacvlans(in: space)
        let foreign = space.links.filter { link in
            !link.isLoopback && !context.isOwnCard(link, in: space)
        }
        if let link = foreign.first {
            warn(
                "deleting namespace \(space.reference) also deletes \(link.name.terminalSafe) in it, which is not bulkhead's",
                at: nil)
        }
        steps.append(
            Step(
                id: "namespace/\(space.reference)", action: .delete, owner: mark.owner, kind: .namespace,
                namespace: space.reference, summary: "delete namespace \(space.reference)",
                reason: reason(without: mark.owner), source: nil, before: [Property("mark", mark.text)],
                isIrreversible: true, operations: [.deleteNamespace(name: name)],
                inverse: [.bindNamespace(name: name)], phase: .vanish))
    }

    /// `prevent-destroy` stands in the mark, so it holds after the document is gone.
    mutating func isRemovable(_ mark: OwnershipMark, what: String) -> Bool {
        guard mark.protected else { return true }
        fail(
            "\(mark.owner) is protected (bulkhead.dev/prevent-destroy), and this would delete \(what); apply it once "
                + "without the annotation, then remove it", at: nil)
        return false
    }
}

extension Context {
    /// Whether a link in a compartment is the inner end of a card of this scope, or a macvlan of it: one that is wanted, and one
    /// that bears the mark.
    func isOwnCard(_ link: ObservedLink, in space: ObservedNamespace) -> Bool {
        if isMacvlan(link, in: space) {
            return link.mark?.scope == desired.scope || isWantedMacvlan(link, in: space.reference)
        }
        guard link.kind == "veth", let index = link.peerIndex, let name = hostLinkNames[index],
            let outer = hostLinks[name], outer.mark != nil, let inner = peer(of: outer)
        else { return false }
        return inner.namespace.reference == space.reference && inner.link.index == link.index
    }
}
