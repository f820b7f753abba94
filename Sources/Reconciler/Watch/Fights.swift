internal import Model
public import Planner

/// Who undoes a repair has it undone again; who does so time and again waits longer each time, so that a fight with
/// somebody costs little. Times are milliseconds of one clock.
public struct Fights: Hashable, Sendable {
    private struct Fight: Hashable, Sendable {
        /// Repairs in a row.
        var count: Int
        /// When the last one was.
        var last: Int64
        /// No repair before that.
        var until: Int64
        /// Whether somebody undid it while it was still being repaired.
        var isContested = false
    }

    private var fights: [String: Fight] = [:]

    /// So many repairs of one thing are done at once.
    public static let patience = 3
    /// The first wait, and the longest.
    public static let (first, longest): (Int64, Int64) = (1000, 60_000)
    /// After so long a peace, beside the wait, a fight is forgotten.
    static let peace: Int64 = 10_000
    /// Most fights that are told apart.
    private static let limit = 10_000

    /// No fights.
    public init() {}

    /// How long the n-th repair in a row is waited for.
    public static func delay(after count: Int) -> Int64 {
        guard count >= patience else { return 0 }
        return min(longest, first << Int64(min(count - patience, 16)))
    }

    /// How long to wait before repairing all of these: as long as all of them are being fought over. One that is not is
    /// repaired at once, and the others with it.
    public func delay(of things: some Sequence<String>, at now: Int64) -> Int64 {
        things.map { max(0, (fights[$0]?.until ?? now) - now) }.min() ?? 0
    }

    /// How often these were repaired in a row at most.
    public func count(of things: some Sequence<String>) -> Int { things.compactMap { fights[$0]?.count }.max() ?? 0 }

    /// They were repaired.
    public mutating func repaired(_ things: some Sequence<String>, at now: Int64) { add(things, at: now, atLeast: 1) }

    /// Repairing them failed: that is not tried again at once.
    public mutating func failed(_ things: some Sequence<String>, at now: Int64) {
        add(things, at: now, atLeast: Self.patience)
    }

    /// Somebody undid `contested` while all these were being repaired, so that all of it was taken back. That is tried
    /// again at once, and what is contested does not keep the rest from being done any more.
    public mutating func thwarted(_ things: some Sequence<String>, by contested: Set<String>, at now: Int64) {
        add(things, at: now, atLeast: 1)
        for thing in contested { fights[thing]?.isContested = true }
    }

    /// What somebody else is expected to undo even while it is being repaired.
    public func contested(at now: Int64) -> Set<String> {
        Set(
            fights.filter { _, fight in
                (fight.isContested || fight.count >= Self.patience) && !Self.isOver(fight, at: now)
            }.keys)
    }

    /// All is well, or the manifests are others.
    public mutating func forget() { fights = [:] }

    private mutating func add(_ things: some Sequence<String>, at now: Int64, atLeast least: Int) {
        fights = fights.filter { !Self.isOver($0.value, at: now) }
        for thing in Set(things) {
            guard fights.count < Self.limit || fights[thing] != nil else { continue }
            let count = max(least, (fights[thing]?.count ?? 0) + 1)
            fights[thing] = Fight(
                count: count, last: now, until: now + Self.delay(after: count),
                isContested: fights[thing]?.isContested ?? false)
        }
    }

    private static func isOver(_ fight: Fight, at now: Int64) -> Bool {
        now - fight.until > peace + (fight.until - fight.last)
    }
}

extension Step {
    /// What is fought over, if somebody undoes it: an object of the host, the scope's rules, or a compartment, in which its
    /// root could always find something else to change.
    public var thing: String {
        if namespace != .host { return "\(namespace)" }
        return kind == .firewall || kind == .connections ? "firewall" : id
    }
}
