public import JSON

/// What closes between two rulesets. Connections pass by what was decided for their first packet, so those that the
/// new rules would not let through have to be cut.
extension Ruleset {
    /// Whether coming from the old ruleset may close what was open for something that is not new itself: `fresh` holds
    /// the objects that are, `Endpoint/web-1`, which have no connections yet.
    public func mayRevoke(since old: Ruleset, fresh: Set<String>) -> Bool {
        guard let table = table(.inet), let before = old.table(.inet) else { return table(.inet) != nil }
        if before.hasUncheckedConnections { return true }
        // While it was dormant, everything was let through.
        if old.tables.contains(where: { $0.flags?.isDormant ?? false }) { return true }
        let sets = Dictionary(before.sets.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        for set in table.sets where !Self.harmless.contains(set.name) {
            guard let other = sets[set.name] else {
                if set.elements.contains(where: { !$0.isOf(fresh) }) { return true }
                continue
            }
            // A port that is published opens; one that is not any more closes.
            let isOpening = set.name.hasPrefix("published")
            let gone = Set(other.elements).subtracting(set.elements)
            let changed = isOpening ? gone : gone.union(Set(set.elements).subtracting(other.elements))
            if changed.contains(where: { !$0.isOf(fresh) }) { return true }
        }
        let chains = Dictionary(before.chains.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        // A new chain is reached by new elements or changed rules, which are seen where they stand.
        return table.chains.contains { chain in
            chains[chain.name].map { !RuleEdit($0.rules, chain.rules).isEmpty } ?? false
        }
    }

    /// Sets that decide nothing about connections of endpoints.
    private static let harmless: Set<String> = [
        Table.unchecked, "guarded4", "guarded6", "locals", "ports", Protection.set, "router_remotes", "segments",
    ]

    /// The ruleset with the note that connections have not been checked against it yet. It is set in the transaction
    /// that changes the rules and removed when the check is done, so that a run that dies in between is made up for by
    /// the next one.
    public var withUncheckedConnections: Ruleset {
        var result = self
        for table in result.tables.indices where result.tables[table].family == .inet {
            for set in result.tables[table].sets.indices where result.tables[table].sets[set].name == Table.unchecked {
                result.tables[table].sets[set].elements = [Element(key: "connections", comment: nil)]
            }
        }
        return result
    }
}

extension Table {
    /// Name of the set that says whether connections still have to be checked.
    static let unchecked = "unchecked"

    fileprivate var hasUncheckedConnections: Bool {
        sets.contains { $0.name == Self.unchecked && !$0.elements.isEmpty }
    }
}

extension Element {
    fileprivate func isOf(_ objects: Set<String>) -> Bool { comment.map(objects.contains) ?? false }
}

extension RulesetChange {
    /// Whether commands do nothing but note that connections have to be checked, or were.
    public static func isNote(_ commands: [JSON]) -> Bool {
        commands.allSatisfy { command in
            ["add", "delete"].contains { command[$0]?["element"]?["name"]?.string == Table.unchecked }
        }
    }
}
