import Foundation
import TestSupport
import Testing

/// Every step of every plan of `Fixtures/faults` fails in every way: the kernel refuses it, the process is killed
/// beside it, its undoing fails. `BULKHEAD_FAULTS=all` tries all, else a sample whose seed is `BULKHEAD_SEED`;
/// `BULKHEAD_PASSAGES=nat:` only those whose words hold that, so that the work can be parted.
@Suite struct FaultTests {
    private static let triesAll = ProcessInfo.processInfo.environment["BULKHEAD_FAULTS"] == "all"
    private static let seed = ProcessInfo.processInfo.environment["BULKHEAD_SEED"].flatMap { UInt64($0) } ?? 1
    private static let sample = 4

    @Test(.enabled(if: getuid() == 0, "needs root: settings of the host's namespace"), arguments: Passage.chosen)
    func nothingIsLeftHalfDone(_ passage: Passage) throws {
        let campaign = try Campaign(passage)
        var generator = Seeded(state: Self.seed)
        let chosen =
            Self.triesAll ? campaign.faults : Array(campaign.faults.shuffled(using: &generator).prefix(Self.sample))
        for fault in chosen { try campaign.inject(fault) }
        for failure in campaign.failures { Issue.record("\(failure)") }
        print(
            "faults: \(passage): \(campaign.steps) steps, \(campaign.faults.count) faults known, \(chosen.count) tried, "
                + "\(campaign.failures.count) failures (seed \(Self.seed))")
        #expect(campaign.faults.count >= 3)
    }

    /// A guard that takes over before a card is made anew cannot know that, and must not limit it a second time.
    @Test(.enabled(if: getuid() == 0, "needs root: settings of the host's namespace"))
    func nothingIsLimitedTwice() throws {
        let passage = try #require(Passage.all.first { "\($0)" == "machines: a → b" })
        let campaign = try Campaign(passage)
        let guarded = campaign.faults.filter { if case .killGuarded(_, after: false) = $0 { true } else { false } }
        #expect(guarded.count > 1)
        for fault in guarded.prefix(3) { try campaign.inject(fault) }
        #expect(campaign.failures.isEmpty, "\(campaign.failures)")
    }
}

/// SplitMix64.
private struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}
