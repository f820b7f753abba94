/// A line of a `router bgp` block of FRR's configuration.
public struct RoutingLine: Hashable, Codable, Sendable {
    /// Where in the block it stands.
    public enum Family: String, Hashable, CaseIterable, Codable, Sendable {
        /// In no address family.
        case router
        /// `address-family ipv4 unicast`
        case ipv4
        /// `address-family l2vpn evpn`
        case evpn
        /// In another address family.
        case other

        /// What opens it; nil for what stands in none, or in one that is not told apart.
        public var opening: String? {
            switch self {
            case .router, .other: nil
            case .ipv4: "address-family ipv4 unicast"
            case .evpn: "address-family l2vpn evpn"
            }
        }
    }

    /// Where it stands.
    public var family: Family
    /// Its words, with one space between them.
    public var text: String

    /// A line.
    public init(_ family: Family, _ text: String) {
        self.family = family
        self.text = text
    }

    /// What takes it back. A value that is replaced needs none.
    public var negation: String {
        if text.hasPrefix("no ") { return String(text.dropFirst(3)) }
        // What follows may be anything.
        let description = "neighbor \(RoutingPart.group) description"
        return "no \(text.hasPrefix(description) ? description : text)"
    }

    /// What it says something of: two lines of one subject replace each other.
    var subject: String {
        let words = text.split(separator: " ")
        let group = "neighbor \(RoutingPart.group)"
        if text.hasPrefix("\(group) timers connect") { return "\(group) timers connect" }
        for key in ["remote-as", "description", "update-source", "timers"] where text.hasPrefix("\(group) \(key) ") {
            return "\(group) \(key)"
        }
        if text.hasPrefix("bgp router-id ") { return "bgp router-id" }
        return words.joined(separator: " ")
    }
}
