internal import Addressing
public import Model

/// What the kernel takes for the same place in a routing table.
public struct RoutePlace: Hashable {
    private let destination: IPPrefix
    private let metric: UInt32
    private let table: UInt32
    private let selector: String

    init(_ entry: RouteEntry) {
        (destination, metric, table) = (entry.destination, entry.metric, entry.table)
        selector = entry.details?.selector ?? ""
    }

    /// The place of a route that is there.
    public init(_ route: ObservedRoute) {
        (destination, metric, table) = (route.destination, route.metric, route.table)
        selector = route.details?.selector ?? ""
    }

    /// Whether it is in a table of IPv6.
    public var isIPv6: Bool { destination.family == .ipv6 }
}
