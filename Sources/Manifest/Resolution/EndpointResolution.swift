internal import Addressing
internal import Model

extension StateBuilder {
    func endpoint(_ document: EndpointDocument, host: String, isOnly: Bool, bringsRoutes: Bool) -> Endpoint? {
        guard let network = networks[document.network.value], let device = device(document, on: network),
            let derived = Naming.port(document.head.name)
        else { return nil }
        let name = document.head.name
        let own = addresses[name] ?? []
        let hasDefault =
            (document.defaultRoute?.value ?? isOnly) && Validator.givesDefaultRoute(network)
        let gateways = hasDefault ? defaultGateways(network, own, host: host) : []
        let given = network.routes.filter { route in own.contains { $0.prefix.contains(route.via.value) } }
        let routes = ((bringsRoutes ? given : []) + document.routes).map(Self.route)
        let isRouted = network.type.value == .l2bridge
        let ways = isRouted && bringsRoutes ? ways(network, own, host: host) : []
        return Endpoint(
            metadata: document.head.metadata, network: network.head.name, device: device,
            hostInterface: document.hostInterface?.value ?? derived.interface,
            alternativeName: document.hostInterface == nil ? derived.alternative : nil,
            mac: document.mac?.value ?? Naming.endpointMAC(network: network.head.name, endpoint: name, host: host),
            hostMAC: portMAC(name, network, host: host), addresses: isRouted ? own.compactMap(\.alone) : own,
            hasAutomaticAddresses: document.addresses == nil,
            allowedAddresses: document.allowedAddresses, allowedMACs: document.allowedMACs,
            antiSpoof: document.antiSpoof ?? network.antiSpoof, defaultGateways: gateways,
            routes: (ways + routes).sorted { ($0.destination, $0.via) < ($1.destination, $1.via) },
            mtu: document.mtu?.value ?? network.mtu?.value ?? defaultMTU(network),
            hasAutomaticMTU: document.mtu == nil, enabled: document.enabled,
            portMappings: document.portMappings.map { mapping($0, own) }.sorted(by: Self.precedes),
            bandwidth: document.bandwidth?.limits ?? Bandwidth())
    }

    private func device(_ document: EndpointDocument, on network: NetworkDocument) -> Device? {
        guard let name = document.compartmentName else {
            if document.isMacvtap { return .macvtap }
            let tap = document.tap
            return .tap(
                TapOptions(
                    owner: tap?.owner.map { Account($0.value) }, group: tap?.group.map { Account($0.value) },
                    multiQueue: tap?.multiQueue ?? false))
        }
        guard let compartment = ObjectName(name), let interface = document.interface?.value ?? InterfaceName("eth0")
        else { return nil }
        let seat = Seat(compartment: compartment, interface: interface)
        return network.isMacvlan ? .macvlan(seat) : .nic(seat)
    }

    /// A bridge whose MAC nobody has set takes the lowest one of its ports: on somebody else's ours is above all others,
    /// those of virtual machines too, which begin with fe (libvirt's with fe:54:00).
    private func portMAC(_ name: ObjectName, _ network: NetworkDocument, host: String) -> MACAddress {
        let mac = Naming.portMAC(network: network.head.name, endpoint: name, host: host)
        guard network.existingBridge != nil else { return mac }
        return MACAddress(value: mac.value & 0x0000_ffff_ffff | 0xfeff_0000_0000)
    }

    /// The first gateway of each family in a subnet where the endpoint has an address.
    private func defaultGateways(
        _ network: NetworkDocument, _ own: [InterfaceAddress], host: String
    ) -> [IPAddress] {
        AddressFamily.allCases.compactMap { family in
            network.subnets.lazy.filter { subnet in
                subnet.prefix.value.family == family && own.contains { subnet.prefix.value.contains($0.address) }
            }.compactMap { gateway($0, network, host: host) }.first
        }
    }

    /// Behind that of the routes that the kernel makes with addresses that have a prefix: while a network changes its type,
    /// both are there, and the kernel has one place for a metric.
    private static let wayMetric: UInt32 = 1024

    /// Routes to the subnets themselves where the host routes to them: nobody but the gateway is on the link.
    private func ways(_ network: NetworkDocument, _ own: [InterfaceAddress], host: String) -> [RouteSpec] {
        network.subnets.filter { subnet in own.contains { subnet.prefix.value.contains($0.address) } }
            .compactMap { subnet in
                gateway(subnet, network, host: host).map {
                    RouteSpec(
                        destination: subnet.prefix.value, via: $0, metric: Self.wayMetric, source: subnet.prefix.at)
                }
            }
    }

    private func mapping(_ document: PortMappingDocument, _ own: [InterfaceAddress]) -> PortMapping {
        let families = AddressFamily.allCases.filter { family in
            own.contains { $0.address.family == family }
                && document.hostAddress.map { $0.value.family == family } ?? true
        }
        return PortMapping(
            transport: document.transport, hostPorts: document.hostPorts.value, ports: document.ports.value,
            hostAddress: document.hostAddress.flatMap { $0.value.isUnspecified ? nil : $0.value },
            families: families, allowShadow: document.allowShadow, source: document.at)
    }

    private static func precedes(_ left: PortMapping, _ right: PortMapping) -> Bool {
        if left.transport != right.transport { return left.transport < right.transport }
        let (a, b) = (left.hostAddress?.description ?? "", right.hostAddress?.description ?? "")
        return a == b ? left.hostPorts < right.hostPorts : a < b
    }
}

extension InterfaceAddress {
    /// Without a prefix: nobody else is on the link.
    fileprivate var alone: InterfaceAddress? { InterfaceAddress(address: address, length: address.family.width) }
}
