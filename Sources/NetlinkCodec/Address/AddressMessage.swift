public import Addressing

/// An address of an interface (`struct ifaddrmsg` and `IFA_*`).
public struct AddressMessage: Hashable, Sendable {
    /// `ifa_index`.
    public var link: UInt32
    /// `IFA_LOCAL`, else `IFA_ADDRESS`, with `ifa_prefixlen`, and `IFA_ADDRESS` as peer where it lies elsewhere.
    public var address: InterfaceAddress
    /// `IFA_FLAGS`.
    public var flags: UInt32
    /// `IFA_PROTO`.
    public var origin: UInt8
    /// Header and attributes as they came.
    public let body: [UInt8]

    /// `IFA_F_PERMANENT`.
    public var isPermanent: Bool { flags & 0x80 != 0 }
    /// `IFA_F_TENTATIVE` or `IFA_F_DADFAILED`.
    public var isTentative: Bool { flags & 0x48 != 0 }

    /// Decodes the body of an `RTM_NEWADDR`; nil where it carries no address of a family we know.
    public init?(decoding body: ArraySlice<UInt8>) throws(WireError) {
        var header = StructReader(body, "address message")
        _ = try header.number(UInt8.self)
        let length = try header.number(UInt8.self)
        flags = UInt32(try header.number(UInt8.self))
        _ = try header.number(UInt8.self)
        link = try header.number()
        origin = 0
        self.body = Array(body)
        var address: IPAddress?
        var local: IPAddress?
        var attributes = AttributeReader(header.remainder)
        while let attribute = try attributes.next() {
            switch attribute.type {
            case 1: address = IPAddress(bytes: attribute.payload)
            case 2: local = IPAddress(bytes: attribute.payload)
            case 8: flags = try attribute.uint32("IFA_FLAGS")
            case 11: origin = try attribute.uint8("IFA_PROTO")
            case _: break
            }
        }
        guard let found = local ?? address else { return nil }
        // A peer in the subnet of the address itself changes nothing: the kernel makes the same route.
        let peer = address.flatMap { other in
            IPPrefix(containing: other, length: Int(length)).contains(found) ? nil : other
        }
        guard let value = InterfaceAddress(address: found, length: Int(length), peer: peer) else { return nil }
        self.address = value
    }

    /// `RTM_GETADDR` of all addresses.
    public static func dump() -> Request {
        Request(.getAddress, .dump, operation: "read addresses", body: header(family: 0, length: 0, scope: 0, link: 0))
    }

    /// `IFA_F_DEPRECATED`: no new connection begins from it.
    public var isDeprecated: Bool { flags & 0x20 != 0 }

    /// `ip address replace ADDRESS dev LINK nodad proto 98`: one that is there with a lifetime loses it.
    public static func add(_ address: InterfaceAddress, link: UInt32, operation: String) -> Request {
        var writer = body(address, link: link)
        if address.address.family == .ipv4, address.length < 31, !address.address.isLoopback, address.peer == nil {
            writer.attribute(4, address.prefix.last.bytes)
        }
        // IFA_FLAGS: IFA_F_PERMANENT and IFA_F_NODAD, at once usable; a loopback detects no duplicates anyway.
        // IFA_PROTO: ours; older kernels ignore it.
        writer.attribute(8, number: UInt32(address.address.isLoopback ? 0x80 : 0x82))
        writer.attribute(11, number: UInt8(98))
        return Request(.newAddress, [.create, .replace], operation: operation, body: writer)
    }

    /// `ip address delete ADDRESS dev LINK`.
    public static func remove(_ address: InterfaceAddress, link: UInt32, operation: String) -> Request {
        Request(.deleteAddress, operation: operation, body: body(address, link: link))
    }

    private static func body(_ address: InterfaceAddress, link: UInt32) -> MessageWriter {
        // RT_SCOPE_HOST for the addresses of a loopback.
        let scope: UInt8 = address.address.isLoopback ? 254 : 0
        var writer = header(
            family: address.address.family.number, length: UInt8(address.length), scope: scope, link: link)
        writer.attribute(2, address.address.bytes)
        writer.attribute(1, (address.peer ?? address.address).bytes)
        return writer
    }

    private static func header(family: UInt8, length: UInt8, scope: UInt8, link: UInt32) -> MessageWriter {
        var writer = MessageWriter()
        writer.number(family)
        writer.number(length)
        writer.number(UInt8(0))
        writer.number(scope)
        writer.number(link)
        return writer
    }
}

extension AddressFamily {
    /// `AF_INET` or `AF_INET6`.
    public var number: UInt8 {
        switch self {
        case .ipv4: 2
        case .ipv6: 10
        }
    }

    /// The family of an `AF_…` number.
    public init?(number: UInt8) {
        switch number {
        case 2: self = .ipv4
        case 10: self = .ipv6
        case _: return nil
        }
    }
}
