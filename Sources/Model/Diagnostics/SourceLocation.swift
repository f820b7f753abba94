/// Where in the input something stands.
public struct SourceLocation: Hashable, Comparable, Codable, Sendable {
    /// Path as the user gave it, `<stdin>` for standard input.
    public let file: String
    /// From 1.
    public let line: Int
    /// From 1, in Unicode scalars.
    public let column: Int

    /// A place in a file.
    public init(file: String, line: Int, column: Int) {
        self.file = file
        self.line = line
        self.column = column
    }

    /// By file, line and column.
    public static func < (left: Self, right: Self) -> Bool {
        (left.file, left.line, left.column) < (right.file, right.line, right.column)
    }
}

extension SourceLocation: CustomStringConvertible {
    /// `file:line:column`, control characters of the file's name escaped.
    public var description: String { "\(file.terminalSafe):\(line):\(column)" }
}

extension String {
    /// The text with everything escaped that a terminal might obey or that turns the reading direction: C0, DEL, C1,
    /// line separators and bidirectional controls become `\u{1b}`.
    public var terminalSafe: String {
        guard unicodeScalars.contains(where: \.isTerminalHazard) else { return self }
        var safe = String.UnicodeScalarView()
        for scalar in unicodeScalars {
            if scalar.isTerminalHazard {
                safe.append(contentsOf: "\\u{\(String(scalar.value, radix: 16))}".unicodeScalars)
            } else {
                safe.append(scalar)
            }
        }
        return String(safe)
    }
}

extension Unicode.Scalar {
    fileprivate var isTerminalHazard: Bool {
        switch value {
        case 0..<0x20, 0x7f..<0xa0, 0x200e, 0x200f, 0x2028, 0x2029, 0x202a...0x202e, 0x2066...0x2069, 0xfeff: true
        case _: false
        }
    }
}
