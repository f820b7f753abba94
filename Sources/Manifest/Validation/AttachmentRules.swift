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
