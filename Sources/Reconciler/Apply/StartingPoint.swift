internal import Firewall
public import Model
public import Planner

/// What undoing a change has to know of the host as it was when the change began: which objects stood behind the names
/// in its plan, and the firewall, which goes back to that whatever others did to it meanwhile.
public struct StartingPoint: Hashable, Codable, Sendable {
    /// An interface by the name it had.
    struct Link: Hashable, Codable, Sendable {
        let reference: LinkReference
        /// `ifi_index`.
        let index: UInt32
    }

    /// A namespace by the name it had.
    struct Namespace: Hashable, Codable, Sendable {
        let reference: NamespaceRef
        let inode: UInt64
        /// The id that the host gave it. An inode is given again to another namespace as soon as this one is gone.
        let id: Int32?
    }

    /// The two ends of a card that the plan makes, or makes again.
    struct Card: Hashable, Codable, Sendable {
        let outer: LinkReference
        let inner: LinkReference
    }

    let links: [Link]
    let cards: [Card]
    let namespaces: [Namespace]
    let firewall: Ruleset

    /// From what was observed when the plan was made, and the firewall as it is now.
    public static func read(_ session: HostSession, _ plan: Plan, observed: ObservedState) throws -> StartingPoint {
        let firewall = try session.rules(of: plan.scope)
        return StartingPoint(plan, observed: observed, firewall: firewall)
    }

    /// Only what the plan speaks of is kept.
    init(_ plan: Plan, observed: ObservedState, firewall: Ruleset) {
        let (named, spaces, cards) = Self.named(plan)
        links = ([observed.host] + observed.namespaces).flatMap { space in
            space.links.map { Link(reference: LinkReference(space.reference, $0.name), index: $0.index) }
        }.filter { named.contains($0.reference) }
        namespaces = observed.namespaces.filter { spaces.contains($0.reference) }
            .map { Namespace(reference: $0.reference, inode: $0.inode, id: $0.namespaceID) }
        self.cards = cards.sorted {
            ($0.outer.name, $0.inner.namespace, $0.inner.name) < ($1.outer.name, $1.inner.namespace, $1.inner.name)
        }
        self.firewall = firewall
    }

    /// What steps and what undoes them speak of.
    private static func named(_ plan: Plan) -> (links: Set<LinkReference>, spaces: Set<NamespaceRef>, cards: Set<Card>)
    {
        var (links, spaces, cards) = (Set<LinkReference>(), Set<NamespaceRef>(), Set<Card>())
        for step in plan.steps {
            for operations in [step.operations, step.inverse] {
                for operation in operations {
                    links.formUnion(operation.links)
                    spaces.formUnion(operation.namespaces)
                    if let card = operation.card { cards.insert(card) }
                }
            }
        }
        return (links, spaces, cards)
    }
}

extension Operation {
    /// All links that it names: that which it is about, the bridge that it is put on, and the other end.
    fileprivate var links: [LinkReference] {
        let subject = link.map { [$0] } ?? []
        switch self {
        case .createLink(let spec):
            let bridge = spec.master.map { [LinkReference(spec.reference.namespace, $0)] } ?? []
            return subject + bridge + (spec.lower.map { [$0] } ?? [])
        case .changeLink(let link, let changes):
            return subject
                + changes.compactMap { change in
                    guard case .master(let name?) = change else { return nil }
                    return LinkReference(link.namespace, name)
                }
        case .moveUplink(let move):
            let bridges = [move.previousMaster, move.master].compactMap(\.self)
            return subject + [move.from, move.to] + bridges.map { LinkReference(move.uplink.namespace, $0) }
        case .noteNeighbours(let link, _), .expectNeighbours(let link, _): return [link]
        case .addQdisc(_, .redirect(let target)): return subject + [target]
        case .loadModule, .createNamespace, .deleteNamespace, .bindNamespace, .deleteLink, .addAddress, .removeAddress,
            .addRoute, .replaceRoute, .removeRoute, .addRule, .removeRule, .addQdisc, .removeQdisc, .addNeighbour,
            .removeNeighbour, .writeSetting, .rememberOriginal, .forgetOriginal, .writeFile, .removeFile,
            .forgetNeighbours, .cutConnections, .clearWay, .configureRouting, .firewall:
            return subject
        }
    }

    fileprivate var namespaces: [NamespaceRef] {
        (namespace.map { [$0] } ?? []) + (card.map { [$0.inner.namespace] } ?? [])
    }

    fileprivate var card: StartingPoint.Card? {
        guard case .createLink(let spec) = self, case .veth(let peer) = spec.kind else { return nil }
        return StartingPoint.Card(outer: spec.reference, inner: peer.reference)
    }
}
