internal import JSON
internal import Model
internal import Planner

extension PlanText {
    /// A plan from its document, as `render(_:)` shows a plan.
    static func render(_ document: JSON) -> String {
        var text = ""
        var last: String?
        let steps = document["steps"]?.array ?? []
        for step in steps {
            let owner = (step["owner"]?.string ?? "host").terminalSafe
            if owner != last { text += "\(Terminal.paint(owner, .bold))\n" }
            last = owner
            text += line(step)
        }
        if !steps.isEmpty { text += "\n" }
        for warning in document["warnings"]?.array ?? [] {
            let location = warning["source"].map { place($0, column: true) } ?? ""
            text +=
                "\(location.isEmpty ? "" : "\(location): ")warning: \((warning["message"]?.string ?? "").terminalSafe)\n"
        }
        guard document["inSync"]?.bool != true else { return text + "In sync: nothing to do.\n" }
        func count(_ action: Step.Action) -> Int64 { document["summary"]?[action.rawValue]?.int ?? 0 }
        return text + "Plan: \(count(.create)) to create, \(count(.update)) to change, \(count(.replace)) to replace, "
            + "\(count(.delete)) to delete.\n"
    }

    private static func line(_ step: JSON) -> String {
        let mark = step["action"]?.string.flatMap(Step.Action.init).map(sign) ?? "?"
        let source = step["source"].map { place($0, column: false) } ?? ""
        let level = step["disruption"]?["level"]?.string ?? "none"
        let names = step["disruption"]?["endpoints"]?.array?.compactMap(\.string) ?? []
        let words = words(level, names).terminalSafe
        return "  \(mark) \((step["summary"]?.string ?? "").terminalSafe)  "
            + "(\(source.isEmpty ? "" : "\(source), ")disruption: \(words))\n"
    }

    private static func place(_ source: JSON, column: Bool) -> String {
        guard let file = source["file"]?.string, let line = source["line"]?.int else { return "" }
        let end = column ? ":\(source["column"]?.int ?? 1)" : ""
        return "\(file.terminalSafe):\(line)\(end)"
    }
}
