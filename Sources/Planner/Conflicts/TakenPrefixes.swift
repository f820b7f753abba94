internal import Addressing

/// Prefixes that the host has, for finding one that overlaps another without looking at all of them.
struct TakenPrefixes {
    private var list: [(prefix: IPPrefix, what: String)] = []
    private var places: [IPPrefix: Int] = [:]
    /// Positions in the list, in the order of the prefixes.
    private var sorted: [Int] = []

    mutating func append(_ prefix: IPPrefix, _ what: String) {
        if places[prefix] == nil { places[prefix] = list.count }
        list.append((prefix, what))
    }

    /// To be called once, when all are there.
    mutating func finish() { sorted = list.indices.sorted { list[$0].prefix.address < list[$1].prefix.address } }

    /// What has the first one that overlaps. Prefixes overlap only where one contains the other.
    func overlapping(_ prefix: IPPrefix) -> String? {
        var found = (0...prefix.length).compactMap { length in
            places[IPPrefix(containing: prefix.address, length: length)]
        }.min()
        if let inside = firstInside(prefix) { found = min(found ?? .max, inside) }
        return found.map { list[$0].what }
    }

    /// What has the first one that lies inside, or is the same.
    func inside(_ prefix: IPPrefix) -> String? { firstInside(prefix).map { list[$0].what } }

    private func firstInside(_ prefix: IPPrefix) -> Int? {
        var found: Int?
        var (low, high) = (0, sorted.count)
        while low < high {
            let middle = (low + high) / 2
            if list[sorted[middle]].prefix.address < prefix.address { low = middle + 1 } else { high = middle }
        }
        while low < sorted.count, prefix.contains(list[sorted[low]].prefix.address) {
            // One that begins here may be wider.
            if prefix.contains(list[sorted[low]].prefix) { found = min(found ?? .max, sorted[low]) }
            low += 1
        }
        return found
    }
}
