import Firewall
import JSON

/// Tables as a value: carries out the commands that a `RulesetChange` has, as strictly as the kernel.
struct SimulatedTables: Hashable {
    var ruleset = Ruleset()
    private var lastHandle: Int64 = 0

    /// Why a transaction is refused.
    struct Failure: Error, Hashable, CustomStringConvertible {
        let description: String
        init(_ description: String) { self.description = description }
    }

    init(_ ruleset: Ruleset = Ruleset()) {
        self.ruleset = ruleset
        for table in self.ruleset.tables.indices {
            for chain in self.ruleset.tables[table].chains.indices {
                for rule in self.ruleset.tables[table].chains[chain].rules.indices {
                    self.ruleset.tables[table].chains[chain].rules[rule].handle = nextHandle()
                }
            }
        }
    }

    private mutating func nextHandle() -> Int64 {
        lastHandle += 1
        return lastHandle
    }

    /// One transaction: all of it, or nothing.
    mutating func run(_ commands: [JSON]) throws {
        var copy = self
        for command in commands { try copy.run(command) }
        self = copy
    }

    private mutating func run(_ command: JSON) throws {
        guard let verb = command.object?.members.first, let object = verb.value.object?.members.first else {
            throw Failure("no command: \(command.text())")
        }
        guard let family = object.value["family"]?.string.flatMap(Table.Family.init(rawValue:)) else {
            throw Failure("no family: \(command.text())")
        }
        if object.key == "table" { return try runTable(verb.key, family, object.value) }
        let name = object.value["table"]?.string ?? object.value["name"]?.string
        // A reference to a chain or set names its table as `name`, which is `bulkhead` for all of a test.
        guard let place = ruleset.tables.firstIndex(where: { $0.family == family }) else {
            throw Failure("no table \(family) \(name ?? "")")
        }
        switch object.key {
        case "chain": try runChain(verb.key, place, object.value)
        case "set", "map": try runSet(verb.key, place, object.value)
        case "element": try runElement(verb.key, place, object.value)
        case "rule": try runRule(verb.key, place, object.value)
        case _: throw Failure("unknown object \(object.key)")
        }
    }

    private mutating func runTable(_ verb: String, _ family: Table.Family, _ value: JSON) throws {
        guard let name = value["name"]?.string else { throw Failure("a table without name") }
        let place = ruleset.tables.firstIndex { $0.family == family && $0.name == name }
        switch (verb, place) {
        case ("add", nil):
            ruleset.tables.append(Table(family: family, name: name))
            let order = Table.Family.allCases
            ruleset.tables.sort {
                (order.firstIndex(of: $0.family) ?? 0) < (order.firstIndex(of: $1.family) ?? 0)
            }
        case ("add", let place?):
            guard let flags = value["flags"]?.array else { break }
            ruleset.tables[place].flags = flags.contains("dormant") ? .init(isDormant: true) : nil
        case ("delete", let place?): ruleset.tables.remove(at: place)
        case (_, _): throw Failure("\(verb) table \(name)")
        }
    }

    private mutating func runChain(_ verb: String, _ table: Int, _ value: JSON) throws {
        guard let name = value["name"]?.string else { throw Failure("a chain without name") }
        let place = ruleset.tables[table].chains.firstIndex { $0.name == name }
        switch (verb, place) {
        case ("add", nil):
            var base: Chain.Base?
            if let type = value["type"]?.string, let hook = value["hook"]?.string, let priority = value["prio"]?.int {
                base = Chain.Base(
                    type: type, hook: hook, priority: priority, policy: value["policy"]?.string ?? "accept",
                    devices: value["dev"]?.string.map { [$0] })
            }
            ruleset.tables[table].chains.append(Chain(name: name, base: base))
        case ("add", let place?):
            // Nothing but a further device is added to a chain that is there.
            guard let device = value["dev"]?.string, let devices = ruleset.tables[table].chains[place].base?.devices
            else { throw Failure("add chain \(name)") }
            ruleset.tables[table].chains[place].base?.devices = Set(devices + [device]).sorted()
        case ("flush", let place?): ruleset.tables[table].chains[place].rules = []
        case ("delete", let place?):
            guard ruleset.tables[table].chains[place].rules.isEmpty else { throw Failure("chain \(name) has rules") }
            guard !ruleset.tables[table].jumps(to: name) else { throw Failure("chain \(name) is in use") }
            ruleset.tables[table].chains.remove(at: place)
        case (_, _): throw Failure("\(verb) chain \(name)")
        }
    }

    private mutating func runRule(_ verb: String, _ table: Int, _ value: JSON) throws {
        guard let name = value["chain"]?.string,
            let chain = ruleset.tables[table].chains.firstIndex(where: { $0.name == name })
        else { throw Failure("\(verb) rule: no chain") }
        let anchor = value["handle"]?.int
        let place = ruleset.tables[table].chains[chain].rules.firstIndex { anchor != nil && $0.handle == anchor }
        if verb == "delete" {
            guard let place else { throw Failure("delete rule: no such handle in \(name)") }
            ruleset.tables[table].chains[chain].rules.remove(at: place)
            return
        }
        guard let expressions = value["expr"]?.array else { throw Failure("a rule without expressions") }
        let rule = Rule(expressions, comment: value["comment"]?.string, handle: nextHandle())
        try ruleset.tables[table].check(expressions)
        switch (verb, anchor, place) {
        case ("add", nil, _): ruleset.tables[table].chains[chain].rules.append(rule)
        case ("insert", _, let place?): ruleset.tables[table].chains[chain].rules.insert(rule, at: place)
        case (_, _, _): throw Failure("\(verb) rule in \(name)")
        }
    }
}

extension Table {
    /// Whether a rule or the element of a map leads to a chain.
    func jumps(to chain: String) -> Bool {
        chains.contains { $0.rules.contains { $0.expressions.contains { $0.targets.contains(chain) } } }
            || sets.contains { $0.elements.contains { $0.data?.targets.contains(chain) ?? false } }
    }

    /// Whether a rule looks something up in a set.
    func uses(_ set: String) -> Bool {
        chains.contains { $0.rules.contains { $0.expressions.contains { $0.lookups.contains(set) } } }
    }

    /// What a rule names must be there.
    func check(_ expressions: [JSON]) throws {
        for expression in expressions {
            for chain in expression.targets where !chains.contains(where: { $0.name == chain }) {
                throw SimulatedTables.Failure("a rule jumps to \(chain), which is not there")
            }
            for set in expression.lookups where !sets.contains(where: { $0.name == set }) {
                throw SimulatedTables.Failure("a rule uses \(set), which is not there")
            }
        }
    }
}

extension JSON {
    /// Chains that it leads to.
    var targets: Set<String> {
        walk { key, value in ["jump", "goto"].contains(key) ? value["target"]?.string : nil }
    }

    /// Sets and maps that it uses, `@name`.
    var lookups: Set<String> {
        walk { _, value in value.string.flatMap { $0.hasPrefix("@") ? String($0.dropFirst()) : nil } }
    }

    private func walk(_ find: (String, JSON) -> String?) -> Set<String> {
        switch self {
        case .null, .bool, .int, .double, .string: return []
        case .array(let values): return values.reduce(into: []) { $0.formUnion($1.walk(find)) }
        case .object(let object):
            return object.members.reduce(into: []) { result, member in
                if let found = find(member.key, member.value) { result.insert(found) }
                result.formUnion(member.value.walk(find))
            }
        }
    }
}
