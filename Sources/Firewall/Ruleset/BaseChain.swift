internal import JSON

/// A chain by which packets enter a table of whomever.
public struct BaseChain: Hashable, Sendable {
    /// `ip`, `ip6`, `inet`, `bridge` …
    public let family: String
    /// The table's name.
    public let table: String
    /// The chain's name.
    public let name: String
    /// `filter`, `nat` or `route`.
    public let type: String
    /// `forward`, `input` …
    public let hook: String
    /// `accept` or `drop`, for packets that no rule decides on.
    public let policy: String

    /// How the names of bulkhead's interfaces begin that the chain sees: bridges, or their ports.
    public var ownPrefix: String { family == "bridge" ? "ep-" : "bh-" }

    /// A chain as libnftables lists it; nil where it has no hook.
    init?(_ body: JSON) {
        guard let family = body["family"]?.string, let table = body["table"]?.string, let name = body["name"]?.string,
            let hook = body["hook"]?.string
        else { return nil }
        self.family = family
        self.table = table
        self.name = name
        self.hook = hook
        type = body["type"]?.string ?? ""
        policy = body["policy"]?.string ?? ""
    }
}
