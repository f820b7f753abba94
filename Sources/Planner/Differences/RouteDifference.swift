internal import Addressing
internal import Model

/// What the kernel takes for the same place in a routing table.
struct RoutePlace: Hashable {
    private let destination: IPPrefix
    private let metric: UInt32
    private let table: UInt32

    init(_ entry: RouteEntry) { (destination, metric, table) = (entry.destination, entry.metric, entry.table) }
    init(_ route: ObservedRoute) { (destination, metric, table) = (route.destination, route.metric, route.table) }
}

extension ObservedRoute {
    /// Routes that bulkhead answers for: not those that the kernel makes by itself or learns.
    fileprivate var isManaged: Bool {
        let learnt: Set<UInt8> = [1, 2, 9]
        return type == 1 && table != 255 && !learnt.contains(origin) && !destination.address.isMulticast
    }

    func entry(on link: LinkReference) -> RouteEntry {
        RouteEntry(
            link: link, destination: destination, gateway: gateway, metric: metric, table: table, origin: origin,
            type: type, preferredSource: preferredSource)
    }
}

extension Builder {
    /// Routes through one of our links: every one that the manifest does not give is surplus.
    mutating func compareRoutes(
        _ wanted: [(entry: RouteEntry, source: SourceLocation)], on reference: LinkReference,
        present link: ObservedLink?, owner: ObjectID, source: SourceLocation
    ) {
        var there =
            link.map { link in
                (context.routes[reference.namespace]?[link.index] ?? []).filter(\.isManaged).map {
                    $0.entry(on: reference)
                }
            } ?? []
        var missing: [(entry: RouteEntry, source: SourceLocation)] = []
        for route in wanted {
            if let index = there.firstIndex(of: route.entry) { there.remove(at: index) } else { missing.append(route) }
        }
        for (entry, source) in missing {
            let index = there.firstIndex { RoutePlace($0) == RoutePlace(entry) }
            let old = index.map { there.remove(at: $0) }
            appendRoute(entry, old: old, owner: owner, source: source)
        }
        for entry in there.sorted(by: { ($0.description, $0.metric) < ($1.description, $1.metric) }) {
            appendSurplus(entry, owner: owner, source: source)
        }
    }

    private mutating func appendRoute(
        _ entry: RouteEntry, old: RouteEntry?, owner: ObjectID, source: SourceLocation
    ) {
        let link = entry.link
        let change = old.map { "\($0)\($0.origin == entry.origin ? "" : " proto \($0.origin)") → " } ?? ""
        steps.append(
            Step(
                id: "route/\(place(link))/\(entry.destination)-\(entry.metric)", action: old == nil ? .create : .update,
                owner: owner, kind: "route", namespace: link.namespace,
                summary: "\(old == nil ? "add" : "change") route \(change)\(entry) on \(link)",
                reason: old == nil ? "the manifest gives it" : "the manifest gives another",
                source: source, before: old.map { [Property("route", $0.description)] } ?? [],
                after: [Property("route", entry.description)],
                requires: requirement(link) + (old == nil ? holders(of: entry) : []),
                operations: [old.map { .replaceRoute(entry, old: $0) } ?? .addRoute(entry)],
                inverse: [old.map { .replaceRoute($0, old: entry) } ?? .removeRoute(entry)],
                phase: link.namespace == .host ? .host : .compartments))
    }

    /// The kernel has one place in a table for a destination and metric, whatever the link: where another card has the
    /// route now, the steps that may take it from there.
    private func holders(of entry: RouteEntry) -> [String] {
        let space = entry.link.namespace
        let others = context.routesByPlace[space]?[RoutePlace(entry)] ?? []
        return others.flatMap { route -> [String] in
            guard let index = route.link, let name = context.link(index, in: space)?.name, name != entry.link.name
            else { return [] }
            let link = LinkReference(space, name)
            let host = context.hostSide(of: link).map { ["link/\($0)", "link/\($0)/old"] } ?? []
            return [surplusID(route.entry(on: link))] + host
        }
    }

    private func surplusID(_ entry: RouteEntry) -> String {
        let hop = entry.gateway.map { "\($0)" } ?? "link"
        return "route/\(place(entry.link))/\(entry.destination)-\(entry.metric)-\(hop)-\(entry.table)-surplus"
    }

    mutating func appendSurplus(_ entry: RouteEntry, owner: ObjectID, source: SourceLocation) {
        let link = entry.link
        steps.append(
            Step(
                id: surplusID(entry),
                action: .delete, owner: owner, kind: "route", namespace: link.namespace,
                summary: "remove route \(entry) from \(link)", reason: "the manifest does not give it", source: source,
                before: [Property("route", entry.description)], operations: [.removeRoute(entry)],
                inverse: [.addRoute(entry)], phase: .reduce))
    }

    /// Permanent neighbours and static forwarding entries on links of ours that have none but those that are wanted.
    mutating func compareNeighbours(
        besides wanted: Set<ObservedNeighbour> = [], on reference: LinkReference, present link: ObservedLink?,
        owner: ObjectID, source: SourceLocation
    ) {
        guard let link else { return }
        for neighbour in context.neighbours[reference.namespace]?[link.index] ?? [] where !wanted.contains(neighbour) {
            let entry = neighbour.entry(on: reference)
            let what = entry.words
            let mac = neighbour.mac.map { " at \($0)" } ?? ""
            steps.append(
                Step(
                    id: "neighbour/\(place(reference))/\(neighbour.address.map { "\($0)" } ?? "fdb")\(mac)",
                    action: .delete, owner: owner, kind: "neighbour", namespace: reference.namespace,
                    summary: "remove \(what)\(mac) from \(reference)", reason: "no manifest gives it", source: source,
                    before: [Property("entry", "\(what)\(mac)")], operations: [.removeNeighbour(entry)],
                    inverse: [.addNeighbour(entry)], phase: .reduce))
        }
    }
}
