internal import JSON

/// Addresses that go from one endpoint to another.
extension Ruleset {
    /// This ruleset without what lets an endpoint send from, and receive at, addresses that another endpoint gets.
    ///
    /// The kernel puts a transaction into force set by set, and sets of ranges after all others (`nf_tables_commit`): in
    /// one with the rest, an address would for moments be its old owner's by what may be sent, and its new owner's by what
    /// policies say of it. In a transaction before, it is nobody's between the two.
    public func handingOver(to next: Ruleset) -> Ruleset {
        guard let before = table(.bridge), let after = next.table(.bridge) else { return self }
        let (old, new) = (before.ownership, after.ownership)
        let gained = WantedObjects(
            after.sets.compactMap { set in
                guard let known = new[set.name]?.subtracting(old[set.name] ?? []), !known.isEmpty else { return nil }
                var set = set
                set.elements.removeAll { !known.contains($0.key) }
                return set
            })
        var result = self
        for table in result.tables.indices where result.tables[table].family == .bridge {
            for index in result.tables[table].sets.indices {
                let set = result.tables[table].sets[index]
                guard old[set.name] != nil else { continue }
                result.tables[table].sets[index].elements.removeAll {
                    !(new[set.name]?.contains($0.key) ?? false) && gained.changesHands($0, of: set)
                }
            }
        }
        return result
    }
}

extension Table {
    /// Sets that say which addresses a port may speak for, and what is in them. Without an element, frames are dropped.
    fileprivate var ownership: [String: Set<JSON>] {
        let own = sets.filter { set in
            Claims.key(ofSet: set.name) != nil || Delivery.isOwn(set.name)
                || ["locals_own", "sources4", "sources6"].contains(set.name)
        }
        return Dictionary(own.map { ($0.name, Set($0.elements.map(\.key))) }, uniquingKeysWith: { first, _ in first })
    }
}
