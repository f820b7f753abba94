public import Addressing

/// What makes a network one switch across hosts: a VXLAN device beside the bridge, with entries from the manifests.
public struct Overlay: Hashable, Sendable {
    /// Another Host on which the network exists.
    public struct Peer: Hashable, Sendable {
        /// Its name.
        public var host: ObjectName
        /// Where datagrams for it go, and come from.
        public var underlay: IPAddress

        /// A host.
        public init(host: ObjectName, underlay: IPAddress) {
            self.host = host
            self.underlay = underlay
        }
    }

    /// `IFLA_VXLAN_ID`.
    public var vni: VNI
    /// UDP port, 1…65535.
    public var port: UInt16
    /// Name of the VXLAN device, `vx-NAME`.
    public var tunnel: InterfaceName
    /// Full name where that had to be shortened.
    public var alternativeName: String?
    /// The device's own, fixed MAC.
    public var mac: MACAddress
    /// This host's end of the tunnels.
    public var local: IPAddress
    /// All other Hosts on which the network exists, by name; all of the family of `local`.
    public var peers: [Peer]

    /// An overlay.
    public init(
        vni: VNI, port: UInt16 = 4789, tunnel: InterfaceName, alternativeName: String? = nil, mac: MACAddress,
        local: IPAddress, peers: [Peer] = []
    ) {
        self.vni = vni
        self.port = port
        self.tunnel = tunnel
        self.alternativeName = alternativeName
        self.mac = mac
        self.local = local
        self.peers = peers
    }

    /// Bytes that encapsulation takes of the MTU: outer IP, UDP, VXLAN and inner Ethernet header.
    public static func overhead(_ underlay: AddressFamily) -> Int {
        switch underlay {
        case .ipv4: 50
        case .ipv6: 70
        }
    }
}

/// An endpoint of an overlay that is on another Host.
public struct RemoteEndpoint: Hashable, Sendable {
    /// As that Host has it.
    public var endpoint: Endpoint
    /// The Host.
    public var host: ObjectName
    /// The Host's end of the tunnels.
    public var underlay: IPAddress

    /// An endpoint.
    public init(endpoint: Endpoint, host: ObjectName, underlay: IPAddress) {
        self.endpoint = endpoint
        self.host = host
        self.underlay = underlay
    }
}
