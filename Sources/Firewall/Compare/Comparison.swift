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
            case (let before?, let after?):
                change.compareFlags(before, after)
                TableComparison(before, after).append(to: &change)
            }
        }
        return change
    }

    /// Bulkhead sets no flags; when something is undone, they come back.
    private mutating func compareFlags(_ before: Table, _ after: Table) {
        guard before.flags != after.flags else { return }
        let table = "table \(after.family.rawValue) \(after.name)"
        guard after.flags?.isDormant ?? false else {
            // Of many changes only the first are shown.
            words.insert(
                before.flags?.isDormant ?? false
                    ? "wake \(table), which is dormant: nothing of it is in force" : "clear the flags of \(table)",
                at: 0)
            return commands.append(["add": ["table": after.reference(flags: [])]])
        }
        words.append("make \(table) dormant again")
        commands.append(["add": ["table": after.reference(flags: ["dormant"])]])
    }

    private mutating func create(_ table: Table) {
        words.append("create table \(table.family.rawValue) \(table.name)")
        commands.append(["add": ["table": table.reference]])
        TableComparison(Table(family: table.family, name: table.name), table).append(to: &self, silently: true)
        if table.flags?.isDormant ?? false {
            commands.append(["add": ["table": table.reference(flags: ["dormant"])]])
        }
    }

    private mutating func delete(_ table: Table) {
        words.append("delete table \(table.family.rawValue) \(table.name)")
        commands.append(["delete": ["table": table.reference]])
    }
}

extension Ruleset {
    /// The wanted ruleset, and what of the old one guards things that are on their way out: rules and elements of links
    /// and objects that nothing wants any more stay in force until those are gone, so that they are not unguarded for a
    /// moment. What lets something pass of what stays is as wanted at once, and an address that another endpoint gets means
    /// that one alone.
    ///
    /// Elements of interval sets that overlap wanted ones are not kept: the kernel takes only one of the two.
    public func keeping(_ old: Ruleset) -> Ruleset {
        guard !tables.isEmpty else { return old }
        let wanted = WantedObjects(self)
        var result = self
        // The last of its networks goes, and its macvlans after the rules that come into force.
        if result.table(.netdev) == nil, let table = old.table(.netdev), table.guardsMacvlans {
            result.tables.append(Table(family: .netdev, name: table.name))
        }
        for index in result.tables.indices {
            guard let before = old.table(result.tables[index].family) else { continue }
            result.tables[index].keep(before, wanted)
        }
        return result
    }
}

extension Table {
    /// Whether one of its chains is for the macvlans of a network.
    fileprivate var guardsMacvlans: Bool { chains.contains { Stem.network(ofChain: $0.name) != nil } }

    var reference: JSON { ["family": .string(family.rawValue), "name": .string(name)] }

    fileprivate func reference(flags: [JSON]) -> JSON {
        ["family": .string(family.rawValue), "name": .string(name), "flags": .array(flags)]
    }
}
