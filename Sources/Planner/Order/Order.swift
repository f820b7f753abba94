internal import Model

/// Puts steps into an order that fulfils every requirement and is otherwise by phase, namespace, rank and id, with what
/// cannot be undone at the end: before it comes only what something that can be undone has to wait for.
enum Order {
    /// The steps in order, or the ids of the steps that wait for one another.
    enum Outcome {
        case ordered([Step])
        case cycle([String])
    }

    /// Kahn's algorithm with a priority queue: of the steps that may run, the one with the lowest key runs.
    static func sort(_ steps: [Step]) -> Outcome {
        let sorted = steps.sorted(by: precedes)
        var position: [String: Int] = [:]
        for (index, step) in sorted.enumerated() { position[step.id] = index }
        var waiting = [Int](repeating: 0, count: sorted.count)
        var followers = [[Int]](repeating: [], count: sorted.count)
        for (index, step) in sorted.enumerated() {
            for name in Set(step.requires) {
                guard let required = position[name] else { continue }
                waiting[index] += 1
                followers[required].append(index)
            }
        }
        var ready = MinimumHeap()
        for index in sorted.indices where waiting[index] == 0 { ready.insert(index) }
        var result: [Step] = []
        result.reserveCapacity(sorted.count)
        while let index = ready.removeMinimum() {
            result.append(sorted[index])
            for follower in followers[index] {
                waiting[follower] -= 1
                if waiting[follower] == 0 { ready.insert(follower) }
            }
        }
        guard result.count == sorted.count else {
            return .cycle(sorted.indices.filter { waiting[$0] > 0 }.map { sorted[$0].id })
        }
        return .ordered(result)
    }

    private static func precedes(_ left: Step, _ right: Step) -> Bool {
        if left.comesLast != right.comesLast { return right.comesLast }
        if left.phase != right.phase { return left.phase < right.phase }
        if left.namespace != right.namespace { return left.namespace < right.namespace }
        if left.rank != right.rank { return left.rank < right.rank }
        return left.id < right.id
    }
}

extension Step {
    /// Order within a namespace: a link before its addresses, those before routes; the reverse for deletions.
    fileprivate var rank: Int {
        let rank =
            switch kind {
            case .setting: 0
            case .bridge: 1
            case .veth, .tap, .vxlan, .link, .port: 2
            case .address: 3
            case .neighbour: 4
            case .route: 5
            case .connections, .file, .firewall, .module, .namespace, .qdisc, .routing, .rule, .uplink: 6
            }
        return action == .delete ? 10 - rank : rank
    }
}

/// A binary heap of positions.
private struct MinimumHeap {
    private var items: [Int] = []

    mutating func insert(_ item: Int) {
        items.append(item)
        var child = items.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard items[child] < items[parent] else { return }
            items.swapAt(child, parent)
            child = parent
        }
    }

    mutating func removeMinimum() -> Int? {
        guard let minimum = items.first else { return nil }
        let last = items.removeLast()
        guard !items.isEmpty else { return minimum }
        items[0] = last
        var parent = 0
        while true {
            var smallest = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < items.count && items[child] < items[smallest] {
                smallest = child
            }
            guard smallest != parent else { return minimum }
            items.swapAt(parent, smallest)
            parent = smallest
        }
    }
}
