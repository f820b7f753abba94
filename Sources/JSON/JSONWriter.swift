extension JSON {
    /// The value as text: on one line, or indented by two spaces a level with a newline at the end.
    ///
    /// Control characters, DEL and the C1 range are always escaped, so the text cannot disturb a terminal.
    public func text(pretty: Bool = false) -> String {
        var writer = JSONWriter(pretty: pretty)
        writer.write(self, depth: 0)
        if pretty { writer.output.append(0x0a) }
        return String(decoding: writer.output, as: UTF8.self)
    }
}

private struct JSONWriter {
    let pretty: Bool
    var output: [UInt8] = []

    init(pretty: Bool) { self.pretty = pretty }

    mutating func write(_ value: JSON, depth: Int) {
        switch value {
        case .null: append("null")
        case .bool(let value): append(value ? "true" : "false")
        case .int(let value): append(String(value))
        // JSON has no infinities and no NaN.
        case .double(let value): append(value.isFinite ? "\(value)" : "null")
        case .string(let value): write(value)
        case .array(let values):
            list(values, open: "[", close: "]", depth: depth) { $0.write($1, depth: depth + 1) }
        case .object(let object):
            list(object.members, open: "{", close: "}", depth: depth) { writer, member in
                writer.write(member.key)
                writer.append(writer.pretty ? ": " : ":")
                writer.write(member.value, depth: depth + 1)
            }
        }
    }

    private mutating func list<Element>(
        _ elements: [Element], open: String, close: String, depth: Int, element: (inout Self, Element) -> Void
    ) {
        append(open)
        for (index, value) in elements.enumerated() {
            if index > 0 { append(",") }
            newline(depth + 1)
            element(&self, value)
        }
        if !elements.isEmpty { newline(depth) }
        append(close)
    }

    private mutating func newline(_ depth: Int) {
        guard pretty else { return }
        output.append(0x0a)
        output.append(contentsOf: repeatElement(0x20, count: 2 * depth))
    }

    private mutating func append(_ text: String) { output.append(contentsOf: text.utf8) }

    private mutating func write(_ text: String) {
        output.append(0x22)
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x22: append("\\\"")
            case 0x5c: append("\\\\")
            case 0x0a: append("\\n")
            case 0x0d: append("\\r")
            case 0x09: append("\\t")
            case 0..<0x20, 0x7f..<0xa0, 0x2028, 0x2029, 0x202a...0x202e, 0x2066...0x2069:
                let digits = String(scalar.value, radix: 16)
                append("\\u" + String(repeating: "0", count: 4 - digits.count) + digits)
            case _: output.append(contentsOf: String(scalar).utf8)
            }
        }
        output.append(0x22)
    }
}
