public import JSON

/// Reference in the terminal, from the declaration that the decoder uses.
public enum Explanation {
    /// Why there is nothing to explain.
    public struct Unknown: Error, Hashable, Sendable, CustomStringConvertible {
        /// What was asked, what is known.
        public let description: String
    }

    /// What `KIND[.FIELD…]` means; a leading `spec` may be left out, list positions are not written.
    public static func of(_ path: String) throws(Unknown) -> String {
        let place = try find(path)
        guard let field = place.field else { return overview(place.spec) }
        return page(field, path: place.path, place.level)
    }

    /// The same for programs (`bulkhead.explanation/v1`).
    public static func document(_ path: String) throws(Unknown) -> JSON {
        let place = try find(path)
        var document: JSONObject = ["format": "bulkhead.explanation/v1", "path": .string(place.path)]
        guard let field = place.field else {
            document["doc"] = .string(place.spec.doc)
            document["fields"] = .array(place.spec.spec.fields.map { .object(members($0)) })
            return .object(document)
        }
        for member in members(field).members { document[member.key] = member.value }
        document["fields"] = .array(place.level.fields.map { .object(members($0)) })
        return .object(document)
    }

    private static func members(_ field: FieldSpec) -> JSONObject {
        [
            "key": .string(field.key), "type": .string(words(field.type)), "required": .bool(field.isRequired),
            "default": field.defaultText.map { .string($0) } ?? nil, "kernel": field.kernel.map { .string($0) } ?? nil,
            "doc": .string(field.doc),
        ]
    }

    /// A kind, or a field of one with the fields inside it.
    private struct Place {
        let spec: KindSpec
        let path: String
        let field: FieldSpec?
        let level: ObjectSpec
    }

    private static func find(_ path: String) throws(Unknown) -> Place {
        var parts = path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        let kind = parts.removeFirst()
        guard let spec = KindSpec.all.first(where: { $0.kind.lowercased() == kind.lowercased() }) else {
            let hint = Suggestion.phrase(kind, among: KindSpec.all.map(\.kind))
            throw Unknown(
                description:
                    "unknown kind '\(kind)'\(hint); kinds are \(KindSpec.all.map(\.kind).joined(separator: ", "))")
        }
        guard let first = parts.first else {
            return Place(spec: spec, path: spec.kind, field: nil, level: spec.spec)
        }
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
        return Place(spec: spec, path: shown.joined(separator: "."), field: field, level: level)
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
