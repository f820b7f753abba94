/// What was heard since somebody listened last.
public struct Notices: Sendable {
    /// Where it was heard.
    public enum Place: Hashable, CaseIterable, Sendable {
        /// Links, addresses, routes and the like on the host, and the table of mounts.
        case host
        /// Transactions of nftables.
        case firewall
        /// The same as of the host, in compartments, by whoever is in there.
        case compartments
    }

    /// Where anything was heard that may concern us: then all is read and compared.
    public var places: Set<Place> = []
    /// Whether there is such a place.
    public var areNews: Bool { !places.isEmpty }
    /// How many messages the kernel sent; at least, where some were lost.
    public var count = 0
    /// Whether messages were lost, because more came than there was room for (`ENOBUFS`).
    public var wereLost = false
    /// Who made the changes, where the kernel tells: `nft (pid 4711)`.
    public var authors: [String] { known.names }

    var known = Authors()

    /// Nothing was heard.
    public init() {}

    /// Takes in what was heard later.
    public mutating func add(_ later: Notices) {
        places.formUnion(later.places)
        count += later.count
        wereLost = wereLost || later.wereLost
        known.add(later.known)
    }
}
