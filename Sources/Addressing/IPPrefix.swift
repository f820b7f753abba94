/// A range of addresses that share their first `length` bits; host bits are always zero.
public struct IPPrefix: Hashable, Comparable, Sendable {
    /// The first address.
    public let address: IPAddress
    /// 0…32 or 0…128.
    public let length: Int

    /// A prefix; nil where the length does not fit the family or host bits are set.
    public init?(address: IPAddress, length: Int) {
        guard length >= 0, length <= address.family.width else { return nil }
        guard address.value & Self.hostMask(address.family, length) == 0 else { return nil }
        self.address = address
        self.length = length
    }

    /// The prefix of this length that holds the address; a length past the family's width is clamped.
    public init(containing address: IPAddress, length: Int) {
        let length = min(max(length, 0), address.family.width)
        let value = address.value & ~Self.hostMask(address.family, length)
        self.address = IPAddress(family: address.family, value: value) ?? address
        self.length = length
    }

    /// Parses `10.0.0.0/8`; text without a length, or with host bits set, is refused.
    public init?(_ text: some StringProtocol) {
        guard let parsed = InterfaceAddress(text), parsed.peer == nil else { return nil }
        self.init(address: parsed.address, length: parsed.length)
    }

    /// The prefix that holds just this address.
    public init(host address: IPAddress) {
        self.init(containing: address, length: address.family.width)
    }

    /// Family of the addresses.
    public var family: AddressFamily { address.family }
    /// `0.0.0.0/0` or `::/0`.
    public var isDefault: Bool { length == 0 }
    /// The last address, the broadcast address of an IPv4 subnet.
    public var last: IPAddress {
        IPAddress(family: family, value: address.value | Self.hostMask(family, length)) ?? address
    }
    /// All addresses, the first and the last included.
    public var range: IPRange { IPRange(unchecked: address, last) }

    /// Whether the address lies inside.
    public func contains(_ other: IPAddress) -> Bool {
        other.family == family && other.value & ~Self.hostMask(family, length) == address.value
    }
    /// Whether every address of the other lies inside.
    public func contains(_ other: IPPrefix) -> Bool { other.length >= length && contains(other.address) }
    /// Whether the two share an address.
    public func overlaps(_ other: IPPrefix) -> Bool { contains(other) || other.contains(self) }

    /// First usable host address: after the network address, except in /31, /32, /127 and /128.
    public var firstUsable: IPAddress {
        let offset: UInt128 = length >= family.width - 1 ? 0 : 1
        return IPAddress(family: family, value: address.value + offset) ?? address
    }

    /// Whether an endpoint may have this address: neither the network nor the IPv4 broadcast address, nor the IPv6
    /// subnet-router anycast address.
    public func isUsable(_ candidate: IPAddress) -> Bool {
        guard contains(candidate) else { return false }
        if length >= family.width - 1 { return true }
        return candidate != address && !(family == .ipv4 && candidate == last)
    }

    /// By address, then shorter (wider) first.
    public static func < (left: Self, right: Self) -> Bool {
        left.address == right.address ? left.length < right.length : left.address < right.address
    }

    static func hostMask(_ family: AddressFamily, _ length: Int) -> UInt128 {
        let bits = family.width - length
        return bits >= 128 ? .max : (UInt128(1) << UInt128(bits)) - 1
    }
}

extension IPPrefix: CustomStringConvertible {
    /// `10.0.0.0/8`.
    public var description: String { "\(address)/\(length)" }
}

/// An address on an interface with the length of its subnet's prefix, as `ip address` writes it.
public struct InterfaceAddress: Hashable, Comparable, Sendable {
    /// The address itself.
    public let address: IPAddress
    /// Length of the on-link prefix, 0…32 or 0…128.
    public let length: Int
    /// The address at the other end, where the address lies on a point-to-point link (`peer`); `length` is of its prefix.
    public let peer: IPAddress?

    /// An address with a prefix length; nil where the length, or the peer, does not fit the family.
    public init?(address: IPAddress, length: Int, peer: IPAddress? = nil) {
        guard length >= 0, length <= address.family.width, peer?.family ?? address.family == address.family else {
            return nil
        }
        self.address = address
        self.length = length
        self.peer = peer
    }

    /// Parses `10.0.0.1/24`, or `10.0.0.1 peer 10.0.0.2/32`.
    public init?(_ text: some StringProtocol) {
        if let separator = text.utf8.firstIndex(of: 0x20) {
            let rest = text[separator...]
            guard rest.hasPrefix(" peer "), let own = IPAddress(text[..<separator]),
                let other = InterfaceAddress(rest.dropFirst(" peer ".count)), other.peer == nil
            else { return nil }
            self.init(address: own, length: other.length, peer: other.address)
            return
        }
        let parts = text.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 2, let address = IPAddress(parts[0]), parts[1].utf8.count <= 3,
            parts[1].utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let length = Int(parts[1]),
            String(length).utf8.count == parts[1].utf8.count
        else { return nil }
        self.init(address: address, length: length)
    }

    /// The subnet it lies in.
    public var prefix: IPPrefix { IPPrefix(containing: address, length: length) }
    /// What the kernel makes a route to: the subnet, or that of the other end.
    public var onLink: IPPrefix { IPPrefix(containing: peer ?? address, length: length) }

    /// By address, then length, then peer.
    public static func < (left: Self, right: Self) -> Bool {
        guard left.address == right.address else { return left.address < right.address }
        guard left.length == right.length else { return left.length < right.length }
        guard let first = left.peer else { return right.peer != nil }
        return right.peer.map { first < $0 } ?? false
    }
}

extension InterfaceAddress: CustomStringConvertible {
    /// `10.0.0.1/24`, or `10.0.0.1 peer 10.0.0.2/32`.
    public var description: String { peer.map { "\(address) peer \($0)/\(length)" } ?? "\(address)/\(length)" }
}

/// An unbroken range of addresses of one family, both ends included.
public struct IPRange: Hashable, Comparable, Sendable {
    /// The lowest address.
    public let first: IPAddress
    /// The highest address.
    public let last: IPAddress

    /// A range; nil where the families differ or the ends are the wrong way round.
    public init?(_ first: IPAddress, _ last: IPAddress) {
        guard first.family == last.family, first <= last else { return nil }
        self.init(unchecked: first, last)
    }

    /// Parses `a-b`, one address, or a prefix.
    public init?(_ text: some StringProtocol) {
        if let prefix = IPPrefix(text) {
            self = prefix.range
        } else if let address = IPAddress(text) {
            self.init(unchecked: address, address)
        } else {
            let parts = text.split(separator: "-", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 2, let first = IPAddress(parts[0]), let last = IPAddress(parts[1]) else { return nil }
            self.init(first, last)
        }
    }

    init(unchecked first: IPAddress, _ last: IPAddress) {
        self.first = first
        self.last = last
    }

    /// Whether the address lies inside.
    public func contains(_ address: IPAddress) -> Bool {
        address.family == first.family && first <= address && address <= last
    }

    /// By first address, then last.
    public static func < (left: Self, right: Self) -> Bool {
        left.first == right.first ? left.last < right.last : left.first < right.first
    }
}

extension IPRange: CustomStringConvertible {
    /// `a-b`, or the address alone where both are the same.
    public var description: String { first == last ? "\(first)" : "\(first)-\(last)" }
}
