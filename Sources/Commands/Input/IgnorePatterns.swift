/// Patterns of one `.bulkheadignore`, in the syntax of `gitignore(5)`.
struct IgnorePatterns {
    private struct Pattern {
        var parts: [String]
        var isNegated: Bool
        var isForFoldersOnly: Bool
    }

    private var patterns: [Pattern] = []

    /// Reads the patterns of a file.
    init(_ text: String) {
        for line in text.split(separator: "\n", omittingEmptySubsequences: true) {
            var rest = Substring(line.hasSuffix("\r") ? line.dropLast() : line)
            while rest.hasSuffix(" ") && !rest.hasSuffix("\\ ") { rest = rest.dropLast() }
            if rest.isEmpty || rest.hasPrefix("#") { continue }
            let isNegated = rest.hasPrefix("!")
            if isNegated { rest = rest.dropFirst() }
            if rest.hasPrefix("\\#") || rest.hasPrefix("\\!") { rest = rest.dropFirst() }
            let isForFoldersOnly = rest.hasSuffix("/")
            if isForFoldersOnly { rest = rest.dropLast() }
            // A slash anywhere but at the end ties the pattern to the folder of the file.
            let isTied = rest.contains("/")
            var parts = rest.split(separator: "/").map(String.init)
            if !isTied { parts.insert("**", at: 0) }
            patterns.append(Pattern(parts: parts, isNegated: isNegated, isForFoldersOnly: isForFoldersOnly))
        }
    }

    /// What the last matching pattern says of a path relative to the folder of the file; nil where none matches.
    func verdict(_ path: [String], isFolder: Bool) -> Bool? {
        var verdict: Bool?
        for pattern in patterns where isFolder || !pattern.isForFoldersOnly {
            if Self.matches(pattern.parts[...], path[...]) { verdict = !pattern.isNegated }
        }
        return verdict
    }

    private static func matches(_ pattern: ArraySlice<String>, _ path: ArraySlice<String>) -> Bool {
        guard let first = pattern.first else { return path.isEmpty }
        if first == "**" {
            if pattern.count == 1 { return !path.isEmpty }
            return (path.startIndex...path.endIndex).contains { matches(pattern.dropFirst(), path[$0...]) }
        }
        guard let name = path.first, glob(Array(first.utf8)[...], Array(name.utf8)[...]) else { return false }
        return matches(pattern.dropFirst(), path.dropFirst())
    }

    /// `*`, `?`, `[a-z]`, `[!a]` and `\` within one name; linear in the product of both lengths.
    private static func glob(_ pattern: ArraySlice<UInt8>, _ name: ArraySlice<UInt8>) -> Bool {
        var (pattern, name) = (pattern, name)
        var restart: (pattern: ArraySlice<UInt8>, name: ArraySlice<UInt8>)?
        while !name.isEmpty || !pattern.isEmpty {
            if pattern.first == UInt8(ascii: "*") {
                pattern = pattern.dropFirst()
                restart = (pattern, name)
                continue
            }
            if let byte = name.first, let rest = one(pattern, byte) {
                pattern = rest
                name = name.dropFirst()
                continue
            }
            guard let last = restart, !last.name.isEmpty else { return false }
            restart = (last.pattern, last.name.dropFirst())
            (pattern, name) = (last.pattern, last.name.dropFirst())
        }
        return true
    }

    /// Matches one byte and gives what is left of the pattern.
    private static func one(_ pattern: ArraySlice<UInt8>, _ byte: UInt8) -> ArraySlice<UInt8>? {
        guard let first = pattern.first else { return nil }
        switch first {
        case UInt8(ascii: "?"): return pattern.dropFirst()
        case UInt8(ascii: "\\"):
            return pattern.dropFirst().first == byte ? pattern.dropFirst(2) : nil
        case UInt8(ascii: "["): return bracket(pattern, byte)
        case _: return first == byte ? pattern.dropFirst() : nil
        }
    }

    private static func bracket(_ pattern: ArraySlice<UInt8>, _ byte: UInt8) -> ArraySlice<UInt8>? {
        var rest = pattern.dropFirst()
        let isNegated = rest.first == UInt8(ascii: "!") || rest.first == UInt8(ascii: "^")
        if isNegated { rest = rest.dropFirst() }
        var found = false
        var isFirst = true
        while let low = rest.first, isFirst || low != UInt8(ascii: "]") {
            isFirst = false
            rest = rest.dropFirst()
            var high = low
            if rest.first == UInt8(ascii: "-"), let last = rest.dropFirst().first, last != UInt8(ascii: "]") {
                high = last
                rest = rest.dropFirst(2)
            }
            if low <= byte && byte <= high { found = true }
        }
        guard rest.first == UInt8(ascii: "]"), found != isNegated else { return nil }
        return rest.dropFirst()
    }
}
