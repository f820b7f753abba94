/// A pattern for names, as `fnmatch(3)` reads it: `*`, `?`, `[a-z]`, and a backslash before what stands for itself.
struct NamePattern {
    private enum Piece: Hashable {
        case any
        case one
        case either([ClosedRange<Unicode.Scalar>], isInverted: Bool)
        case exactly(Unicode.Scalar)

        func takes(_ scalar: Unicode.Scalar) -> Bool {
            switch self {
            case .any, .one: true
            case .either(let ranges, let isInverted): ranges.contains { $0.contains(scalar) } != isInverted
            case .exactly(let other): scalar == other
            }
        }
    }

    private var pieces: [Piece] = []

    init(_ text: some StringProtocol) {
        var rest = Array(text.unicodeScalars)[...]
        while let first = rest.popFirst() {
            switch first {
            case "*": pieces.append(.any)
            case "?": pieces.append(.one)
            case "\\": pieces.append(.exactly(rest.popFirst() ?? first))
            case "[": pieces.append(Self.set(&rest) ?? .exactly(first))
            case _: pieces.append(.exactly(first))
            }
        }
    }

    /// What stands behind a `[`; nil where no `]` ends it.
    private static func set(_ rest: inout ArraySlice<Unicode.Scalar>) -> Piece? {
        var inner = rest
        let isInverted = inner.first == "!" || inner.first == "^"
        if isInverted { inner = inner.dropFirst() }
        // A `]` that comes first is one of the set.
        guard let end = inner.dropFirst().firstIndex(of: "]") else { return nil }
        var ranges: [ClosedRange<Unicode.Scalar>] = []
        var members = inner[..<end]
        while let low = members.popFirst() {
            let next = members.dropFirst().first
            guard members.first == "-", let high = next, low <= high else {
                ranges.append(low...low)
                continue
            }
            ranges.append(low...high)
            members = members.dropFirst(2)
        }
        rest = rest[(end + 1)...]
        return .either(ranges, isInverted: isInverted)
    }

    /// Whether all of the name is as the pattern says. A `*` takes as little as will do, and one more where that fails.
    func matches(_ name: some StringProtocol) -> Bool {
        let name = Array(name.unicodeScalars)
        var (piece, place) = (0, 0)
        var retry: (piece: Int, place: Int)?
        while place < name.count || piece < pieces.count {
            if piece < pieces.count, pieces[piece] == .any {
                retry = (piece, place)
                piece += 1
            } else if piece < pieces.count, place < name.count, pieces[piece].takes(name[place]) {
                (piece, place) = (piece + 1, place + 1)
            } else {
                guard let last = retry, last.place < name.count else { return false }
                retry = (last.piece, last.place + 1)
                (piece, place) = (last.piece + 1, last.place + 1)
            }
        }
        return true
    }
}
