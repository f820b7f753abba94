internal import Addressing
internal import JSON

/// The ranges that elements of an interval set cover, for telling whether another one would overlap them.
struct Intervals {
    /// Ranges by the other parts of the key, `"bh-web"`.
    private var ranges: [[JSON]: [IPRange]] = [:]

    init(_ elements: [Element]) {
        for element in elements {
            guard let (others, range) = Self.parts(element.key) else { continue }
            ranges[others, default: []].append(range)
        }
    }

    /// Whether an element shares an address with one of these. What cannot be read counts as overlapping.
    func overlap(_ element: Element) -> Bool {
        guard let (others, range) = Self.parts(element.key) else { return true }
        return (ranges[others] ?? []).contains { $0.first <= range.last && range.first <= $0.last }
    }

    /// The last part of a key is the address, as our sets have it.
    private static func parts(_ key: JSON) -> (others: [JSON], range: IPRange)? {
        var others = key["concat"]?.array ?? [key]
        guard let last = others.popLast(), let range = range(last) else { return nil }
        return (others, range)
    }

    private static func range(_ value: JSON) -> IPRange? {
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
