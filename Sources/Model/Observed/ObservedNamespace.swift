/// One network namespace as the kernel has it.
public struct ObservedNamespace: Hashable, Codable, Sendable {
    /// Which one.
    public var reference: NamespaceRef
    /// Inode of the namespace; equal inodes are the same namespace.
    public var inode: UInt64
    /// The id that the host gave it (`RTM_GETNSID`), which is the mark of owned ones; nil where there is none.
    public var namespaceID: Int32?
    /// The id that this namespace has for the host's (`IFLA_LINK_NETNSID` of a macvlan that stands there); read only where
    /// there is one.
    public var hostID: Int32?
    /// All interfaces, by index.
    public var links: [ObservedLink]
    /// All addresses.
    public var addresses: [ObservedAddress]
    /// All routes of all tables but those the kernel makes in table `local`.
    public var routes: [ObservedRoute]
    /// Permanent neighbours and static forwarding entries.
    public var neighbours: [ObservedNeighbour]
    /// Routing rules, in the kernel's order; not those of the host.
    public var rules: [ObservedRule]
    /// Queueing disciplines that somebody made.
    public var qdiscs: [ObservedQdisc]
    /// Kernel settings that were asked for, by path below `/proc/sys`.
    public var settings: [String: String]
    /// Whether it changed without end while it was read: then what was read is not all of it, nor of one moment.
    public var isUnsteady = false

    /// A namespace.
    public init(
        reference: NamespaceRef, inode: UInt64 = 0, namespaceID: Int32? = nil, links: [ObservedLink] = [],
        addresses: [ObservedAddress] = [], routes: [ObservedRoute] = [], neighbours: [ObservedNeighbour] = [],
        rules: [ObservedRule] = [], qdiscs: [ObservedQdisc] = [], settings: [String: String] = [:]
    ) {
        self.reference = reference
        self.inode = inode
        self.namespaceID = namespaceID
        self.links = links
        self.addresses = addresses
        self.routes = routes
        self.neighbours = neighbours
        self.rules = rules
        self.qdiscs = qdiscs
        self.settings = settings
    }

    /// The interface of that name.
    public func link(named name: String) -> ObservedLink? { links.first { $0.name == name } }
    /// The interface with that index.
    public func link(index: UInt32) -> ObservedLink? { links.first { $0.index == index } }

    /// A kernel setting: those of interfaces come with the links, others were read one by one. Who asks for many gives
    /// an index of the links.
    public func setting(_ path: String, link: (String) -> ObservedLink?) -> String? {
        if let value = settings[path] { return value }
        guard let place = DeviceSetting.place(path), let link = link(String(place.link)) else { return nil }
        return link.setting(family: place.family, key: place.key)
    }
}

extension ObservedLink {
    /// A value of `/proc/sys/net/FAMILY/conf/NAME/KEY`, for the keys that bulkhead manages.
    public func setting(family: some StringProtocol, key: some StringProtocol) -> String? {
        let values = family == "ipv4" ? ipv4Settings : ipv6Settings
        guard let index = DeviceSetting.index(family: family, key: key), index < values.count else { return nil }
        return String(values[index])
    }
}

/// Per-interface settings as link dumps carry them.
public struct DeviceSetting: Hashable, Sendable {
    /// `ipv4` or `ipv6`.
    public let family: String
    /// Its name below `/proc/sys/net/FAMILY/conf/INTERFACE`.
    public let key: String
    /// Position in the array: `IPV4_DEVCONF_*` less one (`linux/ip.h`), or `DEVCONF_*` (`linux/ipv6.h`).
    public let position: Int
    /// What the kernel starts with.
    public let initial: String
    /// Whether bulkhead writes it on links of its own.
    public let isManaged: Bool

    private init(_ family: String, _ key: String, _ position: Int, _ initial: String = "0", isManaged: Bool = false) {
        self.family = family
        self.key = key
        self.position = position
        self.initial = initial
        self.isManaged = isManaged
    }

    /// Position of a setting in the array of its family; nil for those that are not read.
    public static func index(family: some StringProtocol, key: some StringProtocol) -> Int? {
        let key = Substring(key)
        return family == "ipv4" ? ipv4[key] : ipv6[key]
    }

    /// The parts of `net/FAMILY/conf/INTERFACE/KEY`; nil where the path is none. Without a list of them, because every
    /// setting of every card is looked for in this way.
    static func place(_ path: String) -> (family: Substring, link: Substring, key: Substring)? {
        guard path.hasPrefix("net/ipv4/conf/") || path.hasPrefix("net/ipv6/conf/") else { return nil }
        let bytes = path.utf8
        let family = bytes.index(bytes.startIndex, offsetBy: 4)
        let link = bytes.index(family, offsetBy: 10)
        guard let end = bytes[link...].firstIndex(of: 0x2f) else { return nil }
        let key = path[bytes.index(after: end)...]
        guard end > link, !key.isEmpty, !key.utf8.contains(0x2f) else { return nil }
        return (path[family..<bytes.index(family, offsetBy: 4)], path[link..<end], key)
    }

    private static let ipv4 = positions("ipv4")
    private static let ipv6 = positions("ipv6")

    private static func positions(_ family: String) -> [Substring: Int] {
        Dictionary(
            restored.filter { $0.family == family }.map { (Substring($0.key), $0.position) },
            uniquingKeysWith: { first, _ in first })
    }

    /// All that a link gets back when it is made again.
    public static let restored: [DeviceSetting] = [
        DeviceSetting("ipv4", "forwarding", 0, isManaged: true),
        DeviceSetting("ipv4", "proxy_arp", 2),
        DeviceSetting("ipv4", "accept_redirects", 3, "1", isManaged: true),
        DeviceSetting("ipv4", "secure_redirects", 4, "1"),
        DeviceSetting("ipv4", "send_redirects", 5, "1"),
        DeviceSetting("ipv4", "shared_media", 6, "1"),
        DeviceSetting("ipv4", "rp_filter", 7),
        DeviceSetting("ipv4", "accept_source_route", 8, isManaged: true),
        DeviceSetting("ipv4", "log_martians", 10),
        DeviceSetting("ipv4", "arp_filter", 12),
        DeviceSetting("ipv4", "arp_announce", 17),
        DeviceSetting("ipv4", "arp_ignore", 18),
        DeviceSetting("ipv4", "promote_secondaries", 19, isManaged: true),
        DeviceSetting("ipv4", "arp_accept", 20),
        DeviceSetting("ipv4", "arp_notify", 21),
        DeviceSetting("ipv4", "accept_local", 22),
        DeviceSetting("ipv4", "src_valid_mark", 23),
        DeviceSetting("ipv4", "proxy_arp_pvlan", 24),
        DeviceSetting("ipv4", "route_localnet", 25, isManaged: true),
        DeviceSetting("ipv4", "ignore_routes_with_linkdown", 28),
        DeviceSetting("ipv4", "drop_unicast_in_l2_multicast", 29),
        DeviceSetting("ipv4", "drop_gratuitous_arp", 30),
        DeviceSetting("ipv4", "bc_forwarding", 31),
        // First of IPv6: without it the others have no place.
        DeviceSetting("ipv6", "disable_ipv6", 26, isManaged: true),
        DeviceSetting("ipv6", "forwarding", 0, isManaged: true),
        DeviceSetting("ipv6", "hop_limit", 1, "64"),
        DeviceSetting("ipv6", "accept_ra", 3, "1", isManaged: true),
        DeviceSetting("ipv6", "accept_redirects", 4, "1", isManaged: true),
        DeviceSetting("ipv6", "autoconf", 5, "1"),
        DeviceSetting("ipv6", "dad_transmits", 6, "1"),
        DeviceSetting("ipv6", "use_tempaddr", 10),
        DeviceSetting("ipv6", "accept_ra_defrtr", 17, "1"),
        DeviceSetting("ipv6", "accept_ra_pinfo", 18, "1"),
        DeviceSetting("ipv6", "proxy_ndp", 22),
        DeviceSetting("ipv6", "accept_source_route", 24, isManaged: true),
        DeviceSetting("ipv6", "accept_dad", 27, "1", isManaged: true),
        DeviceSetting("ipv6", "ndisc_notify", 29),
        DeviceSetting("ipv6", "accept_ra_mtu", 35, "1"),
        DeviceSetting("ipv6", "drop_unicast_in_l2_multicast", 40),
        DeviceSetting("ipv6", "drop_unsolicited_na", 41),
        DeviceSetting("ipv6", "keep_addr_on_down", 42),
        DeviceSetting("ipv6", "force_forwarding", 59, isManaged: true),
    ]
}
