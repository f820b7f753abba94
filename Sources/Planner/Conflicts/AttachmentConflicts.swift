internal import Addressing
internal import Model

extension Builder {
    /// What stands against joining networks to physical ones, on this host.
    mutating func checkAttachments() {
        var owners: [String: Network] = [:]
        for network in context.desired.networks {
            let source = place(network)
            if let reason = context.unattached[network.metadata.name] { fail("\(network.id): \(reason)", at: source) }
            guard let link = context.attached[network.metadata.name] else { continue }
            let tag = network.vlan.map { " VLAN \($0.id)" } ?? ""
            if let other = owners.updateValue(network, forKey: link.name + tag) {
                fail(
                    "\(network.id) and \(other.id) would be one segment: both are on \(link.name.terminalSafe)\(tag); "
                        + "declare one network", at: source)
            }
            checkMTU(network, link)
            if context.uplink(network) != nil { checkUplink(network, link) }
            if let ground = context.grounds[network.metadata.name] { checkMacvlans(network, ground) }
            checkRouted(network, link)
            warnOfLearning(network, link)
        }
    }

    private func place(_ network: Network) -> SourceLocation {
        switch network.attachment {
        case nil, .existingBridge: network.metadata.source
        case .uplinkPort(let uplink), .routed(let uplink): uplink.source
        case .macvlan(let ground): ground.uplink.source
        case .vlan(let vlan): vlan.uplink.source
        }
    }

    /// Our own bridges are told not to; somebody else's is not changed.
    private mutating func warnOfLearning(_ network: Network, _ link: ObservedLink) {
        guard !network.ownsBridge, link.bridge?.linkLocalLearning ?? false else { return }
        let name = link.name.terminalSafe
        warn(
            "\(network.id): \(name) learns MACs from frames of link-local protocols before any rule sees them, so that whoever "
                + "may send raw frames in an endpoint can draw to it what is sent to others there; switch it off with "
                + "`ip link set \(link.name.shellWord) type bridge no_linklocal_learn 1`", at: network.metadata.source)
    }

    private mutating func checkMTU(_ network: Network, _ link: ObservedLink) {
        if !network.hasAutomaticMTU, network.mtu > link.mtu {
            fail(
                "\(network.id): mtu \(network.mtu) is more than the \(link.mtu) bytes of \(link.name.terminalSafe)",
                at: network.metadata.source)
        }
        let limit = network.mtu
        if limit < 1280, network.families.contains(.ipv6) {
            fail(
                "\(network.id): IPv6 needs at least 1280 bytes, and \(link.name.terminalSafe) has \(limit)",
                at: network.metadata.source)
        }
        for endpoint in context.endpointsByNetwork[network.metadata.name] ?? [] {
            guard !endpoint.hasAutomaticMTU, endpoint.mtu > limit else { continue }
            fail(
                "\(endpoint.id): mtu \(endpoint.mtu) is more than the \(limit) bytes of \(network.id)",
                at: endpoint.metadata.source)
        }
    }

    /// An interface can be in one place only.
    private mutating func checkUplink(_ network: Network, _ link: ObservedLink) {
        let name = link.name.terminalSafe
        if let index = link.master, let master = context.link(index, in: .host) {
            if let mark = master.mark, mark.scope != context.desired.scope {
                fail("\(network.id): \(name) is the uplink of \(mark.owner) of scope \(mark.scope)", at: place(network))
            } else if master.mark == nil {
                let cure = master.kind == "bridge" ? "; use `bridge: {existing: \(master.name.terminalSafe)}`" : ""
                fail(
                    "\(network.id): \(name) belongs to \(master.name.terminalSafe), which is not bulkhead's\(cure), or take it off "
                        + "(`ip link set \(link.name.shellWord) nomaster`)", at: place(network))
            }
        }
        if let other = context.macvlans(on: link).first(where: { reference in
            reference.namespace != .host || context.hostLinks[reference.name]?.mark != nil
        }) {
            let kind = other.namespace == .host ? "macvtap" : "macvlan"
            fail(
                "\(network.id): \(name) carries the \(kind) \(other), and the kernel puts no such interface on a bridge; apply once "
                    + "without it, or use another uplink", at: place(network))
        }
        let child = context.observed.host.links.first { other in
            other.peerIndex == link.index && other.peerNamespaceID == nil && other.mark == nil
                && Self.excluding.contains(other.kind)
        }
        if let child {
            fail(
                "\(network.id): \(name) carries the \(child.kind) \(child.name.terminalSafe), and the kernel puts no such interface "
                    + "on a bridge; delete it (`ip link delete \(child.name.shellWord)`), or use another uplink",
                at: place(network))
        }
    }

    /// What stands against macvlans of this interface.
    private mutating func checkMacvlans(_ network: Network, _ link: ObservedLink) {
        let name = link.name.terminalSafe
        if let other = context.observed.otherScopes.first(where: { $0.devices?.contains(link.name) ?? false }) {
            fail(
                "\(network.id): \(name) is the uplink of macvlans of scope \(other.scope), with which endpoints would be one segment; "
                    + "use another uplink, or declare one network", at: place(network))
        }
        for endpoint in context.endpointsByNetwork[network.metadata.name] ?? [] {
            guard let mac = link.mac, endpoint.macs.contains(mac) else { continue }
            fail(
                "\(endpoint.id): \(mac) is the MAC of \(name), and an interface takes it once; leave 'mac' out, or give another one",
                at: endpoint.metadata.source)
        }
        let own = Set(context.observed.host.addresses.map(\.address.address))
        for subnet in network.subnets {
            guard let router = subnet.router, own.contains(router) else { continue }
            fail(
                "\(network.id): gateway \(router) is this host's own address, to which the kernel gives macvlans no path; use "
                    + "\(network.bridgeWords), or another next hop", at: subnet.source)
        }
        let hasEndpoints = !(context.endpointsByNetwork[network.metadata.name] ?? []).isEmpty
        if hasEndpoints { notes.insert(Self.macvlanNote(network, name)) }
    }

    /// What no hook of the host can tell.
    private static func macvlanNote(_ network: Network, _ uplink: String) -> String {
        let siblings =
            network.deniesIntraNetwork || network.type == .l2tunnel
            ? "" : ", and to other endpoints of it with any at all (not so with `isolation: {intraNetwork: deny}`)"
        let host = network.vlan == nil ? ", with the MAC of \(uplink) and an address that is no endpoint's" : ""
        return
            "\(network.id): the host does not see which macvlan of \(uplink) sent a frame: whoever may send raw frames in an "
            + "endpoint (CAP_NET_RAW) can do so with MAC and address of another endpoint\(host)\(siblings); "
            + "\(network.bridgeWords) has no such gap"
    }

    /// Kinds that want their lower link for themselves.
    private static let excluding: Set<String> = ["macvlan", "macvtap", "ipvlan", "ipvtap"]
}
