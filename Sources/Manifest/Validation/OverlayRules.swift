internal import Addressing
internal import Model

extension Validator {
    /// What an overlay needs beside what every network does.
    mutating func checkOverlay(_ network: NetworkDocument) {
        guard network.type.value == .overlay else { return }
        let name = network.head.name
        if network.vxlan == nil, network.head.place("vxlan") == nil {
            fail("Network/\(name): 'vxlan' is missing; an overlay needs `vxlan: {vni: NUMBER}`", at: network.type.at)
        }
        checkGateway(network)
        checkUnderlays(of: network)
    }

    /// One family, an address on each Host.
    private mutating func checkUnderlays(of network: NetworkDocument) {
        let name = network.head.name
        if documents.hosts.isEmpty {
            guard !mayMissHosts else { return }
            fail(
                "Network/\(name) is an overlay, which spans Hosts: declare them, each with 'underlay'",
                at: network.type.at)
            return
        }
        let hosts = documents.hosts.filter(network.exists).sorted { $0.head.name < $1.head.name }
        for host in hosts where host.underlay == nil {
            fail(
                "Host/\(host.head.name) has no 'underlay', which the overlay Network/\(name) needs on it",
                at: host.head.at)
        }
        let ends = hosts.compactMap { host in host.underlay.map { (host.head.name, $0.value) } }
        guard let first = ends.first, let other = ends.first(where: { $0.1.family != first.1.family }) else { return }
        fail(
            "Network/\(name): the underlay addresses of Host/\(first.0) (\(first.1)) and Host/\(other.0) (\(other.1)) are of "
                + "different families; the Hosts of an overlay need those of one", at: network.type.at)
    }

    /// Two overlays on one port are told apart by their identifiers alone.
    mutating func checkIdentifiers() {
        var owners: [String: ObjectName] = [:]
        for network in documents.networks.sorted(by: { $0.head.name < $1.head.name }) {
            guard network.type.value == .overlay, let vxlan = network.vxlan else { continue }
            let key = "\(vxlan.vni.value) \(vxlan.port)"
            if let other = owners.updateValue(network.head.name, forKey: key), other != network.head.name {
                fail(
                    "vni \(vxlan.vni.value) of Network/\(network.head.name) is also that of Network/\(other)",
                    at: vxlan.vni.at)
            }
        }
    }
}
