internal import Addressing
internal import Model

extension Context {
    /// What makes a deleted link again as it was: attributes, settings, ports, addresses, routes and neighbours, its
    /// own and those of its inner end. Empty where that cannot be told.
    ///
    /// One that stood for an interface of the host is `isVacated`: the host's things have left it before.
    func restoration(of link: ObservedLink, isVacated: Bool = false) -> [Operation] {
        let reference = LinkReference(.host, link.name)
        guard let alias = link.alias, let kind = kind(of: link) else { return [] }
        let master = link.master.flatMap { hostLinkNames[$0] }
        var operations: [Operation] = [
            .createLink(
                LinkSpec(
                    reference: reference, kind: kind, mac: link.mac, mtu: link.mtu, master: master,
                    port: master == nil ? nil : link.port, addressGeneration: link.addressGeneration ?? 0,
                    isUp: false, alias: alias, alternativeName: link.alternativeNames.first))
        ]
        let names = link.alternativeNames.dropFirst().map { LinkChange.addAlternativeName($0) }
        if !names.isEmpty { operations.append(.changeLink(reference, names)) }
        operations += settings(of: link, in: .host)
        if link.isUp { operations.append(.changeLink(reference, [.up(true)])) }
        operations += disciplines(of: link).map { .addQdisc(reference, $0) }
        operations += ports(of: link, isVacated) + (isVacated ? [] : contents(of: link, reference))
        if let inner = peer(of: link) {
            operations += restoration(ofInner: inner.link, LinkReference(inner.namespace.reference, inner.link.name))
        }
        return operations
    }

    /// Queueing disciplines that can be made again.
    private func disciplines(of link: ObservedLink) -> [QdiscSpec] {
        (qdiscs[.host]?[link.index] ?? []).filter(\.isOutermost).compactMap { spec(of: $0) }
    }

    /// What makes a queueing discipline of the host again; nil where it is none that bulkhead makes.
    func spec(of qdisc: ObservedQdisc) -> QdiscSpec? {
        if let bucket = qdisc.bucket, qdisc.parent == QdiscSpec.bucket(bucket).parent { return .bucket(bucket) }
        return qdisc.redirect.flatMap { hostLinkNames[$0] }.map { .redirect(to: LinkReference(.host, $0)) }
    }

    private func kind(of link: ObservedLink) -> LinkSpec.Kind? {
        if link.kind == "bridge" { return .bridge(link.bridge ?? BridgeOptions()) }
        if link.kind == "vxlan" { return link.vxlan.map { .vxlan($0) } }
        if link.kind == "ifb" { return .ifb }
        if link.kind == "vlan", let id = link.vlan, let lower = link.lower.flatMap({ hostLinkNames[$0] }) {
            return .vlan(lower: lower, id: id)
        }
        if link.kind == "macvtap", let mode = link.macvlan, let lower = link.lower.flatMap({ hostLinkNames[$0] }) {
            return .macvtap(lower: lower, mode: mode)
        }
        if link.kind == "tun" { return link.tap.map { .tap($0.options) } }
        guard let inner = peer(of: link) else { return nil }
        return .veth(
            peer: PeerSpec(
                reference: LinkReference(inner.namespace.reference, inner.link.name), mac: inner.link.mac,
                mtu: inner.link.mtu))
    }

    /// The inner end comes with the outer one, with nothing but MAC and MTU.
    func restoration(ofInner link: ObservedLink, _ reference: LinkReference) -> [Operation] {
        var changes: [LinkChange] = []
        if let alias = link.alias { changes.append(.alias(alias)) }
        if let mode = link.addressGeneration { changes.append(.addressGeneration(mode)) }
        changes += link.alternativeNames.map { .addAlternativeName($0) }
        if link.isUp { changes.append(.up(true)) }
        return settings(of: link, in: reference.namespace) + (changes.isEmpty ? [] : [.changeLink(reference, changes)])
            + contents(of: link, reference)
    }

    /// Ports that outlive their bridge: those of others, and our own where only the bridge was deleted. The bridge's
    /// forwarding entries for them went with it.
    private func ports(of bridge: ObservedLink, _ isVacated: Bool) -> [Operation] {
        guard bridge.kind == "bridge" else { return [] }
        let uplink = isVacated ? observed.host.uplinkPort(of: bridge)?.index : nil
        return (portsByBridge[bridge.index] ?? []).filter { $0.index != uplink }.flatMap { port in
            membership(of: port, bridge.name)
        }
    }

    /// Makes a link of the host a port of a bridge again, with what it had as one.
    func membership(of port: ObservedLink, _ bridge: String) -> [Operation] {
        let changes = [LinkChange.master(bridge)] + (port.port.map { [.port($0)] } ?? [])
        return [.changeLink(LinkReference(.host, port.name), changes)] + forwardingEntries(of: port)
    }

    /// Makes the entries again that the bridge of a port has for it.
    func forwardingEntries(of port: ObservedLink) -> [Operation] {
        (neighbours[.host]?[port.index] ?? []).filter(\.isForwarding)
            .map { .addNeighbour($0.entry(on: LinkReference(.host, port.name))) }
    }

    /// Makes the permanent neighbours of a link again.
    func neighbourEntries(on reference: LinkReference) -> [Operation] {
        guard let link = link(reference) else { return [] }
        return (neighbours[reference.namespace]?[link.index] ?? []).filter { $0.address != nil && !$0.isProxy }
            .map { .addNeighbour($0.entry(on: reference)) }
    }

    /// Interface settings: those that bulkhead writes, and those that somebody changed.
    func settings(of link: ObservedLink, in namespace: NamespaceRef, family: AddressFamily? = nil) -> [Operation] {
        DeviceSetting.restored.compactMap { setting in
            guard family.map({ $0.rawValue == setting.family }) ?? true,
                let value = link.setting(family: setting.family, key: setting.key),
                setting.isManaged || value != setting.initial
            else { return nil }
            return .writeSetting(
                namespace, path: "net/\(setting.family)/conf/\(link.name)/\(setting.key)", value: value)
        }
    }

    /// Addresses, routes and neighbours on it.
    func contents(of link: ObservedLink, _ reference: LinkReference) -> [Operation] {
        let space = reference.namespace
        let own = (addresses[space]?[link.index] ?? []).filter(\.isManaged)
        let ways = (routes[space]?[link.index] ?? []).filter {
            $0.origin != 2 && !$0.destination.address.isMulticast
        }
        let others = neighbours[space]?[link.index] ?? []
        // A route needs the one by which its next hop is reached.
        return own.map { .addAddress(reference, $0.address) }
            + (ways.filter { $0.gateway == nil } + ways.filter { $0.gateway != nil })
            .map { .addRoute($0.entry(on: reference)) }
            + others.map { .addNeighbour($0.entry(on: reference)) }
    }
}
