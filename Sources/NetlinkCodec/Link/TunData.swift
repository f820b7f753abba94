/// Attributes of a tun or tap device (`IFLA_TUN_*` of `linux/if_link.h`). The kernel takes none of them: such a device is
/// made by `ioctl(TUNSETIFF)`.
public struct TunData: Hashable, Sendable {
    /// `IFLA_TUN_OWNER`; nil for none.
    public var owner: UInt32?
    /// `IFLA_TUN_GROUP`; nil for none.
    public var group: UInt32?
    /// `IFLA_TUN_TYPE`: 1 tun, 2 tap.
    public var type: UInt8 = 0
    /// `IFLA_TUN_PERSIST`.
    public var isPersistent = false
    /// `IFLA_TUN_MULTI_QUEUE`.
    public var multiQueue = false

    private enum Number {
        static let owner: UInt16 = 1
        static let group: UInt16 = 2
        static let type: UInt16 = 3
        static let persist: UInt16 = 6
        static let multiQueue: UInt16 = 7
    }

    /// Whether it takes Ethernet frames (`IFF_TAP`).
    public var isTap: Bool { type == 2 }

    init(decoding attributes: AttributeReader) throws(WireError) {
        var attributes = attributes
        while let attribute = try attributes.next() {
            switch attribute.type {
            case Number.owner: owner = try attribute.uint32("IFLA_TUN_OWNER")
            case Number.group: group = try attribute.uint32("IFLA_TUN_GROUP")
            case Number.type: type = try attribute.uint8("IFLA_TUN_TYPE")
            case Number.persist: isPersistent = try attribute.uint8("IFLA_TUN_PERSIST") != 0
            case Number.multiQueue: multiQueue = try attribute.uint8("IFLA_TUN_MULTI_QUEUE") != 0
            case _: break
            }
        }
    }
}
