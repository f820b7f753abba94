import Firewall
import JSON
import TestSupport

/// Random tables of the shape that the compiler makes: chains that jump to one another, sets, maps and interval sets,
/// with names from a small pool, so that two of them have much in common.
struct RandomTables {
    private var generator: SeededGenerator

    init(seed: UInt64, version: UInt64) { generator = SeededGenerator(seed: seed, 21, version) }

    mutating func ruleset() -> Ruleset {
        Ruleset(tables: Table.Family.allCases.compactMap { generator.chance(85) ? table($0) : nil })
    }

    private mutating func table(_ family: Table.Family) -> Table {
        var table = Table(family: family, name: "bulkhead")
        let chains = (0..<5).filter { _ in generator.chance(70) }.map { "chain-\($0)" }
        table.sets = (0..<5).compactMap { number in generator.chance(75) ? set(number, chains) : nil }
        for (place, name) in chains.enumerated() {
            // A chain jumps to later ones only, so that there is no circle.
            table.chains.append(Chain(name: name, rules: rules(table.sets, Array(chains[(place + 1)...]))))
        }
        // Where packets enter; nothing jumps there.
        for name in ["forward", "prerouting"] where generator.chance(60) {
            let devices = family == .netdev ? generator.pick([["eth0"], ["eth1"], ["eth0", "eth1"]]) : nil
            let base = Chain.Base(type: "filter", hook: name, priority: generator.pick([-1, 0]), devices: devices)
            table.chains.append(Chain(name: name, base: base, rules: rules(table.sets, chains)))
        }
        return table
    }

    private mutating func set(_ number: Int, _ chains: [String]) -> NamedSet {
        let isInterval = number == 3
        let isMap = number == 1 && !chains.isEmpty && generator.chance(80)
        let count = Int.random(in: 0...6, using: &generator)
        var keys: [JSON] = []
        for _ in 0..<count {
            let key = isInterval ? block() : JSON.string("ep-\(Int.random(in: 0..<9, using: &generator))")
            let element = Element(key: key, comment: nil)
            if !keys.contains(where: { $0 == key || Element(key: $0, comment: nil).overlaps(element) }) {
                keys.append(key)
            }
        }
        return NamedSet(
            name: "set-\(number)", keyTypes: isInterval ? ["ifname", "ipv4_addr"] : ["ifname"],
            dataType: isMap ? "verdict" : nil, isInterval: isInterval,
            elements: keys.map { key in
                Element(
                    key: key, data: isMap ? .some(["jump": ["target": .string(generator.pick(chains))]]) : .none,
                    comment: generator.chance(60) ? "Endpoint/\(generator.pick(["a", "b"]))" : nil)
            })
    }

    private mutating func block() -> JSON {
        let byte = Int.random(in: 0..<8, using: &generator) * 16
        let values: [JSON] = [
            .string("10.0.0.\(byte)"), ["prefix": ["addr": .string("10.0.0.\(byte)"), "len": 28]],
            ["range": [.string("10.0.0.\(byte)"), .string("10.0.0.\(byte + 20)")]],
        ]
        return ["concat": [.string(generator.pick(["ep-0", "ep-1"])), generator.pick(values)]]
    }

    private mutating func rules(_ sets: [NamedSet], _ chains: [String]) -> [Rule] {
        (0..<Int.random(in: 0...6, using: &generator)).map { _ in
            var expressions: [JSON] = []
            if let set = sets.isEmpty ? nil : generator.pick(sets) {
                let key: JSON = ["meta": ["key": "iifname"]]
                expressions.append(
                    set.dataType == nil
                        ? ["match": ["op": "==", "left": key, "right": .string("@\(set.name)")]]
                        : ["vmap": ["key": key, "data": .string("@\(set.name)")]])
            }
            if generator.chance(40) { expressions.append(["counter": nil]) }
            let jump: JSON? = chains.isEmpty ? nil : ["jump": ["target": .string(generator.pick(chains))]]
            expressions.append(
                generator.chance(40) ? jump ?? ["drop": nil] : generator.pick([["drop": nil], ["accept": nil]]))
            return Rule(
                expressions, comment: generator.chance(30) ? "rule \(Int.random(in: 0..<3, using: &generator))" : nil)
        }
    }
}
