internal import Addressing
internal import Model

extension Validator {
    mutating func checkEndpoint(_ endpoint: EndpointDocument) {
        checkHost(endpoint)
        if let compartment = endpoint.compartment, ObjectName(compartment.value) == nil {
            fail("compartment: '\(compartment.value)' is no name", at: compartment.at)
        }
        if let mac = endpoint.mac, mac.value.isMulticast || mac.value.value == 0 {
            fail("mac: \(mac.value) is a group address or zero, which no card can have", at: mac.at)
        }
        if let interface = endpoint.interface, ["lo", "all", "default"].contains(interface.value.text) {
            fail("interface: '\(interface.value)' has another meaning in every namespace", at: interface.at)
        }
        if let name = endpoint.hostInterface, ["lo", "all", "default"].contains(name.value.text) {
            fail("hostInterface: '\(name.value)' has another meaning in every namespace", at: name.at)
        }
        if endpoint.device.map(\.value) ?? "nic" == "nic", let place = endpoint.head.place("tap") {
            fail("'tap' is not used by device nic", at: place)
        }
        if let device = endpoint.device, device.value != "nic" {
            for field in ["compartment", "interface"] {
                guard let place = endpoint.head.place(field) else { continue }
                fail("'\(field)' is not used by device \(device.value), which is in no compartment", at: place)
            }
        }
        guard let network = networks[endpoint.network.value] else {
            missing(.network, endpoint.network, among: Array(networks.keys))
            return
        }
        checkMacvlan(endpoint, network)
        if endpoint.isMacvtap, !network.isMacvlan, network.type.value != .l2bridge, let place = endpoint.device?.at {
            fail(
                "device macvtap is not used by Network/\(network.head.name), whose endpoints are on a bridge; use tap there, or a "
                    + "network with 'attachment: macvlan' or of type l2tunnel", at: place)
        }
        checkMTU(endpoint, network)
        checkAllowed(endpoint, network)
        checkBandwidth(endpoint, network)
        checkRoutes(endpoint.routes, network)
        for route in endpoint.routes { checkRoute(route, endpoint, network) }
        if endpoint.addresses != nil { checkAddresses(endpoint, network) } else { checkPools(endpoint, network) }
        if network.type.value == .l2bridge { checkRouted(endpoint, network) }
        if network.type.value != .nat, endpoint.portMappings.isEmpty, let place = endpoint.head.place("portMappings") {
            fail(
                "'portMappings' are not used on networks of type \(network.type.value.rawValue)", at: place,
                about: .publishedPort)
        }
        for mapping in endpoint.portMappings { checkMapping(mapping, endpoint, network) }
        if endpoint.defaultRoute?.value == true, !Self.givesDefaultRoute(network), let place = endpoint.defaultRoute?.at
        {
            fail("defaultRoute: Network/\(network.head.name) has no gateway that leads anywhere", at: place)
        }
    }

    /// Whether endpoints of the network can have a default route through it.
    static func givesDefaultRoute(_ network: NetworkDocument) -> Bool {
        switch network.type.value {
        case .nat, .l2bridge: true
        case .internal: !network.peers.isEmpty
        case .transparent, .l2tunnel, .overlay: network.hasGateway
        case .private: false
        }
    }

    private mutating func checkHost(_ endpoint: EndpointDocument) {
        let name = endpoint.head.name
        guard let host = endpoint.host else {
            if !documents.hosts.isEmpty {
                fail(
                    "Endpoint/\(name): 'host' is missing; it is required where Hosts are declared", at: endpoint.head.at
                )
            }
            return
        }
        guard let declared = hosts[host.value] else {
            missing(.host, host, among: Array(hosts.keys))
            return
        }
        if let network = networks[endpoint.network.value], let selector = network.hostSelector,
            !selector.matches(declared.head.labels)
        {
            fail(
                "Endpoint/\(name): Network/\(network.head.name) does not exist on Host/\(host.value) (its hostSelector does not select it)",
                at: host.at)
        }
        if let compartment = endpoint.compartmentName.flatMap({ compartments[$0] }), let other = compartment.host,
            other.value != host.value
        {
            fail(
                "Endpoint/\(name) is on Host/\(host.value), its Compartment/\(compartment.head.name) on Host/\(other.value)",
                at: host.at)
        }
    }

    private mutating func checkMTU(_ endpoint: EndpointDocument, _ network: NetworkDocument) {
        guard let mtu = endpoint.mtu else { return }
        // What an overlay or an uplink leaves follows from the interface below, which only the host itself knows.
        let limit = network.mtu?.value ?? (network.followsInterface ? 65535 : 1500)
        if mtu.value > limit {
            fail("mtu: \(mtu.value) is more than the \(limit) bytes of Network/\(network.head.name)", at: mtu.at)
        }
        if mtu.value < 1280, network.subnets.contains(where: { $0.prefix.value.family == .ipv6 }) {
            fail("mtu: IPv6 needs at least 1280 bytes, and the network has an IPv6 subnet", at: mtu.at)
        }
    }

    private mutating func checkBandwidth(_ endpoint: EndpointDocument, _ network: NetworkDocument) {
        guard let bandwidth = endpoint.bandwidth else { return }
        let rates = [bandwidth.egress, bandwidth.ingress].compactMap(\.self)
        guard let slowest = rates.min(by: { $0.value < $1.value }) else {
            fail("bandwidth: set 'egress', 'ingress' or both; without one nothing is limited", at: bandwidth.at)
            return
        }
        guard let burst = bandwidth.burst else { return }
        let frame = Bandwidth.frame(mtu: endpoint.mtu?.value ?? network.mtu?.value ?? 1500)
        if burst.value.bytes < frame {
            fail(
                "bandwidth: burst: \(burst.value.bytes) bytes are less than the largest frame of \(frame), which would never "
                    + "pass; give more, or leave it to bulkhead", at: burst.at)
        }
        // The kernel keeps it as a time, in 32 bits of 64 ns.
        let most = slowest.value.bitsPerSecond / 8 * 256
        if UInt64(burst.value.bytes) > most {
            fail(
                "bandwidth: burst: \(burst.value.bytes) bytes are more than the slower rate lets through in 256 s, \(most), "
                    + "the most that the kernel can keep", at: burst.at)
        }
    }

    private mutating func checkAddresses(_ endpoint: EndpointDocument, _ network: NetworkDocument) {
        var seen: Set<IPAddress> = []
        for address in endpoint.addresses ?? [] {
            if !seen.insert(address.value).inserted { fail("address \(address.value) is given twice", at: address.at) }
            guard let subnet = network.subnets.first(where: { $0.prefix.value.contains(address.value) }) else {
                let prefixes = network.subnets.map { "\($0.prefix.value)" }.joined(separator: ", ")
                fail(
                    "address \(address.value) lies in no subnet of Network/\(network.head.name)\(prefixes.isEmpty ? ", which has none" : " (\(prefixes))")",
                    at: address.at)
                continue
            }
            if !subnet.prefix.value.isUsable(address.value) {
                fail(
                    "address \(address.value) is the network or broadcast address of \(subnet.prefix.value)",
                    at: address.at)
            } else if Self.gateway(subnet, network) == address.value {
                fail("address \(address.value) is the gateway of Network/\(network.head.name)", at: address.at)
            }
        }
    }

    /// The next hop of the subnet: the host's address where the host is the gateway.
    static func gateway(_ subnet: SubnetDocument, _ network: NetworkDocument) -> IPAddress? {
        switch network.type.value {
        case .private: nil
        // Without one the gateway of an l2bridge is an address of the link, in no subnet.
        case .overlay, .transparent, .l2bridge, .l2tunnel: subnet.gateway?.value
        case .nat, .internal: subnet.gateway?.value ?? subnet.prefix.value.firstUsable
        }
    }

    private mutating func checkMapping(
        _ mapping: PortMappingDocument, _ endpoint: EndpointDocument, _ network: NetworkDocument
    ) {
        guard network.type.value == .nat else {
            fail(
                "'portMappings' are not used on networks of type \(network.type.value.rawValue)", at: mapping.at,
                about: .publishedPort)
            return
        }
        if mapping.hostPorts.value.count != mapping.ports.value.count {
            fail(
                "portMappings: hostPort \(mapping.hostPorts.value) and port \(mapping.ports.value) differ in length",
                at: mapping.ports.at, about: .publishedPort)
        }
        let families = Self.families(endpoint, network)
        if families.isEmpty {
            fail(
                "portMappings: Endpoint/\(endpoint.head.name) has no address to lead to", at: mapping.at,
                about: .publishedPort)
        } else if let address = mapping.hostAddress {
            if address.value.family == .ipv6 && address.value.isLoopback {
                fail(
                    "portMappings: there is no way from ::1 into a compartment; use 127.0.0.1, or leave hostAddress out",
                    at: address.at, about: .publishedPort)
            } else if address.value.isMulticast || (address.value.isLinkLocal && address.value.family == .ipv6) {
                fail(
                    "portMappings: hostAddress \(address.value) cannot be published on", at: address.at,
                    about: .publishedPort)
            } else if !families.contains(address.value.family) {
                fail(
                    "portMappings: hostAddress \(address.value) is \(address.value.family.rawValue), and Endpoint/\(endpoint.head.name) has no such address",
                    at: address.at, about: .publishedPort)
            }
        }
    }

    /// Families in which the endpoint has an address.
    static func families(_ endpoint: EndpointDocument, _ network: NetworkDocument) -> [AddressFamily] {
        AddressFamily.allCases.filter { family in
            if let addresses = endpoint.addresses { return addresses.contains { $0.value.family == family } }
            return network.subnets.contains { $0.prefix.value.family == family }
        }
    }
}
