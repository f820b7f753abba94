public import Addressing

/// An address on an interface (`ip address`).
public struct ObservedAddress: Hashable, Codable, Sendable {
    /// `ifa_index`.
    public var link: UInt32
    /// Address and prefix length.
    public var address: InterfaceAddress
    /// `IFA_F_PERMANENT`: no lifetime.
    public var isPermanent: Bool
    /// `IFA_F_TENTATIVE` or `IFA_F_DADFAILED`: not usable yet, or never.
    public var isTentative: Bool
    /// `IFA_F_DEPRECATED`: no new connection begins from it.
    public var isDeprecated: Bool
    /// `IFA_PROTO`; 0 where the kernel has none.
    public var origin: UInt8
    /// Whether packets to it are the host's own: table `local` has its route, which the kernel makes for every address
    /// (`ip route show table local`). True for those of interfaces that are down, which have none.
    public var isReached: Bool
    /// What the kernel says of it, by which it is made again elsewhere; empty where nothing may have to move.
    public var body: [UInt8]

    /// An address.
    public init(
        link: UInt32, address: InterfaceAddress, isPermanent: Bool = true, isTentative: Bool = false,
        isDeprecated: Bool = false, origin: UInt8 = 0, isReached: Bool = true, body: [UInt8] = []
    ) {
        self.link = link
        self.address = address
        self.isPermanent = isPermanent
        self.isTentative = isTentative
        self.isDeprecated = isDeprecated
        self.origin = origin
        self.isReached = isReached
        self.body = body
    }
}

/// A route (`ip route show table all`).
public struct ObservedRoute: Hashable, Codable, Sendable {
    /// Destination.
    public var destination: IPPrefix
    /// `RTA_GATEWAY`.
    public var gateway: IPAddress?
    /// `RTA_OIF`.
    public var link: UInt32?
    /// `RTA_PRIORITY`; 0 where absent.
    public var metric: UInt32
    /// `RTA_TABLE`; 254 is main, 255 local.
    public var table: UInt32
    /// `rtm_protocol` (2 kernel, 3 boot, 4 static, 9 router advertisement).
    public var origin: UInt8
    /// `rtm_type` (1 unicast, 2 local, 3 broadcast …).
    public var type: UInt8
    /// `RTA_PREFSRC`.
    public var preferredSource: IPAddress?
    /// All interfaces of a multipath route, `link` being nil then, or of one whose next hop is an object of its own.
    public var nextHopLinks: [UInt32]
    /// What it says beside all that; nil for nearly all routes.
    public var details: RouteDetails?
    /// What the kernel says of it, by which it is made again elsewhere; empty where nothing may have to move.
    public var body: [UInt8]

    /// `RT_TABLE_LOCAL`: what is the host's own.
    public static let localTable: UInt32 = 255
    /// `RTN_LOCAL`.
    public static let localType: UInt8 = 2
    /// `RTPROT_KERNEL`.
    public static let kernel: UInt8 = 2

    /// A route.
    public init(
        destination: IPPrefix, gateway: IPAddress? = nil, link: UInt32? = nil, metric: UInt32 = 0,
        table: UInt32 = 254, origin: UInt8 = 4, type: UInt8 = 1, preferredSource: IPAddress? = nil,
        nextHopLinks: [UInt32] = [], details: RouteDetails? = nil, body: [UInt8] = []
    ) {
        self.destination = destination
        self.gateway = gateway
        self.link = link
        self.metric = metric
        self.table = table
        self.origin = origin
        self.type = type
        self.preferredSource = preferredSource
        self.nextHopLinks = nextHopLinks
        self.details = details
        self.body = body
    }
}

/// What a route says that bulkhead's own never say. It is removed, and made again, by what the kernel says of it.
public struct RouteDetails: Hashable, Codable, Sendable {
    /// Which packets it is for beside their destination (`tos 0x08`, `from fd00::/64`); routes that differ in it lie in
    /// different places of a table.
    public var selector: String
    /// All of it in words, the selector included: `tos 0x08`, `nhid 9`.
    public var words: String
    /// `struct rtmsg` and attributes.
    public var body: [UInt8]

    /// Details.
    public init(selector: String, words: String, body: [UInt8]) {
        self.selector = selector
        self.words = words
        self.body = body
    }
}

/// A permanent entry of the neighbour table (`ip neighbour`) or of a bridge's forwarding table (`bridge fdb`).
public struct ObservedNeighbour: Hashable, Codable, Sendable {
    /// `ndm_ifindex`.
    public var link: UInt32
    /// The address; nil for forwarding entries.
    public var address: IPAddress?
    /// `NDA_LLADDR`.
    public var mac: MACAddress?
    /// Whether it is a proxy entry (`NTF_PROXY`).
    public var isProxy: Bool
    /// Where a VXLAN device sends frames for `mac` (`NDA_DST` of a forwarding entry); nil for all others.
    public var tunnelEnd: IPAddress?
    /// Who made a proxy entry (`NDA_PROTOCOL`); nil where nobody is said, and for all others.
    public var origin: UInt8?
    /// Whether a routing daemon keeps it (`NTF_EXT_LEARNED`); nil for no.
    public var isExternal: Bool?
    /// Whether a bridge has it for one of its ports (`bridge fdb show … master`).
    public var isForwarding: Bool { address == nil && tunnelEnd == nil }

    /// An entry.
    public init(
        link: UInt32, address: IPAddress?, mac: MACAddress?, isProxy: Bool = false, tunnelEnd: IPAddress? = nil,
        origin: UInt8? = nil
    ) {
        self.link = link
        self.address = address
        self.mac = mac
        self.isProxy = isProxy
        self.tunnelEnd = tunnelEnd
        self.origin = origin
    }
}
