public import Addressing

/// Requests about links.
public enum LinkRequest {
    /// `RTM_GETLINK` of all links, with bridge ports, without counters where they are not needed; of another namespace
    /// by the id that the asker's gave it (`IFLA_TARGET_NETNSID`).
    public static func dump(counters: Bool, target: Int32? = nil) -> Request {
        var writer = header(index: 0, flags: 0, change: 0)
        // RTEXT_FILTER_SKIP_STATS.
        if !counters { writer.attribute(LinkAttribute.extensionMask, number: UInt32(1 << 3)) }
        if let target { writer.attribute(LinkAttribute.targetNamespaceID, number: target) }
        return Request(.getLink, .dump, operation: "read links", body: writer)
    }

    /// `RTM_GETLINK` of one link by name.
    public static func get(name: String) -> Request {
        var writer = header(index: 0, flags: 0, change: 0)
        writer.attribute(LinkAttribute.name, text: name)
        writer.attribute(LinkAttribute.extensionMask, number: UInt32(1 << 3))
        return Request(.getLink, operation: "read link \(name)", body: writer)
    }

    /// `ip link add NAME type bridge`, down.
    public static func createBridge(name: String, mac: MACAddress?, mtu: Int, data: BridgeData) -> Request {
        var writer = header(index: 0, flags: 0, change: 0)
        writer.attribute(LinkAttribute.name, text: name)
        if let mac { writer.attribute(LinkAttribute.address, mac.bytes) }
        writer.attribute(LinkAttribute.mtu, number: UInt32(truncatingIfNeeded: mtu))
        writer.nest(LinkAttribute.info) { info in
            info.attribute(LinkAttribute.Info.kind, text: "bridge")
            info.nest(LinkAttribute.Info.data) { data.write(to: &$0, isNew: true) }
        }
        return Request(.newLink, [.create, .exclusive], operation: "create bridge \(name)", body: writer)
    }

    /// Name of a link that is made to see whether it can be.
    public static let probeName = "probe0"

    /// `ip link add probe0 type KIND` without anything else: a kernel that lacks the kind says `EOPNOTSUPP`.
    public static func probe(kind: String) -> Request {
        var writer = header(index: 0, flags: 0, change: 0)
        writer.attribute(LinkAttribute.name, text: probeName)
        writer.nest(LinkAttribute.info) { $0.attribute(LinkAttribute.Info.kind, text: kind) }
        return Request(.newLink, [.create, .exclusive], operation: "try to create a \(kind)", body: writer)
    }

    /// `ip link add NAME type vxlan id … local … dstport … nolearning`, down; a port of `master` at once.
    public static func createVXLAN(_ end: VethEnd, master: UInt32?, data: VXLANData) -> Request {
        var writer = header(index: 0, flags: 0, change: 0)
        write(end, to: &writer)
        if let master { writer.attribute(LinkAttribute.master, number: master) }
        writer.nest(LinkAttribute.info) { info in
            info.attribute(LinkAttribute.Info.kind, text: "vxlan")
            info.nest(LinkAttribute.Info.data) { data.write(to: &$0) }
        }
        return Request(.newLink, [.create, .exclusive], operation: "create vxlan \(end.name)", body: writer)
    }

    /// `ip link add NAME link LOWER type vlan id ID`, down; a port of `master` at once.
    public static func createVLAN(_ end: VethEnd, lower: UInt32, id: UInt16, master: UInt32?) -> Request {
        var writer = header(index: 0, flags: 0, change: 0)
        write(end, to: &writer)
        writer.attribute(LinkAttribute.link, number: lower)
        if let master { writer.attribute(LinkAttribute.master, number: master) }
        writer.nest(LinkAttribute.info) { info in
            info.attribute(LinkAttribute.Info.kind, text: "vlan")
            info.nest(LinkAttribute.Info.data) { $0.attribute(LinkAttribute.VLAN.id, number: id) }
        }
        return Request(.newLink, [.create, .exclusive], operation: "create vlan \(end.name)", body: writer)
    }

    /// `ip link add NAME type ifb`, down.
    public static func createShaper(_ end: VethEnd) -> Request {
        var writer = header(index: 0, flags: 0, change: 0)
        write(end, to: &writer)
        writer.nest(LinkAttribute.info) { $0.attribute(LinkAttribute.Info.kind, text: "ifb") }
        return Request(.newLink, [.create, .exclusive], operation: "create ifb \(end.name)", body: writer)
    }

    /// One end of a veth to be made.
    public struct VethEnd: Sendable {
        /// Its name.
        public var name: String
        /// Its MAC.
        public var mac: MACAddress?
        /// Its MTU.
        public var mtu: Int
        /// An end.
        public init(name: String, mac: MACAddress?, mtu: Int) {
            self.name = name
            self.mac = mac
            self.mtu = mtu
        }
    }

    /// `ip link add NAME master BRIDGE type veth peer NAME netns FD`: the peer is made in its namespace under its
    /// final name. Both are made down: the near end goes up when it carries its mark and port options, and the far one
    /// cannot go up before it has a near one (`ENOTCONN`).
    public static func createVeth(near: VethEnd, master: UInt32?, far: VethEnd, farNamespace: Int32?) -> Request {
        var writer = header(index: 0, flags: 0, change: 0)
        write(near, to: &writer)
        if let master { writer.attribute(LinkAttribute.master, number: master) }
        writer.nest(LinkAttribute.info) { info in
            info.attribute(LinkAttribute.Info.kind, text: "veth")
            info.nest(LinkAttribute.Info.data) { data in
                // VETH_INFO_PEER: a link message of its own.
                data.nest(1) { peer in
                    writeHeader(index: 0, flags: 0, change: 0, to: &peer)
                    write(far, to: &peer)
                    if let farNamespace { peer.attribute(LinkAttribute.namespaceDescriptor, number: farNamespace) }
                }
            }
        }
        return Request(.newLink, [.create, .exclusive], operation: "create veth \(near.name)", body: writer)
    }

    /// `ip link delete`.
    public static func delete(name: String) -> Request {
        var writer = header(index: 0, flags: 0, change: 0)
        writer.attribute(LinkAttribute.name, text: name)
        return Request(.deleteLink, operation: "delete link \(name)", body: writer)
    }

    /// `ip link delete group NUMBER`: all at once, so that the kernel waits once for those who still look at them.
    public static func delete(group: UInt32) -> Request {
        var writer = header(index: 0, flags: 0, change: 0)
        writer.attribute(LinkAttribute.group, number: group)
        return Request(.deleteLink, operation: "delete link group \(group)", body: writer)
    }

    /// `ip link set NAME group NUMBER`; what is said of it in errors is that it is deleted.
    public static func set(name: String, groupToDelete group: UInt32) -> Request {
        var writer = header(index: 0, flags: 0, change: 0)
        writer.attribute(LinkAttribute.name, text: name)
        writer.attribute(LinkAttribute.group, number: group)
        return Request(.setLink, operation: "delete link \(name)", body: writer)
    }

    /// What a set message may change.
    public struct Change: Sendable {
        /// `IFF_UP`.
        public var isUp: Bool?
        /// Whether `IFF_NOARP` is absent.
        public var resolvesNeighbours: Bool?
        /// `IFF_ALLMULTI` set, or taken away.
        public var hearsAllGroups: Bool?
        /// `IFLA_MTU`.
        public var mtu: Int?
        /// `IFLA_ADDRESS`.
        public var mac: MACAddress?
        /// `IFLA_MASTER`; 0 for none.
        public var master: UInt32?
        /// `IFLA_IFALIAS`.
        public var alias: String?
        /// `IFLA_INET6_ADDR_GEN_MODE`.
        public var addressGeneration: UInt8?
        /// Nothing.
        public init() {}
        /// Whether there is nothing to send.
        public var isEmpty: Bool {
            isUp == nil && resolvesNeighbours == nil && hearsAllGroups == nil && mtu == nil && mac == nil
                && master == nil && alias == nil
                && addressGeneration == nil
        }
    }

    /// `ip link set NAME …`.
    public static func set(name: String, _ change: Change) -> Request {
        // IFF_UP and IFF_NOARP.
        let groups: UInt32 = 0x200
        let flags: UInt32 =
            (change.isUp == true ? 1 : 0) | (change.resolvesNeighbours == false ? 0x80 : 0)
            | (change.hearsAllGroups == true ? groups : 0)
        let mask: UInt32 =
            (change.isUp == nil ? 0 : 1) | (change.resolvesNeighbours == nil ? 0 : 0x80)
            | (change.hearsAllGroups == nil ? 0 : groups)
        var writer = header(index: 0, flags: flags, change: mask)
        writer.attribute(LinkAttribute.name, text: name)
        if let mac = change.mac { writer.attribute(LinkAttribute.address, mac.bytes) }
        if let mtu = change.mtu { writer.attribute(LinkAttribute.mtu, number: UInt32(truncatingIfNeeded: mtu)) }
        if let master = change.master { writer.attribute(LinkAttribute.master, number: master) }
        if let alias = change.alias { writer.attribute(LinkAttribute.alias, KernelText.bytes(alias)) }
        if let mode = change.addressGeneration { write(addressGeneration: mode, to: &writer) }
        return Request(.setLink, operation: "change link \(name)", body: writer)
    }

    /// `ip link set NAME name OTHER`: kernels before 6.2 refuse it (`EBUSY`) while the link is up.
    public static func rename(_ name: String, index: UInt32, to other: String) -> Request {
        var writer = header(index: index, flags: 0, change: 0)
        writer.attribute(LinkAttribute.name, text: other)
        return Request(.setLink, operation: "rename link \(name) to \(other)", body: writer)
    }

    /// `ip link set NAME type bridge …`.
    public static func set(name: String, bridge: BridgeData) -> Request {
        var writer = header(index: 0, flags: 0, change: 0)
        writer.attribute(LinkAttribute.name, text: name)
        writer.nest(LinkAttribute.info) { info in
            info.attribute(LinkAttribute.Info.kind, text: "bridge")
            info.nest(LinkAttribute.Info.data) { bridge.write(to: &$0, isNew: false) }
        }
        return Request(.newLink, operation: "change bridge \(name)", body: writer)
    }

    /// `ip link set NAME type bridge_slave …`.
    public static func set(name: String, port: PortData) -> Request {
        var writer = header(index: 0, flags: 0, change: 0)
        writer.attribute(LinkAttribute.name, text: name)
        writer.nest(LinkAttribute.info) { info in
            info.attribute(LinkAttribute.Info.slaveKind, text: "bridge")
            info.nest(LinkAttribute.Info.slaveData) { port.write(to: &$0) }
        }
        return Request(.newLink, operation: "change bridge port \(name)", body: writer)
    }

    /// `bridge link set dev NAME state 3`; the kernel refuses it (`ENETDOWN`) while the port has no carrier.
    public static func forward(name: String) -> Request {
        var writer = header(index: 0, flags: 0, change: 0)
        writer.attribute(LinkAttribute.name, text: name)
        writer.nest(LinkAttribute.info) { info in
            info.attribute(LinkAttribute.Info.slaveKind, text: "bridge")
            info.nest(LinkAttribute.Info.slaveData) { $0.attribute(PortData.stateNumber, number: UInt8(3)) }
        }
        return Request(.newLink, operation: "change bridge port \(name)", body: writer)
    }

    /// `ip link property add|delete dev NAME altname …`.
    public static func alternativeName(_ alternative: String, of name: String, add: Bool) -> Request {
        var writer = header(index: 0, flags: 0, change: 0)
        writer.attribute(LinkAttribute.name, text: name)
        writer.nest(LinkAttribute.properties) { $0.attribute(LinkAttribute.alternativeName, text: alternative) }
        return Request(
            add ? .newLinkProperty : .deleteLinkProperty, add ? [.create, .exclusive] : [],
            operation: "\(add ? "add" : "remove") alternative name of \(name)", body: writer)
    }

    static func write(_ end: VethEnd, to writer: inout MessageWriter) {
        writer.attribute(LinkAttribute.name, text: end.name)
        if let mac = end.mac { writer.attribute(LinkAttribute.address, mac.bytes) }
        writer.attribute(LinkAttribute.mtu, number: UInt32(truncatingIfNeeded: end.mtu))
    }

    private static func write(addressGeneration mode: UInt8, to writer: inout MessageWriter) {
        writer.nest(LinkAttribute.familySpecific) { families in
            families.nest(10) { $0.attribute(8, number: mode) }
        }
    }

    static func header(index: UInt32, flags: UInt32, change: UInt32) -> MessageWriter {
        var writer = MessageWriter()
        writeHeader(index: index, flags: flags, change: change, to: &writer)
        return writer
    }

    private static func writeHeader(index: UInt32, flags: UInt32, change: UInt32, to writer: inout MessageWriter) {
        writer.number(UInt32(0))
        writer.number(index)
        writer.number(flags)
        writer.number(change)
    }
}
