import Firewall
import JSON
import Testing

/// The commands that lead from one ruleset to another, carried out on a value.
@Suite struct ComparisonTests {
    static let seeds = Array(UInt64(1)...150)

    private func random(_ seed: UInt64, _ version: UInt64) -> Ruleset {
        var tables = RandomTables(seed: seed, version: version)
        return tables.ruleset()
    }

    @Test func theChangeLeadsToTheOther() throws {
        for seed in Self.seeds {
            let (old, new) = (random(seed, 0), random(seed, 1))
            var live = SimulatedTables(old)
            let change = RulesetChange.from(live.ruleset, to: new)
            do {
                try live.run(change.commands)
            } catch {
                Issue.record("seed \(seed): \(error)")
                continue
            }
            #expect(live.ruleset.canonical == new.canonical, "seed \(seed)")
            #expect(RulesetChange.from(live.ruleset, to: new).isEmpty, "seed \(seed): a second change")
            #expect(change.isEmpty == change.words.isEmpty)
        }
    }

    @Test func aDormantTableIsWokenAndPutBack() throws {
        for seed in Self.seeds.prefix(20) {
            var (old, new) = (random(seed, 0), random(seed, 1))
            for index in old.tables.indices { old.tables[index].flags = .init(isDormant: true) }
            var live = SimulatedTables(old)
            let before = live.ruleset
            let change = RulesetChange.from(before, to: new)
            try live.run(change.commands)
            #expect(live.ruleset.tables.allSatisfy { $0.flags == nil }, "seed \(seed)")
            #expect(live.ruleset.canonical == new.canonical, "seed \(seed)")
            try live.run(RulesetChange.from(new, to: before).commands)
            #expect(live.ruleset.canonical == before.canonical, "seed \(seed)")
            for table in before.tables where new.table(table.family) != nil {
                #expect(live.ruleset.table(table.family)?.flags == .init(isDormant: true), "seed \(seed)")
                let title = "table \(table.family.rawValue) \(table.name)"
                #expect(change.words.contains("wake \(title), which is dormant: nothing of it is in force"))
            }
            // What was let through while it slept has to be looked at.
            new = before
            for index in new.tables.indices { new.tables[index].flags = nil }
            #expect(new.mayRevoke(since: before, fresh: []) == (new.table(.inet) != nil), "seed \(seed)")
        }
    }

    /// What undoes a change is made before it is carried out, when new rules have no handles yet.
    @Test func theWayBackLeadsBack() throws {
        for seed in Self.seeds {
            let (old, new) = (random(seed, 0), random(seed, 1))
            var live = SimulatedTables(old)
            let before = live.ruleset
            try live.run(RulesetChange.from(before, to: new).commands)
            try live.run(RulesetChange.from(new, to: before).commands)
            #expect(live.ruleset.canonical == before.canonical, "seed \(seed)")
        }
    }

    /// First what is wanted beside what nothing contradicts, then without it: the same end, and nothing that the old
    /// rules had and that is in no conflict is gone in between. An address that another endpoint gets is one.
    @Test func inTwoSteps() throws {
        for seed in Self.seeds {
            let (old, new) = (random(seed, 0), random(seed, 1))
            var live = SimulatedTables(old)
            let before = live.ruleset
            let between = new.keeping(before)
            try live.run(RulesetChange.from(before, to: between).commands)
            #expect(live.ruleset.canonical == between.canonical, "seed \(seed)")
            for table in new.tables {
                let now = try #require(live.ruleset.table(table.family))
                let kept = Dictionary(now.sets.map { ($0.name, Set($0.elements)) }, uniquingKeysWith: { $1 })
                for set in table.sets {
                    let old = before.table(table.family)?.sets.first { $0.name == set.name }
                    #expect(kept[set.name] == expected(set, beside: old, now.chains, new), "seed \(seed) \(set.name)")
                }
            }
            try live.run(RulesetChange.from(between, to: new).commands)
            #expect(live.ruleset.canonical == new.canonical, "seed \(seed)")
            try live.run(RulesetChange.from(new, to: between).commands)
            try live.run(RulesetChange.from(between, to: before).commands)
            #expect(live.ruleset.canonical == before.canonical, "seed \(seed)")
        }
    }

    /// Elements of a set that is wanted, and those of the old one that contradict none of them.
    private func expected(
        _ set: NamedSet, beside old: NamedSet?, _ chains: [Chain], _ new: Ruleset
    ) -> Set<Element> {
        guard let old, old.keyTypes == set.keyTypes, old.dataType == set.dataType, old.isInterval == set.isInterval
        else { return Set(set.elements) }
        let names = Set(chains.map(\.name))
        let kept = old.elements.filter { element in
            names.isSuperset(of: element.data?.targets ?? [])
                && !set.elements.contains { $0.key == element.key || (set.isInterval && $0.overlaps(element)) }
                && !(set.isInterval && element.comment != nil && isOfAnother(element, new))
        }
        return Set(set.elements + kept)
    }

    private func isOfAnother(_ element: Element, _ new: Ruleset) -> Bool {
        func address(_ element: Element) -> Element {
            Element(key: ["concat": ["any", element.key["concat"]?.array?.last ?? .null]], comment: nil)
        }
        return new.tables.flatMap(\.sets).filter(\.isInterval).flatMap(\.elements).contains {
            $0.comment != nil && $0.comment != element.comment && address($0).overlaps(address(element))
        }
    }

    @Test func nothingIsDoneWhereNothingDiffers() throws {
        for seed in Self.seeds {
            let live = SimulatedTables(random(seed, 0)).ruleset
            #expect(RulesetChange.from(live, to: random(seed, 0)).commands == [])
        }
    }

    /// One element more or less in a set of many is the command for that element, and nothing else.
    @Test(arguments: ["set-0", "set-1", "set-3"]) func oneElementIsOneCommand(name: String) throws {
        var tried = 0
        for seed in Self.seeds {
            let old = SimulatedTables(random(seed, 0)).ruleset
            guard let table = old.tables.indices.first,
                let set = old.tables[table].sets.firstIndex(where: { $0.name == name && $0.elements.count > 2 })
            else { continue }
            tried += 1
            var new = old
            let gone = new.tables[table].sets[set].elements.remove(at: 1)
            for (from, to, verb) in [(old, new, "delete"), (new, old, "add")] {
                let commands = RulesetChange.from(from, to: to).commands
                #expect(commands.count == 1)
                let element = commands.first?[verb]?["element"]
                #expect(element?["name"]?.string == name)
                let list = element?["elem"]?.array ?? []
                #expect(list.count == 1)
                #expect(list.first?.text().contains(gone.key.text()) ?? false)
            }
        }
        #expect(tried > 10)
    }

    /// A rule that comes or goes leaves all others, with their handles and counters, where they are.
    @Test func oneRuleLeavesTheOthers() throws {
        var tried = 0
        for seed in Self.seeds {
            let live = SimulatedTables(random(seed, 0))
            let old = live.ruleset
            guard let table = old.tables.indices.first,
                let chain = old.tables[table].chains.firstIndex(where: {
                    Set($0.rules).count == $0.rules.count && $0.rules.count > 2
                })
            else { continue }
            tried += 1
            for isInsertion in [true, false] {
                var new = old
                if isInsertion {
                    new.tables[table].chains[chain].rules.insert(Rule([["return": nil]]), at: 1)
                } else {
                    new.tables[table].chains[chain].rules.remove(at: 1)
                }
                var changed = live
                let change = RulesetChange.from(old, to: new)
                try changed.run(change.commands)
                #expect(change.commands.count == 1)
                let before = Set(old.tables[table].chains[chain].rules.compactMap(\.handle))
                let after = Set(changed.ruleset.tables[table].chains[chain].rules.compactMap(\.handle))
                #expect(before.symmetricDifference(after).count == 1)
                #expect(changed.ruleset.canonical == new.canonical)
            }
        }
        #expect(tried > 10)
    }
}
