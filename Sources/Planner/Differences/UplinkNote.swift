internal import Addressing
internal import Model

/// That an interface was down before bulkhead took it is noted, because it is set up then and goes down again when it is
/// given back. A note whose interface is not with us any more is spent: a process was ended between two operations, or
/// somebody deleted the bridge. The host may use the interface since, and must not lose it by what was once.
extension Builder {
    /// What happens to the state of an interface that is taken, around the move.
    struct Raising {
        var before: [Operation] = []
        var after: [Operation] = []
        /// The way back, around the move back.
        var backBefore: [Operation] = []
        var backAfter: [Operation] = []
    }

    /// Notes that an interface was down before bulkhead needed it.
    static func downOriginal(_ name: String) -> OriginalSetting {
        OriginalSetting(path: "link/\(name)/up", value: "0")
    }

    /// How an interface that is down comes up where it is taken, and what undoes that. That it was down is noted only
    /// where it comes from the host: one for which a bridge of ours stands already was set down since, and was noted, if it
    /// was down before, when it was taken first.
    ///
    /// It comes up when it is on the bridge: so one that is up and on none is up by somebody else's doing, and where the
    /// host uses it, an older note is not true any more.
    func raising(_ uplink: ObservedLink, _ move: UplinkMove, _ bridge: ObservedLink?) -> Raising {
        let original = Self.downOriginal(uplink.name)
        let isNoted = context.observed.originals.contains(original)
        let isTheHosts = move.from == move.uplink && move.previousMaster == nil
        guard !uplink.isUp else {
            guard isTheHosts, isNoted, context.use(of: uplink) != nil else { return Raising() }
            return Raising(before: [.forgetOriginal(original)], backAfter: [.rememberOriginal(original)])
        }
        guard move.previousMaster != move.master else { return Raising() }
        let isKnown =
            move.from != move.uplink || isNoted || !(bridge.map { context.movable(of: $0).words.isEmpty } ?? true)
        let up: [Operation] = [.changeLink(move.uplink, [.up(true)])]
        return Raising(
            before: (isKnown ? [] : [.rememberOriginal(original)]) + (isTheHosts ? [] : up),
            after: isTheHosts ? up : [], backBefore: [.changeLink(move.uplink, [.up(false)])],
            backAfter: isKnown ? [] : [.forgetOriginal(original)])
    }

    /// Notes that are spent: the interface goes down as long as nobody uses it, and the note goes.
    mutating func settleNotes() {
        guard !context.remains else { return }
        let wanted = Set(context.desired.networks.compactMap { context.uplink($0)?.name })
        for original in context.observed.originals {
            let parts = original.path.split(separator: "/")
            guard parts.count == 3, parts[0] == "link", parts[2] == "up" else { continue }
            let name = String(parts[1])
            guard !wanted.contains(name), !claimed.contains(name), !context.isUplinkOfBridge(name) else { continue }
            settle(original, of: name)
        }
    }

    private mutating func settle(_ original: OriginalSetting, of name: String) {
        let reference = LinkReference(.host, name)
        let link = context.link(reference)
        let use = link.flatMap { context.use(of: $0) }
        let goesDown = link.map { $0.isUp && use == nil } ?? false
        let reason =
            link == nil
            ? "it is not there any more" : use.map { "the host uses it now (\($0))" } ?? "no network needs it any more"
        steps.append(
            Step(
                id: "uplink/note/\(name)", action: .update, owner: nil, kind: .uplink,
                summary: goesDown
                    ? "set \(name.terminalSafe) down, as it was before"
                    : "forget that \(name.terminalSafe) was down before",
                reason: reason, source: nil, before: goesDown ? [Property("state", "up")] : [],
                after: goesDown ? [Property("state", "down")] : [],
                operations: (goesDown ? [.changeLink(reference, [.up(false)])] : []) + [.forgetOriginal(original)],
                inverse: [.rememberOriginal(original)] + (goesDown ? [.changeLink(reference, [.up(true)])] : []),
                phase: .restore))
    }
}

extension Context {
    /// What an interface is good for to the host; nil where it could be down as well.
    fileprivate func use(of link: ObservedLink) -> String? {
        if let master = link.master.flatMap({ self.link($0, in: .host) }), !isMarked(master) {
            return "port of \(master.name.terminalSafe)"
        }
        let child = observed.host.links.first {
            $0.isDerived && $0.peerIndex == link.index && $0.peerNamespaceID == nil
        }
        if let child { return "\(child.kind.terminalSafe) \(child.name.terminalSafe)" }
        return hostUse(of: link)
            ?? observed.host.routes.first { $0.nextHopLinks.contains(link.index) }.map { "route to \($0.destination)" }
    }

    /// Whether an interface is the port for which a bridge stands, of whatever scope.
    fileprivate func isUplinkOfBridge(_ name: String) -> Bool {
        guard let link = hostLinks[name], let holder = link.master.flatMap({ self.link($0, in: .host) }) else {
            return false
        }
        return observed.host.uplinkPort(of: holder)?.index == link.index
    }
}
