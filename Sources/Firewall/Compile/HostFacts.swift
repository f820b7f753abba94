public import Addressing
public import Model

/// What the compiler has to know of the host beside the manifests.
public struct HostFacts: Hashable, Sendable {
    /// Interfaces that are not ours and on which bulkhead switched forwarding of IPv4 on; sorted.
    public var guarded4: [String]
    /// The same of IPv6.
    public var guarded6: [String]
    /// Bridges of other scopes that are joined to a physical network: their names begin like those of our own switches,
    /// and the world lies behind them all the same; sorted.
    public var otherShared: [String]
    /// The interface by which each network that has its own is joined to the physical one.
    public var uplinkPorts: [ObjectName: String]
    /// The MACs of these, which the networks' bridges have too.
    public var uplinkMACs: [ObjectName: MACAddress]
    /// The interfaces whose macvlans are endpoints of a network.
    public var macvlanUplinks: [ObjectName: Uplink]
    /// The interface by which each network that the host routes to is on the physical network.
    public var routedUplinks: [ObjectName: String]

    /// An interface of the host.
    public struct Uplink: Hashable, Sendable {
        /// Its name.
        public var name: String
        /// Its MAC; nil where nobody looked.
        public var mac: MACAddress?
        /// Whether it was made for macvlans, so that the host has no place on it: a VLAN.
        public var isEndpointsAlone: Bool
        /// An interface.
        public init(name: String, mac: MACAddress?, isEndpointsAlone: Bool = false) {
            self.name = name
            self.mac = mac
            self.isEndpointsAlone = isEndpointsAlone
        }
    }

    /// Facts.
    public init(
        guarded4: [String] = [], guarded6: [String] = [], otherShared: [String] = [],
        uplinkPorts: [ObjectName: String] = [:], uplinkMACs: [ObjectName: MACAddress] = [:],
        macvlanUplinks: [ObjectName: Uplink] = [:], routedUplinks: [ObjectName: String] = [:]
    ) {
        self.macvlanUplinks = macvlanUplinks
        self.guarded4 = guarded4
        self.guarded6 = guarded6
        self.otherShared = otherShared
        self.uplinkPorts = uplinkPorts
        self.uplinkMACs = uplinkMACs
        self.routedUplinks = routedUplinks
    }

    /// Those of a family.
    func guarded(_ family: AddressFamily) -> [String] {
        switch family {
        case .ipv4: guarded4
        case .ipv6: guarded6
        }
    }
}
