/// Which network namespace an object lives in.
public enum NamespaceRef: Hashable, Comparable, Codable, Sendable {
    /// The namespace bulkhead runs in.
    case host
    /// A file of this name in the netns folder (`ip netns`).
    case named(String)
    /// A namespace bound anywhere else, by absolute path.
    case path(String)

    /// Host first, then named ones, then paths, each in byte order.
    public static func < (left: Self, right: Self) -> Bool {
        left.rank == right.rank ? left.text < right.text : left.rank < right.rank
    }

    private var rank: Int {
        switch self {
        case .host: 0
        case .named: 1
        case .path: 2
        }
    }

    /// Name or path; empty for the host.
    public var text: String {
        switch self {
        case .host: ""
        case .named(let name): name
        case .path(let path): path
        }
    }
}

extension NamespaceRef: CustomStringConvertible {
    /// `host`, the name, or the path.
    public var description: String { self == .host ? "host" : text.terminalSafe }
}
