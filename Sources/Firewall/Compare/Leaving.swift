internal import JSON

extension Ruleset {
    /// What stays in force when objects go, of which nothing more is known than their names (`Endpoint/web-1`): all that
    /// is not theirs. Chains that belong to manifest objects and sets go along where nothing leads to them any more.
    public func leaving(_ owners: Set<String>) -> Ruleset {
        // What is left of the table of hooks when its last hook is gone is nothing.
        Ruleset(
            tables: tables.map { $0.leaving(owners) }.filter { table in
                table.family != .netdev || table.chains.contains { $0.base != nil }
            })
    }
}

extension Ruleset {
    /// Without the chains that hang on one of these interfaces.
    public func unhooked(from devices: Set<String>) -> Ruleset {
        guard !devices.isEmpty else { return self }
        var result = self
        for index in result.tables.indices where result.tables[index].family == .netdev {
            result.tables[index].chains.removeAll { $0.base?.devices?.contains(where: devices.contains) ?? false }
        }
        return result
    }
}

extension Table {
    fileprivate func leaving(_ owners: Set<String>) -> Table {
        var result = self
        for index in sets.indices {
            result.sets[index].elements.removeAll { $0.comment.map(owners.contains) ?? false }
        }
        let before = references
        while true {
            let left = result.references
            let lost = before.subtracting(left)
            let (chains, sets) = (result.chains.count, result.sets.count)
            result.chains.removeAll { chain in
                chain.isOfObjects && lost.contains(chain.name)
                    || chain.network.map { owners.contains("Network/\($0)") && !left.contains(chain.name) } ?? false
            }
            result.sets.removeAll { lost.contains("@\($0.name)") }
            if (chains, sets) == (result.chains.count, result.sets.count) { return result }
        }
    }

    /// Chains that are led to, and sets that are looked up, these as `@name`.
    private var references: Set<String> {
        let fromSets = sets.flatMap(\.elements).reduce(into: Set<String>()) { $0.formUnion($1.targets) }
        return chains.reduce(into: fromSets) { result, chain in
            result.formUnion(chain.targets)
            result.formUnion(chain.lookups.map { "@\($0)" })
        }
    }
}

extension Chain {
    /// Whether it is there for single objects: a policy, a list of policies, a network's translation, or what an endpoint
    /// claims.
    fileprivate var isOfObjects: Bool {
        base == nil
            && ["policy-", "audit-", "ingress-", "egress-", "outbound-", "nd-", "err-"].contains { name.hasPrefix($0) }
    }

    /// The network that it is there for, with endpoints or without.
    fileprivate var network: Substring? {
        guard base == nil else { return Stem.network(ofChain: name) }
        for prefix in ["locals-", "sent-", "fragments-", "strangers-"] where name.hasPrefix(prefix) {
            return name.dropFirst(prefix.count)
        }
        return nil
    }
}
