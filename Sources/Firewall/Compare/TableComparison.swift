internal import JSON
internal import Model

/// Compares two versions of one table.
struct TableComparison {
    let old: Table
    let new: Table

    init(_ old: Table, _ new: Table) {
        self.old = old
        self.new = new
    }

    /// Appends what leads from the old version to the new one: chains first, because maps jump to them; then sets,
    /// elements and rules; then what is surplus, users before what they use.
    func append(to change: inout RulesetChange, silently: Bool = false) {
        var part = RulesetChange()
        let oldChains = index(old.chains, \.name)
        let newChains = index(new.chains, \.name)
        var additions: [JSON] = []
        for chain in new.chains { compare(oldChains[chain.name], chain, &part, &additions) }
        // Rules of surplus chains may use surplus sets, or sets that are made anew with another type; elements of surplus
        // maps jump to surplus chains.
        let goneChains = old.chains.filter { newChains[$0.name] == nil }
        for chain in goneChains { part.commands.append(["flush": ["chain": reference(chain.name)]]) }
        let oldSets = index(old.sets, \.name)
        for set in new.sets { compare(oldSets[set.name], set, &part) }
        part.commands += additions
        let newSets = index(new.sets, \.name)
        for chain in goneChains { part.words.append("remove chain \(title(chain.name))") }
        for set in old.sets where newSets[set.name] == nil {
            part.words.append("remove \(set.dataType == nil ? "set" : "map") \(title(set.name))")
            part.commands.append(["delete": [set.dataType == nil ? "set" : "map": reference(set.name)]])
        }
        for chain in goneChains { part.commands.append(["delete": ["chain": reference(chain.name)]]) }
        change.commands += part.commands
        change.owners.formUnion(part.owners)
        if !silently { change.words += part.words }
    }

    private func index<Value>(_ values: [Value], _ key: (Value) -> String) -> [String: Value] {
        Dictionary(values.map { (key($0), $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// Rules that are added come later than sets, which they may use.
    private func compare(_ before: Chain?, _ after: Chain, _ change: inout RulesetChange, _ additions: inout [JSON]) {
        let owner = PolicyChains.policy(ofChain: after.name)
        guard let before else {
            if let owner { change.owners.insert(owner) }
            change.words.append("add chain \(title(after.name))")
            change.commands += creation(of: after)
            additions += after.rules.map { ["add": ["rule": body($0, after.name)]] }
            return
        }
        guard before.base == after.base else {
            // A base chain cannot be changed but for its policy.
            change.words.append("make chain \(title(after.name)) anew")
            change.commands.append(["flush": ["chain": reference(after.name)]])
            change.commands.append(["delete": ["chain": reference(after.name)]])
            change.commands += creation(of: after)
            additions += after.rules.map { ["add": ["rule": body($0, after.name)]] }
            return
        }
        let edit = RuleEdit(before.rules, after.rules)
        guard !edit.isEmpty else { return }
        if let owner { change.owners.insert(owner) }
        change.words.append("rules of chain \(title(after.name)): \(describe(edit.removed, edit.inserted.map(\.rule)))")
        guard edit.isPossible else {
            change.commands.append(["flush": ["chain": reference(after.name)]])
            additions += after.rules.map { ["add": ["rule": body($0, after.name)]] }
            return
        }
        for handle in edit.removed.compactMap(\.handle) {
            var place = chainPlace(after.name)
            place["handle"] = .int(handle)
            change.commands.append(["delete": ["rule": .object(place)]])
        }
        additions += edit.inserted.map { insertion in
            guard let anchor = insertion.anchor, var members = body(insertion.rule, after.name).object else {
                return ["add": ["rule": body(insertion.rule, after.name)]]
            }
            members["handle"] = .int(anchor)
            return ["insert": ["rule": .object(members)]]
        }
    }

    private func chainPlace(_ chain: String) -> JSONObject {
        ["family": .string(new.family.rawValue), "table": .string(new.name), "chain": .string(chain)]
    }

    /// `1 missing, 1 foreign`, or that they are in another order.
    private func describe(_ before: [Rule], _ after: [Rule]) -> String {
        let have = Set(before.map(\.normalized))
        let want = Set(after.map(\.normalized))
        let parts = [("missing", want.subtracting(have).count), ("foreign", have.subtracting(want).count)]
            .filter { $0.1 > 0 }.map { "\($0.1) \($0.0)" }
        return parts.isEmpty ? "in another order or doubled" : parts.joined(separator: ", ")
    }

    private func compare(_ before: NamedSet?, _ after: NamedSet, _ change: inout RulesetChange) {
        let noun = after.dataType == nil ? "set" : "map"
        var existing: [JSON: Element] = [:]
        if let before, before.keyTypes == after.keyTypes, before.dataType == after.dataType,
            before.isInterval == after.isInterval, before.isLearned == after.isLearned
        {
            for element in before.elements { existing[element.key] = element }
        } else {
            if before != nil { change.commands.append(["delete": [noun: reference(after.name)]]) }
            change.words.append("add \(noun) \(title(after.name))")
            change.commands.append(["add": [noun: declaration(after)]])
        }
        var added: [Element] = []
        var removed: [Element] = []
        for element in after.elements {
            guard let old = existing.removeValue(forKey: element.key) else {
                added.append(element)
                continue
            }
            if old != element {
                removed.append(old)
                added.append(element)
            }
        }
        removed += existing.values.sorted { $0.key.text() < $1.key.text() }
        appendElements("delete", removed, after, &change)
        appendElements("add", added, after, &change)
    }

    private func appendElements(_ verb: String, _ elements: [Element], _ set: NamedSet, _ change: inout RulesetChange) {
        guard !elements.isEmpty else { return }
        change.owners.formUnion(elements.compactMap(\.comment))
        let list = elements.prefix(3).map { words($0.key, set) }.joined(separator: ", ")
        let more = elements.count > 3 ? " and \(elements.count - 3) more" : ""
        change.words.append("\(verb == "add" ? "add to" : "remove from") \(title(set.name)): \(list)\(more)")
        change.commands.append([
            .init(verb): [
                "element": [
                    "family": .string(new.family.rawValue), "table": .string(new.name), "name": .string(set.name),
                    "elem": .array(elements.map { verb == "add" ? $0.addition : $0.removal }),
                ]
            ]
        ])
    }

    /// `tcp . 8080`: for people, protocols have names, and raw bytes of packets are addresses.
    private func words(_ key: JSON, _ set: NamedSet) -> String {
        if Claims.key(ofSet: set.name) != nil, let parts = key["concat"]?.array {
            return parts.map { Claims.address($0) ?? plain($0) }.joined(separator: " . ")
        }
        guard set.keyTypes.first == "inet_proto", let parts = key["concat"]?.array, let number = parts.first?.int,
            let transport = PortProtocol.allCases.first(where: { Int64($0.number) == number })
        else { return plain(key) }
        return ([transport.rawValue] + parts.dropFirst().map(plain)).joined(separator: " . ")
    }

    private func plain(_ key: JSON) -> String {
        if let parts = key["concat"]?.array { return parts.map(plain).joined(separator: " . ") }
        if let prefix = key["prefix"], let address = prefix["addr"]?.string, let length = prefix["len"]?.int {
            return "\(address)/\(length)"
        }
        return key.string ?? key.text()
    }

    private func title(_ name: String) -> String { "\(new.family.rawValue) \(new.name) \(name)" }

    private func reference(_ name: String) -> JSON {
        ["family": .string(new.family.rawValue), "table": .string(new.name), "name": .string(name)]
    }

    private func declaration(_ set: NamedSet) -> JSON {
        var members = reference(set.name).object ?? [:]
        members["type"] = set.keyTypes.count == 1 ? .string(set.keyTypes[0]) : .array(set.keyTypes.map { .string($0) })
        if let key = Claims.key(ofSet: set.name) {
            members["type"] = nil
            members[RawSets.key] = .string(key)
        }
        if let data = set.dataType { members["map"] = .string(data) }
        if set.isInterval { members["flags"] = ["interval"] }
        if set.isLearned {
            // As long as the kernel knows a connection of TCP on which nothing is said (nf_conntrack_tcp_timeout_established).
            members["flags"] = ["timeout"]
            members["timeout"] = 432_000
            members["size"] = 65_535
        }
        return .object(members)
    }

    /// The JSON of nft 1.0.6 takes one device a command; the kernel adds those of further ones to the chain.
    private func creation(of chain: Chain) -> [JSON] {
        guard let devices = chain.base?.devices, !devices.isEmpty, let members = body(chain).object else {
            return [["add": ["chain": body(chain)]]]
        }
        return devices.map { device in
            var members = members
            members["dev"] = .string(device)
            return ["add": ["chain": .object(members)]]
        }
    }

    private func body(_ chain: Chain) -> JSON {
        var members = reference(chain.name).object ?? [:]
        if let base = chain.base {
            members["type"] = .string(base.type)
            members["hook"] = .string(base.hook)
            members["prio"] = .int(base.priority)
            members["policy"] = .string(base.policy)
        }
        return .object(members)
    }

    private func body(_ rule: Rule, _ chain: String) -> JSON {
        var members: JSONObject = [
            "family": .string(new.family.rawValue), "table": .string(new.name), "chain": .string(chain),
            "expr": .array(rule.expressions),
        ]
        if let comment = rule.comment { members["comment"] = .string(comment) }
        return .object(members)
    }
}

extension Element {
    fileprivate var addition: JSON {
        let value: JSON = comment.map { ["elem": ["val": key, "comment": .string($0)]] } ?? key
        return data.map { [value, $0] } ?? value
    }
    fileprivate var removal: JSON { data.map { [key, $0] } ?? key }
}
