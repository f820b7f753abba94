public import Firewall
public import Model

/// A plan that was made before, with all that it was made of.
public struct EarlierPlan: Sendable {
    let desired: DesiredState
    let observed: ObservedState
    let firewall: Ruleset
    let options: PlanOptions
    let plan: Plan

    /// What `Planner.plan` was given, and what it gave.
    public init(
        _ plan: Plan, desired: DesiredState, observed: ObservedState, firewall: Ruleset, options: PlanOptions
    ) {
        self.plan = plan
        self.desired = desired
        self.observed = observed
        self.firewall = firewall
        self.options = options
    }
}

/// What an earlier plan found right and is still what it was then, so that comparing it again would find the same.
///
/// That is shown by equality of all that the comparison looks at, and of nothing is it taken on trust. A compartment stands
/// with its cards where it is the same, as are both ends of them and its files, and where that plan had no step for any of
/// it; where anything of the host differs that is not a card, nothing stands. Of what stands no warning is said again.
struct Standing {
    private var spaces: Set<NamespaceRef> = []
    /// What the earlier plan had steps for, wherever they act.
    private var owners: Set<ObjectID> = []
    /// Whether the rules are those that the manifests make, and nobody's addresses were new.
    private(set) var hasRules = false

    /// Nothing.
    init() {}

    /// What stands of an earlier plan; nothing where it was made of other manifests.
    init(
        of earlier: EarlierPlan, desired: DesiredState, observed: ObservedState, firewall: Ruleset,
        options: PlanOptions
    ) {
        let reach = Reach(earlier.plan)
        guard earlier.desired == desired, earlier.options.isEqualInCompartments(to: options), !reach.isEverywhere,
            let cards = CardChanges(earlier.observed, observed, desired.scope, reach)
        else { return }
        owners = Set(earlier.plan.steps.compactMap(\.owner))
        let below = options.netnsEtcDirectory
        let files = reach.files.union(Self.changedFiles(earlier.observed.files, observed.files))
        let touched = Set(files.compactMap { CompartmentFiles.namespace(of: $0, below: below)?.name })
        let before = Dictionary(
            earlier.observed.namespaces.map { ($0.reference, $0) }, uniquingKeysWith: { first, _ in first })
        for space in observed.namespaces {
            guard let id = space.namespaceID, !cards.namespaceIDs.contains(id), !space.isUnsteady,
                !reach.spaces.contains(space.reference), before[space.reference] == space
            else { continue }
            if case .named(let name) = space.reference, touched.contains(name) { continue }
            spaces.insert(space.reference)
        }
        hasRules = options.removesOnly == nil && earlier.firewall == firewall && !earlier.plan.changesRules
    }

    /// Whether all that a compartment is by itself stands.
    func holds(_ compartment: Compartment) -> Bool {
        spaces.contains(compartment.reference) && !owners.contains(compartment.id)
    }

    /// Whether a card stands that ends in a compartment.
    func holds(_ endpoint: Endpoint, in compartment: Compartment?) -> Bool {
        guard let compartment else { return false }
        return holds(compartment) && !owners.contains(endpoint.id)
    }

    /// Paths at which something else lies, or nothing any more.
    private static func changedFiles(_ old: [ObservedFile], _ new: [ObservedFile]) -> Set<String> {
        guard old != new else { return [] }
        return Set(Set(old).symmetricDifference(new).map(\.path))
    }
}

/// In which cards of a scope's endpoints two observations of a host differ; none are made where they differ in anything
/// else that the comparison of a compartment looks at.
private struct CardChanges {
    /// Ids of the namespaces in which these cards, and those that a plan reaches, end or ended.
    private(set) var namespaceIDs: Set<Int32> = []
    private var indices: Set<UInt32> = []

    init?(_ old: ObservedState, _ new: ObservedState, _ scope: ObjectName, _ reach: Reach) {
        guard old.features == new.features, old.initialRules == new.initialRules,
            old.freshSettings == new.freshSettings, old.accounts == new.accounts, old.originals == new.originals,
            old.isAssumed == new.isAssumed, compareLinks(old.host.links, new.host.links, scope),
            old.host.rest(without: indices) == new.host.rest(without: indices)
        else { return nil }
        for link in old.host.links + new.host.links where reach.hostLinks.contains(link.name) { note(link) }
    }

    /// Both are by index. False where what differs is no card.
    private mutating func compareLinks(_ old: [ObservedLink], _ new: [ObservedLink], _ scope: ObjectName) -> Bool {
        var (left, right) = (old[...], new[...])
        while let one = left.first ?? right.first {
            var differing = [one]
            if let old = left.first, let new = right.first, old.index == new.index {
                differing = old == new ? [] : [old, new]
                (left, right) = (left.dropFirst(), right.dropFirst())
            } else if let new = right.first, left.first.map({ $0.index > new.index }) ?? true {
                differing = [new]
                right = right.dropFirst()
            } else {
                left = left.dropFirst()
            }
            for link in differing {
                guard let mark = link.mark, mark.scope == scope, mark.owner.kind == .endpoint else { return false }
                note(link)
            }
        }
        return true
    }

    private mutating func note(_ link: ObservedLink) {
        indices.insert(link.index)
        if let id = link.peerNamespaceID { namespaceIDs.insert(id) }
    }
}

extension ObservedNamespace {
    /// Without links, and without what lies on some of them.
    fileprivate func rest(without indices: Set<UInt32>) -> ObservedNamespace {
        var space = self
        space.links = []
        guard !indices.isEmpty else { return space }
        space.addresses.removeAll { indices.contains($0.link) }
        space.routes.removeAll { $0.link.map(indices.contains) ?? false }
        space.neighbours.removeAll { indices.contains($0.link) }
        space.qdiscs.removeAll { indices.contains($0.link) }
        return space
    }
}

extension PlanOptions {
    /// Whether they are equal but for the session that bulkhead runs in, which no compartment is compared with.
    fileprivate func isEqualInCompartments(to other: PlanOptions) -> Bool {
        var (one, other) = (self, other)
        (one.session, one.sessionClient, one.sessionLink) = (nil, nil, nil)
        (other.session, other.sessionClient, other.sessionLink) = (nil, nil, nil)
        return one == other
    }
}

extension Plan {
    /// Whether it changes rules, or forgets connections to addresses that come.
    fileprivate var changesRules: Bool {
        steps.contains { step in
            step.operations.contains { operation in
                switch operation {
                case .firewall, .clearWay: true
                case _: false
                }
            }
        }
    }
}
