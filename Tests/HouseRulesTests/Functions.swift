import Foundation

/// A function, initialiser, subscript or computed property, and where it is.
struct FunctionExtent: Sendable {
    let line: Int
    let length: Int
    let title: String
}

extension SourceFile {
    private static let modifiers =
        #"^\s*(@\w+(\([^)]*\))?\s+)*((public|internal|private|fileprivate|package|static|final|override|mutating"#
        + #"|nonmutating|consuming|borrowing|convenience|required|isolated|nonisolated(\(unsafe\))?)\s+)*"#
    private static let beginning = modifiers + #"(func\s|init[?!]?\s*[(<]|deinit\b|subscript\s*[(<]|var\s.*\{\s*$)"#

    /// All of them, by counting brackets from where they begin.
    var functions: [FunctionExtent] {
        code.indices.compactMap { start in
            guard code[start].range(of: Self.beginning, options: .regularExpression) != nil else { return nil }
            return lastLine(from: start).map {
                FunctionExtent(
                    line: start + 1, length: $0 - start + 1, title: code[start].trimmingCharacters(in: .whitespaces))
            }
        }
    }

    /// Where the body that begins here ends; nil for a requirement of a protocol, which has none.
    private func lastLine(from start: Int) -> Int? {
        var braces = 0
        var others = 0
        for index in code[start...].indices {
            if index > start, braces == 0, others == 0,
                code[index].range(of: Self.beginning, options: .regularExpression) != nil
            {
                return nil
            }
            for character in code[index] {
                switch character {
                case "(", "[": others += 1
                case ")", "]": others -= 1
                case "{": braces += 1
                case "}":
                    braces -= 1
                    if braces == 0, others == 0 { return index }
                    if braces < 0 { return nil }
                case _: continue
                }
            }
        }
        return nil
    }
}
