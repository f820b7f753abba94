public import Addressing

/// A network card: a port of the network's bridge on the host, whose other end is an interface in a compartment, or is
/// what a hypervisor opens; or a macvlan of an uplink, in a compartment.
public struct Endpoint: Hashable, Sendable {
    /// Name, labels, place.
    public var metadata: ObjectMetadata
    /// The network it is on.
    public var network: ObjectName
    /// What it is given to.
    public var device: Device
    /// Name of the bridge port on the host, default `ep-NAME`.
    public var hostInterface: InterfaceName
    /// Full name where the host side's had to be shortened.
    public var alternativeName: String?
    /// MAC of the card.
    public var mac: MACAddress
    /// MAC of the bridge port.
    public var hostMAC: MACAddress
    /// Addresses with the length of their subnet's prefix, sorted.
    public var addresses: [InterfaceAddress]
    /// Whether the manifest leaves them to bulkhead.
    public var hasAutomaticAddresses: Bool
    /// Further sources that anti-spoofing lets through; sorted.
    public var allowedAddresses: [IPPrefix]
    /// Further source MACs that anti-spoofing lets through; sorted.
    public var allowedMACs: [MACAddress]
    /// Whether sources are checked.
    public var antiSpoof: Bool
    /// Default routes, by family: one via each family's gateway where this endpoint has the default route.
    public var defaultGateways: [IPAddress]
    /// Routes of the network and of the endpoint, sorted by destination.
    public var routes: [RouteSpec]
    /// Bytes, 68…65535.
    public var mtu: Int
    /// Whether `mtu` is the network's.
    public var hasAutomaticMTU: Bool
    /// False: the host's side is down, all else is kept (quarantine).
    public var enabled: Bool
    /// Published ports, sorted by protocol, host address and port.
    public var portMappings: [PortMapping]
    /// Limits of what it sends and receives.
    public var bandwidth: Bandwidth
    /// Name of the device by which what it sends is limited, default `bw-NAME`.
    public var shaper: Naming.Derived?
    /// The network whose router this is a card of; nil for endpoints, which manifests declare.
    public var router: ObjectName?

    /// An endpoint.
    public init(
        metadata: ObjectMetadata, network: ObjectName, device: Device, hostInterface: InterfaceName,
        alternativeName: String? = nil, mac: MACAddress, hostMAC: MACAddress,
        addresses: [InterfaceAddress] = [], hasAutomaticAddresses: Bool = false, allowedAddresses: [IPPrefix] = [],
        allowedMACs: [MACAddress] = [],
        antiSpoof: Bool = true, defaultGateways: [IPAddress] = [], routes: [RouteSpec] = [], mtu: Int = 1500,
        hasAutomaticMTU: Bool = false, enabled: Bool = true, portMappings: [PortMapping] = [],
        bandwidth: Bandwidth = Bandwidth(), router: ObjectName? = nil
    ) {
        self.metadata = metadata
        self.network = network
        self.device = device
        self.hostInterface = hostInterface
        self.alternativeName = alternativeName
        self.mac = mac
        self.hostMAC = hostMAC
        self.addresses = addresses
        self.hasAutomaticAddresses = hasAutomaticAddresses
        self.allowedAddresses = allowedAddresses
        self.allowedMACs = allowedMACs
        self.antiSpoof = antiSpoof
        self.defaultGateways = defaultGateways
        self.routes = routes
        self.mtu = mtu
        self.hasAutomaticMTU = hasAutomaticMTU
        self.enabled = enabled
        self.portMappings = portMappings
        self.bandwidth = bandwidth
        shaper = bandwidth.egress == nil ? nil : Naming.shaper(metadata.name)
        self.router = router
    }

    /// Its place in a compartment; nil for a card of a hypervisor.
    public var seat: Seat? {
        switch device {
        case .nic(let seat), .macvlan(let seat): seat
        case .tap, .macvtap: nil
        }
    }
    /// Whether it is a macvlan: `hostInterface` and `hostMAC` are nobody's then.
    public var isMacvlan: Bool { if case .macvlan = device { true } else { false } }
    /// Whether it is a tap for a hypervisor.
    public var isTap: Bool { if case .tap = device { true } else { false } }
    /// Whether it is a macvtap for a hypervisor, a link of the host with the endpoint's MAC.
    public var isMacvtap: Bool { if case .macvtap = device { true } else { false } }
    /// Whether a hypervisor has it, whose guest no kernel of ours knows.
    public var isOfHypervisor: Bool { isTap || isMacvtap }
    /// Whether it stands on its network's uplink, or a VLAN of it, and is no port of a bridge.
    public var isOnGround: Bool { isMacvlan || isMacvtap }
    /// The compartment it is in; nil for a card of a hypervisor.
    public var compartment: ObjectName? { seat?.compartment }
    /// `Endpoint/NAME`; a router's card is its network's.
    public var id: ObjectID { router.map { ObjectID(.network, $0) } ?? ObjectID(.endpoint, metadata.name) }
}

/// Transport protocols that have ports.
public enum PortProtocol: String, Hashable, Comparable, CaseIterable, Codable, Sendable {
    /// IP protocol 6.
    case tcp
    /// IP protocol 17.
    case udp
    /// IP protocol 132.
    case sctp

    /// `IPPROTO_…`.
    public var number: UInt8 {
        switch self {
        case .tcp: 6
        case .udp: 17
        case .sctp: 132
        }
    }
    /// By protocol number.
    public static func < (left: Self, right: Self) -> Bool { left.number < right.number }
}

/// A published port, or a range of ports of one length.
public struct PortMapping: Hashable, Sendable {
    /// The protocol.
    public var transport: PortProtocol
    /// Ports on the host.
    public var hostPorts: PortRange
    /// Ports of the endpoint, as many.
    public var ports: PortRange
    /// The only host address it is published on; nil for all local addresses of the endpoint's families.
    ///
    /// `0.0.0.0` and `::` in the manifest give nil, and `families` holds that family alone.
    public var hostAddress: IPAddress?
    /// Families it works for: those in which the endpoint has an address and `hostAddress` lies.
    public var families: [AddressFamily]
    /// Whether a listening socket on the port is no error.
    public var allowShadow: Bool
    /// Where it stands in the manifest.
    public var source: SourceLocation

    /// A mapping. An unspecified `hostAddress` is kept as nil, with `families` narrowed by the caller.
    public init(
        transport: PortProtocol, hostPorts: PortRange, ports: PortRange, hostAddress: IPAddress?,
        families: [AddressFamily], allowShadow: Bool = false, source: SourceLocation
    ) {
        self.transport = transport
        self.hostPorts = hostPorts
        self.ports = ports
        self.hostAddress = hostAddress
        self.families = families
        self.allowShadow = allowShadow
        self.source = source
    }
}
