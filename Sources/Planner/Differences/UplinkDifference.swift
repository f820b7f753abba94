internal import Addressing
internal import Model

extension Builder {
    /// The interface for which a bridge stands: a port of it, and nothing of the host left on it.
    mutating func compareUplink(_ network: Network, _ spec: LinkSpec) {
        guard let uplink = context.uplink(network) else { return }
        let bridge = present(spec.reference)
        if let bridge, let old = context.observed.host.uplinkPort(of: bridge), old.index != uplink.index {
            giveBack(old, from: bridge, owner: network.id, source: network.metadata.source, phase: .host)
        }
        let holder = uplink.master.flatMap { context.link($0, in: .host) }
        let isThere = bridge != nil && holder?.index == bridge?.index
        let from = isThere || holder?.mark == nil ? uplink : holder ?? uplink
        guard let cargo = cargo(of: from, isTaken: from.index == uplink.index, network) else { return }
        claimed.insert(uplink.name)
        guard !isThere || !cargo.addresses.isEmpty else { return raise(uplink, network) }
        let name = uplink.name.terminalSafe
        let isHeld = isHeld(
            from,
            "\(name) cannot \(from.index == uplink.index ? "become a port of" : "change to") \(network.bridge)",
            cure: ", or use an uplink that the host does not use itself", owner: network.id,
            source: network.metadata.source)
        guard !isHeld else { return }
        let move = UplinkMove(
            uplink: LinkReference(.host, uplink.name), previousMaster: holder?.name, master: spec.reference.name,
            from: LinkReference(.host, from.name), to: spec.reference, addresses: cargo.addresses,
            routes: cargo.routes)
        if isThere { raise(uplink, network) }
        appendTake(
            move, network, cargo, raising: raising(uplink, move, bridge), up: [from, uplink].filter(\.isUp),
            requires: requirement(spec.reference) + ["uplink/old/\(spec.reference.name)"]
                + clearings(of: spec.reference, network))
    }

    /// Somebody set down an interface that is on its bridge. What it was before bulkhead came is noted already.
    private mutating func raise(_ uplink: ObservedLink, _ network: Network) {
        guard !uplink.isUp else { return }
        let reference = LinkReference(.host, uplink.name)
        steps.append(
            Step(
                id: "uplink/up/\(uplink.name)", action: .update, owner: network.id, kind: .uplink,
                summary: "change \(reference): state down → up",
                reason: "\(network.bridge) stands for it, and nothing passes while it is down",
                source: network.metadata.source, before: [Property("state", "down")], after: [Property("state", "up")],
                operations: [.changeLink(reference, [.up(true)])],
                inverse: [.changeLink(reference, [.up(false)])], phase: .host))
    }

    private mutating func appendTake(
        _ move: UplinkMove, _ network: Network, _ cargo: Cargo,
        raising: Raising, up: [ObservedLink], requires: [String]
    ) {
        let name = move.uplink.name
        if let old = move.previousMaster { departures[old, default: []].append("uplink/\(name)") }
        let what = cargo.words.isEmpty ? "" : ", and what the host has there: \(cargo.words)"
        steps.append(
            Step(
                id: "uplink/\(name)", action: .update, owner: network.id, kind: .uplink,
                summary: "put \(name.terminalSafe) on \(move.to)\(what)",
                reason: "\(network.id) is on the physical network behind it", source: network.metadata.source,
                before: properties(move, at: move.from, move.previousMaster),
                after: properties(move, at: move.to, move.master), requires: requires,
                operations: raising.before + guarded(move, cargo.gateways) + raising.after,
                // The kernel deletes addresses of IPv6 with a link that goes down.
                inverse: raising.backBefore + wayBack(move, up: up) + raising.backAfter,
                phase: .host))
        guard !move.isEmpty else { return }
        warn(
            "\(name.terminalSafe) becomes a port of \(move.to), which then has the host's addresses: rules of the host's own "
                + "firewall and services that name \(name.terminalSafe) see its packets on \(move.to) from now on, and "
                + "whatever configures \(name.terminalSafe) must leave it alone; if you come in by it, "
                + "add `--confirm-within 60s`, which undoes the change unless you confirm it",
            at: network.metadata.source)
    }

    /// The interface gets back what the host has on the bridge.
    mutating func giveBack(
        _ uplink: ObservedLink, from bridge: ObservedLink, owner: ObjectID, source: SourceLocation?, phase: Phase
    ) {
        let cargo = context.movable(of: bridge)
        claimed.insert(uplink.name)
        let (name, holder) = (uplink.name.terminalSafe, bridge.name.terminalSafe)
        let isHeld = isHeld(
            bridge, "\(name) cannot get back what the host has on \(holder)", cure: "",
            owner: owner,
            source: source)
        guard !isHeld else { return }
        let move = UplinkMove(
            uplink: LinkReference(.host, uplink.name), previousMaster: bridge.name, master: nil,
            from: LinkReference(.host, bridge.name), to: LinkReference(.host, uplink.name),
            addresses: cargo.addresses, routes: cargo.routes)
        let original = Self.downOriginal(uplink.name)
        let wasDown = context.observed.originals.contains(original)
        let isUp = context.isUpWhenGivenBack(uplink, from: bridge)
        let set: [Operation] = isUp == uplink.isUp ? [] : [.changeLink(move.uplink, [.up(isUp)])]
        let forget: [Operation] = wasDown ? [.forgetOriginal(original)] : []
        let note: [Operation] = wasDown ? [.rememberOriginal(original)] : []
        let down: [Operation] = isUp && !uplink.isUp ? [.changeLink(move.uplink, [.up(false)])] : []
        let what = cargo.words.isEmpty ? "" : ", with what the host has there: \(cargo.words)"
        departures[bridge.name, default: []].append("uplink/old/\(bridge.name)")
        let change = set.isEmpty ? "" : isUp ? ", and set it up" : ", and set it down, as it was before"
        steps.append(
            Step(
                id: "uplink/old/\(bridge.name)", action: .update, owner: owner, kind: .uplink,
                summary: "give \(name) back from \(move.from)\(change)\(what)",
                reason: "no network needs it any more", source: source,
                before: properties(move, at: move.from, move.previousMaster),
                after: properties(move, at: move.to, nil), operations: set + guarded(move, cargo.gateways) + forget,
                inverse: note + wayBack(move, up: [bridge, uplink].filter(\.isUp)) + down, phase: phase))
        guard wasDown, isUp else { return }
        warn(
            "\(owner): \(name) was down before bulkhead took it, and is up when it is given back: the host has routes there by now "
                + "(\(cargo.routes.map(\.words).joined(separator: ", "))), which a link that is down cannot have; set it down if you "
                + "do not want them (`ip link set \(uplink.name.shellWord) down`)", at: source)
    }

    /// Somebody may set down meanwhile what was up before: the link that has addresses and routes then, on which the kernel
    /// takes no route by a gateway while it is down, or the interface by which packets come to its bridge.
    private func wayBack(_ move: UplinkMove, up: [ObservedLink]) -> [Operation] {
        var names: [String] = []
        for link in up where !names.contains(link.name) { names.append(link.name) }
        return names.map { .changeLink(LinkReference(.host, $0), [.up(true)]) } + [.moveUplink(move.reversed)]
    }

    /// Neighbours that answer before must answer afterwards, else the step fails and is undone.
    private func guarded(_ move: UplinkMove, _ gateways: [IPAddress]) -> [Operation] {
        guard !move.isEmpty else { return [.moveUplink(move)] }
        return [
            .noteNeighbours(move.from, gateways), .moveUplink(move), .expectNeighbours(move.to, gateways),
        ]
    }

    private func properties(_ move: UplinkMove, at link: LinkReference, _ master: String?) -> [Property] {
        [Property("bridge", master ?? "")] + move.addresses.map { Property("address on \(link)", "\($0.address)") }
            + move.routes.map { Property("route on \(link)", $0.words) }
    }
}

extension Context {
    /// What moves along.
    func movable(of link: ObservedLink) -> Cargo {
        Cargo(
            on: LinkReference(.host, link.name), index: link.index, addresses: observed.host.addresses,
            routes: observed.host.routes)
    }
}

extension Builder {
    /// The same, unless something of it would be lost on the way; then the plan says so.
    fileprivate mutating func cargo(of link: ObservedLink, isTaken: Bool, _ network: Network) -> Cargo? {
        let cargo = context.movable(of: link)
        guard isTaken, link.master == nil else { return cargo }
        let name = link.name.terminalSafe
        var reasons: [String] = []
        let own = context.addresses[.host]?[link.index] ?? []
        if let leased = own.first(where: { !$0.isPermanent && !$0.address.address.isLinkLocal }) {
            reasons.append(
                "its address \(leased.address) is leased or learnt, and who renews it would look for it there")
        }
        let routes = context.routes[.host]?[link.index] ?? []
        if let learnt = routes.first(where: {
            [1, 9].contains($0.origin) && $0.type == 1 && !$0.destination.address.isLinkLocal
        }) {
            reasons.append(
                "its route \(learnt.entry(on: LinkReference(.host, link.name))) is learnt from router advertisements")
        }
        let shared = context.observed.host.routes.first { $0.nextHopLinks.contains(link.index) }
        if let shared {
            reasons.append(
                "its route to \(shared.destination) has several next hops, or one that is an object of its own")
        }
        guard reasons.isEmpty else {
            let cures =
                "give the host permanent addresses and routes there, or use an uplink that it does not use itself"
            fail(
                "\(network.id): \(name) cannot become a port of \(network.bridge): \(reasons.joined(separator: "; ")); \(cures)",
                at: network.metadata.source)
            return nil
        }
        return cargo
    }
}
