internal import Planner

/// What makes a step the same in two plans: names and values, but no namespace id that may be taken for a while.
struct StepTrace: Hashable {
    private let id: String
    private let summary: String

    /// That of a step.
    init(_ step: Step) {
        id = step.id
        summary = step.summary
    }
}
