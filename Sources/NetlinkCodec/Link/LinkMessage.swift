public import Addressing

/// A network interface as rtnetlink tells of it (`struct ifinfomsg` and `IFLA_*`).
public struct LinkMessage: Hashable, Sendable {
    /// `ifi_index`.
    public var index: UInt32 = 0
    /// `ifi_flags`: 1 up, 8 loopback, 0x40 running, 0x80 without ARP.
    public var flags: UInt32 = 0
    /// `IFLA_IFNAME`.
    public var name = ""
    /// `IFLA_ADDRESS`, where it has six bytes.
    public var mac: MACAddress?
    /// `IFLA_MTU`.
    public var mtu: UInt32 = 0
    /// `IFLA_MASTER`.
    public var master: UInt32?
    /// `IFLA_LINK`.
    public var link: UInt32?
    /// `IFLA_LINK_NETNSID`.
    public var linkNamespaceID: Int32?
    /// `IFLA_IFALIAS`.
    public var alias: String?
    /// `IFLA_ALT_IFNAME`s of `IFLA_PROP_LIST`.
    public var alternativeNames: [String] = []
    /// `IFLA_GROUP`; 0 unless somebody gave it one.
    public var group: UInt32 = 0
    /// `IFLA_INFO_KIND`.
    public var kind = ""
    /// Bridge attributes of `IFLA_INFO_DATA`.
    public var bridge: BridgeData?
    /// VXLAN attributes of `IFLA_INFO_DATA`.
    public var vxlan: VXLANData?
    /// `IFLA_VLAN_ID` of `IFLA_INFO_DATA`, where the tags are those of 802.1Q.
    public var vlan: UInt16?
    /// Tun and tap attributes of `IFLA_INFO_DATA`.
    public var tun: TunData?
    /// Attributes of `IFLA_INFO_DATA` of a macvlan or macvtap.
    public var macvlan: MacvlanData?
    /// Bridge port attributes of `IFLA_INFO_SLAVE_DATA`.
    public var port: PortData?
    /// `IFLA_INET_CONF`.
    public var ipv4Settings: [Int32] = []
    /// `IFLA_INET6_CONF`.
    public var ipv6Settings: [Int32] = []
    /// `IFLA_INET6_ADDR_GEN_MODE`.
    public var addressGeneration: UInt8?
    /// `IFLA_STATS64`: rx packets, tx packets, rx bytes, tx bytes, rx errors, tx errors, rx dropped, tx dropped.
    public var counters: [UInt64] = []

    /// `IFF_UP`.
    public var isUp: Bool { flags & 1 != 0 }
    /// `IFF_RUNNING` and `IFF_LOWER_UP`: up, and with a carrier. Of a link that was just set up without one the kernel says the
    /// former until a thread of its own has come to it.
    public var isRunning: Bool { flags & 0x1_0040 == 0x1_0040 }
    /// Without `IFF_NOARP`.
    public var resolvesNeighbours: Bool { flags & 0x80 == 0 }
    /// `IFF_ALLMULTI`.
    public var hearsAllGroups: Bool { flags & 0x200 != 0 }
    /// `IFF_LOOPBACK`.
    public var isLoopback: Bool { flags & 8 != 0 }

    /// An empty message, for tests.
    public init() {}

    /// Decodes the body of an `RTM_NEWLINK`.
    public init(decoding body: ArraySlice<UInt8>) throws(WireError) {
        var header = StructReader(body, "link message")
        _ = try header.number(UInt32.self)
        index = try header.number()
        flags = try header.number()
        _ = try header.number(UInt32.self)
        var attributes = AttributeReader(header.remainder)
        while let attribute = try attributes.next() { try take(attribute) }
    }

    private mutating func take(_ attribute: Attribute) throws(WireError) {
        switch attribute.type {
        case LinkAttribute.address: mac = MACAddress(bytes: attribute.payload)
        case LinkAttribute.name: name = attribute.text
        case LinkAttribute.mtu: mtu = try attribute.uint32("IFLA_MTU")
        case LinkAttribute.link: link = try attribute.uint32("IFLA_LINK")
        case LinkAttribute.master: master = try attribute.uint32("IFLA_MASTER")
        case LinkAttribute.group: group = try attribute.uint32("IFLA_GROUP")
        case LinkAttribute.info: try takeInfo(attribute.nested)
        case LinkAttribute.alias: alias = attribute.text
        case LinkAttribute.counters64: counters = Self.counters(attribute.payload)
        case LinkAttribute.familySpecific: try takeFamilies(attribute.nested)
        case LinkAttribute.linkNamespaceID: linkNamespaceID = try attribute.int32("IFLA_LINK_NETNSID")
        case LinkAttribute.properties:
            var nested = attribute.nested
            while let inner = try nested.next() {
                if inner.type == LinkAttribute.alternativeName { alternativeNames.append(inner.text) }
            }
        case _: break
        }
    }

    private mutating func takeInfo(_ attributes: AttributeReader) throws(WireError) {
        var attributes = attributes
        var data: AttributeReader?
        var slaveKind = ""
        while let attribute = try attributes.next() {
            switch attribute.type {
            case LinkAttribute.Info.kind: kind = attribute.text
            case LinkAttribute.Info.data: data = attribute.nested
            case LinkAttribute.Info.slaveKind: slaveKind = attribute.text
            case LinkAttribute.Info.slaveData where slaveKind == "bridge":
                port = try PortData(decoding: attribute.nested)
            case _: break
            }
        }
        if kind == "bridge", let data { bridge = try BridgeData(decoding: data) }
        if kind == "vxlan", let data { vxlan = try VXLANData(decoding: data) }
        if kind == "vlan", let data { vlan = try Self.vlan(data) }
        if kind == "tun", let data { tun = try TunData(decoding: data) }
        if MacvlanData.Kind(rawValue: kind) != nil, let data { macvlan = try MacvlanData(decoding: data) }
    }

    private static func vlan(_ attributes: AttributeReader) throws(WireError) -> UInt16? {
        var attributes = attributes
        var (id, isCustomer): (UInt16?, Bool) = (nil, true)
        while let attribute = try attributes.next() {
            switch attribute.type {
            case LinkAttribute.VLAN.id: id = try attribute.uint16("IFLA_VLAN_ID")
            case LinkAttribute.VLAN.tag:
                isCustomer = UInt16(bigEndian: try attribute.uint16("IFLA_VLAN_PROTOCOL")) == 0x8100
            case _: break
            }
        }
        return isCustomer ? id : nil
    }

    private mutating func takeFamilies(_ attributes: AttributeReader) throws(WireError) {
        var attributes = attributes
        while let family = try attributes.next() {
            var nested = family.nested
            while let attribute = try nested.next() {
                switch (family.type, attribute.type) {
                // AF_INET, IFLA_INET_CONF.
                case (2, 1): ipv4Settings = Self.settings(attribute.payload)
                // AF_INET6, IFLA_INET6_CONF and IFLA_INET6_ADDR_GEN_MODE.
                case (10, 2): ipv6Settings = Self.settings(attribute.payload)
                case (10, 8): addressGeneration = try attribute.uint8("IFLA_INET6_ADDR_GEN_MODE")
                case (_, _): break
                }
            }
        }
    }

    private static func settings(_ bytes: ArraySlice<UInt8>) -> [Int32] {
        numbers(bytes, size: 4).map { Int32(truncatingIfNeeded: $0) }
    }

    private static func counters(_ bytes: ArraySlice<UInt8>) -> [UInt64] { Array(numbers(bytes, size: 8).prefix(8)) }

    private static func numbers(_ bytes: ArraySlice<UInt8>, size: Int) -> [UInt64] {
        var result: [UInt64] = []
        result.reserveCapacity(bytes.count / size)
        var start = bytes.startIndex
        while start + size <= bytes.endIndex {
            var value: UInt64 = 0
            for offset in (0..<size).reversed() { value = value << 8 | UInt64(bytes[start + offset]) }
            result.append(value)
            start += size
        }
        return result
    }
}

/// Numbers of link attributes (`linux/if_link.h`).
enum LinkAttribute {
    static let address: UInt16 = 1
    static let name: UInt16 = 3
    static let mtu: UInt16 = 4
    static let link: UInt16 = 5
    static let master: UInt16 = 10
    static let info: UInt16 = 18
    static let alias: UInt16 = 20
    static let counters64: UInt16 = 23
    static let familySpecific: UInt16 = 26
    static let group: UInt16 = 27
    static let namespaceDescriptor: UInt16 = 28
    static let extensionMask: UInt16 = 29
    static let linkNamespaceID: UInt16 = 37
    static let targetNamespaceID: UInt16 = 46
    static let properties: UInt16 = 52
    static let alternativeName: UInt16 = 53

    enum VLAN {
        static let id: UInt16 = 1
        static let tag: UInt16 = 5
    }

    enum Info {
        static let kind: UInt16 = 1
        static let data: UInt16 = 2
        static let slaveKind: UInt16 = 4
        static let slaveData: UInt16 = 5
    }
}
