public import JSON

/// What separates one ruleset from another: words for people, and one transaction of commands.
public struct RulesetChange: Hashable, Sendable {
    /// What differs, one line each.
    public var words: [String] = []
    /// Commands of `libnftables-json(5)`, in an order the kernel takes.
    public var commands: [JSON] = []
    /// Manifest objects that something of it is for, as comments of rules and elements name them.
    public var owners: Set<String> = []
    /// Nothing differs.
    public var isEmpty: Bool { commands.isEmpty }

    /// The way from one ruleset to the other: single elements where sets differ, whole chains where rules do.
    public static func from(_ old: Ruleset, to new: Ruleset) -> RulesetChange {
        var change = RulesetChange()
        for family in Table.Family.allCases {
            switch (old.table(family), new.table(family)) {
            case (nil, nil): continue
            case (nil, let table?): change.create(table)
            case (let table?, nil): change.delete(table)
            case (let before?, let after?): TableComparison(before, after).append(to: &change)
            }
        }
        return change
    }

    private mutating func create(_ table: Table) {
        words.append("create table \(table.family.rawValue) \(table.name)")
        commands.append(["add": ["table": table.reference]])
        TableComparison(Table(family: table.family, name: table.name), table).append(to: &self, silently: true)
    }

    private mutating func delete(_ table: Table) {
        words.append("delete table \(table.family.rawValue) \(table.name)")
        commands.append(["delete": ["table": table.reference]])
    }
}

extension Ruleset {
    /// The wanted ruleset, and what of the old one nothing contradicts: rules and elements of links that are still
    /// there stay in force until those are gone, so that nothing that is on its way out is unguarded for a moment.
    ///
    /// Elements of interval sets that overlap wanted ones are not kept: the kernel takes only one of the two.
    public func keeping(_ old: Ruleset) -> Ruleset {
        guard !tables.isEmpty else { return old }
        var result = self
        for index in result.tables.indices {
            guard let before = old.table(result.tables[index].family) else { continue }
            result.tables[index].keep(before)
        }
        return result
    }
}

extension Table {
    var reference: JSON { ["family": .string(family.rawValue), "name": .string(name)] }

    fileprivate mutating func keep(_ old: Table) {
        let names = Set(chains.map(\.name))
        chains += old.chains.filter { $0.base == nil && !names.contains($0.name) }
        chains.sort { $0.name < $1.name }
        // Chains that stay use them.
        let setNames = Set(sets.map(\.name))
        defer { sets += old.sets.filter { !setNames.contains($0.name) } }
        for index in sets.indices {
            guard
                let before = old.sets.first(where: {
                    $0.name == sets[index].name && $0.keyTypes == sets[index].keyTypes
                        && $0.dataType == sets[index].dataType && $0.isInterval == sets[index].isInterval
                })
            else { continue }
            if sets[index].isInterval {
                let taken = Intervals(sets[index].elements)
                sets[index].elements += before.elements.filter { !taken.overlap($0) }
                continue
            }
            let keys = Set(sets[index].elements.map(\.key))
            sets[index].elements += before.elements.filter { !keys.contains($0.key) }
        }
    }
}
