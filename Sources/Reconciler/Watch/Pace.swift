/// When to look after the kernel said something. A burst of notices is one look, and where looking finds nothing again
/// and again, because others change what is not ours without end, it gets rarer. Times are milliseconds of one clock.
public struct Pace: Hashable, Sendable {
    /// From the first notice to the look: what belongs together comes within that time.
    public static let pause: Int64 = 20
    /// Looks that find nothing are never further apart.
    public static let longest: Int64 = 1000
    /// So many looks that find nothing are no noise: after a repair the kernel tells of that, too.
    static let allowance = 3
    /// Without a notice for so long, the next one is a first again.
    static let quiet: Int64 = 2000

    private var fruitless = 0
    private var cost: Int64 = 0
    private var ended: Int64 = .min

    /// Nothing was looked at yet.
    public init() {}

    /// When to look, after a notice that came at `now`.
    public mutating func due(at now: Int64) -> Int64 {
        guard ended != .min, now - ended < Self.quiet else {
            fruitless = 0
            return now + Self.pause
        }
        let excess = fruitless - Self.allowance
        let rest = excess < 0 ? 0 : min(Self.longest, cost << Int64(min(excess + 1, 10)))
        return max(now + Self.pause, ended + rest)
    }

    /// A look is over; whether there was anything to do.
    public mutating func looked(from start: Int64, to end: Int64, foundAny: Bool) {
        fruitless = foundAny ? 0 : fruitless + 1
        (cost, ended) = (max(1, end - start), end)
    }
}
