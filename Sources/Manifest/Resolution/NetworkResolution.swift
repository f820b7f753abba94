internal import Addressing
internal import Model

extension StateBuilder {
    func network(_ document: NetworkDocument, host: String) -> Network? {
        guard let name = Naming.bridge(document.head.name) else { return nil }
        let isNAT = document.type.value == .nat
        return Network(
            metadata: document.head.metadata, type: document.type.value, bridge: name.interface,
            alternativeName: name.alternative, mac: Naming.bridgeMAC(network: document.head.name, host: host),
            subnets: document.subnets.map {
                Subnet(prefix: $0.prefix.value, gateway: Validator.gateway($0, document), source: $0.prefix.at)
            }, mtu: document.mtu?.value ?? 1500, routes: document.routes.map(Self.route),
            peers: Set(document.peers.map(\.value)).compactMap { ObjectName($0) }.sorted(),
            deniesIntraNetwork: document.deniesIntraNetwork, deniesHostAccess: document.deniesHostAccess,
            inbound: document.inbound, outboundNAT: isNAT ? outboundNAT(document, host: host) : nil)
    }

    private func outboundNAT(_ document: NetworkDocument, host: String) -> OutboundNAT? {
        let given = document.outboundNAT
        guard given?.enabled ?? true else { return nil }
        let onHost = machine?.outboundAddresses.first { $0.network.value == document.head.name.text }?.addresses
        return OutboundNAT(
            families: given?.families ?? AddressFamily.allCases,
            addresses: (onHost ?? given?.addresses ?? []).map(\.value).sorted(),
            exceptions: (given?.exceptions ?? []).map(\.value).sorted(),
            destinations: (given?.destinations ?? []).map(\.value).sorted(), ports: given?.ports)
    }

    static func route(_ document: RouteDocument) -> RouteSpec {
        RouteSpec(
            destination: document.to.value, via: document.via.value, metric: document.metric, source: document.to.at)
    }
}
