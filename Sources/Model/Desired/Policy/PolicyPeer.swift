public import Addressing

/// One peer of a rule; everything that is given must hold.
public struct PolicyPeer: Hashable, Sendable {
    /// Endpoints of the manifests, selected by label or network.
    public var group: PeerGroup?
    /// By address.
    public var block: AddressBlock?
    /// By what it is.
    public var entity: PeerEntity?
    /// Where it stands in the manifest.
    public var source: SourceLocation

    /// A peer.
    public init(group: PeerGroup? = nil, block: AddressBlock? = nil, entity: PeerEntity? = nil, source: SourceLocation)
    {
        self.group = group
        self.block = block
        self.entity = entity
        self.source = source
    }
}

/// Endpoints that a peer selects.
public struct PeerGroup: Hashable, Sendable {
    /// The selector in one canonical spelling: equal selectors of different rules share a set in the kernel.
    public var key: String
    /// Names of the endpoints of this host that fulfil it, sorted.
    public var members: [ObjectName]

    /// A group.
    public init(key: String, members: [ObjectName]) {
        self.key = key
        self.members = members
    }
}

/// A prefix less some parts of it.
public struct AddressBlock: Hashable, Sendable {
    /// The prefix.
    public var prefix: IPPrefix
    /// Parts that are left out, sorted; all within the prefix.
    public var except: [IPPrefix]

    /// A block.
    public init(prefix: IPPrefix, except: [IPPrefix] = []) {
        self.prefix = prefix
        self.except = except
    }

    /// Whether the address is one of it.
    public func contains(_ address: IPAddress) -> Bool {
        prefix.contains(address) && !except.contains { $0.contains(address) }
    }
}

/// What a peer is, whatever its address.
public enum PeerEntity: String, Hashable, CaseIterable, Sendable {
    /// Every local address of this host.
    case host
    /// Neither this host nor any endpoint.
    case world
}

/// A protocol, and what of it.
public enum PolicyService: Hashable, Sendable {
    /// A transport protocol, to these destination ports; nil for all.
    case transport(PortProtocol, [PortRange]?)
    /// ICMP of a family, of these types; nil for all.
    case icmp(AddressFamily, [UInt8]?)
}

extension PolicyService: CustomStringConvertible {
    /// As people write it: `tcp`, `tcp 80,443,8000-8100`, `icmp echo-request`.
    public var description: String {
        switch self {
        case .transport(let transport, let ports):
            ports.map { "\(transport.rawValue) \($0.map(\.description).joined(separator: ","))" } ?? transport.rawValue
        case .icmp(let family, let types):
            types.map { list in
                "\(Self.word(family)) \(list.map { ICMPTypes.name($0, family) }.joined(separator: ","))"
            } ?? Self.word(family)
        }
    }

    private static func word(_ family: AddressFamily) -> String {
        switch family {
        case .ipv4: "icmp"
        case .ipv6: "icmpv6"
        }
    }
}
