internal import Model

/// The picture for Graphviz.
enum GraphDOT {
    static func render(_ drawing: Drawing) -> String {
        var text = "digraph bulkhead {\n  label=\(quoted([drawing.title])); labelloc=t; rankdir=LR; compound=true;\n"
        text += "  node [shape=box, fontname=monospace, fontsize=10]; edge [fontname=monospace, fontsize=9];\n"
        for (index, network) in drawing.networks.enumerated() {
            text += "  subgraph cluster_n\(index) {\n    label=\(quoted([network.name] + network.lines));\n"
            for (place, group) in drawing.groups.enumerated() where group.network == index {
                text +=
                    "    subgraph cluster_g\(place) {\n      label=\(quoted(group.notes)); style=rounded; fontsize=9;\n"
                for (number, member) in group.members.enumerated() {
                    text += "      g\(place)m\(number) [label=\(quoted([member.name] + member.lines))];\n"
                }
                text += "    }\n"
            }
            text += "  }\n"
        }
        for path in drawing.paths {
            text +=
                "  g\(path.from)m0 -> g\(path.to)m0 [label=\(quoted([path.label])), ltail=cluster_g\(path.from), "
                + "lhead=cluster_g\(path.to)];\n"
        }
        for remark in drawing.remarks { text += "  // \(remark.terminalSafe)\n" }
        return text + "}\n"
    }

    /// Lines as one string of DOT.
    private static func quoted(_ lines: [String]) -> String {
        let text = lines.map { line in
            line.terminalSafe.map { $0 == "\\" || $0 == "\"" ? "\\\($0)" : "\($0)" }.joined()
        }.joined(separator: "\\n")
        return "\"\(text)\""
    }
}

/// The picture for Mermaid, as code hosts draw it in comments.
enum GraphMermaid {
    static func render(_ drawing: Drawing) -> String {
        var text = "flowchart LR\n  %% \(drawing.title.terminalSafe)\n"
        for (index, network) in drawing.networks.enumerated() {
            text += "  subgraph n\(index)[\(quoted([network.name] + network.lines))]\n"
            for (place, group) in drawing.groups.enumerated() where group.network == index {
                text += "    subgraph g\(place)[\(quoted(group.notes))]\n"
                for (number, member) in group.members.enumerated() {
                    text += "      g\(place)m\(number)[\(quoted([member.name] + member.lines))]\n"
                }
                text += "    end\n"
            }
            text += "  end\n"
        }
        for path in drawing.paths { text += "  g\(path.from) -->|\(quoted([path.label]))| g\(path.to)\n" }
        for remark in drawing.remarks { text += "  %% \(remark.terminalSafe)\n" }
        return text
    }

    /// Text in which nothing is markup: Mermaid knows entities by number.
    private static func quoted(_ lines: [String]) -> String {
        let text = lines.map { line in
            line.terminalSafe.unicodeScalars.map { scalar in
                "\"#&<>`;\\".unicodeScalars.contains(scalar) ? "#\(scalar.value);" : "\(scalar)"
            }.joined()
        }.joined(separator: "<br/>")
        return "\"\(text.isEmpty ? " " : text)\""
    }
}
