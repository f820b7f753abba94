public import Addressing

/// The distributed gateway of an overlay on one host: a network namespace with a card on the overlay's own bridge, which has
/// the gateways' addresses and the same MAC on every host, and one on the bridge of each peer, by which it hands on what its
/// endpoints send there.
///
/// Each overlay has a router of its own, so that prefixes of overlays that are no peers may overlap, and that a network
/// that becomes a peer is a card that comes: what a router does not have a card for it leads nowhere. Answers come back by the
/// router of the other network.
public struct Router: Hashable, Sendable {
    /// The network whose endpoints send to it.
    public let network: ObjectName
    /// The namespace, `router-NETWORK`, which forwards.
    public let compartment: Compartment
    /// The card with the gateways' addresses.
    public let gateway: Endpoint
    /// A card on each peer's bridge, sorted by the peers' names. They have no address, and nothing is sent to them.
    public let legs: [Endpoint]

    /// All cards.
    public var cards: [Endpoint] { [gateway] + legs }

    /// What comes before the network's name in that of the namespace.
    public static let prefix = "router-"

    /// The router of a network; nil for one that is no overlay or has no gateway, and where it does not exist.
    init?(of network: Network, peers: [Network], host: String) {
        guard network.hasRouter, let port = Naming.gateway(network.metadata.name),
            let inside = InterfaceName("gateway")
        else { return nil }
        let name = Naming.router(network.metadata.name)
        let place = RouterPlace(network: network, compartment: name, host: host)
        self.network = network.metadata.name
        compartment = Compartment(
            metadata: ObjectMetadata(
                name: name, preventDestroy: network.metadata.preventDestroy, source: network.metadata.source),
            namespace: .owned(name: Self.prefix + network.metadata.name.text), sysctls: Self.settings(network),
            router: network.metadata.name)
        gateway = place.card(
            on: network, port: port, inside: inside, mac: Naming.gatewayMAC(network: network.metadata.name),
            addresses: network.gateways)
        legs = peers.compactMap { peer in
            guard let port = Naming.leg(of: network.metadata.name, on: peer.metadata.name),
                let inside = Naming.interface(prefix: "to-", name: peer.metadata.name)?.interface
            else { return nil }
            return place.card(
                on: peer, port: port, inside: inside,
                mac: Naming.legMAC(of: network.metadata.name, on: peer.metadata.name), addresses: [])
        }
    }

    /// A router forwards, and tells nobody of a shorter way: endpoints are to send to it.
    private static func settings(_ network: Network) -> [SysctlSetting] {
        let values = [
            ("net/ipv4/conf/all/forwarding", "1"), ("net/ipv4/conf/all/send_redirects", "0"),
            ("net/ipv4/conf/default/send_redirects", "0"),
        ]
        let values6 = network.families.contains(.ipv6) ? [("net/ipv6/conf/all/forwarding", "1")] : []
        return (values + values6).map {
            SysctlSetting(path: $0.0, value: $0.1, source: network.metadata.source)
        }.sorted()
    }
}

/// Where the cards of a router are.
private struct RouterPlace {
    let network: Network
    let compartment: ObjectName
    let host: String

    func card(
        on bridge: Network, port: Naming.Derived, inside: InterfaceName, mac: MACAddress,
        addresses: [InterfaceAddress]
    ) -> Endpoint {
        Endpoint(
            metadata: ObjectMetadata(
                name: compartment, preventDestroy: network.metadata.preventDestroy, source: network.metadata.source),
            network: bridge.metadata.name, device: .nic(Seat(compartment: compartment, interface: inside)),
            hostInterface: port.interface, alternativeName: port.alternative, mac: mac,
            hostMAC: Naming.portMAC(network: bridge.metadata.name, endpoint: compartment, host: host),
            addresses: addresses, antiSpoof: false, mtu: bridge.mtu, router: network.metadata.name)
    }
}

extension Network {
    /// Whether it has a gateway in a namespace of its own.
    public var hasRouter: Bool { overlay != nil && subnets.contains { $0.gateway != nil } }

    /// The gateways with the length of their prefixes, sorted.
    public var gateways: [InterfaceAddress] {
        subnets.compactMap { subnet in
            subnet.gateway.flatMap { InterfaceAddress(address: $0, length: subnet.prefix.length) }
        }.sorted()
    }

    /// Prefixes whose endpoints have a gateway, in the order of the manifest.
    public var routedPrefixes: [IPPrefix] { subnets.filter { $0.gateway != nil }.map(\.prefix) }

    /// Whether its router has to lead from one of its own subnets to another.
    public var routesWithin: Bool {
        hasRouter && AddressFamily.allCases.contains { family in routedPrefixes.count { $0.family == family } > 1 }
    }
}

extension DesiredState {
    /// The routers of this host, by the names of their networks. They follow from the networks.
    public var routers: [Router] {
        let byName = Dictionary(
            networks.filter(\.hasRouter).map { ($0.metadata.name, $0) }, uniquingKeysWith: { first, _ in first })
        return networks.compactMap { network in
            Router(of: network, peers: network.peers.compactMap { byName[$0] }, host: host)
        }
    }

    /// With the routers' namespaces and cards among the compartments and endpoints, as the kernel has them; itself where they
    /// are.
    public var withRouters: DesiredState {
        let routers = routers
        guard !routers.isEmpty, !compartments.contains(where: { $0.router != nil }) else { return self }
        var state = self
        state.compartments += routers.map(\.compartment)
        state.endpoints += routers.flatMap(\.cards)
        return state
    }
}
