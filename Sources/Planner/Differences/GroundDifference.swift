internal import Addressing
internal import Model

extension Context {
    /// The VLAN that macvlans of a network stand on. The host has no place on it.
    func groundSpec(_ network: Network, _ vlan: VLAN, on uplink: ObservedLink) -> LinkSpec {
        LinkSpec(
            reference: LinkReference(.host, vlan.device.text), kind: .vlan(lower: uplink.name, id: vlan.id),
            mac: vlan.mac, mtu: network.mtu, addressGeneration: 1, isUp: false,
            alias: mark(network.metadata, .network).text, alternativeName: vlan.alternativeName)
    }

    /// What macvlans of each network stand on. A VLAN that is not there yet, or not as it shall be, has no index.
    static func grounds(
        _ desired: DesiredState, _ observed: ObservedState, _ attached: [ObjectName: ObservedLink]
    ) -> [ObjectName: ObservedLink] {
        var result: [ObjectName: ObservedLink] = [:]
        for network in desired.networks where network.isMacvlan {
            guard let uplink = attached[network.metadata.name] else { continue }
            guard let vlan = network.groundVLAN else {
                result[network.metadata.name] = uplink
                continue
            }
            let link = observed.host.links.first { link in
                link.name == vlan.device.text && link.mark?.scope == desired.scope && link.master == nil
                    && link.kind == "vlan" && link.lower == uplink.index && link.vlan == vlan.id
            }
            var ground = link ?? ObservedLink(index: 0, name: vlan.device.text, kind: "vlan")
            ground.mac = vlan.mac
            result[network.metadata.name] = ground
        }
        return result
    }
}

extension Builder {
    /// VLANs that macvlans stand on. One that is not as it shall be was cleared away (`clearBerths`).
    mutating func compareGrounds() {
        for network in context.desired.networks {
            guard let vlan = network.groundVLAN, let uplink = context.attached[network.metadata.name] else { continue }
            compareGround(network, context.groundSpec(network, vlan, on: uplink))
        }
    }

    private mutating func compareGround(_ network: Network, _ spec: LinkSpec) {
        let source = network.metadata.source
        guard let link = present(spec.reference), cleared[link.name] == nil else {
            guard isUntaken(spec.reference.name, for: network.id, cure: nil, at: source) else { return }
            createGround(network, spec)
            return
        }
        guard isOurs(link, owner: network.id, kind: "vlan", source: source, cure: nil) else { return }
        appendChange(
            LinkDifference(link, spec, masterName: masterName(link), isUp: true), of: spec.reference, kind: .link,
            owner: network.id, source: source, touches: guests(of: network), phase: .host)
        removeQdiscs(on: spec.reference, present: link, owner: network.id, source: source)
    }

    /// The step that sets up what macvlans stand on.
    static func raising(_ ground: LinkReference) -> String { "link/\(ground.name)/up" }

    /// It comes before the rules, which hang on it, and is set up behind them: until then nothing gets in by it.
    private mutating func createGround(_ network: Network, _ spec: LinkSpec) {
        guard case .vlan(let lower, let number) = spec.kind else { return }
        let id = "link/\(spec.reference.name)"
        makers[spec.reference] = id
        fresh.insert(spec.reference)
        steps.append(
            Step(
                id: id, action: .create, owner: network.id, kind: .link,
                summary: "create vlan \(spec.reference), \(number) of \(lower.terminalSafe)",
                reason: "\(network.id) is declared and on that VLAN", source: network.metadata.source,
                after: properties(spec), requires: cleared.values.sorted(), operations: [.createLink(spec)],
                inverse: [.deleteLink(spec.reference)], phase: .namespaces))
        steps.append(
            Step(
                id: Self.raising(spec.reference), action: .update, owner: network.id, kind: .link,
                summary: "bring up \(spec.reference)", reason: "\(network.id) is declared and on that VLAN",
                source: network.metadata.source, after: [Property("state", "up")], requires: [id, "firewall"],
                operations: [.changeLink(spec.reference, [.up(true)])],
                inverse: [.changeLink(spec.reference, [.up(false)])], phase: .host))
    }

    /// Takes away a VLAN that macvlans of a network stood on: silent before its rules go, and gone behind them.
    mutating func removeGround(_ link: ObservedLink, _ mark: OwnershipMark) {
        keepProtectedMacvlans(on: link)
        let reference = LinkReference(.host, link.name)
        let quiet = "link/\(link.name)/down"
        let reason = "\(mark.owner) is not declared any more"
        if link.isUp {
            steps.append(
                Step(
                    id: quiet, action: .update, owner: mark.owner, kind: .link, summary: "set \(reference) down",
                    reason: reason, source: nil, before: [Property("state", "up")], after: [Property("state", "down")],
                    isIrreversible: true, requires: removals(from: link),
                    operations: [.changeLink(reference, [.up(false)])],
                    inverse: [.changeLink(reference, [.up(true)])], phase: .links))
        }
        // Back it comes down, and up when its rules are there.
        let restoration = context.restoration(of: link).filter { $0 != .changeLink(reference, [.up(true)]) }
        steps.append(
            Step(
                id: "link/\(link.name)", action: .delete, owner: mark.owner, kind: .link,
                summary: "delete vlan \(reference)", reason: reason, source: nil,
                before: [Property("alias", mark.text)], isIrreversible: true, losses: context.losses(with: link),
                requires: [quiet, "firewall/surplus"], operations: [.deleteLink(reference)], inverse: restoration,
                phase: .vanish))
    }
}
