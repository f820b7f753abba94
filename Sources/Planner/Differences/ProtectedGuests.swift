internal import Addressing
internal import Model

extension Builder {
    /// `destroy PATH` leaves endpoints that are not in the manifests where they are. One that is protected must not lose
    /// the bridge that it is on, nor the namespace that its card lies in, which takes the card along.
    mutating func keepProtectedGuests(of bridge: ObservedLink) {
        for port in context.portsByBridge[bridge.index] ?? [] {
            guard let owner = protectedGuest(port) else { continue }
            failGuest(owner, "bridge \(bridge.name.terminalSafe), which it is on")
        }
    }

    /// The same for a namespace.
    mutating func keepProtectedGuests(in space: ObservedNamespace) {
        for link in space.links {
            guard let name = context.hostSide(of: LinkReference(space.reference, link.name)),
                let card = context.hostLinks[name], let owner = protectedGuest(card)
            else { continue }
            failGuest(owner, "namespace \(space.reference), which it is in")
        }
    }

    /// The same of macvlans, whose mark is inside.
    mutating func keepProtectedMacvlans(in space: ObservedNamespace) {
        for (link, mark) in context.markedMacvlans(in: space)
        where mark.protected && !context.mayRemove(mark.owner) {
            failGuest(mark.owner, "namespace \(space.reference) with \(link.name.terminalSafe), which it is in")
        }
    }

    /// The same of those that stand on a VLAN of ours.
    mutating func keepProtectedMacvlans(on ground: ObservedLink) {
        for (_, link, mark) in context.markedMacvlans where link.peerIndex == ground.index {
            guard mark.protected, !context.mayRemove(mark.owner) else { continue }
            failGuest(mark.owner, "\(ground.name.terminalSafe), which it stands on")
        }
        for link in context.uppers[ground.index] ?? [] where link.kind == "macvtap" {
            guard let owner = protectedGuest(link) else { continue }
            failGuest(owner, "\(ground.name.terminalSafe), which it stands on")
        }
    }

    /// A network on somebody else's bridge goes without that bridge, but with the rules that guard its endpoints there.
    mutating func keepProtectedGuestsOfOthers() {
        for bridge in context.options.leavesBridges.sorted() {
            guard let link = context.hostLinks[bridge], link.mark == nil else { continue }
            for port in context.portsByBridge[link.index] ?? [] {
                guard let owner = protectedGuest(port) else { continue }
                failGuest(owner, "the rules of its network on \(bridge.terminalSafe)")
            }
        }
    }

    /// Whose protected card a link is; nil where it is none, and where it goes itself, which has an error of its own.
    private func protectedGuest(_ link: ObservedLink) -> ObjectID? {
        guard link.isCard, let mark = link.mark, mark.protected, mark.scope == context.desired.scope,
            !context.isCard(link.name), !context.mayRemove(mark.owner)
        else { return nil }
        return mark.owner
    }

    private mutating func failGuest(_ owner: ObjectID, _ what: String) {
        fail(
            "\(owner) is protected (bulkhead.dev/prevent-destroy), and this would delete \(what); apply it once without the "
                + "annotation, then remove it", at: nil)
    }
}
