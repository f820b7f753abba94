public import Addressing

/// A network interface as the kernel has it (`ip -d link`).
public struct ObservedLink: Hashable, Codable, Sendable {
    /// `ifi_index`.
    public var index: UInt32
    /// `IFLA_IFNAME`.
    public var name: String
    /// `IFLA_INFO_KIND`; empty for physical and loopback devices.
    public var kind: String
    /// `IFF_UP`.
    public var isUp: Bool
    /// `IFF_RUNNING` and `IFF_LOWER_UP`: up, and with a carrier.
    public var isRunning: Bool
    /// Without `IFF_NOARP`: neighbours are asked for, and answered.
    public var resolvesNeighbours: Bool
    /// `IFF_LOOPBACK`.
    public var isLoopback: Bool
    /// `IFLA_MTU`.
    public var mtu: Int
    /// `IFLA_ADDRESS`, where it is an Ethernet address.
    public var mac: MACAddress?
    /// `IFLA_MASTER`.
    public var master: UInt32?
    /// `IFLA_IFALIAS`.
    public var alias: String? {
        didSet { mark = alias.flatMap { OwnershipMark($0) } }
    }
    /// The mark in the alias, where the link is bulkhead's; read once, because every difference asks for it.
    public private(set) var mark: OwnershipMark?
    /// `IFLA_PROP_LIST`, sorted.
    public var alternativeNames: [String]
    /// `IFLA_LINK`: index of a veth's other end in its namespace.
    public var peerIndex: UInt32?
    /// `IFLA_LINK_NETNSID`: which namespace that is; nil for the link's own.
    public var peerNamespaceID: Int32?
    /// `IFLA_INET6_ADDR_GEN_MODE`: 0 EUI-64, 1 none.
    public var addressGeneration: UInt8?
    /// Bridge attributes, where it is a bridge.
    public var bridge: BridgeOptions?
    /// Port attributes, where it is a port of a bridge.
    public var port: PortOptions?
    /// Whether `IFLA_BRPORT_STATE` is forwarding, where it is a port of a bridge.
    public var forwards: Bool?
    /// VXLAN attributes, where it is such a device.
    public var vxlan: VXLANOptions?
    /// `IFLA_VLAN_ID`, where it is a VLAN by 802.1Q.
    public var vlan: UInt16?
    /// Attributes of a tap, where it is one.
    public var tap: ObservedTap?
    /// Mode of a macvlan or macvtap, where it is one.
    public var macvlan: MacvlanMode?
    /// `IFF_ALLMULTI`, where it is a macvtap: it takes what is for groups that nobody on the host has joined.
    public var hearsAllGroups: Bool?
    /// `IFLA_INET_CONF`: the values of `/proc/sys/net/ipv4/conf/NAME/*`, element 0 being `IPV4_DEVCONF_FORWARDING` (1).
    public var ipv4Settings: [Int32]
    /// `IFLA_INET6_CONF`: the values of `/proc/sys/net/ipv6/conf/NAME/*`, element 0 being `DEVCONF_FORWARDING` (0).
    public var ipv6Settings: [Int32]
    /// `IFLA_STATS64`, where they were asked for.
    public var counters: LinkCounters?

    /// A link.
    public init(
        index: UInt32, name: String, kind: String = "", isUp: Bool = true, isRunning: Bool = false,
        resolvesNeighbours: Bool = true, isLoopback: Bool = false, mtu: Int = 1500, mac: MACAddress? = nil,
        master: UInt32? = nil, alias: String? = nil, alternativeNames: [String] = [], peerIndex: UInt32? = nil,
        peerNamespaceID: Int32? = nil, addressGeneration: UInt8? = nil, bridge: BridgeOptions? = nil,
        port: PortOptions? = nil, forwards: Bool? = nil, vxlan: VXLANOptions? = nil, vlan: UInt16? = nil,
        tap: ObservedTap? = nil, macvlan: MacvlanMode? = nil,
        ipv4Settings: [Int32] = [], ipv6Settings: [Int32] = [], counters: LinkCounters? = nil
    ) {
        self.index = index
        self.name = name
        self.kind = kind
        self.isUp = isUp
        self.isRunning = isRunning
        self.resolvesNeighbours = resolvesNeighbours
        self.isLoopback = isLoopback
        self.mtu = mtu
        self.mac = mac
        self.master = master
        self.alias = alias
        mark = alias.flatMap { OwnershipMark($0) }
        self.alternativeNames = alternativeNames
        self.peerIndex = peerIndex
        self.peerNamespaceID = peerNamespaceID
        self.addressGeneration = addressGeneration
        self.bridge = bridge
        self.port = port
        self.forwards = forwards
        self.vxlan = vxlan
        self.vlan = vlan
        self.tap = tap
        self.macvlan = macvlan
        self.ipv4Settings = ipv4Settings
        self.ipv6Settings = ipv6Settings
        self.counters = counters
    }
}

/// Where frames from one macvlan of an interface to another go (`ip link set X type macvlan mode …`).
public enum MacvlanMode: String, Hashable, CaseIterable, Codable, Sendable {
    /// Nowhere.
    case `private`
    /// Out on the wire, as all others.
    case vepa
    /// Straight to the other one, where that has this mode, too.
    case bridge
    /// There is only one, which has the interface for itself.
    case passthru
    /// As `private`; and nothing comes in but from MACs of a list, which bulkhead leaves empty.
    case source
}

/// Attributes of a bridge that bulkhead sets (`ip link set X type bridge …`).
public struct BridgeOptions: Hashable, Codable, Sendable {
    /// `IFLA_BR_NF_CALL_IPTABLES`: bridged IPv4 passes the inet hooks, and with them connection tracking.
    public var netfilterIPv4: Bool
    /// `IFLA_BR_NF_CALL_IP6TABLES`.
    public var netfilterIPv6: Bool
    /// `IFLA_BR_STP_STATE` other than 0.
    public var spanningTree: Bool
    /// `IFLA_BR_MCAST_SNOOPING`.
    public var multicastSnooping: Bool
    /// `IFLA_BR_VLAN_FILTERING`; nil in a change that leaves it as it is.
    public var vlanFiltering: Bool?
    /// `IFLA_BR_GROUP_FWD_MASK`.
    public var groupForwardMask: UInt16
    /// Whether frames to the addresses of link-local protocols (`01:80:c2:00:00:0X`) teach the bridge whose MAC is where:
    /// `BR_BOOLOPT_NO_LL_LEARN` not set. The bridge learns from these before any rule has seen them.
    public var linkLocalLearning: Bool

    /// What bulkhead's bridges have.
    public init(
        netfilterIPv4: Bool = true, netfilterIPv6: Bool = true, spanningTree: Bool = false,
        multicastSnooping: Bool = false, vlanFiltering: Bool? = false, groupForwardMask: UInt16 = 0,
        linkLocalLearning: Bool = false
    ) {
        self.netfilterIPv4 = netfilterIPv4
        self.netfilterIPv6 = netfilterIPv6
        self.spanningTree = spanningTree
        self.multicastSnooping = multicastSnooping
        self.vlanFiltering = vlanFiltering
        self.groupForwardMask = groupForwardMask
        self.linkLocalLearning = linkLocalLearning
    }
}

/// Attributes of a bridge port that bulkhead sets (`bridge link set dev X …`).
public struct PortOptions: Hashable, Codable, Sendable {
    /// `IFLA_BRPORT_MODE`: frames may leave by the port they came in by.
    public var hairpin: Bool
    /// `IFLA_BRPORT_ISOLATED`.
    public var isolated: Bool
    /// `IFLA_BRPORT_LEARNING`.
    public var learning: Bool
    /// `IFLA_BRPORT_UNICAST_FLOOD`.
    public var unicastFlood: Bool
    /// `IFLA_BRPORT_MCAST_FLOOD`.
    public var multicastFlood: Bool
    /// `IFLA_BRPORT_BCAST_FLOOD`.
    public var broadcastFlood: Bool
    /// `IFLA_BRPORT_GUARD`: spanning-tree frames from the port are dropped.
    public var guarded: Bool
    /// `IFLA_BRPORT_NEIGH_SUPPRESS`: ARP and neighbour discovery for addresses behind the port are answered by the bridge.
    public var suppressesNeighbours: Bool
    /// `IFLA_BRPORT_LOCKED`: frames of MACs without an entry are dropped.
    public var locked: Bool
    /// `IFLA_BRPORT_PROXYARP`: the bridge answers for neighbours of other ports.
    public var answersNeighbours: Bool
    /// `IFLA_BRPORT_PROTECT`: the port cannot lead to the root of a spanning tree.
    public var protectsRoot: Bool
    /// `IFLA_BRPORT_MCAST_TO_UCAST`.
    public var multicastToUnicast: Bool

    /// What bulkhead's ports have unless an endpoint needs more.
    public init(
        hairpin: Bool = false, isolated: Bool = false, learning: Bool = true, unicastFlood: Bool = true,
        multicastFlood: Bool = true, broadcastFlood: Bool = true, guarded: Bool = true,
        suppressesNeighbours: Bool = false, locked: Bool = false, answersNeighbours: Bool = false,
        protectsRoot: Bool = false, multicastToUnicast: Bool = false
    ) {
        self.hairpin = hairpin
        self.isolated = isolated
        self.learning = learning
        self.unicastFlood = unicastFlood
        self.multicastFlood = multicastFlood
        self.broadcastFlood = broadcastFlood
        self.guarded = guarded
        self.suppressesNeighbours = suppressesNeighbours
        self.locked = locked
        self.answersNeighbours = answersNeighbours
        self.protectsRoot = protectsRoot
        self.multicastToUnicast = multicastToUnicast
    }
}

/// Attributes of a VXLAN device that bulkhead sets (`ip link add X type vxlan …`).
public struct VXLANOptions: Hashable, Codable, Sendable {
    /// `IFLA_VXLAN_LOCAL`, `IFLA_VXLAN_LOCAL6`; nil where the kernel chooses.
    public var local: IPAddress?
    /// `IFLA_VXLAN_ID`.
    public var vni: UInt32
    /// `IFLA_VXLAN_PORT`.
    public var port: UInt16
    /// `IFLA_VXLAN_LEARNING`: senders of datagrams are remembered.
    public var learning: Bool
    /// `IFLA_VXLAN_LIMIT`: most entries; 0 for no limit.
    public var limit: UInt32
    /// `IFLA_VXLAN_AGEING`: seconds after which a learnt entry goes.
    public var ageing: UInt32

    /// Attributes.
    public init(
        vni: UInt32, local: IPAddress?, port: UInt16, learning: Bool = false, limit: UInt32 = 0, ageing: UInt32 = 300
    ) {
        self.local = local
        self.vni = vni
        self.port = port
        self.learning = learning
        self.limit = limit
        self.ageing = ageing
    }
}

/// A tap as the kernel has it (`ip -d link show type tun`).
public struct ObservedTap: Hashable, Codable, Sendable {
    /// Owner, group, queues.
    public var options: TapOptions
    /// `IFLA_TUN_PERSIST`: it stays when nobody has it open.
    public var isPersistent: Bool

    /// A tap.
    public init(options: TapOptions, isPersistent: Bool) {
        self.options = options
        self.isPersistent = isPersistent
    }
}

/// Packets and bytes that passed a link (`ip -s link`), as the link's own side counts them.
public struct LinkCounters: Hashable, Codable, Sendable {
    /// Received packets.
    public var receivedPackets: UInt64
    /// Received bytes.
    public var receivedBytes: UInt64
    /// Dropped on the way in.
    public var receivedDropped: UInt64
    /// Sent packets.
    public var sentPackets: UInt64
    /// Sent bytes.
    public var sentBytes: UInt64
    /// Dropped on the way out.
    public var sentDropped: UInt64

    /// Counters.
    public init(
        receivedPackets: UInt64, receivedBytes: UInt64, receivedDropped: UInt64, sentPackets: UInt64,
        sentBytes: UInt64, sentDropped: UInt64
    ) {
        self.receivedPackets = receivedPackets
        self.receivedBytes = receivedBytes
        self.receivedDropped = receivedDropped
        self.sentPackets = sentPackets
        self.sentBytes = sentBytes
        self.sentDropped = sentDropped
    }
}
