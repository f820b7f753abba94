internal import Addressing
internal import Model

extension Builder {
    /// The VXLAN devices of overlays, and an entry for everything that is known of every remote endpoint.
    mutating func compareTunnels() {
        for network in context.desired.networks {
            guard let overlay = network.overlay else { continue }
            let spec = context.tunnelSpec(network, overlay)
            let isNew = compareTunnel(network, spec)
            let tunnel = isNew ? nil : context.link(spec.reference)
            if context.desired.evpn == nil {
                compareRemotes(network, overlay, tunnel: tunnel)
            } else {
                compareAnnounced(network, overlay, tunnel: tunnel)
            }
        }
    }

    /// True where the device is made, so that nothing that is on the observed one counts.
    private mutating func compareTunnel(_ network: Network, _ spec: LinkSpec) -> Bool {
        let source = network.metadata.source
        guard let link = present(spec.reference), cleared[link.name] == nil else {
            guard isUntaken(spec.reference.name, for: network.id, cure: nil, at: source) else { return false }
            createTunnel(network, spec, replacing: nil)
            return true
        }
        guard isOurs(link, owner: network.id, kind: "vxlan", source: source, cure: nil) else { return false }
        guard case .vxlan(let options) = spec.kind, link.vxlan == options else {
            createTunnel(network, spec, replacing: link)
            return true
        }
        appendChange(
            LinkDifference(link, spec, masterName: masterName(link), isUp: true), of: spec.reference, kind: .vxlan,
            owner: network.id, source: source, touches: guests(of: network),
            requires: spec.master.map { requirement(LinkReference(.host, $0)) } ?? [], phase: .host)
        removeQdiscs(on: spec.reference, present: link, owner: network.id, source: source)
        return false
    }

    private mutating func createTunnel(_ network: Network, _ spec: LinkSpec, replacing old: ObservedLink?) {
        let id = "link/\(spec.reference.name)"
        makers[spec.reference] = id
        fresh.insert(spec.reference)
        guard case .vxlan(let options) = spec.kind else { return }
        let before = old?.vxlan?.words ?? "none"
        steps.append(
            Step(
                id: id, action: old == nil ? .create : .replace, owner: network.id, kind: .vxlan,
                summary: old == nil
                    ? "create vxlan \(spec.reference) on \(network.bridge), \(options.words)"
                    : "replace vxlan \(spec.reference): \(before) → \(options.words)",
                reason: old == nil
                    ? "\(network.id) is declared and spans hosts"
                    : "the kernel does not change these of a device that is there",
                disruption: old == nil ? .none : .brief(guests(of: network)), source: network.metadata.source,
                before: old?.vxlan?.properties ?? [], after: properties(spec),
                losses: old.map { context.losses(with: $0) } ?? [],
                requires: requirement(LinkReference(.host, network.bridge.text)) + cleared.values.sorted(),
                operations: (old == nil ? [] : [.deleteLink(spec.reference)]) + [.createLink(spec)],
                inverse: [.deleteLink(spec.reference)] + (old.map { context.restoration(of: $0) } ?? []),
                phase: .host))
    }

    /// Entries on the tunnel and on the bridge. All of them at once where the tunnel is new; later by endpoint, so that a
    /// plan says who came and who moved.
    private mutating func compareRemotes(_ network: Network, _ overlay: Overlay, tunnel: ObservedLink?) {
        var live = liveEntries(network, overlay, tunnel: tunnel) { _ in true }
        let requires = requirements(network, overlay)
        let remotes = context.remotesByNetwork[network.metadata.name] ?? []
        let changes = remotes.compactMap { remote -> (RemoteEndpoint, EntryChange)? in
            let change = live.change(to: context.entries(remote, network, overlay))
            return change.isEmpty ? nil : (remote, change)
        }
        if tunnel == nil, !changes.isEmpty {
            let all = changes.reduce(into: EntryChange()) { $0.append($1.1) }
            appendEntries(
                all, id: "neighbour/\(overlay.tunnel)", owner: network.id, source: network.metadata.source,
                what: "\(changes.count) remote endpoint\(changes.count == 1 ? "" : "s")", requires: requires)
        } else {
            for (remote, change) in changes {
                let moved = wasHere(remote) ? change.new.compactMap(\.address) : change.movedAddresses
                appendEntries(
                    change, id: "neighbour/\(overlay.tunnel)/\(remote.endpoint.metadata.name)",
                    owner: remote.endpoint.id, source: remote.endpoint.metadata.source,
                    what: "\(remote.endpoint.id) on Host/\(remote.host)", requires: requires,
                    forgets: forgets(moved, on: network))
            }
        }
        removeEntries(live.rest, network, overlay)
    }

    /// What is on the tunnel and on the bridge, of those that count.
    private func liveEntries(
        _ network: Network, _ overlay: Overlay, tunnel: ObservedLink?, _ counts: (ObservedNeighbour) -> Bool
    ) -> LiveEntries {
        // The kernel forgets all neighbours of an interface whose MAC changes.
        let bridge = present(LinkReference(.host, network.bridge.text)).flatMap { $0.mac == network.mac ? $0 : nil }
        return LiveEntries(
            [(overlay.tunnel.text, tunnel), (network.bridge.text, bridge)].flatMap { name, link in
                let reference = LinkReference(.host, name)
                return link.map { link in
                    (context.neighbours[.host]?[link.index] ?? []).filter(counts).map { $0.entry(on: reference) }
                } ?? []
            })
    }

    private func requirements(_ network: Network, _ overlay: Overlay) -> [String] {
        requirement(LinkReference(.host, overlay.tunnel.text))
            + requirement(LinkReference(.host, network.bridge.text))
    }

    /// Where BGP tells of the endpoints of other hosts: what the routing daemon is to tell of those of this one. What it
    /// writes itself is not looked at, nor where it would have frames for many sent, which the port sends nowhere.
    private mutating func compareAnnounced(_ network: Network, _ overlay: Overlay, tunnel: ObservedLink?) {
        var live = liveEntries(network, overlay, tunnel: tunnel) { entry in
            entry.isExternal != true && !(entry.tunnelEnd != nil && entry.mac?.value == 0)
        }
        for endpoint in context.endpointsByNetwork[network.metadata.name] ?? [] {
            let change = live.change(to: context.announcedEntries(endpoint, network))
            guard !change.isEmpty else { continue }
            appendEntries(
                change, id: "neighbour/\(overlay.tunnel)/\(endpoint.metadata.name)", owner: endpoint.id,
                source: endpoint.metadata.source, what: "\(endpoint.id), which BGP tells to other hosts",
                reason: "the routing daemon finds them on the bridge", requires: requirements(network, overlay))
        }
        removeEntries(live.rest, network, overlay)
    }

    /// Whether the card of an endpoint that is remote now is still on this host.
    private func wasHere(_ remote: RemoteEndpoint) -> Bool {
        context.hostLinks[remote.endpoint.hostInterface.text]?.mark?.owner == remote.endpoint.id
    }

    /// What cards of this host that are there have to forget: an address that has another MAC now. No announcement of
    /// the address's new holder crosses a tunnel, so they would go on with the old one for most of a minute.
    private func forgets(_ addresses: [IPAddress], on network: Network) -> [Operation] {
        guard !addresses.isEmpty else { return [] }
        return (context.endpointsByNetwork[network.metadata.name] ?? []).compactMap { endpoint in
            guard let seat = endpoint.seat, let compartment = context.compartments[seat.compartment] else { return nil }
            let card = LinkReference(compartment.reference, seat.interface.text)
            let others = addresses.filter { address in !endpoint.addresses.contains { $0.address == address } }
            guard let link = present(card), !others.isEmpty, freshNamespaces.contains(compartment.reference) == false
            else { return nil }
            // A card that is made anew, or goes, knows nothing, or soon.
            let isStaying = context.hostSide(of: card) == endpoint.hostInterface.text && link.name == card.name
            return isStaying ? .forgetNeighbours(card, others) : nil
        }
    }

    private mutating func appendEntries(
        _ change: EntryChange, id: String, owner: ObjectID, source: SourceLocation, what: String,
        reason: String = "every way to a remote endpoint comes from the manifests", requires: [String],
        forgets: [Operation] = [], in namespace: NamespaceRef = .host
    ) {
        let count = change.new.count
        steps.append(
            Step(
                id: id, action: change.old.contains { $0 != nil } ? .update : .create, owner: owner, kind: .neighbour,
                namespace: namespace, summary: "write \(count) entr\(count == 1 ? "y" : "ies") for \(what)",
                reason: reason, source: source,
                before: change.old.compactMap { $0 }.map(\.property), after: change.new.map(\.property),
                requires: requires, operations: change.new.map { .addNeighbour($0) } + forgets,
                inverse: zip(change.new, change.old).reversed().map { new, old in
                    old.map { .addNeighbour($0) } ?? .removeNeighbour(new)
                } + forgets, phase: namespace == .host ? .host : .compartments))
    }

    /// What nobody declares: endpoints that are gone, and what somebody put there by hand.
    private mutating func removeEntries(_ entries: [NeighbourEntry], _ network: Network, _ overlay: Overlay) {
        guard !entries.isEmpty else { return }
        let own = Set((context.endpointsByNetwork[network.metadata.name] ?? []).flatMap { $0.addresses.map(\.address) })
        // Until BGP has told of them there is no way to other hosts.
        let isHandedOver = context.desired.evpn != nil && entries.contains { $0.tunnelEnd != nil }
        let forgets = forgets(entries.compactMap(\.address).filter(own.contains), on: network)
        steps.append(
            Step(
                id: "neighbour/\(overlay.tunnel)/surplus", action: .delete, owner: network.id, kind: .neighbour,
                summary:
                    "remove \(entries.count) entr\(entries.count == 1 ? "y" : "ies") of \(network.id) that no manifest gives",
                reason: context.desired.evpn == nil
                    ? "no endpoint of another host has them" : "no endpoint of this host has them",
                disruption: isHandedOver ? .brief(guests(of: network)) : .none, source: network.metadata.source,
                before: entries.map(\.property), operations: entries.map { .removeNeighbour($0) } + forgets,
                inverse: entries.reversed().map { .addNeighbour($0) } + forgets, phase: .reduce))
    }

    /// Neighbours of a router's card, all in one step: they may be as many as endpoints of the whole network. The kernel
    /// forgets those of an interface that goes down, or whose MAC changes.
    mutating func compareRouterEntries(
        _ wanted: [NeighbourEntry], on reference: LinkReference, present link: ObservedLink?, owner: ObjectID,
        source: SourceLocation
    ) {
        let there = link.flatMap { context.neighbours[reference.namespace]?[$0.index] } ?? []
        var live = LiveEntries(there.map { $0.entry(on: reference) })
        let change = live.change(to: wanted)
        let id = "neighbour/\(place(reference))"
        if !change.isEmpty {
            appendEntries(
                change, id: id, owner: owner, source: source, what: "\(reference)",
                requires: requirement(reference) + ["link/\(place(reference))"], in: reference.namespace)
        }
        let surplus = live.rest
        guard !surplus.isEmpty else { return }
        steps.append(
            Step(
                id: "\(id)/surplus", action: .delete, owner: owner, kind: .neighbour, namespace: reference.namespace,
                summary: "remove \(surplus.count) entr\(surplus.count == 1 ? "y" : "ies") from \(reference)",
                reason: "no endpoint has them", source: source, before: surplus.map(\.property),
                operations: surplus.map { .removeNeighbour($0) },
                inverse: surplus.reversed().map { .addNeighbour($0) }, phase: .reduce))
    }

    /// Entries of one link: what is missing is added, what is different replaced, everything else removed. Nil where those of
    /// a bridge's port come and go with a change of the link.
    mutating func compareEntries(
        _ wanted: [NeighbourEntry]?, on reference: LinkReference, present link: ObservedLink?, owner: ObjectID,
        source: SourceLocation
    ) {
        guard let link else { return }
        let there = context.neighbours[reference.namespace]?[link.index] ?? []
        guard let wanted else {
            compareNeighbours(
                besides: Set(there.filter(\.isForwarding)), on: reference, present: link, owner: owner, source: source)
            return
        }
        var live = LiveEntries(there.map { $0.entry(on: reference) })
        let change = live.change(to: wanted)
        if !change.isEmpty {
            appendEntries(
                change, id: "neighbour/\(place(reference))", owner: owner, source: source, what: "\(reference)",
                requires: requirement(reference))
        }
        let all = Set(wanted)
        compareNeighbours(
            besides: Set(there.filter { all.contains($0.entry(on: reference)) }), on: reference, present: link,
            owner: owner, source: source)
    }
}

/// New entries, and what is in the place of each.
private struct EntryChange {
    var new: [NeighbourEntry] = []
    var old: [NeighbourEntry?] = []
    var isEmpty: Bool { new.isEmpty }
    /// Addresses whose MAC is another now.
    var movedAddresses: [IPAddress] {
        zip(new, old).compactMap { new, old in old.map { $0.mac != new.mac } ?? false ? new.address : nil }
    }

    mutating func append(_ other: EntryChange) {
        new += other.new
        old += other.old
    }
}

/// Entries that are there and that nobody has asked for yet.
private struct LiveEntries {
    /// What the kernel takes for one entry: an address, a MAC, or a MAC's way through the tunnel.
    private struct Key: Hashable {
        let link: LinkReference
        let address: IPAddress?
        let mac: MACAddress?
        let isTunnel: Bool

        init(_ entry: NeighbourEntry) {
            link = entry.link
            address = entry.address
            mac = entry.address == nil ? entry.mac : nil
            isTunnel = entry.tunnelEnd != nil
        }
    }

    private var entries: [Key: [NeighbourEntry]]
    private var asked: Set<NeighbourEntry> = []

    init(_ all: [NeighbourEntry]) { entries = Dictionary(grouping: all, by: Key.init) }

    /// What has to be written so that these are there; they count as asked for.
    mutating func change(to wanted: [NeighbourEntry]) -> EntryChange {
        var change = EntryChange()
        asked.formUnion(wanted)
        for entry in wanted {
            let key = Key(entry)
            var there = entries[key] ?? []
            if let same = there.firstIndex(of: entry) {
                there.remove(at: same)
            } else {
                change.new.append(entry)
                change.old.append(there.isEmpty ? nil : there.removeFirst())
            }
            entries[key] = there.isEmpty ? nil : there
        }
        return change
    }

    /// The others, in a stable order. A kernel whose bridges know VLANs has an entry of a port once more for the VLAN that every
    /// port is in, made and removed with the first.
    var rest: [NeighbourEntry] {
        Set(entries.values.flatMap(\.self)).subtracting(asked).sorted {
            ($0.link.name, $0.property.value) < ($1.link.name, $1.property.value)
        }
    }
}

extension NeighbourEntry {
    /// `10.0.0.2 at 02:…`, `02:… to 192.0.2.1`.
    fileprivate var property: Property {
        let who = [address?.description, mac?.description].compactMap(\.self).joined(separator: " at ")
        return Property(words, "\(who)\(tunnelEnd.map { " to \($0)" } ?? "")")
    }
}
