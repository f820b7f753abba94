internal import JSON

extension Table {
    /// Adds what of the old version is for what goes.
    mutating func keep(_ old: Table, _ wanted: WantedObjects) {
        let known = Dictionary(sets.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        let retyped = Set(old.sets.filter { known[$0.name].map($0.hasOtherType) ?? false }.map(\.name))
        keepChains(old, without: retyped)
        let names = Set(chains.map(\.name))
        let before = Dictionary(old.sets.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        for index in sets.indices {
            guard let old = before[sets[index].name], !retyped.contains(old.name) else { continue }
            sets[index].keep(old, chains: names, wanted)
        }
        // Chains that stay use them.
        for var set in old.sets where known[set.name] == nil {
            set.elements.removeAll { !names.isSuperset(of: $0.targets) }
            sets.append(set)
        }
    }

    /// A set of another type is made anew, which the kernel refuses while a rule uses it: then chains that do, and those
    /// that lead there, cannot stay.
    private mutating func keepChains(_ old: Table, without retyped: Set<String>) {
        var names = Set(chains.map(\.name))
        var kept = old.chains.filter { chain in
            (chain.base == nil || Stem.network(ofChain: chain.name) != nil) && !names.contains(chain.name)
        }
        if !retyped.isEmpty { kept.removeAll { !$0.lookups.isDisjoint(with: retyped) } }
        names.formUnion(kept.map(\.name))
        while let place = kept.firstIndex(where: { !names.isSuperset(of: $0.targets) }) {
            names.remove(kept.remove(at: place).name)
        }
        chains = (chains + kept).sorted { $0.name < $1.name }
    }
}

extension NamedSet {
    fileprivate func hasOtherType(_ other: NamedSet) -> Bool {
        keyTypes != other.keyTypes || dataType != other.dataType || isInterval != other.isInterval
            || isLearned != other.isLearned
    }

    fileprivate mutating func keep(_ old: NamedSet, chains: Set<String>, _ wanted: WantedObjects) {
        let keys = Set(elements.map(\.key))
        let taken = isInterval ? Intervals(elements) : nil
        elements += old.elements.filter { element in
            guard chains.isSuperset(of: element.targets) else { return false }
            if taken.map({ $0.overlap(element) }) ?? keys.contains(element.key) { return false }
            return !wanted.decide(element, of: old)
        }
    }
}

extension Element {
    /// Chains that it leads to.
    var targets: Set<String> { data?.targets ?? [] }
}

extension Chain {
    var targets: Set<String> {
        rules.reduce(into: []) { $0.formUnion($1.expressions.flatMap(\.targets)) }
    }
    var lookups: Set<String> {
        rules.reduce(into: []) { $0.formUnion($1.expressions.flatMap(\.lookups)) }
    }
}

extension JSON {
    /// Chains that an expression leads to.
    var targets: Set<String> {
        collect { key, value in ["jump", "goto"].contains(key) ? value["target"]?.string : nil }
    }

    /// Sets and maps that it uses, `@name`.
    var lookups: Set<String> {
        collect { _, value in value.string.flatMap { $0.first == "@" ? String($0.dropFirst()) : nil } }
    }

    private func collect(_ find: (String, JSON) -> String?) -> Set<String> {
        switch self {
        case .null, .bool, .int, .double, .string: return []
        case .array(let values): return values.reduce(into: []) { $0.formUnion($1.collect(find)) }
        case .object(let object):
            return object.members.reduce(into: []) { result, member in
                if let found = find(member.key, member.value) { result.insert(found) }
                result.formUnion(member.value.collect(find))
            }
        }
    }
}
