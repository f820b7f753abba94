/// Finds what somebody may have meant.
enum Suggestion {
    /// The closest of the words, if it is close enough: at most a third of its letters differ.
    static func closest(to word: String, among words: [String]) -> String? {
        guard word.utf8.count <= 64 else { return nil }
        var best: (word: String, distance: Int)?
        for candidate in words {
            let limit = max(1, min(candidate.utf8.count, word.utf8.count + 1) / 3)
            let found = distance(Array(word.lowercased().utf8), Array(candidate.lowercased().utf8))
            if found <= limit, found < best?.distance ?? .max { best = (candidate, found) }
        }
        return best?.word
    }

    /// `; did you mean 'subnets'?`, or nothing.
    static func phrase(_ word: String, among words: [String]) -> String {
        closest(to: word, among: words).map { "; did you mean '\($0)'?" } ?? ""
    }

    /// Edits from one word to the other, a swap of neighbours counting one.
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for (row, byte) in left.enumerated() {
            var current = [row + 1]
            for (column, other) in right.enumerated() {
                var cost = min(last[column + 1] + 1, current[column] + 1, last[column] + (byte == other ? 0 : 1))
                if row > 0, column > 0, byte == right[column - 1], left[row - 1] == other {
                    cost = min(cost, beforeLast[column - 1] + 1)
                }
                current.append(cost)
            }
            beforeLast = last
            last = current
        }
        return last[right.count]
    }
}
