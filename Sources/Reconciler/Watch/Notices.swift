/// What was heard since somebody listened last.
public struct Notices: Sendable {
    /// Whether anything may concern us: then all is read and compared.
    public var areNews = false
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
        areNews = areNews || later.areNews
        count += later.count
        wereLost = wereLost || later.wereLost
        known.add(later.known)
    }
}
