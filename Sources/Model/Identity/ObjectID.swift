/// The kinds of manifest documents.
public enum ObjectKind: String, Hashable, Comparable, CaseIterable, Sendable {
    /// A machine of the fleet.
    case host = "Host"
    /// A virtual switch.
    case network = "Network"
    /// An isolated network stack.
    case compartment = "Compartment"
    /// A network card.
    case endpoint = "Endpoint"
    /// Who may talk to whom.
    case policy = "Policy"

    /// In the order of declaration: what others are built on first.
    public static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .host: 0
        case .network: 1
        case .compartment: 2
        case .endpoint: 3
        case .policy: 4
        }
    }
}

/// Kind and name of a manifest object, `Network/web`.
public struct ObjectID: Hashable, Comparable, Sendable {
    /// The kind.
    public let kind: ObjectKind
    /// The name, unique per kind.
    public let name: ObjectName

    /// An identity.
    public init(_ kind: ObjectKind, _ name: ObjectName) {
        self.kind = kind
        self.name = name
    }

    /// Parses `Network/web`.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 2, let kind = ObjectKind(rawValue: String(parts[0])), let name = ObjectName(parts[1])
        else { return nil }
        self.init(kind, name)
    }

    /// By kind, then name.
    public static func < (left: Self, right: Self) -> Bool {
        left.kind == right.kind ? left.name < right.name : left.kind < right.kind
    }
}

extension ObjectID: CustomStringConvertible {
    /// `Network/web`.
    public var description: String { "\(kind.rawValue)/\(name)" }
}
