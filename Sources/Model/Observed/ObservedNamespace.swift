/// One network namespace as the kernel has it.
public struct ObservedNamespace: Hashable, Sendable {
    /// Which one.
    public var reference: NamespaceRef
    /// Inode of the namespace; equal inodes are the same namespace.
    public var inode: UInt64
    /// The id that the host gave it (`RTM_GETNSID`), which is the mark of owned ones; nil where there is none.
    public var namespaceID: Int32?
    /// All interfaces, by index.
    public var links: [ObservedLink]
    /// All addresses.
    public var addresses: [ObservedAddress]
    /// All routes of all tables but those the kernel makes in table `local`.
    public var routes: [ObservedRoute]
    /// Permanent neighbours and static forwarding entries.
    public var neighbours: [ObservedNeighbour]
    /// Kernel settings that were asked for, by path below `/proc/sys`.
    public var settings: [String: String]

    /// A namespace.
    public init(
        reference: NamespaceRef, inode: UInt64 = 0, namespaceID: Int32? = nil, links: [ObservedLink] = [],
        addresses: [ObservedAddress] = [], routes: [ObservedRoute] = [], neighbours: [ObservedNeighbour] = [],
        settings: [String: String] = [:]
    ) {
        self.reference = reference
        self.inode = inode
        self.namespaceID = namespaceID
        self.links = links
        self.addresses = addresses
        self.routes = routes
        self.neighbours = neighbours
        self.settings = settings
    }

    /// The interface of that name.
    public func link(named name: String) -> ObservedLink? { links.first { $0.name == name } }
    /// The interface with that index.
    public func link(index: UInt32) -> ObservedLink? { links.first { $0.index == index } }

    /// A kernel setting: those of interfaces come with the links, others were read one by one.
    public func setting(_ path: String) -> String? {
        if let value = settings[path] { return value }
        let parts = path.split(separator: "/")
        guard parts.count == 5, parts[0] == "net", parts[2] == "conf", let link = link(named: String(parts[3]))
        else { return nil }
        return link.setting(family: parts[1], key: parts[4])
    }
}

extension ObservedLink {
    /// A value of `/proc/sys/net/FAMILY/conf/NAME/KEY`, for the keys that bulkhead manages.
    public func setting(family: some StringProtocol, key: some StringProtocol) -> String? {
        let values = family == "ipv4" ? ipv4Settings : ipv6Settings
        guard let index = DeviceSetting.index(family: String(family), key: String(key)), index < values.count
        else { return nil }
        return String(values[index])
    }
}

/// Positions of per-interface settings in the arrays that link dumps carry.
public enum DeviceSetting {
    /// `IPV4_DEVCONF_*` less one (`linux/ip.h`), or `DEVCONF_*` (`linux/ipv6.h`).
    public static func index(family: String, key: String) -> Int? {
        switch (family, key) {
        case ("ipv4", "forwarding"): 0
        case ("ipv4", "proxy_arp"): 2
        case ("ipv4", "accept_redirects"): 3
        case ("ipv4", "send_redirects"): 5
        case ("ipv4", "rp_filter"): 7
        case ("ipv4", "accept_source_route"): 8
        case ("ipv4", "arp_ignore"): 18
        case ("ipv4", "promote_secondaries"): 19
        case ("ipv4", "route_localnet"): 25
        case ("ipv6", "forwarding"): 0
        case ("ipv6", "accept_ra"): 3
        case ("ipv6", "accept_redirects"): 4
        case ("ipv6", "accept_source_route"): 24
        case ("ipv6", "disable_ipv6"): 26
        case ("ipv6", "force_forwarding"): 59
        case (_, _): nil
        }
    }
}
