internal import Addressing
internal import Model

extension Validator {
    /// Overlays whose entries come from BGP EVPN, and the Hosts that they are on.
    mutating func checkEVPN() {
        let overlays = documents.networks.filter { $0.type.value == .overlay && $0.vxlan != nil }
            .sorted { $0.head.name < $1.head.name }
        let learning = overlays.filter { $0.vxlan?.evpnAt != nil }
        for network in learning { checkLearning(network) }
        checkLearntIdentifiers(learning)
        for host in documents.hosts.sorted(by: { $0.head.name < $1.head.name }) {
            guard let network = learning.first(where: { $0.exists(on: host) }) else { continue }
            if let other = overlays.first(where: { $0.vxlan?.evpnAt == nil && $0.exists(on: host) }) {
                fail(
                    "Host/\(host.head.name): Network/\(network.head.name) has controlPlane 'evpn' and "
                        + "Network/\(other.head.name) has 'manifests'; FRR tells of every tunnel of a host, so its overlays "
                        + "have one", at: network.vxlan?.evpnAt ?? network.type.at)
            }
            checkSessions(of: host, for: network)
        }
    }

    private mutating func checkLearning(_ network: NetworkDocument) {
        guard network.hasGateway, let place = network.vxlan?.evpnAt else { return }
        fail(
            "Network/\(network.head.name): an overlay with 'gateway' needs controlPlane 'manifests'; with 'evpn' there is "
                + "none yet", at: place)
    }

    /// FRR tells tunnels apart by their identifiers, whatever their ports.
    private mutating func checkLearntIdentifiers(_ networks: [NetworkDocument]) {
        var owners: [VNI: ObjectName] = [:]
        for network in networks {
            guard let vni = network.vxlan?.vni else { continue }
            if let other = owners.updateValue(network.head.name, forKey: vni.value) {
                fail(
                    "vni \(vni.value) of Network/\(network.head.name) is also that of Network/\(other); on evpn it has to "
                        + "be another one, whatever the port", at: vni.at)
            }
        }
    }

    private mutating func checkSessions(of host: HostDocument, for network: NetworkDocument) {
        let name = host.head.name
        guard let evpn = host.evpn else {
            if host.head.place("evpn") == nil {
                fail(
                    "Host/\(name) has no 'evpn', which Network/\(network.head.name) with controlPlane 'evpn' needs on it",
                    at: host.head.at)
            }
            return
        }
        if let underlay = host.underlay, underlay.value.family == .ipv6 {
            fail(
                "underlay: \(underlay.value) of Host/\(name): BGP EVPN by FRR takes IPv4 addresses for the ends of tunnels",
                at: underlay.at)
        }
        if evpn.peers.isEmpty || evpn.peers.count > Self.mostPeers {
            fail(
                "evpn.peers of Host/\(name): \(evpn.peers.count) are given, and it takes 1 to \(Self.mostPeers)",
                at: host.head.place("evpn") ?? host.head.at)
        }
        checkPeers(evpn, of: host)
    }

    private mutating func checkPeers(_ evpn: HostDocument.EVPN, of host: HostDocument) {
        var known: Set<IPAddress> = []
        for peer in evpn.peers {
            if peer.value.family == .ipv6 {
                fail(
                    "evpn.peers: \(peer.value): sessions come from the underlay address, which is IPv4, so peers are too",
                    at: peer.at)
            }
            if peer.value == host.underlay?.value {
                fail("evpn.peers: \(peer.value) is Host/\(host.head.name) itself", at: peer.at)
            }
            if !known.insert(peer.value).inserted { fail("evpn.peers: \(peer.value) is given twice", at: peer.at) }
            let other = documents.hosts.first { $0.underlay?.value == peer.value }
            if let other, let asn = other.evpn?.asn, asn != evpn.asn {
                fail(
                    "evpn.peers: \(peer.value) is Host/\(other.head.name) of AS \(asn), and Host/\(host.head.name) is of AS "
                        + "\(evpn.asn); peers of another AS are not in this version yet", at: peer.at)
            }
        }
    }

    private static let mostPeers = 256
}
