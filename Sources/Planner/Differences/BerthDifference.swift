internal import Addressing
internal import Model

/// A place that one link has at a time; the kernel gives it to no second one (`EEXIST`).
enum Berth: Hashable {
    /// A number of an interface, by its index; nil where that is in another namespace.
    case vlan(lower: UInt32?, id: UInt16)
    /// A number of a port that takes datagrams of one family of addresses.
    case tunnel(vni: UInt32, port: UInt16, family: AddressFamily)

    /// That of a link; nil for kinds of which there may be many.
    init?(_ link: ObservedLink) {
        if link.kind == "vlan", let id = link.vlan {
            self = .vlan(lower: link.lower, id: id)
        } else if let options = link.vxlan {
            self.init(options)
        } else {
            return nil
        }
    }

    /// That of a VXLAN device. Without an address of its own it takes datagrams by IPv4.
    init(_ options: VXLANOptions) {
        self = .tunnel(vni: options.vni, port: options.port, family: options.local?.family ?? .ipv4)
    }
}

extension Context {
    /// The place that the device of a network has by which it is joined to others, and its name; nil for networks without.
    fileprivate func berth(of network: Network) -> (Berth, device: String)? {
        if let vlan = network.vlan {
            return attached[network.metadata.name].map {
                (.vlan(lower: $0.index, id: vlan.id), vlan.device.text)
            }
        }
        guard let overlay = network.overlay else { return nil }
        return (
            .tunnel(vni: overlay.vni.value, port: overlay.port, family: overlay.local.family), overlay.tunnel.text
        )
    }

    /// Whether a VLAN of a network that keeps the name is made anew: what macvlans stand on goes with them and with the hooks
    /// that hold them, and is no port of a bridge.
    fileprivate func isReplaced(_ link: ObservedLink, _ berth: Berth, by network: Network) -> Bool {
        guard link.kind == "vlan" else { return false }
        if network.portVLAN != nil { return !macvlans(on: link).isEmpty }
        guard network.groundVLAN != nil, let wanted = self.berth(of: network)?.0 else { return false }
        return wanted != berth || link.master != nil
    }

    /// `7 of eth1`, `vni 7 port 4789`.
    func words(_ berth: Berth) -> String {
        switch berth {
        case .vlan(let lower, let id):
            "\(id) of \((lower.flatMap { hostLinkNames[$0] } ?? "?").terminalSafe)"
        case .tunnel(let vni, let port, _): "vni \(vni) port \(port)"
        }
    }
}

extension Builder {
    /// VLANs and tunnels of ours that have another network's place, and those whose network has none any more, go before
    /// anything comes: the kernel has one for each place, and on a bridge that gets another port they would join two
    /// segments.
    mutating func clearBerths() {
        var takers: [Berth: Network] = [:]
        for network in context.desired.networks {
            if let (berth, _) = context.berth(of: network) { takers[berth] = network }
        }
        for link in context.observed.host.links.sorted(by: { $0.name < $1.name }) {
            guard let berth = Berth(link) else { continue }
            let taker = takers[berth].flatMap { $0.device == link.name ? nil : $0 }
            guard let mark = link.mark else {
                if let taker { refuse(link, berth, for: taker) }
                continue
            }
            let own = mark.scope == context.desired.scope ? context.networks[mark.owner.name] : nil
            let isLeft = own.map { $0.device != link.name || context.isReplaced(link, berth, by: $0) } ?? false
            if let taker, own == nil, mark.scope != context.desired.scope || !context.mayRemove(mark.owner) {
                fail(
                    "\(taker.id): \(label(berth)) is \(link.name.terminalSafe) of \(mark.owner) of scope \(mark.scope), and "
                        + "there is one of each; remove that network first", at: taker.metadata.source)
            } else if taker != nil || isLeft {
                clear(link, berth, mark.owner, own, for: taker)
            }
        }
    }

    /// One that is not ours. Of a VLAN that was said where the uplink was looked for (`checkAttachments`).
    private mutating func refuse(_ link: ObservedLink, _ berth: Berth, for taker: Network) {
        guard case .tunnel = berth else { return }
        let name = link.name.terminalSafe
        fail(
            "\(taker.id): \(label(berth)) is \(name), which is not bulkhead's; delete it (`ip link delete \(name)`), or give the "
                + "network another 'vni' or 'port' on all hosts", at: taker.metadata.source)
    }

    private func label(_ berth: Berth) -> String {
        switch berth {
        case .vlan: "VLAN \(context.words(berth))"
        case .tunnel: context.words(berth)
        }
    }

    private mutating func clear(
        _ link: ObservedLink, _ berth: Berth, _ owner: ObjectID, _ own: Network?, for taker: Network?
    ) {
        guard own != nil || link.mark.map({ isRemovable($0, what: link.name) }) ?? false else { return }
        let (id, kind) = ("link/\(link.name)/old", link.kind)
        cleared[link.name] = id
        let touches = own.map { guests(of: $0) } ?? []
        steps.append(
            Step(
                id: id, action: .delete, owner: owner, kind: link.vxlan == nil ? .link : .vxlan,
                summary: "delete \(kind) \(link.name.terminalSafe), \(context.words(berth))"
                    + (taker.map { ", which \($0.id) gets" } ?? ""),
                reason: own == nil ? "\(owner) is not declared any more" : "\(owner) is not on that \(kind) any more",
                disruption: touches.isEmpty ? .none : .brief(touches),
                source: own?.metadata.source ?? taker?.metadata.source,
                before: [Property(kind, context.words(berth))], losses: context.losses(with: link),
                requires: clearing(link) + [Self.unhooking],
                operations: [.deleteLink(LinkReference(.host, link.name))],
                inverse: context.restoration(of: link), phase: .clear))
    }

    /// Endpoints of a network on this host.
    func guests(of network: Network) -> [ObjectName] {
        (context.endpointsByNetwork[network.metadata.name] ?? []).map(\.metadata.name)
    }
}

extension Network {
    /// The name of the device by which it is joined to others.
    fileprivate var device: String? { vlan?.device.text ?? overlay?.tunnel.text }
}
