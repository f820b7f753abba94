internal import Addressing
internal import Model

extension Context {
    /// The card of an endpoint; nil where its compartment or network is missing, which resolution rules out.
    func cardSpec(_ endpoint: Endpoint) -> LinkSpec? {
        if endpoint.isMacvlan { return endpoint.seat.flatMap { macvlanSpec(endpoint, $0) } }
        if endpoint.isMacvtap { return macvtapSpec(endpoint) }
        guard let kind = cardKind(endpoint), let network = networks[endpoint.network] else { return nil }
        return LinkSpec(
            reference: LinkReference(.host, endpoint.hostInterface.text), kind: kind,
            mac: portMAC(endpoint, network), mtu: portMTU(endpoint, network), master: network.bridge.text,
            port: portOptions(endpoint, network),
            addressGeneration: 1, isUp: endpoint.enabled, alias: mark(endpoint.metadata, of: endpoint.id).text,
            alternativeName: endpoint.alternativeName)
    }

    private func cardKind(_ endpoint: Endpoint) -> LinkSpec.Kind? {
        switch endpoint.device {
        case .tap(let options): .tap(options.resolved(observed.accounts ?? Accounts()))
        case .macvlan, .macvtap: nil
        case .nic(let seat):
            compartments[seat.compartment].map { compartment in
                .veth(
                    peer: PeerSpec(
                        reference: LinkReference(compartment.reference, seat.interface.text), mac: endpoint.mac,
                        mtu: endpoint.mtu))
            }
        }
    }

    /// A bridge whose MTU nobody has set follows the smallest one of its ports, and somebody else's must stay as it is.
    private func portMTU(_ endpoint: Endpoint, _ network: Network) -> Int {
        network.ownsBridge ? endpoint.mtu : attached[network.metadata.name]?.mtu ?? endpoint.mtu
    }

    /// Somebody else's bridge whose MAC nobody has set has that of its lowest port. A card that was taken over and is this port
    /// keeps it: with another, all who know the host by the bridge would lose it.
    private func portMAC(_ endpoint: Endpoint, _ network: Network) -> MACAddress {
        guard !network.ownsBridge, let bridge = attached[network.metadata.name], let mac = bridge.mac,
            let link = hostLinks[endpoint.hostInterface.text], link.mac == mac, link.master == bridge.index
        else { return endpoint.hostMAC }
        return mac
    }

    /// A published port is reached from its own endpoint through the port it came in by, which needs hairpin mode.
    ///
    /// On an overlay every MAC has its entry, so nothing is learnt and no frame for an unknown one goes around.
    private func portOptions(_ endpoint: Endpoint, _ network: Network) -> PortOptions {
        let learns = network.overlay == nil
        return PortOptions(hairpin: !endpoint.portMappings.isEmpty, learning: learns, unicastFlood: learns)
    }

    /// Forwarding entries of the card's port: on an overlay its MACs.
    func portEntries(_ endpoint: Endpoint) -> [NeighbourEntry] {
        guard networks[endpoint.network]?.overlay != nil else { return [] }
        let port = LinkReference(.host, endpoint.hostInterface.text)
        return endpoint.macs.map { NeighbourEntry(link: port, address: nil, mac: $0) }
    }

    /// Entries of a port that leaves its bridge for another one: a bridge forgets those of a port that goes.
    func entriesAround(_ endpoint: Endpoint, _ link: ObservedLink) -> Surroundings {
        Surroundings(
            arrivals: portEntries(endpoint).map { .addNeighbour($0) }, returns: forwardingEntries(of: link))
    }

    /// Routes of the card: the default ones, then those of network and endpoint.
    func cardRoutes(_ endpoint: Endpoint, link: LinkReference) -> [(entry: RouteEntry, source: SourceLocation)] {
        let defaults = endpoint.defaultGateways.sorted().map { gateway in
            (
                RouteEntry(
                    link: link, destination: IPPrefix(containing: gateway, length: 0), gateway: gateway,
                    metric: defaultMetric(gateway.family)), endpoint.metadata.source
            )
        }
        let others = endpoint.routes.map { route in
            (
                RouteEntry(
                    link: link, destination: route.destination, gateway: route.via,
                    metric: route.metric ?? defaultMetric(route.destination.family)), route.source
            )
        }
        return links(endpoint, link) + defaults + others + routerRoutes(endpoint, link: link)
    }

    /// The way to the gateway itself, where no prefix of the card's addresses leads there.
    private func links(_ endpoint: Endpoint, _ link: LinkReference) -> [(entry: RouteEntry, source: SourceLocation)] {
        guard let network = networks[endpoint.network], network.isRouted else { return [] }
        let hops = Set(endpoint.defaultGateways + endpoint.routes.map(\.via)).filter {
            $0 != .v6(network.mac.linkLocal)
        }
        return hops.sorted().map { gateway in
            (
                RouteEntry(
                    link: link, destination: IPPrefix(host: gateway), gateway: nil,
                    metric: defaultMetric(gateway.family)), endpoint.metadata.source
            )
        }
    }

    /// What the kernel puts where no priority is given: `IP6_RT_PRIO_USER`, or 0.
    func defaultMetric(_ family: AddressFamily) -> UInt32 {
        switch family {
        case .ipv4: 0
        case .ipv6: 1024
        }
    }

    /// Settings of the card inside its compartment that the manifest does not set itself.
    func cardSettings(_ endpoint: Endpoint, in compartment: Compartment) -> [(path: String, value: String)] {
        guard let interface = endpoint.seat?.interface else { return [] }
        let own = Set(compartment.sysctls.map(\.path))
        let v4 = "net/ipv4/conf/\(interface)"
        let v6 = "net/ipv6/conf/\(interface)"
        let chosen4 = compartment.inherited("net/ipv4/conf", "forwarding", alias: "net/ipv4/ip_forward")
        var settings = [
            ("\(v4)/accept_redirects", compartment.inherited("net/ipv4/conf", "accept_redirects")),
            ("\(v4)/accept_source_route", compartment.inherited("net/ipv4/conf", "accept_source_route")),
            ("\(v4)/forwarding", chosen4),
        ]
        if observed.features.ipv6, IPv6Half.exists(mtu: endpoint.mtu) {
            // In a namespace of others, IPv6 is their affair unless an address needs it.
            let isOurs = if case .owned = compartment.namespace { true } else { false }
            if isOurs || endpoint.addresses.contains(where: { $0.address.family == .ipv6 }) {
                settings.append(("\(v6)/disable_ipv6", compartment.inherited("net/ipv6/conf", "disable_ipv6")))
            }
            for key in ["accept_ra", "accept_redirects", "accept_source_route", "forwarding"] {
                settings.append(("\(v6)/\(key)", compartment.inherited("net/ipv6/conf", key)))
            }
        }
        return settings.filter { !own.contains($0.0) }
    }
}

extension Compartment {
    /// What a card gets where the manifest sets the namespace's `default` or `all`; else off.
    fileprivate func inherited(_ folder: String, _ key: String, alias: String? = nil) -> String {
        for path in ["\(folder)/all/\(key)", alias ?? "", "\(folder)/default/\(key)"] {
            if let setting = sysctls.first(where: { $0.path == path }) { return setting.value }
        }
        return "0"
    }
}
