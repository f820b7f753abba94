public import Model
public import Planner
internal import SystemCalls

/// What became of an apply.
public enum ApplyOutcome: Sendable {
    /// Everything is as the manifests say, read back and planned again.
    case done
    /// A step failed, and the host is as it was before.
    case undone(reason: [Diagnostic])
    /// A step failed, and not everything could be put back; what is left is listed.
    case broken(reason: [Diagnostic], left: [String])
}

/// Carries a plan out: step by step, undoing all of it where one fails, and reading back at the end.
public final class Application {
    private let session: HostSession
    private let desired: DesiredState
    private let options: PlanOptions
    private let progress: (Int, Int) -> Void
    private let executor: Executor

    /// An application of plans for a desired state; `progress` is told steps done and steps in all.
    public init(
        _ session: HostSession, desired: DesiredState, options: PlanOptions,
        progress: @escaping (Int, Int) -> Void = { _, _ in }
    ) {
        self.session = session
        self.desired = desired
        self.options = options
        self.progress = progress
        executor = Executor(session)
    }

    /// Does the plan. What cannot be undone is done only when all else was done and read back.
    public func run(_ plan: Plan) -> ApplyOutcome {
        let last = plan.steps.firstIndex { $0.phase >= .links } ?? plan.steps.endIndex
        let first = plan.steps[..<last]
        if let failure = execute(first, of: plan) { return undo(plan, failure) }
        if last != plan.steps.endIndex {
            let waiting = Set(plan.steps[last...].map(\.id))
            if !first.isEmpty, let failure = verify(allowing: waiting) { return undo(plan, failure) }
            if let failure = execute(plan.steps[last...], of: plan) { return undo(plan, failure) }
        }
        if let failure = verify(allowing: []) { return undo(plan, failure) }
        return .done
    }

    private func execute(_ steps: ArraySlice<Step>, of plan: Plan) -> [Diagnostic]? {
        for (index, step) in zip(steps.indices, steps) {
            for (number, operation) in step.operations.enumerated() {
                executor.submit(operation, at: Executor.Place(step: index, operation: number))
            }
            if !executor.failures.isEmpty { break }
            if let number = Signals.pending {
                executor.flush()
                return [Diagnostic(.error, "interrupted by signal \(number)", at: nil)]
            }
            progress(index + 1, plan.steps.count)
        }
        executor.flush()
        return executor.failures.isEmpty ? nil : executor.failures.prefix(3).map { explain($0, plan) }
    }

    private func explain(_ failure: Executor.Failure, _ plan: Plan) -> Diagnostic {
        let step = plan.steps[failure.place.step]
        return Diagnostic(.error, "\(step.summary): \(failure.reason)\(Remedy.of(failure.reason))", at: step.source)
    }

    /// Reads again and plans again. Only steps that are still to come may be left in the new plan.
    private func verify(allowing waiting: Set<String>) -> [Diagnostic]? {
        do {
            let observation = try Observer(session, desired: desired).observe()
            var options = options
            // What the plan itself published is no news to listeners any more.
            options.session = nil
            let plan = try Planner.plan(
                desired: desired, observed: observation.state, firewall: observation.firewall, options: options)
            let left = plan.steps.filter { !waiting.contains($0.id) }
            guard !left.isEmpty else { return nil }
            return left.prefix(5).map {
                Diagnostic(
                    .error,
                    "after the apply the kernel still differs: \($0.summary) (\($0.reason)); something else may be changing "
                        + "it, or the kernel did not keep what it acknowledged", at: $0.source)
            }
        } catch let failure as Planner.Failure {
            return failure.diagnostics
        } catch {
            return [Diagnostic(.error, "reading back failed: \(error)", at: nil)]
        }
    }

    /// Undoes every step of which something was done, the last one first.
    private func undo(_ plan: Plan, _ reason: [Diagnostic]) -> ApplyOutcome {
        let failed = Set(executor.failures.map(\.place.step))
        var left: [String] = []
        for index in executor.touched.union(failed).sorted(by: >) {
            let step = plan.steps[index]
            let undoing = Executor(session)
            for (number, operation) in step.inverse.enumerated() {
                undoing.submit(operation, at: Executor.Place(step: index, operation: number))
                undoing.flush()
            }
            // A step that failed half way has things in its inverse that never came to be.
            let errors = undoing.failures.filter { !(failed.contains(index) && Remedy.isAbsence($0.reason)) }
            left += errors.map { "\(step.summary): undoing it: \($0.reason)" }
        }
        return left.isEmpty ? .undone(reason: reason) : .broken(reason: reason, left: left)
    }
}
