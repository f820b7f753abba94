internal import Addressing
internal import Model

/// The addresses of several blocks, exceptions left out, for telling whether they hold all of another one together.
struct BlockUnion {
    /// Addresses one after the other, both ends of it.
    typealias Span = (first: UInt128, last: UInt128)
    /// By family in order, none touching the next.
    private var spans: [AddressFamily: [Span]] = [:]

    init(_ blocks: [AddressBlock]) {
        for block in blocks { spans[block.prefix.family, default: []] += Self.spans(of: block) }
        for (family, all) in spans { spans[family] = Self.merged(all) }
    }

    private static func merged(_ all: [Span]) -> [Span] {
        all.sorted { $0.first < $1.first }.reduce(into: []) { merged, span in
            guard let last = merged.last, last.last == .max || span.first <= last.last + 1 else {
                return merged.append(span)
            }
            merged[merged.count - 1].last = max(last.last, span.last)
        }
    }

    /// Everything of both families.
    static let everything = AddressFamily.allCases.compactMap(everything)

    /// Everything of a family.
    static func everything(of family: AddressFamily) -> AddressBlock? {
        IPAddress(family: family, value: 0).map { AddressBlock(prefix: IPPrefix(containing: $0, length: 0)) }
    }

    func covers(_ block: AddressBlock) -> Bool {
        Self.spans(of: block).allSatisfy { covers($0, block.prefix.family) }
    }

    func covers(_ span: Span, _ family: AddressFamily) -> Bool {
        (spans[family] ?? []).contains { $0.first <= span.first && span.last <= $0.last }
    }

    /// Whether this and another hold it together.
    func covers(_ span: Span, _ family: AddressFamily, with other: BlockUnion) -> Bool {
        let near = (spans[family] ?? []).filter { $0.first <= span.last && span.first <= $0.last }
        let others = (other.spans[family] ?? []).filter { $0.first <= span.last && span.first <= $0.last }
        return Self.merged(near + others).contains { $0.first <= span.first && span.last <= $0.last }
    }

    static func spans(of block: AddressBlock) -> [Span] {
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
