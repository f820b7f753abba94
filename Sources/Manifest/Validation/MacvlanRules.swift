internal import Addressing
internal import Model

extension EndpointDocument {
    /// Whether it is to be a macvtap.
    var isMacvtap: Bool { device?.value == "macvtap" }

    /// Whether it has a link of the host for its own, on this network.
    func hasHostSide(on network: NetworkDocument?) -> Bool { isMacvtap || network?.isMacvlan != true }
}

extension NetworkDocument {
    /// Whether its endpoints are macvlans of its uplink.
    var isMacvlan: Bool {
        type.value == .l2tunnel || (type.value == .transparent && attachment?.value == "macvlan")
    }

    /// What makes it so, in words.
    fileprivate var macvlanWords: String { type.value == .l2tunnel ? "type l2tunnel" : "attachment macvlan" }

    /// What to use instead where that cannot be had.
    fileprivate var bridgeWords: String { type.value == .l2tunnel ? "type transparent" : "attachment bridge" }
}

extension Validator {
    /// What a macvlan cannot have: the host has no port of it, and does not see which of them sent a frame.
    mutating func checkMacvlan(_ network: NetworkDocument) {
        guard network.isMacvlan, network.head.place("bridge") == nil else { return }
        if let place = network.hostAccessAt {
            fail(
                "'hostAccess' is not used with \(network.macvlanWords): the kernel gives no path between a macvlan and its host",
                at: place)
        }
        if network.type.value == .l2tunnel, let place = network.intraNetworkAt {
            fail(
                "'intraNetwork' is not used by networks of type l2tunnel: what endpoints send to one another goes to the physical "
                    + "switch, which decides", at: place)
        }
        if !network.antiSpoof { failForgery(network, network.head.place("antiSpoof")) }
    }

    private mutating func failForgery(_ network: NetworkDocument, _ place: SourceLocation?) {
        fail(
            "'antiSpoof: false' is not possible with \(network.macvlanWords): the host does not see which endpoint sent a frame, so "
                + "that it would hold for none of them; give the endpoint 'allowedMACs' and 'allowedAddresses'",
            at: place)
    }

    /// The same of an endpoint.
    mutating func checkMacvlan(_ endpoint: EndpointDocument, _ network: NetworkDocument) {
        guard network.isMacvlan else { return }
        if let device = endpoint.device, device.value == "tap" {
            fail(
                "device tap is not used by networks with \(network.macvlanWords); use nic or macvtap, or \(network.bridgeWords), which "
                    + "has tap", at: device.at)
        }
        for field in ["hostInterface", "bandwidth"] {
            guard let place = endpoint.head.place(field), !(endpoint.isMacvtap && field == "hostInterface") else {
                continue
            }
            fail(
                "'\(field)' is not used with \(network.macvlanWords), where the host has no port of an endpoint",
                at: place)
        }
        if endpoint.antiSpoof == false { failForgery(network, endpoint.head.place("antiSpoof")) }
        if let compartment = endpoint.compartmentName.flatMap({ compartments[$0] }), compartment.namespacePath != nil {
            fail(
                "Endpoint/\(endpoint.head.name) is a macvlan in Compartment/\(compartment.head.name), whose namespace is somebody "
                    + "else's; that is not in this version yet: let bulkhead make the namespace, or use \(network.bridgeWords)",
                at: endpoint.compartment?.at ?? endpoint.head.at)
        }
    }

    /// Rules of policies look at connections, which no hook of the host sees of a macvlan.
    mutating func checkMacvlans(_ policy: PolicyDocument) {
        for endpoint in documents.endpoints where policy.selects(endpoint) {
            guard let network = networks[endpoint.network.value], network.isMacvlan else { continue }
            let kind = endpoint.isMacvtap ? "macvtap" : "macvlan"
            fail(
                "Policy/\(policy.head.name) selects Endpoint/\(endpoint.head.name) (\(endpoint.head.at)), which is a \(kind); policies "
                    + "for these are not in this version yet: leave it out of 'appliesTo', or use \(network.bridgeWords)",
                at: policy.target.at)
        }
    }
}
