internal import Addressing
internal import Model

extension Builder {
    /// Bulkhead's part of FRR's configuration: what `bgpd` does, and the file from which it has it when it is started again.
    mutating func compareRouting() {
        let observed = context.observed.routing ?? ObservedRouting()
        let running = observed.running ?? RoutingConfiguration()
        let startup = observed.startup ?? RoutingConfiguration()
        guard let evpn = context.desired.evpn, let name = ObjectName(context.desired.host) else {
            removeRouting(running, startup, observed.startupFile)
            return
        }
        guard isRoutingUsable(observed, running, startup, evpn) else { return }
        let owner = ObjectID(.host, name)
        let mark = OwnershipMark(scope: context.desired.scope, owner: owner, protected: false)
        let part = RoutingPart(evpn, mark: mark, beside: running, rememberedIn: startup)
        if !running.has(part) { change(running, to: part, owner, evpn.source) }
        if !startup.has(part) { write(part, over: startup, observed.startupFile ?? "frr.conf", owner, evpn.source) }
    }

    private mutating func isRoutingUsable(
        _ observed: ObservedRouting, _ running: RoutingConfiguration, _ startup: RoutingConfiguration, _ evpn: EVPN
    ) -> Bool {
        let host = "Host/\(context.desired.host)"
        if let problem = observed.problem {
            fail("\(host): evpn needs FRR: \(problem)", at: evpn.source)
            return false
        }
        if let asn = running.asn, asn != evpn.asn, !running.isWhollyOurs {
            fail(
                "\(host): FRR on this host is of AS \(asn) already: what is in `router bgp \(asn)` is not bulkhead's, and a "
                    + "host has one such block; give its number to `evpn.asn`, or remove it", at: evpn.source)
            return false
        }
        for peer in evpn.peers where running.othersPeers.contains(.v4(peer)) {
            fail(
                "\(host): FRR on this host has a session with \(peer) that is not bulkhead's; remove it "
                    + "(`no neighbor \(peer)`), or take the address out of `evpn.peers`", at: evpn.source)
            return false
        }
        for configuration in [running, startup] {
            guard let mark = configuration.part?.mark, mark.scope != context.desired.scope else { continue }
            fail(
                "\(host): the peer group '\(RoutingPart.group)' in FRR's configuration is of scope \(mark.scope); one "
                    + "scope of a host may have overlays on evpn", at: evpn.source)
            return false
        }
        return true
    }

    private mutating func change(
        _ running: RoutingConfiguration, to part: RoutingPart, _ owner: ObjectID, _ source: SourceLocation
    ) {
        let commands = RoutingCommands.lines(from: running, to: part)
        let restarts = running.part.map { $0.asn != part.asn } ?? false
        steps.append(
            Step(
                id: "routing/bgpd", action: running.part == nil ? .create : .update, owner: owner, kind: .routing,
                summary: "configure bgpd: \(commands.joined(separator: "; "))",
                reason: running.part == nil
                    ? "overlays of this host learn by BGP EVPN" : "bulkhead's part is not what the manifests say",
                disruption: restarts ? .brief(context.desired.endpoints.map(\.metadata.name)) : .none, source: source,
                before: running.part?.properties ?? [], after: part.properties,
                operations: [.configureRouting(RoutingChange(.running, part))],
                inverse: [.configureRouting(RoutingChange(.running, running.part))], phase: .host))
    }

    private mutating func write(
        _ part: RoutingPart, over startup: RoutingConfiguration, _ file: String, _ owner: ObjectID,
        _ source: SourceLocation
    ) {
        steps.append(
            Step(
                id: "routing/file", action: startup.part == nil ? .create : .update, owner: owner, kind: .routing,
                summary: "write bulkhead's part of \(file.terminalSafe)",
                reason: "bgpd reads it when it is started again", source: source,
                before: startup.part?.properties ?? [], after: part.properties,
                operations: [.configureRouting(RoutingChange(.startup, part))],
                inverse: [.configureRouting(RoutingChange(.startup, startup.part))], phase: .host))
    }

    /// What is left when no overlay of the host is on EVPN any more.
    private mutating func removeRouting(
        _ running: RoutingConfiguration, _ startup: RoutingConfiguration, _ file: String?
    ) {
        if let part = running.part, let owner = removableOwner(of: part) {
            let commands = RoutingCommands.lines(from: running, to: nil)
            steps.append(
                Step(
                    id: "routing/bgpd", action: .delete, owner: owner, kind: .routing,
                    summary: "configure bgpd: \(commands.joined(separator: "; "))",
                    reason: "no overlay of this host learns by BGP EVPN any more", source: nil,
                    before: part.properties,
                    losses: running.additions.map { "`\($0)` that somebody gave bulkhead's peer group in FRR" },
                    operations: [.configureRouting(RoutingChange(.running, nil))],
                    inverse: [.configureRouting(RoutingChange(.running, part))], phase: .reduce))
        }
        if let part = startup.part, let owner = removableOwner(of: part) {
            steps.append(
                Step(
                    id: "routing/file", action: .delete, owner: owner, kind: .routing,
                    summary: "remove bulkhead's part from \((file ?? "frr.conf").terminalSafe)",
                    reason: "no overlay of this host learns by BGP EVPN any more", source: nil,
                    before: part.properties, operations: [.configureRouting(RoutingChange(.startup, nil))],
                    inverse: [.configureRouting(RoutingChange(.startup, part))], phase: .reduce))
        }
    }

    /// Whose it is, where that may be removed. `destroy PATH` means networks and what is on them, and the part is there for
    /// overlays: it goes with the last of them.
    private func removableOwner(of part: RoutingPart) -> ObjectID? {
        guard let mark = part.mark, mark.scope == context.desired.scope else { return nil }
        let overlays = context.observed.host.links.filter { link in
            link.vxlan != nil && link.mark?.scope == context.desired.scope
        }
        guard overlays.allSatisfy({ $0.mark.map { context.mayRemove($0.owner) } ?? false }),
            context.options.prunes || context.options.removesOnly != nil
        else { return nil }
        return mark.owner
    }
}

extension RoutingPart {
    /// For the plan document, one a line.
    fileprivate var properties: [Property] {
        [Property("router bgp", "\(asn)")] + lines.map { Property($0.family.opening ?? "router bgp", $0.text) }
    }
}
