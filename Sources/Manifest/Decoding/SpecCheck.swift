internal import Addressing
internal import Model

/// Compares nodes with the declaration of their fields and says everything that is wrong.
struct SpecCheck {
    let source: SourceText
    private(set) var diagnostics: [Diagnostic] = []

    init(source: SourceText) { self.source = source }

    mutating func fail(_ message: String, at position: YAMLNode.Position) {
        diagnostics.append(Diagnostic(.error, message, at: source.location(position)))
    }

    /// Checks a mapping against its fields.
    mutating func check(_ node: YAMLNode, _ spec: ObjectSpec, what: String) {
        guard case .mapping(let entries) = node.content else {
            fail("\(what): expected a mapping, found \(node.typeName)", at: node.position)
            return
        }
        for entry in entries {
            guard let field = spec.field(entry.key) else {
                let hint = Suggestion.phrase(entry.key, among: spec.fields.map(\.key))
                fail("unknown key '\(entry.key)'\(hint)", at: entry.keyPosition)
                continue
            }
            check(entry.value, field.type, what: field.key)
        }
        for field in spec.fields where field.isRequired && !entries.contains(where: { $0.key == field.key }) {
            fail("\(what): '\(field.key)' is missing", at: node.position)
        }
    }

    private mutating func check(_ node: YAMLNode, _ type: ValueType, what: String) {
        switch type {
        case .object(let spec): check(node, spec, what: what)
        case .text(let format): checkText(node, format, what: what)
        case .boolean:
            if node.bool == nil {
                fail(
                    "\(what): expected true or false, found \(described(node))\(quoteHint(node, type))",
                    at: node.position)
            }
        case .integer(let range):
            if !(node.int.map(range.contains) ?? false) {
                fail(
                    "\(what): expected a number from \(range.lowerBound) to \(range.upperBound), found \(described(node))\(quoteHint(node, type))",
                    at: node.position)
            }
        case .ports:
            if node.text.flatMap({ PortRange($0) }) == nil {
                fail(
                    "\(what): expected a port from 1 to 65535 or a range such as 8000-8100, found \(described(node))",
                    at: node.position)
            }
        case .list(let element, let minimum): checkList(node, element, minimum, what: what)
        case .map(let element): checkMap(node, element, what: what)
        case .either(let types, let words):
            if !types.contains(where: { fits(node, $0) }) {
                fail("\(what): expected \(words), found \(described(node))\(quoteHint(node, type))", at: node.position)
            }
        }
    }

    private func fits(_ node: YAMLNode, _ type: ValueType) -> Bool {
        var trial = SpecCheck(source: source)
        trial.check(node, type, what: "")
        return trial.diagnostics.isEmpty
    }

    /// What helps where only the quotes are wrong, or YAML 1.1 was meant.
    private func quoteHint(_ node: YAMLNode, _ type: ValueType) -> String {
        guard case .scalar(let text, let isPlain) = node.content else { return "" }
        if !isPlain {
            let plain = YAMLNode(content: .scalar(text, isPlain: true), position: node.position)
            return fits(plain, type) ? "; leave out the quotes" : ""
        }
        let words = ["yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"]
        guard case .boolean = type, let word = words[text.lowercased()] else { return "" }
        return "; did you mean \(word)?"
    }

    private mutating func checkText(_ node: YAMLNode, _ format: TextFormat, what: String) {
        guard let text = node.text else {
            fail("\(what): expected \(format.words), found \(node.typeName)", at: node.position)
            return
        }
        guard !node.isNull, node.bool == nil, node.int == nil, !node.isFloat else {
            let quote = format.accepts(text) && !node.isNull ? "; put it in quotes" : ""
            fail("\(what): expected \(format.words), found \(described(node))\(quote)", at: node.position)
            return
        }
        guard !format.accepts(text) else { return }
        var hint = ""
        if case .words(let words) = format { hint = Suggestion.phrase(text, among: words) }
        fail("\(what): expected \(format.words), found \(described(node))\(hint)", at: node.position)
    }

    private mutating func checkList(_ node: YAMLNode, _ element: ValueType, _ minimum: Int, what: String) {
        guard case .sequence(let items) = node.content else {
            fail("\(what): expected a list, found \(described(node))", at: node.position)
            return
        }
        if items.count < minimum {
            fail(
                "\(what): an empty list would match nothing; leave '\(what)' out, or put something in",
                at: node.position)
        }
        for item in items { check(item, element, what: what) }
    }

    private mutating func checkMap(_ node: YAMLNode, _ element: ValueType, what: String) {
        guard case .mapping(let entries) = node.content else {
            fail("\(what): expected a mapping, found \(described(node))", at: node.position)
            return
        }
        for entry in entries { check(entry.value, element, what: "\(what).\(entry.key)") }
    }

    private func described(_ node: YAMLNode) -> String {
        guard let text = node.text, !node.isNull else { return node.typeName }
        let shown = text.unicodeScalars.count > 60 ? String(text.prefix(60)) + "…" : text
        return "'\(shown)'"
    }
}
