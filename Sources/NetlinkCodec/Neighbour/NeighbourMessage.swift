public import Addressing

/// A neighbour or a forwarding entry of a bridge (`struct ndmsg` and `NDA_*`).
public struct NeighbourMessage: Hashable, Sendable {
    /// `ndm_ifindex`.
    public var link: UInt32
    /// `ndm_family`: 2, 10, or 7 (`AF_BRIDGE`).
    public var family: UInt8
    /// `ndm_state`: 0x40 no ARP (static), 0x80 permanent.
    public var state: UInt16
    /// `ndm_flags`: 2 self, 4 master, 8 proxy.
    public var flags: UInt8
    /// `NDA_DST`.
    public var address: IPAddress?
    /// `NDA_LLADDR`.
    public var mac: MACAddress?
    /// `NDA_PROTOCOL`: who made it, as with routes; 0 where nobody said.
    public var origin: UInt8 = 0

    /// Decodes the body of an `RTM_NEWNEIGH`.
    public init(decoding body: ArraySlice<UInt8>) throws(WireError) {
        var header = StructReader(body, "neighbour message")
        family = try header.number()
        _ = try header.number(UInt8.self)
        _ = try header.number(UInt16.self)
        link = try header.number()
        state = try header.number()
        flags = try header.number()
        _ = try header.number(UInt8.self)
        var attributes = AttributeReader(header.remainder)
        while let attribute = try attributes.next() {
            switch attribute.type {
            case 1: address = IPAddress(bytes: attribute.payload)
            case 2: mac = MACAddress(bytes: attribute.payload)
            case 12: origin = attribute.payload.first ?? 0
            case _: break
            }
        }
    }

    /// `RTM_GETNEIGH` of all neighbours (family 0), or of forwarding entries (7).
    public static func dump(family: UInt8) -> Request {
        Request(.getNeighbour, .dump, operation: "read neighbours", body: header(family, 0, 0, 0))
    }

    /// `RTM_GETNEIGH` of all addresses that the host answers for (`ip neighbour show proxy`), which is a table of its own.
    public static func dumpProxies() -> Request {
        Request(.getNeighbour, .dump, operation: "read proxy neighbours", body: header(0, 0, 0, 8))
    }

    /// What an entry says.
    public struct Entry: Sendable {
        /// `ndm_ifindex`.
        public var link: UInt32
        /// The neighbour's address; nil for a forwarding entry.
        public var address: IPAddress?
        /// Its MAC; nil for a proxy entry.
        public var mac: MACAddress?
        /// Where a VXLAN device sends frames for the MAC; nil for entries of a bridge.
        public var tunnelEnd: IPAddress?
        /// Who makes it (`protocol` of `ip neighbour`); nil where nobody is said.
        public var origin: UInt8?

        /// An entry.
        public init(
            link: UInt32, address: IPAddress?, mac: MACAddress?, tunnelEnd: IPAddress? = nil, origin: UInt8? = nil
        ) {
            self.link = link
            self.address = address
            self.mac = mac
            self.tunnelEnd = tunnelEnd
            self.origin = origin
        }
    }

    /// `ip neighbour add … nud permanent`, `bridge fdb add … master static`, or `bridge fdb add … self permanent dst …`.
    ///
    /// A VXLAN device has no one way for a group, or for what it does not know, that could be replaced (`EOPNOTSUPP`).
    public static func add(_ entry: Entry, operation: String) -> Request {
        let isForMany = entry.tunnelEnd != nil && (entry.mac.map { $0.isMulticast || $0.value == 0 } ?? false)
        return Request(
            .newNeighbour, isForMany ? [.create, .append] : [.create, .replace], operation: operation,
            body: body(entry))
    }

    /// `ip neighbour delete`, or `bridge fdb delete`.
    public static func remove(_ entry: Entry, operation: String) -> Request {
        Request(.deleteNeighbour, operation: operation, body: body(entry))
    }

    private static func body(_ entry: Entry) -> MessageWriter {
        guard let end = entry.tunnelEnd, entry.address == nil else {
            var writer = body(entry.address, entry.mac, entry.link)
            if let origin = entry.origin { writer.attribute(12, [origin]) }
            return writer
        }
        // NUD_PERMANENT and NUD_NOARP, NTF_SELF.
        var writer = header(7, entry.link, 0xc0, 2)
        writer.attribute(1, end.bytes)
        if let mac = entry.mac { writer.attribute(2, mac.bytes) }
        return writer
    }

    /// `ip neighbour delete`, whatever its state and MAC; what waits for it goes, too.
    public static func forget(_ address: IPAddress, link: UInt32, operation: String) -> Request {
        var writer = header(address.family.number, link, 0, 0)
        writer.attribute(1, address.bytes)
        return Request(.deleteNeighbour, operation: operation, body: writer)
    }

    /// Asks a neighbour for its MAC (`NTF_USE`), as the first packet to it would; one that was heard of is asked whether
    /// it is still there (`ip neighbour change … nud probe`).
    public static func solicit(_ address: IPAddress, link: UInt32, isHeard: Bool, operation: String) -> Request {
        var writer = header(address.family.number, link, isHeard ? 0x10 : 0, isHeard ? 0 : 1)
        writer.attribute(1, address.bytes)
        return Request(.newNeighbour, isHeard ? [.replace] : [.create], operation: operation, body: writer)
    }

    private static func body(_ address: IPAddress?, _ mac: MACAddress?, _ link: UInt32) -> MessageWriter {
        let proxy: UInt8 = mac == nil ? 8 : 0
        var writer =
            address.map { header($0.family.number, link, 0x80, proxy) } ?? header(7, link, 0x40, 4)
        if let address { writer.attribute(1, address.bytes) }
        if let mac { writer.attribute(2, mac.bytes) }
        return writer
    }

    private static func header(_ family: UInt8, _ link: UInt32, _ state: UInt16, _ flags: UInt8) -> MessageWriter {
        var writer = MessageWriter()
        writer.number(family)
        writer.number(UInt8(0))
        writer.number(UInt16(0))
        writer.number(link)
        writer.number(state)
        writer.number(flags)
        writer.number(UInt8(0))
        return writer
    }
}
