public import Addressing

/// The types of virtual switches.
public enum NetworkType: String, Hashable, CaseIterable, Sendable {
    /// The host is gateway and translates; published ports lead in.
    case nat
    /// Like `nat`, but no traffic to any interface that is not a peer network's.
    case `internal`
    /// Endpoints only.
    case `private`
    /// Endpoints on the physical network with their own MAC.
    case transparent
    /// On the physical network behind the host's MAC.
    case l2bridge
    /// Like `transparent`, siblings' traffic goes out to the physical switch too.
    case l2tunnel
    /// One network across hosts by VXLAN.
    case overlay

    /// Whether nobody is on its switch but endpoints of this host, so that an address that none of them has is nobody's.
    public var isOfEndpointsAlone: Bool {
        switch self {
        case .nat, .internal, .private: true
        case .transparent, .l2bridge, .l2tunnel, .overlay: false
        }
    }
}

/// A virtual switch: a bridge of the host, or what macvlans of one uplink are.
public struct Network: Hashable, Sendable {
    /// What traffic from outside reaches an endpoint of a `nat` network.
    public enum Inbound: String, Hashable, Sendable {
        /// Published ports only.
        case published
        /// Whatever is routed to it.
        case routed
    }

    /// Name, labels, place.
    public var metadata: ObjectMetadata
    /// Type of switch.
    public var type: NetworkType
    /// Name of the bridge, `bh-NAME`, or that of somebody else's.
    public var bridge: InterfaceName
    /// Full name where the bridge's had to be shortened.
    public var alternativeName: String?
    /// The bridge's own, fixed MAC.
    public var mac: MACAddress
    /// Prefixes in the order of the manifest.
    public var subnets: [Subnet]
    /// Bytes, 68…65535; at least 1280 where there is an IPv6 subnet.
    public var mtu: Int
    /// Given to every endpoint beside the default route.
    public var routes: [RouteSpec]
    /// Networks reachable by routing; sorted, mutual.
    public var peers: [ObjectName]
    /// `isolation.intraNetwork: deny`.
    public var deniesIntraNetwork: Bool
    /// `isolation.hostAccess: deny`.
    public var deniesHostAccess: Bool
    /// What reaches endpoints from outside; `published` except where the manifest of a `nat` network says otherwise.
    public var inbound: Inbound
    /// Translation of outbound traffic; nil for none.
    public var outboundNAT: OutboundNAT?
    /// Whether `mtu` follows from the interface below, which only the host itself knows.
    public var hasAutomaticMTU: Bool
    /// What spans hosts; nil for all types but `overlay`.
    public var overlay: Overlay?
    /// How it is joined to a physical network; nil where it is not.
    public var attachment: Attachment?

    /// A network.
    public init(
        metadata: ObjectMetadata, type: NetworkType, bridge: InterfaceName, alternativeName: String? = nil,
        mac: MACAddress, subnets: [Subnet] = [], mtu: Int = 1500, routes: [RouteSpec] = [], peers: [ObjectName] = [],
        deniesIntraNetwork: Bool = false, deniesHostAccess: Bool = false, inbound: Inbound = .published,
        outboundNAT: OutboundNAT? = nil, hasAutomaticMTU: Bool = false, overlay: Overlay? = nil,
        attachment: Attachment? = nil
    ) {
        self.metadata = metadata
        self.type = type
        self.bridge = bridge
        self.alternativeName = alternativeName
        self.mac = mac
        self.subnets = subnets
        self.mtu = mtu
        self.routes = routes
        self.peers = peers
        self.deniesIntraNetwork = deniesIntraNetwork
        self.deniesHostAccess = deniesHostAccess
        self.inbound = inbound
        self.outboundNAT = outboundNAT
        self.hasAutomaticMTU = hasAutomaticMTU
        self.overlay = overlay
        self.attachment = attachment
    }

    /// Whether the host has a place on the switch: without one no frame passes between it and the host.
    public var hasHostSide: Bool {
        switch type {
        case .nat, .internal, .l2bridge: true
        case .transparent: vlan == nil && !isMacvlan
        case .private, .overlay, .l2tunnel: false
        }
    }

    /// `Network/NAME`.
    public var id: ObjectID { ObjectID(.network, metadata.name) }
    /// The families of its subnets, sorted.
    public var families: [AddressFamily] {
        AddressFamily.allCases.filter { f in subnets.contains { $0.prefix.family == f } }
    }
}

/// One prefix of a network.
public struct Subnet: Hashable, Sendable {
    /// The on-link prefix.
    public var prefix: IPPrefix
    /// The host's address on the bridge; nil where the network has none (`private`), or the manifests do not give it
    /// (networks that are attached to a physical one).
    public var gateway: IPAddress?
    /// Somebody else's address that is the next hop of endpoints (networks that are attached to a physical one).
    public var router: IPAddress?
    /// Where it stands in the manifest.
    public var source: SourceLocation

    /// A subnet.
    public init(prefix: IPPrefix, gateway: IPAddress?, router: IPAddress? = nil, source: SourceLocation) {
        self.prefix = prefix
        self.gateway = gateway
        self.router = router
        self.source = source
    }

    /// What endpoints of a routed network have for a gateway where the manifest gives none: an address of the link alone,
    /// which takes none of the physical network's. That of IPv6 is the one that the kernel gives the bridge.
    public static func linkGateway(_ family: AddressFamily, mac: MACAddress) -> IPAddress {
        switch family {
        case .ipv4: .v4(IPv4Address(value: 0xa9fe_0101))
        case .ipv6: .v6(mac.linkLocal)
        }
    }

    /// Whether the address means all of the segment.
    public func isGroup(_ address: IPAddress) -> Bool {
        prefix.family == .ipv4 && prefix.length < 31 && address == prefix.last
    }
}

/// A route inside a compartment.
public struct RouteSpec: Hashable, Sendable {
    /// Destination.
    public var destination: IPPrefix
    /// Next hop.
    public var via: IPAddress
    /// Priority (`RTA_PRIORITY`), 0…2^32−1; nil for the kernel's default (0, IPv6 1024).
    public var metric: UInt32?
    /// Where it stands in the manifest.
    public var source: SourceLocation

    /// A route.
    public init(destination: IPPrefix, via: IPAddress, metric: UInt32? = nil, source: SourceLocation) {
        self.destination = destination
        self.via = via
        self.metric = metric
        self.source = source
    }
}

/// How traffic that leaves a `nat` network is translated.
public struct OutboundNAT: Hashable, Sendable {
    /// Which families; sorted.
    public var families: [AddressFamily]
    /// Source addresses to use, at most one per family; none for the address of the outgoing interface (masquerade).
    public var addresses: [IPAddress]
    /// Destinations that are not translated; sorted.
    public var exceptions: [IPPrefix]
    /// Where not empty, only these destinations are translated; sorted. Never together with `exceptions`.
    public var destinations: [IPPrefix]
    /// Source ports to use for TCP and UDP.
    public var ports: PortRange?

    /// A translation.
    public init(
        families: [AddressFamily] = [.ipv4, .ipv6], addresses: [IPAddress] = [], exceptions: [IPPrefix] = [],
        destinations: [IPPrefix] = [], ports: PortRange? = nil
    ) {
        self.families = families
        self.addresses = addresses
        self.exceptions = exceptions
        self.destinations = destinations
        self.ports = ports
    }
}
