/// What has to be taken out of a chain and put into it so that it has other rules: all others keep their place and their
/// counters.
struct RuleEdit {
    /// A rule that comes, and the handle of the rule that it comes before; nil at the end of the chain.
    struct Insertion {
        let rule: Rule
        let anchor: Int64?
    }

    /// Rules that go, in order.
    private(set) var removed: [Rule] = []
    /// Rules that come, in order.
    private(set) var inserted: [Insertion] = []
    /// Whether every rule that has to be named has a handle; else the chain has to be filled anew.
    private(set) var isPossible = true

    /// What both begin and end with is passed over, the rest is walked through.
    init(_ old: [Rule], _ new: [Rule]) {
        var first = 0
        while first < old.count, first < new.count, old[first].isSame(as: new[first]) { first += 1 }
        var last = 0
        while last < min(old.count, new.count) - first,
            old[old.count - 1 - last].isSame(as: new[new.count - 1 - last])
        { last += 1 }
        walk(
            Array(old[first..<(old.count - last)]), Array(new[first..<(new.count - last)]),
            before: last > 0 ? old[old.count - last] : nil)
    }

    /// Where they part, what the other side has nowhere any more goes or comes; a rule that moved goes, and comes where
    /// it is wanted.
    private mutating func walk(_ old: [Rule], _ new: [Rule], before end: Rule?) {
        var oldAhead = Self.counts(old)
        var newAhead = Self.counts(new)
        var pending: [Rule] = []
        var (position, next) = (0, 0)
        while position < old.count {
            let rule = old[position]
            if next < new.count, rule.isSame(as: new[next]) {
                insert(pending, before: rule)
                pending = []
                newAhead[new[next], default: 0] -= 1
                next += 1
            } else if next < new.count, newAhead[rule, default: 0] > 0, oldAhead[new[next], default: 0] == 0 {
                pending.append(new[next])
                newAhead[new[next], default: 0] -= 1
                next += 1
                continue
            } else {
                remove(rule)
            }
            oldAhead[rule, default: 0] -= 1
            position += 1
        }
        insert(pending + new[next...], before: end)
    }

    /// Nothing differs.
    var isEmpty: Bool { removed.isEmpty && inserted.isEmpty }

    private static func counts(_ rules: [Rule]) -> [Rule: Int] {
        rules.reduce(into: [:]) { $0[$1, default: 0] += 1 }
    }

    private mutating func remove(_ rule: Rule) {
        if rule.handle == nil { isPossible = false }
        removed.append(rule)
    }

    /// libnftables takes a place in the middle of a chain only for `insert`, which puts a rule before another.
    private mutating func insert(_ rules: [Rule], before anchor: Rule?) {
        guard !rules.isEmpty else { return }
        if let anchor, anchor.handle == nil { isPossible = false }
        inserted += rules.map { Insertion(rule: $0, anchor: anchor?.handle) }
    }
}

extension Rule {
    /// Equal but for what the kernel or libnftables is free to change. Most are equal to the letter.
    func isSame(as other: Rule) -> Bool { self == other || normalized == other.normalized }
}
