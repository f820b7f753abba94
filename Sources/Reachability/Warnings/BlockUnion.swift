internal import Addressing
internal import Model

/// The addresses of several blocks, exceptions left out, for telling whether they hold all of another one together.
struct BlockUnion {
    private typealias Span = (first: UInt128, last: UInt128)
    /// By family in order, none touching the next.
    private var spans: [AddressFamily: [Span]] = [:]

    init(_ blocks: [AddressBlock]) {
        for block in blocks { spans[block.prefix.family, default: []] += Self.spans(of: block) }
        for (family, all) in spans {
            spans[family] = all.sorted { $0.first < $1.first }.reduce(into: []) { merged, span in
                guard let last = merged.last, last.last == .max || span.first <= last.last + 1 else {
                    return merged.append(span)
                }
                merged[merged.count - 1].last = max(last.last, span.last)
            }
        }
    }

    /// Everything of both families.
    static let everything = AddressFamily.allCases.compactMap { family in
        IPAddress(family: family, value: 0).map { AddressBlock(prefix: IPPrefix(containing: $0, length: 0)) }
    }

    func covers(_ block: AddressBlock) -> Bool {
        let own = spans[block.prefix.family] ?? []
        return Self.spans(of: block).allSatisfy { span in
            own.contains { $0.first <= span.first && span.last <= $0.last }
        }
    }

    private static func spans(of block: AddressBlock) -> [Span] {
        var result: [Span] = []
        var next = block.prefix.address.value
        let last = block.prefix.last.value
        for hole in block.except.sorted() where hole.last.value >= next {
            if hole.address.value > next { result.append((next, hole.address.value - 1)) }
            guard hole.last.value < last else { return result }
            next = hole.last.value + 1
        }
        result.append((next, last))
        return result
    }
}
