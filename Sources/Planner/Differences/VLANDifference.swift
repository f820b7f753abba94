internal import Addressing
internal import Model

extension Context {
    /// The VLAN of a network's uplink, a port of its bridge.
    func vlanSpec(_ network: Network, _ vlan: VLAN, on uplink: ObservedLink) -> LinkSpec {
        LinkSpec(
            reference: LinkReference(.host, vlan.device.text), kind: .vlan(lower: uplink.name, id: vlan.id),
            mac: vlan.mac, mtu: network.mtu, master: network.bridge.text, port: PortOptions(), addressGeneration: 1,
            isUp: true, alias: mark(network.metadata, .network).text, alternativeName: vlan.alternativeName)
    }
}

/// A place that one VLAN has at a time: the uplink, and the number.
private struct Berth: Hashable {
    let lower: UInt32?
    let id: UInt16
}

extension Builder {
    /// VLANs by which networks are joined to a physical one.
    mutating func compareVLANs() {
        clearVLANs()
        for network in context.desired.networks {
            guard let vlan = network.vlan, let uplink = context.attached[network.metadata.name] else { continue }
            compareVLAN(network, context.vlanSpec(network, vlan, on: uplink), uplink)
        }
    }

    private mutating func compareVLAN(_ network: Network, _ spec: LinkSpec, _ uplink: ObservedLink) {
        let source = network.metadata.source
        guard let link = present(spec.reference), cleared[link.name] == nil else {
            guard isUntaken(spec.reference.name, for: network.id, cure: nil, at: source) else { return }
            createVLAN(network, spec, replacing: nil)
            return
        }
        guard isOurs(link, owner: network.id, kind: "vlan", source: source, cure: nil) else { return }
        guard case .vlan(_, let id) = spec.kind, link.vlan == id, link.lower == uplink.index else {
            createVLAN(network, spec, replacing: link)
            return
        }
        appendChange(
            LinkDifference(link, spec, masterName: masterName(link), isUp: true), of: spec.reference, kind: .link,
            owner: network.id, source: source, touches: guests(of: network),
            requires: spec.master.map { requirement(LinkReference(.host, $0)) } ?? [], phase: .host)
        removeQdiscs(on: spec.reference, present: link, owner: network.id, source: source)
    }

    /// VLANs of ours that have another network's place, and those whose network has none any more, go before anything comes:
    /// the kernel has one for each place, and on a bridge that gets another port they would join two segments.
    private mutating func clearVLANs() {
        var takers: [Berth: Network] = [:]
        for network in context.desired.networks {
            guard let vlan = network.vlan, let uplink = context.attached[network.metadata.name] else { continue }
            takers[Berth(lower: uplink.index, id: vlan.id)] = network
        }
        for link in context.observed.host.links.sorted(by: { $0.name < $1.name }) where link.kind == "vlan" {
            guard let mark = link.mark, let id = link.vlan else { continue }
            let taker = takers[Berth(lower: link.lower, id: id)].flatMap {
                $0.vlan?.device.text == link.name ? nil : $0
            }
            let own = mark.scope == context.desired.scope ? context.networks[mark.owner.name] : nil
            let isLeft = own.map { $0.vlan?.device.text != link.name } ?? false
            if let taker, own == nil, mark.scope != context.desired.scope || !context.mayRemove(mark.owner) {
                fail(
                    "\(taker.id): VLAN \(words(link)) is \(link.name.terminalSafe) of \(mark.owner) of scope \(mark.scope), and "
                        + "there is one of each; remove that network first", at: taker.metadata.source)
            } else if taker != nil || isLeft {
                clearVLAN(link, mark.owner, own, for: taker)
            }
        }
    }

    private mutating func clearVLAN(_ link: ObservedLink, _ owner: ObjectID, _ own: Network?, for taker: Network?) {
        guard own != nil || link.mark.map({ isRemovable($0, what: link.name) }) ?? false else { return }
        let id = "link/\(link.name)/old"
        cleared[link.name] = id
        let touches = own.map { guests(of: $0) } ?? []
        steps.append(
            Step(
                id: id, action: .delete, owner: owner, kind: .link,
                summary: "delete vlan \(link.name.terminalSafe), \(words(link))"
                    + (taker.map { ", which \($0.id) gets" } ?? ""),
                reason: own == nil ? "\(owner) is not declared any more" : "\(owner) is not on that VLAN any more",
                disruption: touches.isEmpty ? .none : .brief(touches),
                source: own?.metadata.source ?? taker?.metadata.source, before: [Property("vlan", words(link))],
                losses: context.losses(with: link), operations: [.deleteLink(LinkReference(.host, link.name))],
                inverse: context.restoration(of: link), phase: .clear))
    }

    private func guests(of network: Network) -> [ObjectName] {
        (context.endpointsByNetwork[network.metadata.name] ?? []).map(\.metadata.name)
    }

    private func words(_ link: ObservedLink) -> String {
        let lower = link.lower.flatMap { context.hostLinkNames[$0] } ?? "?"
        return "\(link.vlan.map(String.init) ?? "?") of \(lower.terminalSafe)"
    }

    private mutating func createVLAN(_ network: Network, _ spec: LinkSpec, replacing old: ObservedLink?) {
        guard case .vlan(let lower, let number) = spec.kind else { return }
        let id = "link/\(spec.reference.name)"
        makers[spec.reference] = id
        fresh.insert(spec.reference)
        let new = "\(number) of \(lower.terminalSafe)"
        let inverse = old.map { context.restoration(of: $0) }
        steps.append(
            Step(
                id: id, action: old == nil ? .create : .replace, owner: network.id, kind: .link,
                summary: old == nil
                    ? "create vlan \(spec.reference) on \(network.bridge), \(new)"
                    : "replace vlan \(spec.reference): \(old.map(words) ?? "") → \(new)",
                reason: old == nil
                    ? "\(network.id) is declared and on that VLAN"
                    : "the kernel does not change these of a device that is there",
                disruption: old == nil ? .none : .brief(guests(of: network)), source: network.metadata.source,
                before: old.map { [Property("vlan", words($0))] } ?? [], after: properties(spec),
                isIrreversible: inverse?.isEmpty ?? false,
                losses: old.map { context.losses(with: $0) } ?? [],
                requires: requirement(LinkReference(.host, network.bridge.text)) + cleared.values.sorted(),
                operations: (old == nil ? [] : [.deleteLink(spec.reference)]) + [.createLink(spec)],
                inverse: [.deleteLink(spec.reference)] + (inverse ?? []), phase: .host))
    }
}
