internal import Addressing
public import Model

/// What a change of the manifests opens and closes, between everything that is there before and after.
public struct ReachabilityChanges: Hashable, Sendable {
    /// In the order of source, destination and service.
    public private(set) var changes: [ReachabilityChange] = []
    /// Of the host's published ports, in the order of endpoints, protocols and ports.
    public private(set) var publications: [PublicationChange] = []
    /// Whether everything was looked at.
    public private(set) var isComplete = true

    /// Most pairs that are looked at.
    public static let pairLimit = 20_000
    /// Most outside prefixes that are asked about, beside the world.
    private static let prefixLimit = 64

    /// Compares two states of one host. Pairs of which neither side is touched by the change are passed over.
    public init(from old: DesiredState, to new: DesiredState, pairLimit: Int = pairLimit) {
        let comparison = StateComparison(old, new, prefixLimit: Self.prefixLimit)
        let sides = comparison.sides()
        var left = pairLimit
        let (found, isAll) = comparison.publications(sides, &left)
        (publications, isComplete) = (found, comparison.isWhole && isAll)
        for from in sides {
            for to in sides where from != to && comparison.isTouched(from, to) {
                left -= 1
                guard left >= 0 else {
                    isComplete = false
                    return
                }
                changes += comparison.changes(from, to)
            }
        }
    }
}
