internal import Addressing
internal import JSON

/// The ranges that elements of an interval set cover, for telling whether another one would overlap them.
struct Intervals {
    /// Ranges by the other parts of the key, `"bh-web"`, in order. Those of one set never overlap one another.
    private var ranges: [[JSON]: [IPRange]] = [:]

    init(_ elements: [Element]) {
        for element in elements {
            guard let (others, range) = Self.parts(element.key) else { continue }
            ranges[others, default: []].append(range)
        }
        for others in ranges.keys { ranges[others]?.sort() }
    }

    /// Whether an element shares an address with one of these. What cannot be read counts as overlapping.
    func overlap(_ element: Element) -> Bool {
        guard let (others, range) = Self.parts(element.key) else { return true }
        guard let sorted = ranges[others] else { return false }
        // The last one that begins at or before the end of the range is the only one that can reach into it.
        var (low, high) = (0, sorted.count)
        while low < high {
            let middle = (low + high) / 2
            if sorted[middle].first <= range.last { low = middle + 1 } else { high = middle }
        }
        return low > 0 && range.first <= sorted[low - 1].last
    }

    /// The last part of a key is the address, as our sets have it.
    private static func parts(_ key: JSON) -> (others: [JSON], range: IPRange)? {
        var others = key["concat"]?.array ?? [key]
        guard let last = others.popLast(), let range = range(last) else { return nil }
        return (others, range)
    }

    /// The addresses that a part of a key stands for; nil where it is none.
    static func range(_ value: JSON) -> IPRange? {
        if let text = value.string { return IPAddress(text).flatMap { IPRange($0, $0) } }
        if let prefix = value["prefix"], let address = prefix["addr"]?.string.flatMap({ IPAddress($0) }),
            let length = prefix["len"]?.int
        {
            return IPPrefix(address: address, length: Int(length))?.range
        }
        guard let ends = value["range"]?.array, ends.count == 2, let first = ends[0].string.flatMap({ IPAddress($0) }),
            let last = ends[1].string.flatMap({ IPAddress($0) })
        else { return nil }
        return IPRange(first, last)
    }
}
