internal import Addressing
internal import Model

extension NetworkDocument {
    /// Whether it is joined to a physical network.
    var isAttached: Bool {
        switch type.value {
        case .transparent, .l2bridge, .l2tunnel: true
        case .nat, .internal, .private, .overlay: false
        }
    }

    /// Whether its automatic MTU follows from an interface, which only the host itself knows.
    var followsInterface: Bool { isAttached || type.value == .overlay }
}

extension Validator {
    /// What joins a network to a physical one: an uplink, or a bridge that is there.
    mutating func checkAttachment(_ network: NetworkDocument) {
        guard network.isAttached else { return }
        if network.head.place("bridge") != nil {
            for field in ["uplink", "vlan", "attachment"] {
                guard let place = network.head.place(field) else { continue }
                fail("'\(field)' is not used together with 'bridge', which names a bridge that has its own", at: place)
            }
            return
        }
        guard let uplink = network.uplink else {
            let other = network.type.value == .transparent ? ", or 'bridge: {existing: NAME}'" : ""
            fail(
                "Network/\(network.head.name): 'uplink' is missing; networks of type \(network.type.value.rawValue) need it\(other)",
                at: network.head.at)
            return
        }
        if uplink.name == nil && uplink.selector == nil {
            fail(
                "uplink: needs one of 'name', 'interface', 'mac' and 'defaultRoute: true', and only one",
                at: uplink.at)
        }
        if let name = uplink.name { checkUplinkName(name, network) }
    }

    /// Every Host that has the network must say which interface the name is for.
    private mutating func checkUplinkName(_ name: Located<String>, _ network: NetworkDocument) {
        guard !mayMissHosts else { return }
        guard !documents.hosts.isEmpty else {
            fail(
                "uplink: '\(name.value)' is a name from a Host's 'uplinks', and no Host is declared; "
                    + "use 'interface', 'mac' or 'defaultRoute', or declare the Host", at: name.at)
            return
        }
        for host in documents.hosts where network.exists(on: host) {
            let names = host.uplinks.map(\.name)
            guard !names.contains(name.value) else { continue }
            fail(
                "uplink: Host/\(host.head.name), which has Network/\(network.head.name), has no uplink '\(name.value)'"
                    + Suggestion.phrase(name.value, among: names.sorted()), at: name.at)
        }
    }

    /// Addresses on a physical network are somebody's: only what the manifest lists is handed out.
    mutating func checkPools(_ endpoint: EndpointDocument, _ network: NetworkDocument) {
        guard network.isAttached else { return }
        for subnet in network.subnets where subnet.pool.isEmpty {
            fail(
                "Endpoint/\(endpoint.head.name) wants an automatic address of \(subnet.prefix.value), which has no 'pool'; on a physical network "
                    + "nothing else is handed out: add one, or give the endpoint 'addresses'", at: endpoint.head.at)
        }
    }

    /// The host answers for addresses, and routes to them: an endpoint of type l2bridge must have some, and be no card that
    /// somebody else's kernel drives.
    mutating func checkRouted(_ endpoint: EndpointDocument, _ network: NetworkDocument) {
        if let device = endpoint.device, device.value != "nic" {
            fail("device \(device.value) is not used on networks of type l2bridge; they have nic", at: device.at)
        }
        guard Self.families(endpoint, network).isEmpty else { return }
        fail(
            "Endpoint/\(endpoint.head.name) has no address, by which alone it is reached on a network of type l2bridge; give it "
                + "'addresses', or the network 'subnets'", at: endpoint.head.place("addresses") ?? endpoint.head.at)
    }

    /// A compartment has one way to an address, and so to the gateway of one card of type l2bridge, whose address has no
    /// prefix that leads there.
    mutating func checkGateways(of cards: [EndpointDocument], in compartment: String) {
        var taken: [IPAddress: ObjectName] = [:]
        for card in cards {
            guard let network = networks[card.network.value], network.type.value == .l2bridge else { continue }
            let gateways = network.subnets.compactMap { subnet in
                // That of IPv6 is in the prefix that every card has.
                subnet.gateway?.value
                    ?? (subnet.prefix.value.family == .ipv4
                        ? Subnet.linkGateway(.ipv4, mac: MACAddress(value: 0)) : nil)
            }
            if let gateway = Set(gateways).sorted().first(where: { taken[$0] != nil }), let other = taken[gateway] {
                fail(
                    "Endpoint/\(card.head.name) and Endpoint/\(other) of Compartment/\(compartment) have the gateway \(gateway), to which "
                        + "one compartment has one way; give one network another 'gateway', or put them into two compartments",
                    at: card.network.at)
            }
            for gateway in gateways { taken[gateway] = card.head.name }
        }
    }

    /// Two networks on one piece of wire would be one: their endpoints would meet, whatever the manifests say.
    mutating func checkSegments() {
        var seen: [String: NetworkDocument] = [:]
        for network in documents.networks.sorted(by: { $0.head.name < $1.head.name }) where network.isAttached {
            for host in documents.hosts.isEmpty ? [nil] : documents.hosts.map(Optional.some) {
                if let host, !network.exists(on: host) { continue }
                guard let segment = segment(network, host) else { continue }
                let key = "\(host?.head.name.text ?? "") \(segment)"
                guard let other = seen.updateValue(network, forKey: key) else { continue }
                fail(
                    "Network/\(other.head.name) and Network/\(network.head.name) would be one segment: both are on \(segment)"
                        + "\(host.map { " of Host/\($0.head.name)" } ?? ""); declare one network",
                    at: network.existingBridge?.at ?? network.uplink?.at ?? network.head.at)
                break
            }
        }
    }

    /// The wire in words; nil where it is not given as it should be.
    private func segment(_ network: NetworkDocument, _ host: HostDocument?) -> String? {
        if let bridge = network.existingBridge { return "bridge \(bridge.value)" }
        guard let uplink = network.uplink else { return nil }
        let tag = network.vlan.map { " VLAN \($0.value)" } ?? ""
        return Self.selector(uplink, host).map { "uplink {\($0)}\(tag)" }
    }

    /// The interface that an uplink means; nil where it is not given as it should be.
    static func selector(_ uplink: UplinkDocument, _ host: HostDocument?) -> UplinkSelector? {
        uplink.selector ?? uplink.name.flatMap { host?.uplink($0.value) }
    }
}
