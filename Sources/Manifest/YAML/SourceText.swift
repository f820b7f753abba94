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

    /// The lines of these numbers, without their ends, found in one pass; those past the end are missing.
    public func lines(_ numbers: Set<Int>) -> [Int: String] {
        var result: [Int: String] = [:]
        var number = 1
        var start = bytes.startIndex
        // A mark at the start of the text belongs to no line.
        if bytes.starts(with: [0xef, 0xbb, 0xbf]) { start += 3 }
        while start < bytes.endIndex, result.count < numbers.count {
            let end = lineEnd(from: start)
            // A line of megabytes helps nobody; what is cut lies behind every useful column.
            if numbers.contains(number) {
                result[number] = String(decoding: bytes[start..<end.first].prefix(4096), as: UTF8.self)
            }
            start = end.next
            number += 1
        }
        return result
    }

    /// Where the text ends.
    var end: YAMLNode.Position {
        var start = bytes.startIndex
        var line = 1
        while true {
            let end = lineEnd(from: start)
            guard end.next > end.first else {
                let column = String(decoding: bytes[start...], as: UTF8.self).unicodeScalars.count + 1
                return .init(line: Int32(clamping: line), column: Int32(clamping: column))
            }
            start = end.next
            line += 1
        }
    }

    /// Where a line ends and the next one starts. libyaml counts the breaks of YAML 1.1: CR, LF, CR LF, NEL, LS and PS.
    private func lineEnd(from start: Int) -> (first: Int, next: Int) {
        var index = start
        while index < bytes.endIndex {
            switch bytes[index] {
            case 0x0a: return (index, index + 1)
            case 0x0d: return (index, bytes[index...].starts(with: [0x0d, 0x0a]) ? index + 2 : index + 1)
            case 0xc2 where bytes[index...].starts(with: [0xc2, 0x85]): return (index, index + 2)
            case 0xe2
            where bytes[index...].starts(with: [0xe2, 0x80, 0xa8]) || bytes[index...].starts(with: [0xe2, 0x80, 0xa9]):
                return (index, index + 3)
            case _: index += 1
            }
        }
        return (index, index)
    }
}
