public import Addressing

/// Attributes of a VXLAN device that bulkhead reads and writes (`IFLA_VXLAN_*`).
public struct VXLANData: Hashable, Sendable {
    /// `IFLA_VXLAN_LOCAL` or `IFLA_VXLAN_LOCAL6`.
    public var local: IPAddress?
    /// `IFLA_VXLAN_ID`.
    public var identifier: UInt32 = 0
    /// `IFLA_VXLAN_PORT`, in host order.
    public var port: UInt16 = 0
    /// `IFLA_VXLAN_LEARNING`.
    public var learning = true
    /// `IFLA_VXLAN_LIMIT`.
    public var limit: UInt32 = 0
    /// `IFLA_VXLAN_AGEING`.
    public var ageing: UInt32 = 300

    private enum Number {
        static let identifier: UInt16 = 1
        static let local: UInt16 = 4
        static let learning: UInt16 = 7
        static let ageing: UInt16 = 8
        static let limit: UInt16 = 9
        static let port: UInt16 = 15
        static let local6: UInt16 = 17
    }

    /// A device.
    public init(local: IPAddress?, identifier: UInt32, port: UInt16, learning: Bool, limit: UInt32, ageing: UInt32) {
        self.local = local
        self.identifier = identifier
        self.port = port
        self.learning = learning
        self.limit = limit
        self.ageing = ageing
    }

    init(decoding attributes: AttributeReader) throws(WireError) {
        var attributes = attributes
        while let attribute = try attributes.next() {
            switch attribute.type {
            case Number.identifier: identifier = try attribute.uint32("IFLA_VXLAN_ID")
            case Number.local, Number.local6: local = IPAddress(bytes: attribute.payload)
            case Number.learning: learning = try attribute.uint8("IFLA_VXLAN_LEARNING") != 0
            case Number.limit: limit = try attribute.uint32("IFLA_VXLAN_LIMIT")
            case Number.ageing: ageing = try attribute.uint32("IFLA_VXLAN_AGEING")
            case Number.port: port = UInt16(bigEndian: try attribute.uint16("IFLA_VXLAN_PORT"))
            case _: break
            }
        }
        // Without one the kernel says all zeros.
        if local?.isUnspecified ?? false { local = nil }
    }

    func write(to writer: inout MessageWriter) {
        writer.attribute(Number.identifier, number: identifier)
        if let local { writer.attribute(local.family == .ipv4 ? Number.local : Number.local6, local.bytes) }
        writer.attribute(Number.learning, number: UInt8(learning ? 1 : 0))
        writer.attribute(Number.ageing, number: ageing)
        writer.attribute(Number.limit, number: limit)
        writer.attribute(Number.port, number: port.bigEndian)
    }
}
