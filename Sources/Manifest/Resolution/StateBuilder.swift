internal import Addressing
internal import Model

/// Fills in defaults and resolves references of documents that have been checked.
struct StateBuilder {
    let documents: Documents
    let scope: ObjectName?
    /// nil where no machine is known.
    var host: String?
    let networks: [String: NetworkDocument]
    private let hosts: [String: HostDocument]
    /// The Host document of this machine.
    var machine: HostDocument? { host.flatMap { hosts[$0] } }
    var diagnostics: [Diagnostic] = []
    /// Addresses of every endpoint of every host, with prefix lengths.
    var addresses: [ObjectName: [InterfaceAddress]] = [:]

    init(_ documents: Documents, scope: ObjectName?, host: String?) {
        self.documents = documents
        self.scope = scope
        self.host = host
        hosts = Dictionary(documents.hosts.map { ($0.head.name.text, $0) }, uniquingKeysWith: { first, _ in first })
        networks = Dictionary(
            documents.networks.map { ($0.head.name.text, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// Explicit addresses, then automatic ones of what is left, over all hosts.
    mutating func assignAddresses() {
        let groups = Dictionary(grouping: documents.endpoints, by: \.network.value)
        for network in documents.networks {
            let endpoints = groups[network.head.name.text] ?? []
            let explicit = Set(endpoints.flatMap { $0.addresses ?? [] }.map(\.value))
            for subnet in network.subnets {
                let prefix = subnet.prefix.value
                for endpoint in endpoints {
                    for address in endpoint.addresses ?? [] where prefix.contains(address.value) {
                        append(address.value, prefix, to: endpoint.head.name)
                    }
                }
                assignAutomatic(network, subnet, endpoints.filter { $0.addresses == nil }, explicit)
            }
        }
        for name in addresses.keys { addresses[name]?.sort() }
    }

    private mutating func assignAutomatic(
        _ network: NetworkDocument, _ subnet: SubnetDocument, _ endpoints: [EndpointDocument],
        _ explicit: Set<IPAddress>
    ) {
        guard !endpoints.isEmpty else { return }
        var excluded = explicit
        if let gateway = Validator.gateway(subnet, network) { excluded.insert(gateway) }
        let allocation = Allocation(
            network: network.head.name.text, prefix: subnet.prefix.value, pool: subnet.pool.map(\.value),
            reserved: subnet.reserved.map(\.value), excluded: excluded)
        guard UInt128(endpoints.count) <= allocation.free else {
            let wanted = endpoints.count == 1 ? "one endpoint wants one" : "\(endpoints.count) endpoints want one"
            diagnostics.append(
                Diagnostic(
                    .error,
                    "\(subnet.prefix.value) of Network/\(network.head.name) has too few automatic addresses: \(wanted) and "
                        + "\(allocation.free) are free; widen 'pool' or the prefix, or give some endpoints 'addresses'",
                    at: subnet.prefix.at))
            return
        }
        for (name, address) in allocation.assign(endpoints.map(\.head.name.text)) {
            guard let name = ObjectName(name) else { continue }
            append(address, subnet.prefix.value, to: name)
        }
    }

    private mutating func append(_ address: IPAddress, _ prefix: IPPrefix, to endpoint: ObjectName) {
        guard let value = InterfaceAddress(address: address, length: prefix.length) else { return }
        addresses[endpoint, default: []].append(value)
    }

    /// The share of this host.
    func build() -> DesiredState? {
        guard let scope, let host else { return nil }
        let mine = documents.endpoints.filter { documents.hosts.isEmpty || $0.host?.value == host }
            .sorted { $0.head.name < $1.head.name }
        let networks = documents.networks.filter(isHere).sorted { $0.head.name < $1.head.name }
            .compactMap { network($0, host: host) }
        let cards = mine.inCompartments
        let others = remoteDocuments(host)
        let visible = mine + others
        var state = DesiredState(
            scope: scope, host: host, networks: networks, compartments: compartments(cards, host: host),
            endpoints: mine.compactMap { endpoint($0, host: host, cards) },
            policies: policies(selecting: mine, among: visible), remotes: remotes(others),
            remotePolicies: policies(selecting: others, among: visible), evpn: evpn())
        state.fingerprint = Fingerprint.of(state)
        return state
    }

    private func endpoint(
        _ document: EndpointDocument, host: String, _ cards: [String: [EndpointDocument]]
    ) -> Endpoint? {
        let siblings = document.compartmentName.flatMap { cards[$0] } ?? [document]
        // Two cards on one network need its routes once: a table holds one of each.
        let first = siblings.first { $0.network.value == document.network.value && addresses[$0.head.name] != nil }
        return endpoint(
            document, host: host, isOnly: siblings.count == 1, bringsRoutes: first?.head.name == document.head.name)
    }

    /// Endpoints of other Hosts that share an overlay of this one, by name.
    private func remoteDocuments(_ host: String) -> [EndpointDocument] {
        let overlays = Set(
            documents.networks.filter { $0.type.value == .overlay && isHere($0) }.map(\.head.name.text))
        guard !overlays.isEmpty else { return [] }
        return documents.endpoints.filter { overlays.contains($0.network.value) && $0.host?.value != host }
            .sorted { $0.head.name < $1.head.name }
    }

    private func remotes(_ endpoints: [EndpointDocument]) -> [RemoteEndpoint] {
        guard !endpoints.isEmpty else { return [] }
        let compartments = Set(endpoints.compactMap(\.compartmentName))
        let cards = documents.endpoints.inCompartments.filter { compartments.contains($0.key) }
            .mapValues { $0.sorted { $0.head.name < $1.head.name } }
        return endpoints.compactMap { document in
            guard let host = document.host.flatMap({ hosts[$0.value] }), let underlay = host.underlay,
                let endpoint = endpoint(document, host: host.head.name.text, cards)
            else { return nil }
            return RemoteEndpoint(endpoint: endpoint, host: host.head.name, underlay: underlay.value)
        }
    }

    /// How the overlays of this host learn, where they do.
    private func evpn() -> EVPN? {
        guard let machine, let evpn = machine.evpn, case .v4(let local)? = machine.underlay?.value,
            documents.networks.contains(where: { $0.vxlan?.evpnAt != nil && $0.type.value == .overlay && isHere($0) })
        else { return nil }
        let peers = evpn.peers.compactMap { peer -> IPv4Address? in
            if case .v4(let address) = peer.value { return address }
            return nil
        }
        return EVPN(
            asn: evpn.asn, local: local, peers: peers.sorted(), source: machine.head.place("evpn") ?? machine.head.at)
    }

    private func isHere(_ network: NetworkDocument) -> Bool { machine.map(network.exists) ?? true }

    func compartmentName(_ endpoint: EndpointDocument) -> String { endpoint.compartmentName ?? "" }
}
