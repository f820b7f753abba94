internal import Model
internal import Planner

/// The plan as people read it.
enum PlanText {
    /// Steps in order, headed by the object they are for, then warnings, then one line of summary.
    static func render(_ plan: Plan) -> String {
        var text = ""
        var last: String?
        for step in plan.steps {
            let owner = step.owner.map(\.description) ?? "host"
            if owner != last { text += "\(Terminal.paint(owner, .bold))\n" }
            last = owner
            text += line(step)
        }
        if !plan.steps.isEmpty { text += "\n" }
        for warning in plan.warnings { text += "\(warning.headline)\n" }
        return text + summary(plan) + "\n"
    }

    /// `  + create bridge bh-web, mtu 1500  (web.yaml:3, disruption: none)`.
    static func line(_ step: Step) -> String {
        let place = step.source.map { "\($0.file.terminalSafe):\($0.line), " } ?? ""
        return "  \(sign(step.action)) \(step.summary.terminalSafe)  (\(place)disruption: \(words(step.disruption)))\n"
    }

    static func sign(_ action: Step.Action) -> String {
        switch action {
        case .create: Terminal.paint("+", .green)
        case .update: Terminal.paint("~", .yellow)
        case .replace: Terminal.paint("±", .magenta)
        case .delete: Terminal.paint("-", .red)
        }
    }

    static func words(_ disruption: Disruption) -> String {
        words(disruption.level, disruption.endpoints.map(\.text))
    }

    /// The same from the words of a plan's document.
    static func words(_ level: String, _ endpoints: [String]) -> String {
        guard !endpoints.isEmpty else { return level }
        let list = endpoints.prefix(3).joined(separator: ", ")
        let more = endpoints.count > 3 ? " and \(endpoints.count - 3) more" : ""
        let link = level == "outage" ? "outage of" : "\(level),"
        return "\(link) \(endpoints.count == 1 ? "endpoint" : "endpoints") \(list)\(more)"
    }

    static func summary(_ plan: Plan) -> String {
        guard !plan.isInSync else { return "In sync: nothing to do." }
        return "Plan: \(plan.count(.create)) to create, \(plan.count(.update)) to change, "
            + "\(plan.count(.replace)) to replace, \(plan.count(.delete)) to delete."
    }
}
