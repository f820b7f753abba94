public import Model

/// Turns diagnostics into what people read.
public enum DiagnosticText {
    /// Messages by place, each with its line and a caret: all errors, and at most `limit` warnings, so that a flood of
    /// these hides no error.
    public static func render(_ diagnostics: [Diagnostic], sources: [SourceText], limit: Int = 100) -> String {
        let files = Dictionary(sources.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        var (sorted, warnings) = ([Diagnostic](), 0)
        for diagnostic in sort(diagnostics) {
            if diagnostic.severity == .warning { warnings += 1 }
            if diagnostic.severity == .error || warnings <= limit { sorted.append(diagnostic) }
        }
        var wanted: [String: Set<Int>] = [:]
        for location in sorted.compactMap(\.location) {
            wanted[location.file, default: []].insert(location.line)
        }
        var lines: [String: [Int: String]] = [:]
        for (file, numbers) in wanted { lines[file] = files[file]?.lines(numbers) }
        var text = ""
        for diagnostic in sorted {
            text += diagnostic.headline + "\n"
            guard let location = diagnostic.location, let line = lines[location.file]?[location.line]
            else { continue }
            text += excerpt(line, column: location.column)
        }
        if warnings > limit { text += "… and \(warnings - limit) more warning\(warnings == limit + 1 ? "" : "s")\n" }
        return text
    }

    /// Those without a place first, then by place; no message twice at one place.
    public static func sort(_ diagnostics: [Diagnostic]) -> [Diagnostic] {
        let ordered = diagnostics.sorted { left, right in
            switch (left.location, right.location) {
            case (nil, nil): left.message < right.message
            case (nil, _): true
            case (_, nil): false
            case (let a?, let b?): a == b ? left.message < right.message : a < b
            }
        }
        var result: [Diagnostic] = []
        for diagnostic in ordered where result.last != diagnostic { result.append(diagnostic) }
        return result
    }

    /// The line and a caret under the column, cut to what fits a terminal.
    private static func excerpt(_ line: String, column: Int) -> String {
        let scalars = Array(line.unicodeScalars)
        let target = min(max(column - 1, 0), scalars.count)
        let start = target > 100 ? target - 60 : 0
        let shown = scalars[start..<min(scalars.count, start + 120)]
        var before = ""
        var all = ""
        for (offset, scalar) in shown.enumerated() {
            let text = scalar == "\t" ? " " : String(scalar).terminalSafe
            if start + offset < target { before += text }
            all += text
        }
        let mark = start > 0 ? "…" : ""
        let padding = String(repeating: " ", count: before.count + mark.count)
        return "    \(mark)\(all)\n    \(padding)^\n"
    }
}
