internal import Addressing
internal import Firewall
internal import JSON
internal import Model

/// Makes documents from what is on a host. Pure: the same host and the same limits give the same draft.
struct ImportDrafter {
    let host: ImportedHost
    let limits: ImportLimits
    /// All cards, those that are bulkhead's too.
    let cards: [ImportedCard]
    /// Ports that the scope's own rules publish.
    let ownRules: OwnRules
    var names = ImportNames()
    var draft = ImportDraft()

    init(_ host: ImportedHost, _ limits: ImportLimits) {
        self.host = host
        self.limits = limits
        cards = host.cards
        ownRules = OwnRules(host.firewall)
        draft.remarks = host.remarks
        for id in host.takenNames(cards) { names.take(id) }
    }

    /// Documents for all that manifests can say, and remarks for all else.
    mutating func make() -> ImportDraft {
        var compartments: [NamespaceRef: [(ImportedCard, ImportedNetwork)]] = [:]
        let bridges = host.state.host.links.filter { $0.kind == "bridge" }.sorted { $0.name < $1.name }
        for bridge in bridges {
            guard let network = switchDocument(bridge) else { continue }
            for card in usable(on: bridge, network) {
                compartments[card.space.reference, default: []].append((card, network))
            }
        }
        for (_, members) in compartments.sorted(by: { $0.key < $1.key }) { compartmentDocuments(members) }
        remarkOthers()
        return draft
    }

    /// The document of a bridge and what its cards need to know of it; nil for one that is left out, which is said.
    private mutating func switchDocument(_ bridge: ObservedLink) -> ImportedNetwork? {
        let subject = "bridge \(bridge.name)"
        let lost = cards.filter { $0.bridge.index == bridge.index && $0.link.mark == nil }
            .map { "\($0.link.name) (\($0.inner.name) in namespace \($0.spaceName))" }
        func out(_ reason: String) -> Remark {
            let cards = lost.isEmpty ? "" : "; so are the cards on it: \(lost.joined(separator: ", "))"
            return Remark(subject: subject, reason: reason + cards)
        }
        if let mark = bridge.mark {
            draft.remarks.append(out("it is bulkhead's already (\(mark.owner) of scope \(mark.scope))"))
            return nil
        }
        if let maker = BridgeMaker(bridge: bridge.name) {
            draft.remarks.append(
                out("\(maker.rawValue) makes and deletes it, and what is on it; leave both to it"))
            return nil
        }
        if let reason = limits.bridges[bridge.name] {
            draft.remarks.append(out(reason))
            return nil
        }
        guard InterfaceName(bridge.name) != nil else {
            draft.remarks.append(
                out(
                    "its name cannot stand in a manifest; give it another (`ip link set dev NAME name OTHER`), and import again"
                ))
            return nil
        }
        let ports = host.ports(of: bridge)
        if let port = ports.first(where: { $0.mark != nil }), let mark = port.mark {
            draft.remarks.append(
                out(
                    "bulkhead has cards on it already (\(mark.owner) of scope \(mark.scope)); write others beside that one"
                ))
            return nil
        }
        guard !ports.isEmpty else {
            draft.remarks.append(out("nothing is on it; a Network makes one when an Endpoint needs it"))
            return nil
        }
        guard cards.contains(where: { $0.bridge.index == bridge.index }) else {
            let list = ports.map(\.name).sorted().joined(separator: ", ")
            draft.remarks.append(
                out("no card of a namespace is on it (its ports: \(list)); `bridge: {existing}` puts some on it"))
            return nil
        }
        return addNetwork(bridge)
    }

    /// Cards on a bridge that are not left out; the others are said.
    private mutating func usable(on bridge: ObservedLink, _ network: ImportedNetwork) -> [ImportedCard] {
        var result: [ImportedCard] = []
        for card in cards where card.bridge.index == bridge.index {
            guard let reason = limits.cards[card.link.name] ?? refusal(of: card) ?? misfit(of: card, network) else {
                result.append(card)
                continue
            }
            draft.remarks.append(
                Remark(
                    subject: "card \(card.link.name) (\(card.inner.name) in namespace \(card.spaceName))",
                    reason: reason))
        }
        return result
    }

    /// Why no manifest can say what a card is.
    func refusal(of card: ImportedCard) -> String? {
        if InterfaceName(card.link.name) == nil || InterfaceName(card.inner.name) == nil {
            return
                "its name cannot stand in a manifest; rename it (`ip link set dev NAME name OTHER`), and import again"
        }
        if card.space.reference.text.unicodeScalars.contains(where: { $0.value < 0x20 }) {
            return
                "the name of its namespace holds control characters, which no manifest can say; `ip netns` can give it another"
        }
        if let other = cards.first(where: { $0.space.reference == card.space.reference && $0.link.mark != nil }) {
            return
                "bulkhead has a card in its namespace already (\(other.link.name)); write an Endpoint beside that one"
        }
        if card.space.isUnsteady { return "its namespace changes faster than it can be read" }
        if card.inner.master != nil { return "it is a port of a bridge in its namespace, which no manifest speaks of" }
        if card.link.isUp && !card.inner.isUp { return "it is down in its namespace, and an endpoint's is up" }
        if let port = card.link.port, let words = oddities(of: port, isPublished: isPublished(card)) {
            return "its port is set as no manifest says (\(words))"
        }
        for address in host.addresses(of: card.inner, in: card.space) {
            if address.address.peer != nil { return "its address \(address.address) has a peer" }
            if address.address.address.family == .ipv4 && !address.isPermanent {
                return "its address \(address.address) has a lifetime (DHCP), and a manifest gives addresses for good"
            }
        }
        return nil
    }

    /// Whether the rules of the scope publish a port of it, for which its own port on the bridge sends back what came by it.
    private func isPublished(_ card: ImportedCard) -> Bool {
        !ownRules.mappings(to: permanent(card).map(\.address)).isEmpty
    }

    /// What an apply would set otherwise on a port, but for the guard against spanning tree.
    private func oddities(of port: PortOptions, isPublished: Bool) -> String? {
        let plain = PortOptions()
        let words = [
            ("hairpin", port.hairpin && !isPublished), ("isolated", port.isolated != plain.isolated),
            ("learning", port.learning != plain.learning), ("flood", port.unicastFlood != plain.unicastFlood),
            ("mcast_flood", port.multicastFlood != plain.multicastFlood),
            ("bcast_flood", port.broadcastFlood != plain.broadcastFlood),
            ("neigh_suppress", port.suppressesNeighbours), ("locked", port.locked),
            ("proxy_arp", port.answersNeighbours),
            ("root_block", port.protectsRoot), ("mcast_to_unicast", port.multicastToUnicast),
        ].filter(\.1).map(\.0)
        return words.isEmpty ? nil : words.joined(separator: ", ")
    }

    /// Why a card does not fit the network of its bridge.
    private func misfit(of card: ImportedCard, _ network: ImportedNetwork) -> String? {
        for address in permanent(card) where network.subnet(of: address) == nil {
            let list = network.subnets.map { "\($0.prefix)" }.joined(separator: ", ")
            return
                "its address \(address) is in no subnet of the network (\(list.isEmpty ? "it has none" : list)), which gives addresses their length"
        }
        return nil
    }

    /// Addresses that stay: what comes by router advertisements does not.
    func permanent(_ card: ImportedCard) -> [InterfaceAddress] {
        host.addresses(of: card.inner, in: card.space).filter(\.isPermanent).map(\.address)
    }

    /// Routes that somebody set on a card, as far as manifests have such ones.
    func routes(of card: ImportedCard) -> [ObservedRoute] {
        let byKernel: Set<UInt8> = [ObservedRoute.kernel, 9]
        return card.space.routes.filter { route in
            route.link == card.inner.index && route.table == 254 && route.type == 1 && route.gateway != nil
                && route.details == nil && !byKernel.contains(route.origin)
        }.sorted { ($0.destination, $0.metric) < ($1.destination, $1.metric) }
    }
}

extension ObservedRoute {
    /// Whether it has the metric that it gets where none is given.
    var hasPlainMetric: Bool { metric == (destination.family == .ipv4 ? 0 : 1024) }
}
