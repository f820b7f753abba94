public import Addressing
public import Model

/// Who may use a published port of the host since a change of the manifests, or may no longer.
public struct PublicationChange: Hashable, Sendable {
    /// What became of it.
    public enum Kind: Hashable, Sendable {
        /// These may use it now, and could not before.
        case opened([ReachabilityChange.Side])
        /// The world may use it now, and could not before, except for these.
        case openedBut([ReachabilityChange.Side])
        /// These could, and may no longer.
        case closed([ReachabilityChange.Side])
        /// It is published now, and nobody may use it.
        case published
        /// It is not published any more, and nobody could use it.
        case withdrawn
    }

    /// Where it leads.
    public var endpoint: ObjectName
    /// The protocol.
    public var transport: PortProtocol
    /// The only address of the host it is published on; nil for all.
    public var hostAddress: IPAddress?
    /// Ports of the host.
    public var hostPorts: PortRange
    /// Ports of the endpoint, as many.
    public var ports: PortRange
    /// In which families.
    public var families: [AddressFamily]
    /// Whether it is published in another family, too, in which that is not so.
    public var isPartial: Bool
    /// What became of it. The world stands for endpoints that may, too.
    public var kind: Kind

    /// Whether more is allowed than before.
    public var isOpened: Bool {
        switch kind {
        case .opened, .openedBut, .published: true
        case .closed, .withdrawn: false
        }
    }

    /// Of the world, who may not use it.
    public var exceptions: [ReachabilityChange.Side] { if case .openedBut(let sides) = kind { sides } else { [] } }

    /// Whom it opened or closed for.
    public var sides: [ReachabilityChange.Side] {
        switch kind {
        case .opened(let sides), .closed(let sides): sides
        case .openedBut: [.world]
        case .published, .withdrawn: []
        }
    }
}

extension PublicationChange: CustomStringConvertible {
    /// Most names in one line.
    private static let nameLimit = 8

    /// `published tcp 8080 → lb tcp 80: now open to world`.
    public var description: String {
        let address = hostAddress.map { "\($0) " } ?? ""
        let family = isPartial ? " (\(families.map(\.rawValue).joined(separator: ", ")))" : ""
        let name =
            "published \(address)\(transport.rawValue) \(hostPorts) → \(endpoint) \(transport.rawValue) \(ports)\(family)"
        switch kind {
        case .opened(let sides): return "\(name): now open to \(Self.list(sides))"
        case .openedBut(let sides): return "\(name): now open to world, not to \(Self.list(sides))"
        case .closed(let sides): return "\(name): no longer open to \(Self.list(sides))"
        case .published: return "\(name): now published, open to nobody"
        case .withdrawn: return "\(name): no longer published, was open to nobody"
        }
    }

    private static func list(_ sides: [ReachabilityChange.Side]) -> String {
        let more = sides.count > nameLimit ? " and \(sides.count - nameLimit) more" : ""
        return sides.prefix(nameLimit).map(\.description).joined(separator: ", ") + more
    }
}
