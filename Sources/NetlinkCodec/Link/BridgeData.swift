/// Attributes of a bridge that bulkhead reads and writes (`IFLA_BR_*`). One table serves both directions.
public struct BridgeData: Hashable, Sendable {
    /// `IFLA_BR_STP_STATE`.
    public var spanningTree: UInt32 = 0
    /// `IFLA_BR_VLAN_FILTERING`; nil where a message says nothing of it.
    public var vlanFiltering: UInt8?
    /// `IFLA_BR_GROUP_FWD_MASK`.
    public var groupForwardMask: UInt16 = 0
    /// `IFLA_BR_MCAST_SNOOPING`.
    public var multicastSnooping: UInt8 = 0
    /// `IFLA_BR_NF_CALL_IPTABLES`.
    public var netfilterIPv4: UInt8 = 0
    /// `IFLA_BR_NF_CALL_IP6TABLES`.
    public var netfilterIPv6: UInt8 = 0
    /// `BR_BOOLOPT_NO_LL_LEARN` of `IFLA_BR_MULTI_BOOLOPT`.
    public var noLinkLocalLearning = false

    /// In `struct br_boolopt_multi`: values in the lower half, which of them are meant in the upper one.
    private static let noLinkLocalLearningBit: UInt64 = 1

    private enum Number {
        static let spanningTree: UInt16 = 5
        static let vlanFiltering: UInt16 = 7
        static let groupForwardMask: UInt16 = 9
        static let multicastSnooping: UInt16 = 23
        static let netfilterIPv4: UInt16 = 36
        static let netfilterIPv6: UInt16 = 37
        static let options: UInt16 = 46
    }

    /// All zero.
    public init() {}

    init(decoding attributes: AttributeReader) throws(WireError) {
        var attributes = attributes
        while let attribute = try attributes.next() {
            switch attribute.type {
            case Number.spanningTree: spanningTree = try attribute.uint32("IFLA_BR_STP_STATE")
            case Number.vlanFiltering: vlanFiltering = try attribute.uint8("IFLA_BR_VLAN_FILTERING")
            case Number.groupForwardMask: groupForwardMask = try attribute.uint16("IFLA_BR_GROUP_FWD_MASK")
            case Number.multicastSnooping: multicastSnooping = try attribute.uint8("IFLA_BR_MCAST_SNOOPING")
            case Number.netfilterIPv4: netfilterIPv4 = try attribute.uint8("IFLA_BR_NF_CALL_IPTABLES")
            case Number.netfilterIPv6: netfilterIPv6 = try attribute.uint8("IFLA_BR_NF_CALL_IP6TABLES")
            case Number.options:
                let values = try attribute.uint64("IFLA_BR_MULTI_BOOLOPT")
                noLinkLocalLearning = values & Self.noLinkLocalLearningBit != 0
            case _: break
            }
        }
    }

    /// Writes the attributes. Kernels without VLAN filtering refuse even "off", so a bridge that is made, which does not
    /// filter, gets it only where it is wanted, and another one only where it changes (nil else).
    func write(to writer: inout MessageWriter, isNew: Bool) {
        writer.attribute(Number.spanningTree, number: spanningTree)
        if let vlanFiltering, vlanFiltering != 0 || !isNew {
            writer.attribute(Number.vlanFiltering, number: vlanFiltering)
        }
        writer.attribute(Number.groupForwardMask, number: groupForwardMask)
        writer.attribute(Number.multicastSnooping, number: multicastSnooping)
        writer.attribute(Number.netfilterIPv4, number: netfilterIPv4)
        writer.attribute(Number.netfilterIPv6, number: netfilterIPv6)
        let option = Self.noLinkLocalLearningBit
        writer.attribute(Number.options, number: option << 32 | (noLinkLocalLearning ? option : 0))
    }
}

/// Attributes of a bridge port (`IFLA_BRPORT_*`).
public struct PortData: Hashable, Sendable {
    /// `IFLA_BRPORT_MODE`.
    public var hairpin = false
    /// `IFLA_BRPORT_GUARD`.
    public var guarded = false
    /// `IFLA_BRPORT_LEARNING`.
    public var learning = true
    /// `IFLA_BRPORT_UNICAST_FLOOD`.
    public var unicastFlood = true
    /// `IFLA_BRPORT_MCAST_FLOOD`.
    public var multicastFlood = true
    /// `IFLA_BRPORT_BCAST_FLOOD`.
    public var broadcastFlood = true
    /// `IFLA_BRPORT_ISOLATED`.
    public var isolated = false
    /// `IFLA_BRPORT_NEIGH_SUPPRESS`.
    public var suppressesNeighbours = false
    /// `IFLA_BRPORT_LOCKED` (Linux 5.18): frames of MACs without an entry are dropped.
    public var locked = false
    /// `IFLA_BRPORT_PROXYARP`.
    public var answersNeighbours = false
    /// `IFLA_BRPORT_PROTECT`.
    public var protectsRoot = false
    /// `IFLA_BRPORT_MCAST_TO_UCAST`.
    public var multicastToUnicast = false
    /// `IFLA_BRPORT_STATE`: 0 disabled, 3 forwarding; only read, and written by itself.
    public private(set) var state: UInt8 = 0

    private static let table: [(number: UInt16, field: any WritableKeyPath<PortData, Bool> & Sendable)] = [
        (4, \.hairpin), (5, \.guarded), (6, \.protectsRoot), (8, \.learning), (9, \.unicastFlood),
        (10, \.answersNeighbours), (27, \.multicastFlood), (28, \.multicastToUnicast), (30, \.broadcastFlood),
        (32, \.suppressesNeighbours), (33, \.isolated), (39, \.locked),
    ]

    static let stateNumber: UInt16 = 1

    /// A port as the kernel makes it.
    public init() {}

    init(decoding attributes: AttributeReader) throws(WireError) {
        var attributes = attributes
        while let attribute = try attributes.next() {
            if attribute.type == Self.stateNumber { state = try attribute.uint8("IFLA_BRPORT_STATE") }
            for entry in Self.table where entry.number == attribute.type {
                self[keyPath: entry.field] = try attribute.uint8("IFLA_BRPORT \(entry.number)") != 0
            }
        }
    }

    func write(to writer: inout MessageWriter) {
        for entry in Self.table { writer.attribute(entry.number, number: UInt8(self[keyPath: entry.field] ? 1 : 0)) }
    }
}
