internal import Model
internal import Planner
internal import Reachability

/// The plan as a comment of a review.
enum PlanMarkdown {
    /// Most lines of steps and of connections; a comment has room for some 65 000 characters.
    private static let lineLimit = 300

    static func render(_ plan: Plan, _ comparison: BeforeAndAfter?) -> String {
        var parts = ["### Plan for host `\(plan.host.terminalSafe)`, scope `\(plan.scope)`", summary(plan)]
        parts += plan.warnings.prefix(lineLimit).map { "> **warning:** \(prose($0))" }
        parts.append("#### Who reaches whom")
        parts += reachability(comparison)
        if !plan.isInSync {
            let lines = plan.steps.map { sign($0.action) + " " + step($0) }
            parts.append("<details><summary>\(plan.steps.count) steps</summary>")
            parts.append(block(lines))
            parts.append("</details>")
        }
        return parts.joined(separator: "\n\n") + "\n"
    }

    private static func summary(_ plan: Plan) -> String {
        guard !plan.isInSync else { return "**In sync: nothing to do.**" }
        let outages = Set(plan.steps.filter { $0.disruption.level == "outage" }.flatMap(\.disruption.endpoints))
            .sorted()
        let words = outages.isEmpty ? "No outage." : "Outage of \(outages.map { "`\($0)`" }.joined(separator: ", "))."
        return "**\(PlanText.summary(plan))** \(words)"
    }

    private static func reachability(_ comparison: BeforeAndAfter?) -> [String] {
        guard let comparison else {
            return [
                "Not compared: there is nothing to compare with (`--base PATH` names the manifests before the change)."
            ]
        }
        let lines = comparison.lines
        var parts =
            lines.isEmpty ? ["No connection between endpoints, host and world is opened or closed."] : [block(lines)]
        if !comparison.changes.isComplete {
            parts.append("Not everything was compared: there are too many pairs of endpoints.")
        }
        return parts
    }

    private static func step(_ step: Step) -> String {
        let place = step.source.map { "\($0.file):\($0.line), " } ?? ""
        return "\(step.summary)  (\(place)disruption: \(PlanText.words(step.disruption)))"
    }

    /// What `diff` blocks colour: `!` where something changes in place.
    private static func sign(_ action: Step.Action) -> String {
        switch action {
        case .create: "+"
        case .update, .replace: "!"
        case .delete: "-"
        }
    }

    /// Lines as they are: the fence is longer than anything in them that could end it.
    private static func block(_ lines: [String]) -> String {
        var shown = lines.prefix(lineLimit).map(\.terminalSafe)
        if lines.count > lineLimit { shown.append("# … and \(lines.count - lineLimit) more") }
        let text = shown.joined(separator: "\n")
        let longest = text.split(whereSeparator: { $0 != "`" }).map(\.count).max() ?? 0
        let fence = String(repeating: "`", count: max(3, longest + 1))
        return "\(fence)diff\n\(text)\n\(fence)"
    }

    /// A sentence in which nothing is markup.
    private static func prose(_ warning: Diagnostic) -> String {
        let place = warning.location.map { "\($0): " } ?? ""
        return (place + warning.message.terminalSafe).map { character in
            "\\`*_{}[]<>#|~!&".contains(character) ? "\\\(character)" : "\(character)"
        }.joined()
    }
}
