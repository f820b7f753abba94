/// Reference in the terminal, from the declaration that the decoder uses.
public enum Explanation {
    /// Why there is nothing to explain.
    public struct Unknown: Error, Hashable, Sendable, CustomStringConvertible {
        /// What was asked, what is known.
        public let description: String
    }

    /// What `KIND[.FIELD…]` means; a leading `spec` may be left out, list positions are not written.
    public static func of(_ path: String) throws(Unknown) -> String {
        var parts = path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        let kind = parts.removeFirst()
        guard let spec = KindSpec.all.first(where: { $0.kind.lowercased() == kind.lowercased() }) else {
            let hint = Suggestion.phrase(kind, among: KindSpec.all.map(\.kind))
            throw Unknown(
                description:
                    "unknown kind '\(kind)'\(hint); kinds are \(KindSpec.all.map(\.kind).joined(separator: ", "))")
        }
        guard let first = parts.first else { return overview(spec) }
        var level = spec.document
        if level.field(first) == nil { parts.insert("spec", at: 0) }
        var shown: [String] = [spec.kind]
        var field: FieldSpec?
        for part in parts {
            guard let next = level.field(part) else {
                let hint = Suggestion.phrase(part, among: level.fields.map(\.key))
                throw Unknown(description: "\(shown.joined(separator: ".")) has no field '\(part)'\(hint)")
            }
            field = next
            shown.append(part)
            level = children(next.type) ?? ObjectSpec([])
        }
        guard let field else { return overview(spec) }
        return page(field, path: shown.joined(separator: "."), level)
    }

    private static func overview(_ spec: KindSpec) -> String {
        "\(spec.kind) — \(spec.doc)\n\nFIELDS of spec\n" + list(spec.spec)
            + "\n`bulkhead explain \(spec.kind).FIELD` says more.\n"
    }

    private static func page(_ field: FieldSpec, path: String, _ level: ObjectSpec) -> String {
        var text = "\(path)\n\n  type:     \(words(field.type))\n"
        if field.isRequired { text += "  required: yes\n" }
        if let value = field.defaultText { text += "  default:  \(value)\n" }
        if let kernel = field.kernel { text += "  kernel:   \(kernel)\n" }
        text += "\n  \(field.doc)\n"
        if !level.fields.isEmpty { text += "\nFIELDS\n" + list(level) }
        return text
    }

    private static func list(_ spec: ObjectSpec) -> String {
        let width = spec.fields.map(\.key.count).max() ?? 0
        return spec.fields.map { field in
            let mark = field.isRequired ? " (required)" : ""
            return "  \(field.key)\(String(repeating: " ", count: width - field.key.count))  \(field.doc)\(mark)\n"
        }.joined()
    }

    private static func children(_ type: ValueType) -> ObjectSpec? {
        switch type {
        case .object(let spec): spec
        case .list(let element, _), .map(let element): children(element)
        case .text, .integer, .boolean, .ports, .either: nil
        }
    }

    /// What a value may be, in words.
    static func words(_ type: ValueType) -> String {
        switch type {
        case .text(let format): format.words
        case .integer(let range): "a number from \(range.lowerBound) to \(range.upperBound)"
        case .boolean: "true or false"
        case .ports: "a port or a range such as 8000-8100"
        case .list(let element, _): "a list; each item: \(words(element))"
        case .map(let element): "a mapping of names; each value: \(words(element))"
        case .object: "a mapping"
        case .either(_, let words): words
        }
    }
}
