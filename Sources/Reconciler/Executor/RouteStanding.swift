/// How a route stands to others for the same packets: with the same prefix, table and metric.
struct RouteStanding: Hashable {
    /// Others that come before it, and so count while they are there.
    var before: Int
    /// Next hops before its own, where the kernel has made one route of it and of others.
    var hopsBefore = 0
    /// Next hops of that route, its own included.
    var hops = 1

    /// Whether all packets go by it.
    var isAlone: Bool { before == 0 && hops == 1 }

    /// Whether others count that did not with another one, or which packets go by it is not the same.
    func isWorse(than other: RouteStanding) -> Bool {
        before > other.before || hops > other.hops || hopsBefore > other.hopsBefore
    }
}
