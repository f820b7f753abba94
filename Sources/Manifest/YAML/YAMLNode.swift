internal import Model

/// A piece of YAML with the place where it stands.
struct YAMLNode: Sendable, Hashable {
    /// What it is.
    indirect enum Content: Sendable, Hashable {
        /// Text; `isPlain` where it was written without quotes, so that `true` may mean a truth value.
        case scalar(String, isPlain: Bool)
        /// A list.
        case sequence([YAMLNode])
        /// Keys and values in the order of the text.
        case mapping([Entry])
    }

    /// A key and its value.
    struct Entry: Sendable, Hashable {
        var key: String
        var keyPosition: Position
        var value: YAMLNode
    }

    /// Line and column from 1, packed small because there are many.
    struct Position: Sendable, Hashable {
        var line: Int32
        var column: Int32
    }

    var content: Content
    var position: Position

    /// The value under a key of a mapping.
    subscript(key: String) -> YAMLNode? {
        guard case .mapping(let entries) = content else { return nil }
        return entries.first { $0.key == key }?.value
    }

    /// Items of a list; none for anything else.
    var items: [YAMLNode] {
        guard case .sequence(let items) = content else { return [] }
        return items
    }

    /// Entries of a mapping; none for anything else.
    var entries: [Entry] {
        guard case .mapping(let entries) = content else { return [] }
        return entries
    }

    /// The text of a scalar.
    var text: String? {
        guard case .scalar(let text, _) = content else { return nil }
        return text
    }

    /// `null`, `~` or nothing (YAML 1.2 core schema).
    var isNull: Bool {
        guard case .scalar(let text, true) = content else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(text)
    }

    /// A truth value of the YAML 1.2 core schema; `yes` and `no` are text.
    var bool: Bool? {
        guard case .scalar(let text, true) = content else { return nil }
        switch text {
        case "true", "True", "TRUE": return true
        case "false", "False", "FALSE": return false
        case _: return nil
        }
    }

    /// A whole number of the core schema: decimal, `0o17`, `0x1f`.
    var int: Int? {
        guard case .scalar(let text, true) = content else { return nil }
        // Int would take a sign behind the prefix.
        if text.hasPrefix("0o") { return Self.digits(text.dropFirst(2), radix: 8) }
        if text.hasPrefix("0x") { return Self.digits(text.dropFirst(2), radix: 16) }
        return Int(text)
    }

    private static func digits(_ text: Substring, radix: Int) -> Int? {
        text.first?.isHexDigit == true ? Int(text, radix: radix) : nil
    }

    /// Whether the core schema takes it for a number with fraction or exponent.
    var isFloat: Bool {
        guard case .scalar(let text, true) = content, int == nil else { return false }
        if [".inf", "-.inf", "+.inf", ".nan"].contains(text.lowercased()) { return true }
        // Double also reads words and hexadecimal fractions, and no whole number is too large for it.
        let marks = "+-.eE0123456789".utf8
        return text.utf8.allSatisfy { marks.contains($0) } && Double(text.hasSuffix(".") ? text + "0" : text) != nil
    }

    /// What it is, in words.
    var typeName: String {
        switch content {
        case .sequence: return "a list"
        case .mapping: return "a mapping"
        case .scalar:
            if isNull { return "nothing" }
            if bool != nil { return "a truth value" }
            return int != nil || isFloat ? "a number" : "a string"
        }
    }
}
