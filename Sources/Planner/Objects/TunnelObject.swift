internal import Addressing
internal import Model

extension Context {
    /// The VXLAN device of an overlay, a port of its bridge.
    ///
    /// Nothing is learnt from what comes in, and nothing goes out but frames for MACs that have an entry: the kernel would
    /// take a datagram from whoever knows the identifier, and send what it does not know to all. ARP and neighbour
    /// discovery are answered by the bridge.
    ///
    /// Where BGP tells of MACs, a frame comes in only if its MAC is one of those: no rule knows them.
    func tunnelSpec(_ network: Network, _ overlay: Overlay) -> LinkSpec {
        LinkSpec(
            reference: LinkReference(.host, overlay.tunnel.text),
            kind: .vxlan(VXLANOptions(vni: overlay.vni.value, local: overlay.local, port: overlay.port)),
            mac: overlay.mac, mtu: network.mtu, master: network.bridge.text,
            port: PortOptions(
                learning: false, unicastFlood: false, multicastFlood: false, broadcastFlood: false,
                suppressesNeighbours: true, locked: desired.evpn != nil),
            addressGeneration: 1, isUp: true, alias: mark(network.metadata, .network).text,
            alternativeName: overlay.alternativeName)
    }

    /// Whose MAC an address of an endpoint of this host has, on the bridge, where the routing daemon looks for what it tells
    /// other hosts. It finds the MAC itself among the entries of the endpoint's port.
    func announcedEntries(_ endpoint: Endpoint, _ network: Network) -> [NeighbourEntry] {
        guard endpoint.enabled else { return [] }
        return neighbourEntries(endpoint, network)
    }

    private func neighbourEntries(_ endpoint: Endpoint, _ network: Network) -> [NeighbourEntry] {
        let bridge = LinkReference(.host, network.bridge.text)
        let hasIPv6 = network.families.contains(.ipv6) && observed.features.ipv6
        let own = endpoint.addresses.map(\.address).filter { $0.family == .ipv4 || hasIPv6 }
        let local = hasIPv6 && !own.isEmpty ? [IPAddress.v6(endpoint.mac.linkLocal)] : []
        return (own + local).map { NeighbourEntry(link: bridge, address: $0, mac: endpoint.mac) }
    }

    /// Where frames for a remote endpoint go, and whose MAC the bridge answers with for its addresses.
    func entries(_ remote: RemoteEndpoint, _ network: Network, _ overlay: Overlay) -> [NeighbourEntry] {
        let tunnel = LinkReference(.host, overlay.tunnel.text)
        let endpoint = remote.endpoint
        let ways = endpoint.macs.flatMap { mac in
            [
                NeighbourEntry(link: tunnel, address: nil, mac: mac),
                NeighbourEntry(link: tunnel, address: nil, mac: mac, tunnelEnd: remote.underlay),
            ]
        }
        return ways + neighbourEntries(endpoint, network)
    }
}

extension VXLANOptions {
    var properties: [Property] {
        [
            Property("vni", String(vni)), Property("local", local?.description ?? ""), Property("port", String(port)),
            Property("learning", learning ? "on" : "off"), Property("limit", String(limit)),
            Property("ageing", String(ageing)),
        ]
    }

    var words: String {
        "vni \(vni) local \(local?.description ?? "any") port \(port) learning \(learning ? "on" : "off")"
    }
}
