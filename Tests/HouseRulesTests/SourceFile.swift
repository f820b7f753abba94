import Foundation
import Testing

/// A Swift file of the package, as the house rules see it.
struct SourceFile: Sendable, CustomTestStringConvertible {
    /// Relative to the package.
    let path: String
    /// As written.
    let text: String
    /// Without comments and without the insides of string literals, line by line; positions are kept.
    let code: [String]

    init(path: String, text: String) {
        self.path = path
        self.text = text
        code = Self.masked(text).components(separatedBy: "\n")
    }

    var testDescription: String { path }

    /// The package's own folder.
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// All Swift files below the folders, sorted.
    static func all(below folders: String...) -> [SourceFile] {
        folders.flatMap { folder -> [SourceFile] in
            let paths = FileManager.default.enumerator(atPath: root.appendingPathComponent(folder).path)
            return (paths?.compactMap { $0 as? String } ?? []).filter { $0.hasSuffix(".swift") }.sorted()
                .compactMap { name in
                    let path = folder + "/" + name
                    let text = try? String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
                    return text.map { SourceFile(path: path, text: $0) }
                }
        }
    }

    /// Lines of code that match, as `path:line: text`.
    func lines(matching pattern: String) -> [String] {
        code.enumerated().filter { $0.element.range(of: pattern, options: .regularExpression) != nil }
            .map { "\(path):\($0.offset + 1): \($0.element.trimmingCharacters(in: .whitespaces))" }
    }

    /// `default:` of switches; arguments of that name follow a comma or a bracket.
    var defaultCases: [String] {
        var before = ""
        var found: [String] = []
        for (index, line) in code.enumerated() {
            let text = line.trimmingCharacters(in: .whitespaces)
            if text.isEmpty { continue }
            let begins = text.range(of: #"^(@unknown\s+)?default\s*:"#, options: .regularExpression) != nil
            if begins, !before.hasSuffix(","), !before.hasSuffix("(") { found.append("\(path):\(index + 1): \(text)") }
            before = text
        }
        return found
    }

    /// Whether it lies in one of the folders, or is one of the files.
    func isIn(_ places: [String]) -> Bool { places.contains { path == $0 || path.hasPrefix($0 + "/") } }

    /// Blanks comments and string literals. Interpolations are blanked with their literal: rules about code inside
    /// them are left to review.
    private static func masked(_ text: String) -> String {
        var result = ""
        var rest = text[...]
        while let first = rest.first {
            if rest.hasPrefix("//") {
                rest = rest[(rest.firstIndex(of: "\n") ?? rest.endIndex)...]
            } else if first == "\"" || first == "#", let literal = literal(rest) {
                result += "\"\"" + literal.filter { $0 == "\n" }
                rest = rest[literal.endIndex...]
            } else {
                result.append(first)
                rest = rest.dropFirst()
            }
        }
        return result
    }

    /// The string literal at the beginning of a text.
    private static func literal(_ text: Substring) -> Substring? {
        let hashes = String(text.prefix { $0 == "#" })
        let body = text.dropFirst(hashes.count)
        let quotes = body.hasPrefix("\"\"\"") ? "\"\"\"" : "\""
        guard body.hasPrefix(quotes) else { return nil }
        let end = quotes + hashes
        let escape = "\\" + hashes
        var rest = body.dropFirst(quotes.count)
        while !rest.isEmpty, !rest.hasPrefix(end) {
            if rest.hasPrefix(escape + "(") {
                rest = afterInterpolation(rest.dropFirst(escape.count + 1))
            } else {
                rest = rest.dropFirst(rest.hasPrefix(escape) ? escape.count + 1 : 1)
            }
        }
        return text[..<rest.dropFirst(end.count).startIndex]
    }

    /// What follows the closing parenthesis of an interpolation.
    private static func afterInterpolation(_ text: Substring) -> Substring {
        var depth = 1
        var rest = text
        while depth > 0, let first = rest.first {
            if first == "\"" || first == "#", let inner = literal(rest) {
                rest = rest[inner.endIndex...]
                continue
            }
            if first == "(" { depth += 1 }
            if first == ")" { depth -= 1 }
            rest = rest.dropFirst()
        }
        return rest
    }
}
