internal import Addressing
internal import Model

extension StateBuilder {
    func network(_ document: NetworkDocument, host: String) -> Network? {
        guard let name = Naming.bridge(document.head.name) else { return nil }
        let existing = document.existingBridge?.value
        return Network(
            metadata: document.head.metadata, type: document.type.value, bridge: existing ?? name.interface,
            alternativeName: existing == nil ? name.alternative : nil,
            mac: Naming.bridgeMAC(network: document.head.name, host: host),
            subnets: document.subnets.map { subnet in
                let gateway = gateway(subnet, document, host: host)
                let isOthers = document.isAttached && document.type.value != .l2bridge
                return Subnet(
                    prefix: subnet.prefix.value, gateway: isOthers ? nil : gateway,
                    router: isOthers ? gateway : nil, source: subnet.prefix.at)
            }, mtu: document.mtu?.value ?? defaultMTU(document), routes: document.routes.map(Self.route),
            peers: Set(document.peers.map(\.value)).compactMap { ObjectName($0) }.sorted(),
            deniesIntraNetwork: document.deniesIntraNetwork, deniesHostAccess: document.deniesHostAccess,
            inbound: document.inbound, outboundNAT: outboundNAT(document, host: host),
            hasAutomaticMTU: document.mtu == nil, overlay: overlay(document, host: host),
            attachment: attachment(document, host: host))
    }

    /// The next hop of endpoints.
    func gateway(_ subnet: SubnetDocument, _ document: NetworkDocument, host: String) -> IPAddress? {
        let given = Validator.gateway(subnet, document)
        guard document.type.value == .l2bridge else { return given }
        return given
            ?? Subnet.linkGateway(
                subnet.prefix.value.family, mac: Naming.bridgeMAC(network: document.head.name, host: host))
    }

    /// What holds until the host itself says more.
    func defaultMTU(_ document: NetworkDocument) -> Int {
        guard document.type.value == .overlay, let underlay = machine?.underlay?.value else { return 1500 }
        return 1500 - Overlay.overhead(underlay.family)
    }

    private func attachment(_ document: NetworkDocument, host: String) -> Attachment? {
        if document.existingBridge != nil { return .existingBridge }
        guard let uplink = document.uplink, let selector = Validator.selector(uplink, machine) else { return nil }
        let found = Uplink(selector: selector, source: uplink.at)
        if document.type.value == .l2bridge { return .routed(found) }
        let vlan = vlan(document, of: found, host: host)
        if document.isMacvlan { return .macvlan(vlan.map { .vlan($0) } ?? .uplink(found)) }
        return vlan.map { .vlan($0) } ?? .uplinkPort(found)
    }

    private func vlan(_ document: NetworkDocument, of uplink: Uplink, host: String) -> VLAN? {
        guard let id = document.vlan.flatMap({ UInt16(exactly: $0.value) }),
            let device = Naming.vlan(document.head.name)
        else { return nil }
        return VLAN(
            uplink: uplink, id: id, device: device.interface, alternativeName: device.alternative,
            mac: Naming.vlanMAC(network: document.head.name, host: host))
    }

    private func overlay(_ document: NetworkDocument, host: String) -> Overlay? {
        guard document.type.value == .overlay, let vxlan = document.vxlan, let local = machine?.underlay?.value,
            let tunnel = Naming.tunnel(document.head.name)
        else { return nil }
        let peers = documents.hosts.filter { $0.head.name.text != host && document.exists(on: $0) }
            .compactMap { other in
                other.underlay.map { Overlay.Peer(host: other.head.name, underlay: $0.value) }
            }
        return Overlay(
            vni: vxlan.vni.value, port: vxlan.port, tunnel: tunnel.interface, alternativeName: tunnel.alternative,
            mac: Naming.tunnelMAC(network: document.head.name, host: host), local: local,
            peers: peers.sorted { $0.host < $1.host })
    }

    private func outboundNAT(_ document: NetworkDocument, host: String) -> OutboundNAT? {
        let given = document.outboundNAT
        guard given?.enabled ?? (document.type.value == .nat) else { return nil }
        let onHost = machine?.outboundAddresses.first { $0.network.value == document.head.name.text }?.addresses
        return OutboundNAT(
            families: given?.families ?? AddressFamily.allCases,
            addresses: (onHost ?? given?.addresses ?? []).map(\.value).sorted(),
            exceptions: (given?.exceptions ?? []).map(\.value).sorted(),
            destinations: (given?.destinations ?? []).map(\.value).sorted(), ports: given?.ports)
    }

    static func route(_ document: RouteDocument) -> RouteSpec {
        RouteSpec(
            destination: document.to.value, via: document.via.value, metric: document.metric, source: document.to.at)
    }
}
