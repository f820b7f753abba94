public import Model

/// What bulkhead's part of FRR's configuration becomes. It says what shall be there, not how: whatever of it is there
/// already, because a run died half way, is no failure.
public struct RoutingChange: Hashable, Codable, Sendable {
    /// Which configuration.
    public enum Place: String, Hashable, CaseIterable, Codable, Sendable {
        /// What `bgpd` does.
        case running
        /// What it does when it is started again: `frr.conf`.
        case startup
    }

    /// Which configuration.
    public var place: Place
    /// The part; nil for none.
    public var part: RoutingPart?

    /// A change.
    public init(_ place: Place, _ part: RoutingPart?) {
        self.place = place
        self.part = part
    }
}
