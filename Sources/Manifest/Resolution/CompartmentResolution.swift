internal import Addressing
internal import Model

extension StateBuilder {
    /// Declared compartments of this host, and the implied ones of its endpoints.
    func compartments(_ cards: [String: [EndpointDocument]], host: String) -> [Compartment] {
        let declared = Dictionary(
            documents.compartments.map { ($0.head.name.text, $0) }, uniquingKeysWith: { first, _ in first })
        let here = documents.compartments.filter { document in
            cards[document.head.name.text] != nil || documents.hosts.isEmpty || document.host?.value == host
        }.map(\.head.name.text)
        let names = Set(here).union(cards.keys).sorted()
        let hosts = hostsByNetwork()
        let texts = hosts.mapValues { entries in entries.map(\.text).joined() }
        return names.compactMap { name in
            compartment(name, declared[name], (cards[name] ?? []).sorted { $0.head.name < $1.head.name }, hosts, texts)
        }
    }

    private func compartment(
        _ text: String, _ document: CompartmentDocument?, _ cards: [EndpointDocument],
        _ hosts: [String: [HostsEntry]], _ texts: [String: String]
    ) -> Compartment? {
        guard let name = ObjectName(text) else { return nil }
        let networks = cards.map(\.network.value).reduce(into: [String]()) { list, network in
            if !list.contains(network) { list.append(network) }
        }
        var metadata = document?.head.metadata
        if metadata == nil, let card = cards.first {
            metadata = ObjectMetadata(
                name: name, preventDestroy: card.head.preventDestroy, source: card.head.at)
        }
        guard let metadata else { return nil }
        let sysctls = (document?.sysctls ?? []).compactMap { key, value, place in
            Validator.sysctlPath(key).map { SysctlSetting(path: $0, value: value, source: place) }
        }
        var names = networks.count == 1 ? texts[networks[0]] ?? "" : merged(networks, hosts).map(\.text).joined()
        for alias in document?.aliases ?? [] { names += alias.text }
        return Compartment(
            metadata: metadata,
            namespace: document?.namespacePath.map { .adopted(path: $0.value) }
                ?? .owned(name: document?.namespaceName?.value ?? text),
            sysctls: sysctls.sorted(), dns: document?.dns ?? mergedDNS(networks),
            hostsText: names)
    }

    /// Names of the endpoints of each network, by address; made once because every compartment on it has them all.
    private func hostsByNetwork() -> [String: [HostsEntry]] {
        var result: [String: [HostsEntry]] = [:]
        for (network, endpoints) in Dictionary(grouping: documents.endpoints, by: \.network.value) {
            let entries = endpoints.flatMap { endpoint in
                (addresses[endpoint.head.name] ?? []).map {
                    HostsEntry(address: $0.address, names: [endpoint.head.name.text])
                }
            }
            result[network] = entries.sorted { $0.address < $1.address }
        }
        return result
    }

    private func merged(_ networks: [String], _ hosts: [String: [HostsEntry]]) -> [HostsEntry] {
        var seen: Set<HostsEntry> = []
        return networks.flatMap { hosts[$0] ?? [] }.sorted {
            ($0.address, $0.names.first ?? "") < ($1.address, $1.names.first ?? "")
        }
        .filter { seen.insert($0).inserted }
    }

    private func mergedDNS(_ names: [String]) -> DNSSettings? {
        var result = DNSSettings()
        for dns in names.compactMap({ networks[$0]?.dns }) {
            result.servers += dns.servers.filter { !result.servers.contains($0) }
            result.search += dns.search.filter { !result.search.contains($0) }
            result.options += dns.options.filter { !result.options.contains($0) }
        }
        return result.isEmpty ? nil : result
    }
}

/// A hash of all that a desired state says, places in files left out.
enum Fingerprint {
    private static func text(_ evpn: EVPN) -> String { " evpn \(evpn.asn) \(evpn.local) \(evpn.peers)" }

    static func of(_ state: DesiredState) -> String {
        var hash = StableHash.offset
        func take(_ text: String) { hash = StableHash.separate(StableHash.update(hash, text)) }
        take("\(state.scope) \(state.host)\(state.evpn.map(text) ?? "")")
        for network in state.networks {
            take(
                "\(network.id) \(network.type) \(network.bridge) \(network.mac) \(network.mtu) \(network.inbound) \(network.deniesIntraNetwork) \(network.deniesHostAccess) \(network.metadata.preventDestroy)"
            )
            for subnet in network.subnets { take("\(subnet.prefix) \(subnet.gateway.map { "\($0)" } ?? "-")") }
            take(network.peers.map(\.text).joined(separator: ","))
            take(network.outboundNAT.map { "\($0)" } ?? "-")
            if let attachment = network.attachment { take(attachment.words) }
            if let overlay = network.overlay { take("\(overlay)") }
        }
        for remote in state.remotes {
            take(
                "\(remote.endpoint.id) \(remote.endpoint.network) \(remote.host) \(remote.underlay) \(remote.endpoint.mac)"
            )
            take(
                "\(remote.endpoint.addresses) \(remote.endpoint.allowedAddresses) \(remote.endpoint.allowedMACs)")
        }
        var lastNames: (text: String, hash: UInt64)?
        var lastDNS: (dns: DNSSettings, text: String)?
        for compartment in state.compartments {
            // Compartments of one network share their names; hashing them once is enough.
            if lastNames?.text != compartment.hostsText {
                lastNames = (compartment.hostsText, StableHash.hash(compartment.hostsText))
            }
            take(String(lastNames?.hash ?? 0, radix: 16))
            take("\(compartment.id) \(text(compartment.namespace)) \(compartment.metadata.preventDestroy)")
            for setting in compartment.sysctls { take("\(setting.path)=\(setting.value)") }
            if lastDNS?.dns != compartment.dns { lastDNS = compartment.dns.map { ($0, "\($0)") } }
            take(compartment.dns.flatMap { _ in lastDNS?.text } ?? "-")
        }
        for endpoint in state.endpoints {
            take(
                "\(endpoint.id) \(endpoint.network) \(text(endpoint.device)) \(endpoint.hostInterface) \(endpoint.mac) \(endpoint.mtu) \(endpoint.enabled) \(endpoint.antiSpoof) \(endpoint.metadata.preventDestroy)"
            )
            take(
                "\(list(endpoint.addresses)) \(list(endpoint.allowedAddresses)) \(list(endpoint.allowedMACs)) \(list(endpoint.defaultGateways))"
            )
            if endpoint.bandwidth != Bandwidth() {
                let bandwidth = endpoint.bandwidth
                let rates = [bandwidth.egress, bandwidth.ingress].map { $0.map { "\($0.bitsPerSecond)" } ?? "-" }
                take("bandwidth \(rates) \(bandwidth.burst.map { "\($0.bytes)" } ?? "-")")
            }
            for route in endpoint.routes {
                take("\(route.destination) \(route.via) \(route.metric.map(String.init) ?? "-")")
            }
            for mapping in endpoint.portMappings {
                take(
                    "\(mapping.transport) \(mapping.hostPorts) \(mapping.ports) \(mapping.hostAddress.map { "\($0)" } ?? "-") \(mapping.families)"
                )
            }
        }
        var policies = PolicyFingerprint()
        for policy in state.policies { for line in policies.lines(policy) { take(line) } }
        let digits = String(StableHash.finish(hash), radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// As an array describes itself, which takes it a look at the types of its elements each time.
    private static func list(_ items: [some CustomStringConvertible]) -> String {
        "[" + items.map(\.description).joined(separator: ", ") + "]"
    }

    private static func text(_ device: Device) -> String {
        switch device {
        case .nic(let seat): "\(seat.compartment) \(seat.interface)"
        case .macvlan(let seat): "macvlan \(seat.compartment) \(seat.interface)"
        case .macvtap: "macvtap"
        case .tap(let options):
            "tap \(options.owner?.description ?? "-") \(options.group?.description ?? "-") \(options.multiQueue)"
        }
    }

    /// As an enumeration describes itself, which takes it a look at its own type each time.
    private static func text(_ namespace: Compartment.Namespace) -> String {
        switch namespace {
        case .owned(let name): "owned(name: \(name.debugDescription))"
        case .adopted(let path): "adopted(path: \(path.debugDescription))"
        }
    }
}
