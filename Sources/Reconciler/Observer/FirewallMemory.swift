internal import Firewall
internal import Synchronization

/// The tables that a session read last, and when. A change of nftables by whomever makes a new generation
/// (`NFTA_GEN_ID`, `nft monitor` says it as `new generation`), so that in the same one nothing has to be read again: with
/// ten thousand rules a reading takes seconds, and an apply looks four times. What packets change makes none: counters
/// are never remembered here, and learned elements are not part of a reading.
public final class FirewallMemory: Sendable {
    private struct Reading: Sendable {
        let generation: UInt32
        let headings: [TableHeading]
        let rules: Ruleset
    }

    private let last = Mutex<Reading?>(nil)

    /// Nothing was read yet.
    public init() {}

    /// What these tables held in that generation, if it was read.
    func rules(in generation: UInt32, of headings: [TableHeading]) -> Ruleset? {
        last.withLock { $0?.generation == generation && $0?.headings == headings ? $0?.rules : nil }
    }

    /// Keeps a reading that lies within one generation.
    func keep(_ rules: Ruleset, in generation: UInt32, of headings: [TableHeading]) {
        last.withLock { $0 = Reading(generation: generation, headings: headings, rules: rules) }
    }
}
