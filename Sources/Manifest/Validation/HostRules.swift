internal import Addressing
internal import Model

extension Validator {
    /// Hosts, what they say of networks, and the networks' selectors of hosts.
    mutating func checkHosts() {
        for host in documents.hosts {
            for uplink in host.uplinks { checkUplink(uplink) }
            for (network, addresses) in host.outboundAddresses { checkOutbound(network, addresses, host) }
            if let underlay = host.underlay { checkTunnelAddress(underlay, what: "underlay") }
            for peer in host.evpn?.peers ?? [] { checkTunnelAddress(peer, what: "evpn.peers") }
        }
        checkUnderlays()
        for network in documents.networks {
            guard let selector = network.hostSelector else { continue }
            checkSelector(selector)
            guard !documents.hosts.isEmpty, !mayMissHosts else { continue }
            if !documents.hosts.contains(where: { selector.matches($0.head.labels) }) {
                warn("Network/\(network.head.name): hostSelector selects no Host", at: selector.at)
            }
        }
        checkPlaces()
    }

    /// Whether there may be Hosts that could not be read.
    var mayMissHosts: Bool { documents.isIncomplete || documents.unread.contains { $0.kind == .host } }

    private mutating func checkUplink(_ uplink: HostDocument.Uplink) {
        guard let selector = uplink.selector else {
            fail(
                "uplinks: '\(uplink.name)' needs one of 'interface', 'mac' and 'defaultRoute: true', and only one",
                at: uplink.at)
            return
        }
        if case .interface(let name) = selector, ["lo", "all", "default"].contains(name.text) {
            fail("uplinks: '\(name)' leads to no physical network", at: uplink.at)
        }
    }

    private mutating func checkOutbound(
        _ network: Located<String>, _ addresses: [Located<IPAddress>], _ host: HostDocument
    ) {
        guard let declared = networks[network.value] else {
            missing(.network, network, among: Array(networks.keys))
            return
        }
        if declared.type.value == .l2bridge, declared.outboundNAT == nil {
            fail(
                "outboundAddresses: Network/\(network.value) of type l2bridge has no 'outboundNAT', which is off there unless given",
                at: network.at)
        }
        if declared.type.value != .nat && declared.type.value != .l2bridge {
            fail(
                "outboundAddresses: Network/\(network.value) is of type \(declared.type.value.rawValue), which has no outbound NAT",
                at: network.at)
        }
        if let selector = declared.hostSelector, !selector.matches(host.head.labels) {
            fail(
                "networks: Network/\(network.value) does not exist on Host/\(host.head.name) (its hostSelector does not select it)",
                at: network.at)
        }
        checkOnePerFamily(addresses, what: "outboundAddresses")
    }

    /// An address that datagrams between hosts are sent to.
    private mutating func checkTunnelAddress(_ address: Located<IPAddress>, what: String) {
        let value = address.value
        guard value.isUnspecified || value.isMulticast || value.isLoopback || value.isLinkLocal else { return }
        fail("\(what): \(value) is no address that other hosts can send to", at: address.at)
    }

    private mutating func checkUnderlays() {
        var owners: [IPAddress: ObjectName] = [:]
        for host in documents.hosts.sorted(by: { $0.head.name < $1.head.name }) {
            guard let underlay = host.underlay else { continue }
            if let other = owners.updateValue(host.head.name, forKey: underlay.value), other != host.head.name {
                fail(
                    "underlay: \(underlay.value) of Host/\(host.head.name) is also that of Host/\(other)",
                    at: underlay.at)
            }
        }
    }

    /// A compartment is where its endpoints are, or where it says; in a fleet one that does neither is nowhere.
    private mutating func checkPlaces() {
        guard !documents.hosts.isEmpty, !mayMissHosts, !documents.unread.contains(where: { $0.kind == .endpoint })
        else { return }
        for compartment in documents.compartments
        where compartment.host == nil && cards[compartment.head.name.text] == nil {
            warn(
                "Compartment/\(compartment.head.name) is on no Host: it has neither 'host' nor endpoints",
                at: compartment.head.at)
        }
    }
}
