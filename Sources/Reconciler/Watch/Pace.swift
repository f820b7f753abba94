/// When to look after the kernel said something. A burst of notices is one look, and where looking finds nothing again
/// and again, because others change what is not ours without end, it gets rarer; but only for what is heard in that
/// place: noise in one keeps nobody from hearing of another. Times are milliseconds of one clock.
public struct Pace: Hashable, Sendable {
    /// From the first notice to the look: what belongs together comes within that time.
    public static let pause: Int64 = 10
    /// Looks that find nothing are never further apart.
    public static let longest: Int64 = 1000
    /// So many looks that find nothing are no noise: after a repair the kernel tells of that, too.
    static let allowance = 3
    /// Without a notice for so long, the next one is a first again.
    static let quiet: Int64 = 2000

    /// Looks because of one place.
    private struct Looks: Hashable, Sendable {
        var fruitless = 0
        var cost: Int64 = 0
        var ended: Int64
    }

    private var looks: [Notices.Place: Looks] = [:]

    /// Nothing was looked at yet.
    public init() {}

    /// When to look, after a notice that came from one of these places at `now`.
    public mutating func due(at now: Int64, from places: Set<Notices.Place>) -> Int64 {
        places.map { due(at: now, from: $0) }.min() ?? now + Self.pause
    }

    private mutating func due(at now: Int64, from place: Notices.Place) -> Int64 {
        guard let last = looks[place], now - last.ended < Self.quiet else {
            looks[place] = nil
            return now + Self.pause
        }
        let excess = last.fruitless - Self.allowance
        let rest = excess < 0 ? 0 : min(Self.longest, last.cost << Int64(min(excess + 1, 10)))
        return max(now + Self.pause, last.ended + rest)
    }

    /// A look because of these places is over; whether there was anything to do.
    public mutating func looked(
        from start: Int64, to end: Int64, because places: Set<Notices.Place>, foundAny: Bool
    ) {
        for place in places {
            let fruitless = foundAny ? 0 : (looks[place]?.fruitless ?? 0) + 1
            looks[place] = Looks(fruitless: fruitless, cost: max(1, end - start), ended: end)
        }
    }
}
