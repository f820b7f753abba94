extension Step {
    /// What undoes the operations of this step that were done, in whole or in part, by their positions; in order.
    ///
    /// A step fails half way: its inverse speaks of things that never came to be, and must not touch what others have
    /// under these names. So of the inverse only that is taken which undoes something that was done: what was not made
    /// is not removed, and what was not removed is not made again. A link that the inverse makes again gets all that it
    /// carried.
    public func undo(ofDone done: Set<Int>) -> [(position: Int, operation: Operation)] {
        let all = inverse.enumerated().map { (position: $0.offset, operation: $0.element) }
        guard done.count < operations.count else { return all }
        var traces = Traces(operations.indices.filter(done.contains).map { operations[$0] })
        return all.filter { item in
            let isNeeded = traces.call(for: item.operation.effect)
            if isNeeded, case .createLink(let spec) = item.operation { traces.links.formUnion(spec.references) }
            return isNeeded
        }
    }
}

extension LinkSpec {
    /// The links that come with it.
    fileprivate var references: [LinkReference] {
        if case .veth(let peer) = kind { return [reference, peer.reference] }
        return [reference]
    }
}

/// What the operations that were done left behind.
private struct Traces {
    var made: Set<Subject>
    var removed: Set<Subject>
    var touched: Set<Subject>
    /// Links that are not as they were. Removing an address or setting a link down takes routes along that no operation
    /// names, so whatever the inverse puts on them is put there.
    var links: Set<LinkReference>

    init(_ operations: [Operation]) {
        let effects = operations.map(\.effect)
        made = Set(effects.filter { $0.kind == .makes }.map(\.subject))
        removed = Set(effects.filter { $0.kind == .removes }.map(\.subject))
        touched = Set(effects.map(\.subject))
        links = Set(effects.compactMap(\.subject.link) + operations.compactMap(\.move).flatMap { [$0.from, $0.to] })
    }

    /// Whether they call for this.
    func call(for effect: Effect) -> Bool {
        switch (effect.kind, effect.subject) {
        case (.removes, .link), (.removes, .namespace): made.contains(effect.subject)
        case (.makes, .link), (.makes, .namespace), (.makes, .module): removed.contains(effect.subject)
        case (_, .setting(_, _)):
            touched.contains(effect.subject) || effect.subject.link.map(links.contains) ?? false
                || touched.contains { $0.drags(effect.subject) }
        case (_, _): touched.contains(effect.subject) || effect.subject.link.map(links.contains) ?? false
        }
    }
}
