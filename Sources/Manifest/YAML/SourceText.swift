internal import Model

/// A file's text as it was given, for positions and the lines under messages.
public struct SourceText: Sendable {
    /// Path as the user gave it.
    public let name: String
    /// Contents.
    public let bytes: [UInt8]

    /// A file.
    public init(name: String, bytes: [UInt8]) {
        self.name = name
        self.bytes = bytes
    }

    func location(_ position: YAMLNode.Position) -> SourceLocation {
        SourceLocation(file: name, line: Int(position.line), column: Int(position.column))
    }

    /// A line of the text, without its end; nil past the last.
    public func line(_ number: Int) -> String? {
        var current = 1
        var start = bytes.startIndex
        while current < number {
            guard let end = bytes[start...].firstIndex(of: 0x0a) else { return nil }
            start = end + 1
            current += 1
        }
        guard start < bytes.endIndex else { return nil }
        let end = bytes[start...].firstIndex(of: 0x0a) ?? bytes.endIndex
        var line = bytes[start..<end]
        if line.last == 0x0d { line = line.dropLast() }
        // A line of megabytes helps nobody; what is cut lies behind every useful column.
        return String(decoding: line.prefix(4096), as: UTF8.self)
    }
}
