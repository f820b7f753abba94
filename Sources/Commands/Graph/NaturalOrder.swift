/// The order in which people count: `db-2` comes before `db-10`.
struct NaturalOrder: Comparable {
    /// Digits by their number of places, then by what they are; everything else as text.
    private enum Part: Hashable {
        case number(places: Int, String)
        case text(String)
    }

    private let parts: [Part]
    /// Where all parts are the same (`db-1`, `db-01`).
    let text: String

    init(_ text: String) {
        self.text = text
        var parts: [Part] = []
        var rest = text[...]
        while let first = rest.first {
            let run = rest.prefix { Self.isDigit($0) == Self.isDigit(first) }
            let digits = run.drop { $0 == "0" }
            parts.append(
                Self.isDigit(first) ? .number(places: digits.count, String(digits)) : .text(String(run)))
            rest = rest[run.endIndex...]
        }
        self.parts = parts
    }

    private static func isDigit(_ character: Character) -> Bool { ("0"..."9").contains(character) }

    static func < (left: NaturalOrder, right: NaturalOrder) -> Bool {
        for (one, other) in zip(left.parts, right.parts) where one != other {
            switch (one, other) {
            case (.number(let few, let first), .number(let many, let second)):
                return few == many ? first < second : few < many
            case (.text(let first), .text(let second)): return first < second
            case (.number, .text): return true
            case (.text, .number): return false
            }
        }
        return left.parts.count == right.parts.count ? left.text < right.text : left.parts.count < right.parts.count
    }
}
