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

extension Builder {
    /// VLANs by which networks are joined to a physical one.
    mutating func compareVLANs() {
        for network in context.desired.networks {
            guard let vlan = network.portVLAN, let uplink = context.attached[network.metadata.name] else { continue }
            compareVLAN(network, context.vlanSpec(network, vlan, on: uplink), uplink)
        }
        compareGrounds()
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

    private func words(_ link: ObservedLink) -> String { Berth(link).map(context.words) ?? "?" }

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
