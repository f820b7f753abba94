/// The field tables of the printed reference, from the declaration that the decoder uses.
public enum Reference {
    /// Every field of every kind as Markdown: `docs/fields.md`.
    public static func markdown() -> String {
        var text = """
            # Fields of the manifests

            Made by `make docs` from the declaration that the decoder, the JSON Schemas and `bulkhead explain` use.
            What belongs together, with examples, is told in [manifest.md](manifest.md). `[]` stands for each item of a
            list, `NAME` for a key of your own. What a type of network does not use is an error there.

            ## Every document


            """
        let everywhere = ObjectSpec(
            KindSpec.all[0].document.fields.filter { $0.key != "spec" }.map { field in
                guard field.key == "kind" else { return field }
                return FieldSpec("kind", .text(.words(KindSpec.all.map(\.kind))), required: true, field.doc)
            })
        text += table(everywhere)
        for kind in KindSpec.all {
            text += "\n## \(kind.kind)\n\n\(kind.doc) The fields of its `spec`:\n\n" + table(kind.spec)
        }
        return text
    }

    private static func table(_ spec: ObjectSpec) -> String {
        let head = "| field | value | default | meaning | kernel |\n| --- | --- | --- | --- | --- |\n"
        return head + rows(spec, below: "").joined()
    }

    private static func rows(_ spec: ObjectSpec, below path: String) -> [String] {
        spec.fields.flatMap { field -> [String] in
            let name = path + field.key
            let standard = field.isRequired ? "**required**" : field.defaultText ?? ""
            let cells = ["`\(name)`", value(field.type), standard, field.doc, field.kernel ?? ""]
            return ["| " + cells.map(escaped).joined(separator: " | ") + " |\n"] + nested(field.type, below: name)
        }
    }

    private static func nested(_ type: ValueType, below path: String) -> [String] {
        switch type {
        case .object(let spec): rows(spec, below: path + ".")
        case .list(let element, _): nested(element, below: path + "[]")
        case .map(let element): nested(element, below: path + ".NAME")
        case .text, .integer, .boolean, .ports, .either: []
        }
    }

    private static func value(_ type: ValueType) -> String {
        switch type {
        case .object: "mapping"
        case .list(.object, _): "list of mappings"
        case .list(let element, _): "list of: " + value(element)
        case .map(.object): "mapping of names to mappings"
        case .map(let element): "mapping of names to: " + value(element)
        case .text(.words(let words)): words.map { "`\($0)`" }.joined(separator: ", ")
        case .text, .integer, .boolean, .ports, .either: Explanation.words(type)
        }
    }

    /// A bar would end the cell.
    private static func escaped(_ text: String) -> String {
        text.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|")
    }
}
