internal import Addressing
internal import Model

extension Context {
    /// The bridge of a network. It is made down; settings are written before it goes up.
    ///
    /// One that stands for an interface has its MAC, so that neighbours and DHCP servers know the host by it as before,
    /// and its MTU.
    func bridgeSpec(_ network: Network) -> LinkSpec {
        let uplink = uplink(network)
        return LinkSpec(
            reference: LinkReference(.host, network.bridge.text), kind: .bridge(BridgeOptions()),
            mac: uplink?.mac ?? network.mac, mtu: uplink?.mtu ?? network.mtu,
            addressGeneration: uplink?.addressGeneration ?? (network.hasHostSide ? 0 : 1), isUp: false,
            alias: mark(network.metadata, .network).text, alternativeName: network.alternativeName)
    }

    /// The host's addresses on the bridge; without a place on the switch there is none, not even a link-local one.
    func bridgeAddresses(_ network: Network) -> [InterfaceAddress] {
        guard network.hasHostSide else { return [] }
        if network.isRouted { return linkGateways(network) }
        return network.subnets.compactMap { subnet in
            subnet.gateway.flatMap { InterfaceAddress(address: $0, length: subnet.prefix.length) }
        }.sorted()
    }

    /// Gateways without a prefix, each once; that of IPv6 the kernel gives, unless the manifest does.
    private func linkGateways(_ network: Network) -> [InterfaceAddress] {
        let gateways = Set(network.subnets.compactMap(\.gateway)).filter { $0 != .v6(network.mac.linkLocal) }
        return gateways.compactMap { InterfaceAddress(address: $0, length: $0.family.width) }.sorted()
    }

    /// The host's routes by the bridge: to each endpoint of a network that it routes to.
    func bridgeRoutes(_ network: Network) -> [(entry: RouteEntry, source: SourceLocation)] {
        guard network.isRouted else { return [] }
        let bridge = LinkReference(.host, network.bridge.text)
        return (endpointsByNetwork[network.metadata.name] ?? []).flatMap { endpoint in
            endpoint.addresses.map(\.address).map { address in
                (
                    RouteEntry(
                        link: bridge, destination: IPPrefix(host: address), gateway: nil,
                        metric: defaultMetric(address.family)), endpoint.metadata.source
                )
            }
        }
    }

    /// Routes to endpoints that no manifest declares any more, and that this plan leaves alone.
    func stayingRoutes(_ network: Network, _ link: ObservedLink) -> [(entry: RouteEntry, source: SourceLocation)] {
        let there = routes[.host]?[link.index] ?? []
        guard network.isRouted, !there.isEmpty else { return [] }
        let staying = stayingAddresses()
        let wanted = Set((endpointsByNetwork[network.metadata.name] ?? []).flatMap(\.addresses).map(\.address))
        return there.filter { route in
            route.destination.length == route.destination.family.width
                && staying.contains(route.destination.address) && !wanted.contains(route.destination.address)
        }.map { ($0.entry(on: LinkReference(.host, link.name)), network.metadata.source) }
    }

    /// Whether the bridge routes a family: to the world, or to peers.
    func routes(_ network: Network, _ family: AddressFamily) -> Bool {
        guard network.families.contains(family), network.hasHostSide else { return false }
        return network.type == .nat || network.isRouted || !network.peers.isEmpty
    }

    /// Kernel settings of the bridge, by path below `/proc/sys`.
    func bridgeSettings(_ network: Network) -> [(path: String, value: String)] {
        if let uplink = uplink(network) { return uplinkSettings(network, uplink) }
        let v4 = "net/ipv4/conf/\(network.bridge)"
        let v6 = "net/ipv6/conf/\(network.bridge)"
        var settings = [
            ("\(v4)/accept_redirects", "0"), ("\(v4)/accept_source_route", "0"),
            ("\(v4)/forwarding", routes(network, .ipv4) ? "1" : "0"),
            // A surplus address must not take the others of its subnet along when it goes.
            ("\(v4)/promote_secondaries", "1"),
            ("\(v4)/route_localnet", publishesOnLoopback(network) ? "1" : "0"),
        ]
        guard observed.features.ipv6, IPv6Half.exists(mtu: network.mtu) else { return settings }
        settings += [("\(v6)/disable_ipv6", speaksIPv6(network) ? "0" : "1")]
        // While its link-local address is being checked for duplicates the host solicits no neighbours, and so forwards
        // nothing to endpoints.
        settings += ["accept_dad", "accept_ra", "accept_redirects", "accept_source_route"].map { ("\(v6)/\($0)", "0") }
        if observed.features.forceForwarding {
            settings.append(("\(v6)/force_forwarding", routes(network, .ipv6) ? "1" : "0"))
        }
        return settings
    }

    /// An overlay's bridge needs IPv6, though no address of it, for the neighbours that it answers for.
    private func speaksIPv6(_ network: Network) -> Bool {
        network.hasHostSide || (network.overlay != nil && network.families.contains(.ipv6))
    }

    /// Whether a mapping of the network can be reached by 127.0.0.1, for which the bridge needs `route_localnet`.
    private func publishesOnLoopback(_ network: Network) -> Bool {
        (endpointsByNetwork[network.metadata.name] ?? []).contains { endpoint in
            endpoint.portMappings.contains { $0.families.contains(.ipv4) && $0.hostAddress?.isLoopback ?? true }
        }
    }
}
