public import Firewall

/// Rules of others that translate addresses: published ports and masquerades that somebody made by hand, or a program.
public struct TranslationSurvey: Sendable {
    /// In the order of their tables.
    public let rules: [ForeignTranslation]
    /// Tables of which nft cannot tell what they translate (`ip nat`).
    public let unread: [String]

    /// Reads the tables of these chains; errors are those of the reading of `HostSurvey`.
    public init(_ session: HostSession, chains: [BaseChain]) throws {
        (rules, unread) = try session.firewall().foreignTranslations(chains)
    }
}
