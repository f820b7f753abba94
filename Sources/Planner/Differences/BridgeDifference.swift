internal import Addressing
internal import Model

extension Builder {
    /// The switches of the desired networks.
    mutating func compareBridges() {
        for network in context.desired.networks where network.ownsBridge {
            guard context.unattached[network.metadata.name] == nil else { continue }
            let spec = context.bridgeSpec(network)
            guard let link = present(spec.reference) else {
                guard isUntaken(spec.reference.name, for: network.id, cure: nil, at: network.metadata.source)
                else { continue }
                createBridge(network, spec)
                compareUplink(network, spec)
                continue
            }
            guard isOurs(link, owner: network.id, kind: "bridge", source: network.metadata.source, cure: nil)
            else { continue }
            guard !standsForAnother(link, network) else { continue }
            compareBridge(network, spec, link)
            compareUplink(network, spec)
        }
    }

    private mutating func createBridge(_ network: Network, _ spec: LinkSpec) {
        let settings = context.bridgeSettings(network)
        let id = "link/\(spec.reference.name)"
        makers[spec.reference] = id
        fresh.insert(spec.reference)
        steps.append(
            Step(
                id: id, action: .create, owner: network.id, kind: .bridge,
                summary: "create bridge \(spec.reference), mtu \(spec.mtu)",
                reason: "\(network.id) is declared and not there", source: network.metadata.source,
                after: properties(spec) + settings.map { Property($0.path, $0.value) },
                operations: [.createLink(spec)]
                    + settings.map { .writeSetting(.host, path: $0.path, value: $0.value) }
                    + [.changeLink(spec.reference, [.up(true)])],
                inverse: [.deleteLink(spec.reference)], phase: .host))
        compareAddresses(
            context.bridgeAddresses(network), on: spec.reference, present: nil, owner: network.id,
            source: network.metadata.source)
        compareRoutes(
            context.bridgeRoutes(network), addresses: context.bridgeAddresses(network), on: spec.reference,
            present: nil,
            owner: network.id, source: network.metadata.source)
    }

    private mutating func compareBridge(_ network: Network, _ spec: LinkSpec, _ link: ObservedLink) {
        let source = network.metadata.source
        var difference = LinkDifference(link, spec, masterName: masterName(link), isUp: true)
        var around = context.notices(of: difference, on: spec.reference, link, network)
        around.first = settleMTU(network, spec, link, &difference)
        appendChange(
            difference, of: spec.reference, kind: .bridge, owner: network.id, source: source, around: around,
            touches: (context.endpointsByNetwork[network.metadata.name] ?? []).map(\.metadata.name), phase: .host)
        let left = network.isShared ? [] : context.leftNotices(on: link).map { ($0, "0", source) }
        let settings = context.bridgeSettings(network).map { ($0.path, $0.value, source) } + left
        // Switching IPv6 off takes its addresses and routes along, so it comes when they are gone.
        let isOff: ((path: String, value: String, source: SourceLocation)) -> Bool = {
            $0.path.hasSuffix("/disable_ipv6") && $0.value == "1"
        }
        appendSettings(
            settings.filter { !isOff($0) }, in: context.observed.host, id: "setting/host/\(spec.reference.name)",
            owner: network.id, phase: .host, requires: behindLink(link, spec),
            title: "bridge \(spec.reference)")
        // On a bridge that stands for an interface of the host all the rest is the host's.
        guard !network.isShared else {
            clearOwn(network, spec, link)
            appendSettings(
                settings.filter(isOff), in: context.observed.host, id: "setting/host/\(spec.reference.name)/ipv6",
                owner: network.id, phase: .reduce, title: "bridge \(spec.reference)")
            return
        }
        let first = steps.endIndex
        compareAddresses(
            context.bridgeAddresses(network), local: context.bridgeLocal(network, link, spec), on: spec.reference,
            present: link, owner: network.id, source: source)
        compareRoutes(
            context.bridgeRoutes(network) + context.stayingRoutes(network, link),
            addresses: context.bridgeAddresses(network), on: spec.reference, present: link, owner: network.id,
            source: source)
        // Those of an overlay come with its tunnel.
        if network.overlay == nil {
            compareNeighbours(on: spec.reference, present: link, owner: network.id, source: source)
        }
        appendSettings(
            settings.filter(isOff), in: context.observed.host, id: "setting/host/\(spec.reference.name)/ipv6",
            owner: network.id, phase: .reduce, requires: steps[first...].filter { $0.action == .delete }.map(\.id),
            title: "bridge \(spec.reference)")
        loseLocalLast(link, spec)
        removeQdiscs(on: spec.reference, present: link, owner: network.id, source: source)
        if difference.losesIPv6 {
            loseIPv6Last("link/\(spec.reference.name)", on: spec.reference, after: first)
        }
    }

    /// A bridge that is taken over follows the smallest MTU of its ports if nobody has set one, which the kernel does not
    /// tell, and so would become smaller with a card of less. Only a change counts as setting, so there is another one first.
    private func settleMTU(
        _ network: Network, _ spec: LinkSpec, _ link: ObservedLink, _ difference: inout LinkDifference
    ) -> [Operation] {
        guard link.mark == nil, link.mtu == spec.mtu,
            (context.endpointsByNetwork[network.metadata.name] ?? []).contains(where: { $0.mtu < spec.mtu })
        else { return [] }
        difference.before.append(Property("mtu", "that of its ports"))
        difference.after.append(Property("mtu", String(spec.mtu)))
        let other = spec.mtu == 1500 ? 1499 : 1500
        return [other, spec.mtu].map { .changeLink(spec.reference, [.mtu($0)]) }
    }

    /// The step behind which there are settings of IPv6 on a link, where there are none now.
    func regained(_ link: ObservedLink, _ mtu: Int, _ id: String) -> [String] {
        link.regainsIPv6(mtu: mtu) ? [id] : []
    }

    /// The same for a bridge that gets a place on the switch: IPv6 makes its link-local address when it is switched on, if
    /// the mode says so by then.
    private func behindLink(_ link: ObservedLink, _ spec: LinkSpec) -> [String] {
        let id = "link/\(spec.reference.name)"
        guard spec.addressGeneration == 0, let mode = link.addressGeneration, mode != 0 else {
            return regained(link, spec.mtu, id)
        }
        return [id]
    }

    /// A bridge that loses its place on the switch: undone in reverse, IPv6 is switched on when the mode says again that
    /// there is a link-local address, and so makes it.
    private mutating func loseLocalLast(_ link: ObservedLink, _ spec: LinkSpec) {
        let off = "setting/host/\(spec.reference.name)/ipv6"
        guard link.addressGeneration == 0, spec.addressGeneration != 0, steps.contains(where: { $0.id == off }),
            let index = steps.firstIndex(where: { $0.id == "link/\(spec.reference.name)" })
        else { return }
        steps[index].requires.append(off)
    }

    /// A link of that name may be changed if it carries the mark of this object, or if taking it over was asked for.
    mutating func isOurs(
        _ link: ObservedLink, owner: ObjectID, kind: String, source: SourceLocation, cure: String?
    ) -> Bool {
        let name = link.name.terminalSafe
        let choose = cure.map { ", or \($0)" } ?? ""
        guard let mark = link.mark else {
            if ObservedLink.cardKinds.contains(kind), let use = context.hostUse(of: link) {
                let what = "\(owner) needs the interface name \(name), which the host itself uses (\(use))"
                fail("\(what)\(cure.map { "; \($0)" } ?? "")", at: source)
                return false
            }
            if context.options.adopts.contains(owner) && link.kind == kind { return true }
            let how =
                link.kind == kind
                ? "take it over with `--adopt \(owner)`, delete it with `ip link delete \(link.name.shellWord)`\(choose)"
                : "rename or delete it (`ip link delete \(link.name.shellWord)`)\(choose)"
            let what = link.kind.isEmpty ? "interface" : "\(link.kind.terminalSafe) interface"
            fail("\(owner) needs the interface name \(name), which a foreign \(what) has; \(how)", at: source)
            return false
        }
        guard mark.scope == context.desired.scope, mark.owner == owner else {
            fail(
                "\(owner) needs the interface name \(name), which \(mark.owner) of scope \(mark.scope) has; "
                    + "rename one of the two\(choose)", at: source)
            return false
        }
        guard link.kind == kind else {
            fail(
                "\(owner): \(name) is a \(link.kind.terminalSafe) interface where a \(kind) is wanted; "
                    + "delete it with `ip link delete \(link.name.shellWord)`", at: source)
            return false
        }
        return true
    }

    /// Name of the bridge that a host link is a port of.
    func masterName(_ link: ObservedLink) -> String? {
        link.master.flatMap { context.hostLinkNames[$0] }
    }

    /// A step that changes a link in place.
    mutating func appendChange(
        _ difference: LinkDifference, of reference: LinkReference, kind: Step.Kind, owner: ObjectID,
        source: SourceLocation, around: Surroundings = Surroundings(), touches: [ObjectName], requires: [String] = [],
        phase: Phase
    ) {
        guard !difference.isEmpty else { return }
        let place = reference.namespace == .host ? "" : "\(reference.namespace)/"
        steps.append(
            Step(
                id: "link/\(place)\(reference.name)", action: .update, owner: owner, kind: kind,
                namespace: reference.namespace,
                summary: "change \(reference): \(difference.words.isEmpty ? "port options" : difference.words)",
                reason: "attributes differ from the manifest",
                disruption: !difference.isDisruptive || touches.isEmpty
                    ? .none : difference.switchesOff ? .outage(touches) : .brief(touches), source: source,
                before: difference.before, after: difference.after, requires: requires,
                operations: around.first + around.before + [.changeLink(reference, difference.changes)] + around.after
                    + around.arrivals,
                inverse: Array(around.first.suffix(1)) + around.before
                    + [.changeLink(reference, difference.inverse)] + around.after
                    + settingsLost(by: difference, of: reference) + neighboursLost(by: difference, of: reference)
                    + around.returns,
                phase: phase))
    }

    /// With a MAC the kernel forgets all neighbours, permanent ones, too (`neigh_changeaddr`).
    private func neighboursLost(by difference: LinkDifference, of reference: LinkReference) -> [Operation] {
        difference.changes.contains(where: \.isMAC) ? context.neighbourEntries(on: reference) : []
    }

    /// What the IPv6 half that goes is set to.
    private func settingsLost(by difference: LinkDifference, of reference: LinkReference) -> [Operation] {
        guard difference.losesIPv6, let link = context.link(reference) else { return [] }
        return context.settings(of: link, in: reference.namespace, family: .ipv6)
    }

    func properties(_ spec: LinkSpec) -> [Property] {
        var properties = [Property("name", spec.reference.name), Property("mtu", String(spec.mtu))]
        if let mac = spec.mac { properties.append(Property("mac", mac.description)) }
        if let master = spec.master { properties.append(Property("bridge", master)) }
        switch spec.kind {
        case .bridge, .ifb: break
        case .veth(let peer):
            properties.append(Property("peer", peer.reference.description))
            if let mac = peer.mac { properties.append(Property("peer mac", mac.description)) }
        case .vxlan(let options): properties += options.properties
        case .tap(let options): properties += options.properties
        case .macvlan(let lower, let mode), .macvtap(let lower, let mode):
            properties += [Property("uplink", lower), Property("mode", mode.rawValue)]
        case .vlan(let lower, let id): properties += [Property("uplink", lower), Property("vlan", String(id))]
        }
        properties.append(Property("alias", spec.alias))
        return properties
    }
}
