internal import Model

/// Loopbacks of our compartments that somebody in there gave another name.
///
/// Programs look for `lo`, and a card may need the name that the loopback has now. They are renamed before anything else, so
/// that all other steps find it by its name.
struct LoopbackName {
    /// The steps that rename.
    private(set) var steps: [Step] = []
    /// The state behind them.
    private(set) var observed: ObservedState

    private static let name = "lo"
    /// For what links lose while they are down; made only where one is renamed.
    private lazy var context = Context(desired: desired, observed: before, options: options)
    private let desired: DesiredState
    private let before: ObservedState
    private let options: PlanOptions

    init(_ desired: DesiredState, _ observed: ObservedState, _ options: PlanOptions) {
        self.observed = observed
        (self.desired, before, self.options) = (desired, observed, options)
        let indices = observed.namespaces.indices.filter { index in
            observed.namespaces[index].links.contains { $0.isLoopback && $0.name != Self.name }
        }
        guard !indices.isEmpty else { return }
        let owned = desired.compartments.filter { if case .owned = $0.namespace { true } else { false } }
        let compartments = Dictionary(owned.map { ($0.reference, $0) }, uniquingKeysWith: { first, _ in first })
        for index in indices {
            guard let compartment = compartments[observed.namespaces[index].reference],
                let loopback = observed.namespaces[index].links.firstIndex(where: \.isLoopback)
            else { continue }
            let touches = desired.endpoints.filter { $0.compartment == compartment.metadata.name }
            rename(loopback, in: index, compartment, touches.map(\.metadata.name))
        }
    }

    private mutating func rename(_ loopback: Int, in index: Int, _ compartment: Compartment, _ touches: [ObjectName]) {
        var space = observed.namespaces[index]
        let link = space.links[loopback]
        let reference = { LinkReference(space.reference, $0) }
        var (operations, inverse) = makeRoom(in: &space)
        operations +=
            (link.isUp ? [.changeLink(reference(link.name), [.up(false)])] : [])
            + [.changeLink(reference(link.name), [.name(Self.name)])]
            + (link.isUp ? [.changeLink(reference(Self.name), [.up(true)])] : [])
        inverse =
            (link.isUp ? [.changeLink(reference(Self.name), [.up(false)])] : [])
            + [.changeLink(reference(Self.name), [.name(link.name)])] + rise(link, reference(link.name)) + inverse
        space.links[loopback].name = Self.name
        // What goes with it while it is down, surplus routes and addresses, is not missed when it is to be removed.
        if link.isUp {
            for position in space.addresses.indices where space.addresses[position].link == link.index {
                space.addresses[position].isReached = true
            }
        }
        observed.namespaces[index] = space
        steps.append(
            Step(
                id: "link/\(space.reference)/\(Self.name)/name", action: .update, owner: compartment.id, kind: .link,
                namespace: space.reference,
                summary: "rename loopback \(link.name.terminalSafe) in \(space.reference) to \(Self.name)",
                reason: "a loopback is called \(Self.name)", disruption: Disruption(Disruption.brief, touches),
                source: compartment.metadata.source, before: [Property("name", link.name)],
                after: [Property("name", Self.name)], operations: operations, inverse: inverse, phase: .prepare))
    }

    /// Takes the name from whatever else has it. What that is will be replaced or removed by later steps.
    private mutating func makeRoom(in space: inout ObservedNamespace) -> ([Operation], [Operation]) {
        guard
            let index = space.links.firstIndex(where: {
                $0.name == Self.name || $0.alternativeNames.contains(Self.name)
            })
        else { return ([], []) }
        let link = space.links[index]
        guard link.name == Self.name else {
            space.links[index].alternativeNames.removeAll { $0 == Self.name }
            let reference = LinkReference(space.reference, link.name)
            return (
                [.changeLink(reference, [.removeAlternativeName(Self.name)])],
                [.changeLink(reference, [.addAlternativeName(Self.name)])]
            )
        }
        let taken = Set(space.links.flatMap { [$0.name] + $0.alternativeNames })
        let free = (0...taken.count).lazy.map { "was-lo\($0)" }.first { !taken.contains($0) } ?? "was-lo"
        space.links[index].name = free
        let (old, new) = (LinkReference(space.reference, Self.name), LinkReference(space.reference, free))
        return (
            (link.isUp ? [.changeLink(old, [.up(false)])] : []) + [.changeLink(old, [.name(free)])],
            [.changeLink(new, [.name(Self.name)])] + rise(link, old)
        )
    }

    /// A link that was up is so again, with what it lost.
    private mutating func rise(_ link: ObservedLink, _ reference: LinkReference) -> [Operation] {
        link.isUp ? [.changeLink(reference, [.up(true)])] + context.contents(of: link, reference) : []
    }
}
