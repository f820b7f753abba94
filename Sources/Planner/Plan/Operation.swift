public import Addressing
public import JSON
public import Model

/// One write to the kernel or to a file. Operations are data: the executor does what they say and nothing else.
public enum Operation: Hashable, Codable, Sendable {
    /// `modprobe NAME`.
    case loadModule(String)
    /// Makes a namespace, gives it the id, then binds it to a file of the netns folder (`ip netns add`).
    case createNamespace(name: String, mark: OwnershipMark, id: Int32)
    /// Unbinds and removes the file (`ip netns delete`); the executor holds the namespace by descriptor until the end.
    case deleteNamespace(name: String)
    /// Binds a namespace again that `deleteNamespace` unbound in the same run: same inode, same links.
    case bindNamespace(name: String)
    /// Makes a link with its alias and alternative name in one datagram (`ip link add`).
    case createLink(LinkSpec)
    /// `ip link delete`.
    case deleteLink(LinkReference)
    /// `ip link set`, all changes in one message where the kernel takes them together.
    case changeLink(LinkReference, [LinkChange])
    /// `ip address add … nodad`.
    case addAddress(LinkReference, InterfaceAddress)
    /// `ip address delete`.
    case removeAddress(LinkReference, InterfaceAddress)
    /// `ip route add`.
    case addRoute(RouteEntry)
    /// `ip route replace`: the new route takes the place of the old one at once.
    case replaceRoute(RouteEntry, old: RouteEntry)
    /// `ip route delete`.
    case removeRoute(RouteEntry)
    /// `ip rule add`.
    case addRule(RuleEntry)
    /// `ip rule delete`.
    case removeRule(RuleEntry)
    /// `tc qdisc replace`, with its filter. What is in its place at the root gives way to it.
    case addQdisc(LinkReference, QdiscSpec)
    /// `tc qdisc delete dev LINK parent PARENT`, with its classes and filters.
    case removeQdisc(LinkReference, parent: UInt32)
    /// `ip neighbour add … nud permanent`, or where there is no address `bridge fdb add … master static`, with a tunnel's
    /// end `… self permanent dst END`. An entry for the same address or MAC is replaced.
    case addNeighbour(NeighbourEntry)
    /// `ip neighbour delete`, or `bridge fdb delete`.
    case removeNeighbour(NeighbourEntry)
    /// `ip neighbour delete` of entries that the kernel learnt and that are wrong now; what is not there is no failure.
    case forgetNeighbours(LinkReference, [IPAddress])
    /// Writes a file below `/proc/sys` as seen inside the namespace (`sysctl -w`).
    case writeSetting(NamespaceRef, path: String, value: String)
    /// An interface becomes a port of a bridge, or stops being one, with all that the host has on it.
    case moveUplink(UplinkMove)
    /// Finds out which of these neighbours, and of those that were spoken with lately, answer.
    case noteNeighbours(LinkReference, [IPAddress])
    /// Fails where one of those that answered does not answer any more.
    case expectNeighbours(LinkReference, [IPAddress])
    /// Notes in the state folder what a shared setting was before.
    case rememberOriginal(OriginalSetting)
    /// Forgets it again.
    case forgetOriginal(OriginalSetting)
    /// Writes a file below the netns-etc folder: whole and at once where it is new, in place where it exists.
    case writeFile(path: String, content: String)
    /// Removes such a file, and its folder where that is empty then.
    case removeFile(path: String)
    /// Cuts every tracked connection of an endpoint that the manifests do not allow (`conntrack -D`), unless the policy
    /// that denies it keeps them.
    case cutConnections
    /// Before endpoints come: the same for connections of their addresses alone, which are from before; and what waits in
    /// the host for a neighbour with one of them goes (`ip neighbour delete`). Entries name the bridge and the address,
    /// prefixes are those of `allowedAddresses`.
    case clearWay([NeighbourEntry], behind: [IPPrefix])
    /// Makes bulkhead's part of FRR's configuration what it shall be (`vtysh -c 'configure terminal' …`), or that of the file
    /// that FRR starts from.
    case configureRouting(RoutingChange)
    /// One nftables transaction: the value of `{"nftables": […]}` as in `libnftables-json(5)`.
    case firewall([JSON])
}

/// A link by the name it has in its namespace.
public struct LinkReference: Hashable, Codable, Sendable {
    /// Where it lives.
    public var namespace: NamespaceRef
    /// Its name there.
    public var name: String

    /// A reference.
    public init(_ namespace: NamespaceRef, _ name: String) {
        self.namespace = namespace
        self.name = name
    }
}

extension LinkReference: CustomStringConvertible {
    /// `bh-web`, or `eth0 in web-1`.
    public var description: String {
        namespace == .host ? name.terminalSafe : "\(name.terminalSafe) in \(namespace)"
    }
}

/// One attribute of a link to be set.
public enum LinkChange: Hashable, Codable, Sendable {
    /// `IFF_UP`.
    case up(Bool)
    /// `IFF_NOARP` taken away, or set (`ip link set X arp on`).
    case resolvesNeighbours(Bool)
    /// `IFF_ALLMULTI` set, or taken away (`ip link set X allmulticast on`).
    case hearsAllGroups(Bool)
    /// A port of a bridge takes part again (`bridge link set dev X state 3`).
    case forwards
    /// `IFLA_MTU`.
    case mtu(Int)
    /// `IFLA_IFNAME` (`ip link set X name`), of a link that is down.
    case name(String)
    /// `IFLA_ADDRESS`.
    case mac(MACAddress)
    /// `IFLA_MASTER`; nil takes the link out of its bridge.
    case master(String?)
    /// `IFLA_IFALIAS`; empty removes it.
    case alias(String)
    /// `RTM_NEWLINKPROP`.
    case addAlternativeName(String)
    /// `RTM_DELLINKPROP`.
    case removeAlternativeName(String)
    /// `IFLA_INET6_ADDR_GEN_MODE`: 0 EUI-64, 1 none.
    case addressGeneration(UInt8)
    /// `IFLA_MACVLAN_MODE` (`ip link set X type macvlan mode …`).
    case macvlan(MacvlanMode)
    /// The same of a macvtap.
    case macvtap(MacvlanMode)
    /// Bridge attributes.
    case bridge(BridgeOptions)
    /// Bridge port attributes.
    case port(PortOptions)
}

extension LinkChange {
    /// Whether the link is called otherwise afterwards.
    public var isName: Bool { if case .name = self { true } else { false } }
    /// Whether it has another MAC afterwards.
    var isMAC: Bool { if case .mac = self { true } else { false } }
}

/// A link to be made, with everything that can be given in the creating datagram.
public struct LinkSpec: Hashable, Codable, Sendable {
    /// What it is.
    public enum Kind: Hashable, Codable, Sendable {
        /// `type bridge`.
        case bridge(BridgeOptions)
        /// `type veth peer …`.
        case veth(peer: PeerSpec)
        /// `type vxlan …`.
        case vxlan(VXLANOptions)
        /// `type ifb`.
        case ifb
        /// `link LOWER type vlan id ID`.
        case vlan(lower: String, id: UInt16)
        /// `link LOWER type macvlan mode …`; the interface below is the host's.
        case macvlan(lower: String, mode: MacvlanMode)
        /// `ip tuntap add NAME mode tap …`.
        case tap(TapOptions)
        /// `link LOWER type macvtap mode …`.
        case macvtap(lower: String, mode: MacvlanMode)
    }
    /// Where it lives.
    public var reference: LinkReference
    /// Kind and its attributes.
    public var kind: Kind
    /// `IFLA_ADDRESS`.
    public var mac: MACAddress?
    /// `IFLA_MTU`.
    public var mtu: Int
    /// Bridge it is a port of.
    public var master: String?
    /// Port attributes, where it is a port.
    public var port: PortOptions?
    /// `IFLA_INET6_ADDR_GEN_MODE`.
    public var addressGeneration: UInt8
    /// Whether it is set up at once.
    public var isUp: Bool
    /// The mark.
    public var alias: String
    /// Full logical name where the interface name was shortened.
    public var alternativeName: String?

    /// The interface of the host that it stands on.
    public var lower: LinkReference? {
        switch kind {
        case .vlan(let lower, _), .macvlan(let lower, _), .macvtap(let lower, _): LinkReference(.host, lower)
        case .bridge, .veth, .vxlan, .ifb, .tap: nil
        }
    }

    /// A link.
    public init(
        reference: LinkReference, kind: Kind, mac: MACAddress?, mtu: Int, master: String? = nil,
        port: PortOptions? = nil, addressGeneration: UInt8, isUp: Bool, alias: String, alternativeName: String? = nil
    ) {
        self.reference = reference
        self.kind = kind
        self.mac = mac
        self.mtu = mtu
        self.master = master
        self.port = port
        self.addressGeneration = addressGeneration
        self.isUp = isUp
        self.alias = alias
        self.alternativeName = alternativeName
    }
}

/// The other end of a veth, made directly in its namespace.
public struct PeerSpec: Hashable, Codable, Sendable {
    /// Namespace and final name.
    public var reference: LinkReference
    /// Its MAC.
    public var mac: MACAddress?
    /// Its MTU.
    public var mtu: Int

    /// An end.
    public init(reference: LinkReference, mac: MACAddress?, mtu: Int) {
        self.reference = reference
        self.mac = mac
        self.mtu = mtu
    }
}

/// A route. Those that bulkhead makes are unicast, in table main, with protocol 98.
public struct RouteEntry: Hashable, Codable, Sendable {
    /// Interface and namespace; the loopback's for those that lead nowhere.
    public var link: LinkReference
    /// Destination.
    public var destination: IPPrefix
    /// Next hop; nil for on-link.
    public var gateway: IPAddress?
    /// `RTA_PRIORITY`.
    public var metric: UInt32
    /// `RTA_TABLE`.
    public var table: UInt32
    /// `rtm_protocol`.
    public var origin: UInt8
    /// `rtm_type` (1 unicast, 2 local, 6 blackhole, 7 unreachable, 8 prohibit, 9 throw).
    public var type: UInt8
    /// `RTA_PREFSRC`.
    public var preferredSource: IPAddress?
    /// What others' routes say beside that.
    public var details: RouteDetails?

    /// A route.
    public init(
        link: LinkReference, destination: IPPrefix, gateway: IPAddress?, metric: UInt32, table: UInt32 = 254,
        origin: UInt8 = RouteEntry.bulkhead, type: UInt8 = 1, preferredSource: IPAddress? = nil,
        details: RouteDetails? = nil
    ) {
        self.link = link
        self.destination = destination
        self.gateway = gateway
        self.metric = metric
        self.table = table
        self.origin = origin
        self.type = type
        self.preferredSource = preferredSource
        self.details = details
    }

    /// The routing protocol number that marks what bulkhead made.
    public static let bulkhead: UInt8 = 98
}

extension RouteEntry: CustomStringConvertible {
    /// As `ip route` writes it.
    public var description: String {
        let hop = gateway.map { " via \($0)" } ?? ""
        let priority = metric == 0 || (metric == 1024 && destination.family == .ipv6) ? "" : " metric \(metric)"
        let place = table == 254 ? "" : " table \(table)"
        let source = preferredSource.map { " src \($0)" } ?? ""
        let target = "\(typeWord)\(destination.isDefault ? "default" : "\(destination)")"
        return "\(target)\(hop)\(priority)\(place)\(source)\(details.map { " \($0.words)" } ?? "")"
    }

    private var typeWord: String {
        switch type {
        case 1: ""
        case 2: "local "
        case 5: "multicast "
        case 6: "blackhole "
        case 7: "unreachable "
        case 8: "prohibit "
        case 9: "throw "
        case _: "type \(type) "
        }
    }
}

/// A routing rule, as the kernel says it.
public struct RuleEntry: Hashable, Codable, Sendable {
    /// Where.
    public var namespace: NamespaceRef
    /// As `ip rule` writes it.
    public var words: String
    /// `struct fib_rule_hdr` and attributes.
    public var body: [UInt8]

    /// A rule.
    public init(namespace: NamespaceRef, words: String, body: [UInt8]) {
        self.namespace = namespace
        self.words = words
        self.body = body
    }
}

/// A permanent neighbour, or a static forwarding entry of a bridge.
public struct NeighbourEntry: Hashable, Codable, Sendable {
    /// Interface and namespace.
    public var link: LinkReference
    /// The address; nil for a forwarding entry.
    public var address: IPAddress?
    /// The MAC; nil for a proxy entry.
    public var mac: MACAddress?
    /// Where a VXLAN device sends frames for the MAC; nil for all other entries.
    public var tunnelEnd: IPAddress?
    /// Who makes a proxy entry (`protocol` of `ip neighbour`); nil for all other entries, and where nobody is said.
    public var origin: UInt8?

    /// An entry.
    public init(
        link: LinkReference, address: IPAddress?, mac: MACAddress?, tunnelEnd: IPAddress? = nil, origin: UInt8? = nil
    ) {
        self.link = link
        self.address = address
        self.mac = mac
        self.tunnelEnd = tunnelEnd
        self.origin = origin
    }

    /// What kind of entry it is, without its MAC.
    public var words: String {
        address.map { "neighbour \($0)" } ?? (tunnelEnd == nil ? "forwarding entry" : "tunnel entry")
    }
}

extension Operation {
    /// The move of an uplink that it is; nil for all others.
    public var move: UplinkMove? {
        if case .moveUplink(let move) = self { return move }
        return nil
    }
}
