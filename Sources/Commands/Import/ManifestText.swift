internal import JSON
internal import Model

/// Manifests as people write them: one key a line, what lies deeper in braces.
enum ManifestText {
    /// One document with its comments.
    static func document(_ id: ObjectID, _ spec: JSONObject, comments: [String]) -> String {
        var text = "---\n" + comment(comments)
        text +=
            "apiVersion: bulkhead.dev/v1alpha1\nkind: \(id.kind.rawValue)\nmetadata: {name: \(scalar(id.name.text))}\n"
        guard !spec.members.isEmpty else { return text + "spec: {}\n" }
        return text + "spec:\n" + spec.members.map { "  \($0.key):\(block($0.value))\n" }.joined()
    }

    /// Lines of comment; nothing in them ends a line or reaches a terminal as a command.
    static func comment(_ lines: [String]) -> String {
        lines.map { $0.isEmpty ? "#\n" : "# \($0.terminalSafe)\n" }.joined()
    }

    private static func block(_ value: JSON) -> String {
        guard case .array(let items) = value, items.contains(where: { $0.object != nil }) else {
            return " \(flow(value))"
        }
        return items.map { "\n    - \(flow($0))" }.joined()
    }

    private static func flow(_ value: JSON) -> String {
        switch value {
        case .array(let items): "[\(items.map(flow).joined(separator: ", "))]"
        case .object(let object):
            "{\(object.members.map { "\(scalar($0.key)): \(flow($0.value))" }.joined(separator: ", "))}"
        case .string(let text): scalar(text)
        case .null, .bool, .int, .double: value.text()
        }
    }

    /// Text of YAML 1.2 and 1.1 readers alike: without quotes where nothing in it could mean anything.
    static func scalar(_ text: String) -> String {
        let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
        let isPlain = text.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
                || [0x2d, 0x2e, 0x2f, 0x5f].contains(byte)
        }
        let first = text.utf8.first ?? 0
        let isWord = (0x41...0x5a).contains(first) || (0x61...0x7a).contains(first) || first == 0x2f
        // Digits with three dots are no number in any reading.
        let isDotted = (0x30...0x39).contains(first) && text.utf8.count { $0 == 0x2e } == 3
        guard isPlain, isWord || isDotted, !words.contains(text.lowercased()) else { return quoted(text) }
        return text
    }

    /// In double quotes, whose escapes are those of JSON; what a terminal might obey is written in digits.
    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            let alone = String(scalar)
            if scalar == "\"" || scalar == "\\" {
                result += "\\\(alone)"
            } else if alone.terminalSafe == alone {
                result += alone
            } else {
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
            }
        }
        return result + "\""
    }
}
