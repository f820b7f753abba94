internal import Addressing
internal import Model

extension ObservedRoute {
    /// Routes that bulkhead answers for: not those that the kernel learns, nor those that it makes with an address.
    fileprivate func isManaged(besides connected: Set<IPPrefix>) -> Bool {
        // ICMP redirects and router advertisements.
        guard ![1, 9].contains(origin), !destination.address.isMulticast else { return false }
        return !isConnected || !(destination.address.isLinkLocal || connected.contains(destination))
    }

    /// Whether the kernel makes such a route with an address.
    fileprivate var isConnected: Bool {
        origin == ConnectedRoute.origin && table == 254 && type == 1 && gateway == nil && details == nil
    }

    func entry(on link: LinkReference) -> RouteEntry {
        RouteEntry(
            link: link, destination: destination, gateway: gateway, metric: metric, table: table, origin: origin,
            type: type, preferredSource: preferredSource, details: details)
    }
}

/// The route that the kernel makes to the subnet of an address. It does so once: whoever takes it away leaves an address
/// without neighbours.
private enum ConnectedRoute {
    /// `RTPROT_KERNEL`.
    static let origin: UInt8 = 2

    static func entry(_ address: InterfaceAddress, on link: LinkReference) -> RouteEntry {
        let isIPv4 = address.address.family == .ipv4
        // IP6_RT_PRIO_ADDRCONF.
        return RouteEntry(
            link: link, destination: address.onLink, gateway: nil, metric: isIPv4 ? 0 : 256, origin: origin,
            preferredSource: isIPv4 ? address.address : nil)
    }

    /// What must be in table `local` before a route may have this source: the kernel makes it with the address, and does
    /// not mind it being written again. It is nothing that undoing takes away.
    static func local(for entry: RouteEntry) -> [Operation] {
        guard entry.origin == origin, let address = entry.preferredSource else { return [] }
        // RT_TABLE_LOCAL, RTN_LOCAL.
        let local = RouteEntry(
            link: entry.link, destination: IPPrefix(host: address), gateway: nil, metric: 0, table: 255,
            origin: origin, type: 2, preferredSource: address)
        return [.replaceRoute(local, old: local)]
    }
}

/// A route that a link shall have.
private struct WantedRoute {
    let entry: RouteEntry
    let source: SourceLocation
    var requires: [String] = []
}

extension Builder {
    /// Routes through one of our links: those of the manifest and those to the subnets of its `addresses`; every other
    /// one is surplus.
    mutating func compareRoutes(
        _ given: [(entry: RouteEntry, source: SourceLocation)], addresses: [InterfaceAddress],
        on reference: LinkReference, present link: ObservedLink?, owner: ObjectID, source: SourceLocation
    ) {
        let observed = link.flatMap { context.routes[reference.namespace]?[$0.index] } ?? []
        let expected = link.map { connectedPrefixes($0, in: reference.namespace) } ?? []
        let leased = leasedPrefixes(link, beside: addresses, in: reference.namespace)
        var there = observed.filter { route in
            // They come and go with the lease.
            route.isManaged(besides: expected)
                && !leased.contains { route.gateway.map($0.contains) ?? (route.destination == $0) }
        }.map { $0.entry(on: reference) }
        let known = Set(observed.filter(\.isConnected).map(\.destination))
        let connected = connectedRoutes(addresses, besides: known, on: reference, present: link)
        // A next hop is found by them.
        let ids = (connected + given.map(\.entry).filter { $0.gateway == nil }).map(routeID)
        let wanted =
            connected.map { WantedRoute(entry: $0, source: source) }
            + given.map { route in
                WantedRoute(
                    entry: route.entry, source: route.source,
                    requires: route.entry.gateway == nil ? connected.map(routeID) : ids)
            }
        var missing: [WantedRoute] = []
        for route in wanted {
            if let index = there.firstIndex(of: route.entry) { there.remove(at: index) } else { missing.append(route) }
        }
        for route in missing {
            let old = there.filter { RoutePlace($0) == RoutePlace(route.entry) }
            // The kernel replaces the first of those in one place, and of those with details nobody knows what it takes
            // for the same.
            let replaced = old.contains { $0.details != nil } ? old : Array(old.prefix(1))
            there.removeAll(where: replaced.contains)
            appendRoute(route, old: replaced, owner: owner)
        }
        for entry in there.sorted(by: { ($0.description, $0.metric) < ($1.description, $1.metric) }) {
            appendSurplus(entry, owner: owner, source: source)
        }
    }

    /// Subnets in which what runs in a compartment has an address for a time, and no manifest gives it one.
    private func leasedPrefixes(
        _ link: ObservedLink?, beside given: [InterfaceAddress], in space: NamespaceRef
    ) -> [IPPrefix] {
        guard let link else { return [] }
        return (context.addresses[space]?[link.index] ?? []).filter { $0.isLeased(in: space, beside: given) }
            .map(\.address.onLink)
    }

    /// Where the kernel makes routes to for the addresses that a link has; with router advertisements, anywhere.
    private func connectedPrefixes(_ link: ObservedLink, in space: NamespaceRef) -> Set<IPPrefix> {
        // Of an IPv6 address with a peer there are two.
        let own = (context.addresses[space]?[link.index] ?? []).map(\.address).flatMap { address in
            address.peer == nil ? [address.onLink] : [address.onLink, IPPrefix(host: address.address)]
        }
        guard !["", "0"].contains(link.setting(family: "ipv6", key: "accept_ra") ?? "") else { return Set(own) }
        let learnt = (context.routes[space]?[link.index] ?? []).map(\.destination).filter { $0.family == .ipv6 }
        return Set(own + learnt)
    }

    /// The routes that the kernel made with addresses that are there, and that are gone. Where the address comes, or the
    /// link comes up, the kernel makes them.
    private func connectedRoutes(
        _ addresses: [InterfaceAddress], besides known: Set<IPPrefix>, on reference: LinkReference,
        present link: ObservedLink?
    ) -> [RouteEntry] {
        guard let link, link.isUp else { return [] }
        let usable = Set(
            (context.addresses[reference.namespace]?[link.index] ?? []).filter { !$0.isTentative }.map(\.address))
        var seen = known
        return addresses.sorted().filter { address in
            address.length < address.address.family.width && usable.contains(address)
                && seen.insert(address.onLink).inserted
        }.map { ConnectedRoute.entry($0, on: reference) }
    }

    private func routeID(_ entry: RouteEntry) -> String {
        "route/\(place(entry.link))/\(entry.destination)-\(entry.metric)"
    }

    private mutating func appendRoute(_ route: WantedRoute, old: [RouteEntry], owner: ObjectID) {
        let (entry, link) = (route.entry, route.entry.link)
        let words = old.map { "\($0)\($0.origin == entry.origin ? "" : " proto \($0.origin)")" }
        let change = old.isEmpty ? "" : "\(words.joined(separator: ", ")) → "
        let isConnected = entry.origin == ConnectedRoute.origin
        var operations: [Operation] =
            ConnectedRoute.local(for: entry) + old.map { .removeRoute($0) } + [.addRoute(entry)]
        var inverse: [Operation] = [.removeRoute(entry)] + old.map { .addRoute($0) }
        if let only = old.first, old.count == 1, only.details == nil {
            (operations, inverse) = ([.replaceRoute(entry, old: only)], [.replaceRoute(only, old: entry)])
        }
        steps.append(
            Step(
                id: routeID(entry), action: old.isEmpty ? .create : .update,
                owner: owner, kind: .route, namespace: link.namespace,
                summary: "\(old.isEmpty ? "add" : "change") route \(change)\(entry) on \(link)",
                reason: isConnected
                    ? "the kernel made it with the address, and it is gone"
                    : "the manifest gives \(old.isEmpty ? "it" : "another")",
                disruption: old.isEmpty ? .none : Disruption(Disruption.brief, users(of: owner)), source: route.source,
                before: old.map { Property("route", $0.description) },
                after: [Property("route", entry.description)],
                requires: requirement(link) + route.requires + (old.isEmpty ? holders(of: entry) : []),
                operations: operations, inverse: inverse, phase: link.namespace == .host ? .host : .compartments))
    }

    /// The kernel has one place in a table for a destination and metric, whatever the link: where another card has the
    /// route now, the steps that may take it from there.
    private func holders(of entry: RouteEntry) -> [String] {
        let space = entry.link.namespace
        let others = context.routesByPlace[space]?[RoutePlace(entry)] ?? []
        return others.flatMap { route -> [String] in
            // One that leads nowhere is the loopback's.
            let loopback = (space == .host ? context.observed.host : context.namespaces[space])?.links.first(
                where: \.isLoopback)
            guard let index = route.link ?? route.nextHopLinks.first ?? loopback?.index,
                let name = context.link(index, in: space)?.name, name != entry.link.name
            else { return [] }
            let link = LinkReference(space, name)
            let host = context.hostSide(of: link).map { ["link/\($0)", "link/\($0)/old"] } ?? []
            // One of others in a compartment goes with all that is on it.
            let foreign = space == .host ? [] : ["link/\(place(link))", "link/\(place(link))/foreign"]
            return [surplusID(route.entry(on: link))] + host + foreign
        }
    }

    private func surplusID(_ entry: RouteEntry) -> String {
        let hop = entry.gateway.map { "\($0)" } ?? "link"
        let details = entry.details.map { "-\($0.words)" } ?? ""
        return "\(routeID(entry))-\(hop)-\(entry.table)\(details)-surplus"
    }

    mutating func appendSurplus(_ entry: RouteEntry, owner: ObjectID, source: SourceLocation) {
        let link = entry.link
        steps.append(
            Step(
                id: surplusID(entry),
                action: .delete, owner: owner, kind: .route, namespace: link.namespace,
                summary: "remove route \(entry) from \(link)", reason: "the manifest does not give it",
                disruption: Disruption(Disruption.outage, users(of: owner)), source: source,
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
                    action: .delete, owner: owner, kind: .neighbour, namespace: reference.namespace,
                    summary: "remove \(what)\(mac) from \(reference)", reason: "no manifest gives it", source: source,
                    before: [Property("entry", "\(what)\(mac)")], operations: [.removeNeighbour(entry)],
                    inverse: [.addNeighbour(entry)], phase: .reduce))
        }
    }
}
