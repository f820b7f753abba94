public import JSON

/// JSON Schemas (draft 2020-12), made from the declaration that the decoder uses.
public enum JSONSchema {
    /// Names of all kinds.
    public static var kinds: [String] { KindSpec.all.map(\.kind) }

    /// The schema of one kind; nil for an unknown one.
    public static func of(kind: String) -> JSON? {
        guard let spec = KindSpec.named(kind), case .object(var schema) = object(spec.document) else { return nil }
        schema = JSONObject(
            [
                .init(key: "$schema", value: "https://json-schema.org/draft/2020-12/schema"),
                .init(
                    key: "$id", value: .string("https://bulkhead.dev/schemas/v1alpha1/\(kind.lowercased()).schema.json")
                ),
                .init(key: "title", value: .string(kind)), .init(key: "description", value: .string(spec.doc)),
            ] + schema.members)
        return .object(schema)
    }

    /// The schema of any document, for editors that see whole files.
    public static func ofAnyKind() -> JSON {
        let branches = KindSpec.all.map { spec -> JSON in
            [
                "if": ["properties": ["kind": ["const": .string(spec.kind)]], "required": ["kind"]],
                "then": object(spec.document),
            ]
        }
        return [
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": "https://bulkhead.dev/schemas/v1alpha1/bulkhead.schema.json",
            "title": "Bulkhead manifest", "type": "object", "required": ["apiVersion", "kind", "metadata"],
            "properties": ["kind": ["enum": .array(kinds.map { .string($0) })]],
            "allOf": .array(branches),
        ]
    }

    private static func object(_ spec: ObjectSpec) -> JSON {
        var schema: JSONObject = ["type": "object", "additionalProperties": false]
        let required = spec.fields.filter(\.isRequired).map { JSON.string($0.key) }
        if !required.isEmpty { schema["required"] = .array(required) }
        schema["properties"] = .object(JSONObject(spec.fields.map { .init(key: $0.key, value: field($0)) }))
        return .object(schema)
    }

    private static func field(_ field: FieldSpec) -> JSON {
        var text = field.doc
        if let value = field.defaultText { text += " Default: \(value)." }
        var members: JSONObject = ["description": .string(text)]
        if case .object(let schema) = type(field.type) {
            for member in schema.members { members[member.key] = member.value }
        }
        return .object(members)
    }

    private static func type(_ type: ValueType) -> JSON {
        switch type {
        case .text(.words(let words)): return ["enum": .array(words.map { .string($0) })]
        case .text(let format):
            var schema: JSONObject = ["type": "string"]
            if let pattern = format.pattern { schema["pattern"] = .string(pattern) }
            return .object(schema)
        case .integer(let range):
            return [
                "type": "integer", "minimum": .int(Int64(range.lowerBound)), "maximum": .int(Int64(range.upperBound)),
            ]
        case .boolean: return ["type": "boolean"]
        case .ports:
            return [
                "anyOf": [
                    ["type": "integer", "minimum": 1, "maximum": 65535],
                    ["type": "string", "pattern": "^[0-9]{1,5}(-[0-9]{1,5})?$"],
                ]
            ]
        case .list(let element, let minimum):
            var schema: JSONObject = ["type": "array", "items": Self.type(element)]
            if minimum > 0 { schema["minItems"] = .int(Int64(minimum)) }
            return .object(schema)
        case .map(let element): return ["type": "object", "additionalProperties": Self.type(element)]
        case .object(let spec): return object(spec)
        case .either(let types, _): return ["anyOf": .array(types.map(Self.type))]
        }
    }
}
