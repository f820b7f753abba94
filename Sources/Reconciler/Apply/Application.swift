public import Firewall
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
    private let journal: Journal?
    private let executor: Executor
    private let contested: Set<String>?
    /// What is worth knowing though all was done.
    public private(set) var notes: [Diagnostic] = []
    /// What others undid (`Step.thing`) after it was done and before all was done, where it failed because of that.
    public private(set) var thwarting: Set<String> = []
    private let start: StartingPoint
    private let precedent: Precedent
    private let observed: ObservedState
    private let firewall: Ruleset

    /// An application of plans for a desired state, made of `observed` and `firewall`, on a host that was as these and
    /// `start` say; `precedent` tells what was in force, for undoing; `progress` is told steps done and steps in all, and
    /// `journal` every step before it is begun. Who looks again at once gives what is `contested` (`Step.thing`): that may be
    /// undone by others while it is done, and things of which the plan does not speak may change; that is said, and undoes
    /// nothing.
    public init(
        _ session: HostSession, desired: DesiredState, options: PlanOptions, observed: ObservedState,
        firewall: Ruleset, start: StartingPoint, precedent: Precedent, contested: Set<String>? = nil,
        journal: Journal? = nil,
        progress: @escaping (Int, Int) -> Void = { _, _ in }
    ) {
        self.session = session
        self.desired = desired
        self.options = options
        self.progress = progress
        self.journal = journal
        self.start = start
        self.precedent = precedent
        self.contested = contested
        self.observed = observed
        self.firewall = firewall
        executor = Executor(session, desired: desired, start: start)
    }

    /// Does the plan. What cannot be undone is done only when all else was done and read back.
    public func run(_ plan: Plan) -> ApplyOutcome {
        if let shortage = shortage(plan) { return .undone(reason: [shortage]) }
        executor.expectRivals(rivals(plan))
        if !isSmall(plan) { session.endVigil() }
        let last = plan.steps.firstIndex(where: \.comesLast) ?? plan.steps.endIndex
        let first = plan.steps[..<last]
        if let failure = execute(first, of: plan) { return undo(plan, failure) }
        if last != plan.steps.endIndex {
            // What only cleared the way shows when the card is there that is still to come.
            let waiting = Set((plan.steps[last...] + plan.steps.filter(\.isUnseen)).map(\.id))
            if !first.isEmpty, let failure = verify(plan, allowing: waiting) { return undo(plan, failure) }
            if let failure = execute(plan.steps[last...], of: plan) { return undo(plan, failure) }
        }
        if let failure = verify(plan, allowing: []) { return undo(plan, failure) }
        return .done
    }

    /// Every namespace is held by a descriptor and read by a socket, and all that is done opens files for a moment. Running
    /// out of them half way would leave none to undo with.
    private func shortage(_ plan: Plan) -> Diagnostic? {
        let new = plan.steps.flatMap(\.operations).count { operation in
            if case .createNamespace = operation { return true }
            return false
        }
        let open = (try? Files.list("/proc/self/fd").count) ?? 0
        // Each worker, and whoever waits for them, may have a file open in a folder.
        let spare = 4 + 2 * session.workers.count
        let (needed, limit) = (open + 2 * new + spare, Host.fileLimit())
        guard !plan.steps.isEmpty, needed > limit else { return nil }
        return Diagnostic(
            .error,
            "the change\(new > 0 ? ", with \(new) new namespaces," : "") needs \(needed) open files, and this process may "
                + "have \(limit); raise the limit (`ulimit -n`, or LimitNOFILE= in a systemd unit)", at: nil)
    }

    /// Whether it is worth listening to what it changes, or as quick to read all of it again.
    private func isSmall(_ plan: Plan) -> Bool {
        Reach(plan).spaces.count * 16 <= observed.namespaces.count
    }

    private func execute(_ steps: ArraySlice<Step>, of plan: Plan) -> [Diagnostic]? {
        for (index, step) in zip(steps.indices, steps) {
            do {
                try journal?.begin(step: index)
            } catch {
                executor.flush()
                let reason = "noting that step \(index + 1) begins: \(error)\(Remedy.of(error))"
                return failure(plan) ?? [Diagnostic(.error, reason, at: step.source)]
            }
            for (number, operation) in step.operations.enumerated() {
                executor.submit(operation, at: Executor.Place(step: index, operation: number))
            }
            executor.leave(step: index)
            if !executor.failures.isEmpty { break }
            if let number = Signals.pending {
                executor.flush()
                return failure(plan) ?? [Diagnostic(.error, "interrupted by signal \(number)", at: nil)]
            }
            progress(index + 1, plan.steps.count)
        }
        executor.flush()
        return failure(plan)
    }

    /// The first failure. What travelled behind it in the same datagram may have failed because of it.
    private func failure(_ plan: Plan) -> [Diagnostic]? {
        guard let failure = executor.failures.first else { return nil }
        let step = plan.steps[failure.place.step]
        let wasUndone = (failure.reason as? FirewallError)?.isUndoneByOthers ?? false
        if wasUndone || Self.isBegun(step.thing, plan, executor) { thwarting.insert(step.thing) }
        return [explain(failure, plan)]
    }

    /// Whether something of it was done already, so that what fails now was undone meanwhile.
    private static func isBegun(_ thing: String, _ plan: Plan, _ executor: Executor) -> Bool {
        executor.done.keys.contains { plan.steps[$0].thing == thing }
    }

    /// For each step of what is contested, all steps of the same.
    private func rivals(_ plan: Plan) -> [Int: [Int]] {
        let steps = plan.steps.indices.filter { contested?.contains(plan.steps[$0].thing) ?? false }
        let groups = Dictionary(grouping: steps) { plan.steps[$0].thing }
        return groups.values.reduce(into: [:]) { result, group in for step in group { result[step] = group } }
    }

    private func explain(_ failure: Executor.Failure, _ plan: Plan) -> Diagnostic {
        let step = plan.steps[failure.place.step]
        return Diagnostic(.error, "\(step.words(of: failure.reason))\(Remedy.of(failure.reason))", at: step.source)
    }

    /// Reads again and plans again. Only steps that are still to come may be left in the new plan.
    private func verify(_ done: Plan, allowing waiting: Set<String>) -> [Diagnostic]? {
        do {
            let observer = Observer(session, desired: desired)
            var observation = try observer.observe(since: observed, behind: done)
            let remembered = try remember(done, &observation.state, observer)
            let waiting = waiting.union(remembered)
            var options = options
            // What the plan itself published is no news to listeners any more.
            options.session = nil
            let plan = try Planner.plan(
                desired: desired, observed: observation.state, firewall: observation.firewall, options: options,
                after: EarlierPlan(
                    done, desired: desired, observed: observed, firewall: firewall, options: options),
                aside: session.aside)
            if plan.unread.contains(where: { !done.unread.contains($0) }) {
                notes += plan.warnings.filter { !done.warnings.contains($0) && !notes.contains($0) }
            }
            var left = plan.steps.filter { !waiting.contains($0.id) }
            try leaveMeddled(&left, done, observation, waiting)
            leaveContested(&left, done)
            guard !left.isEmpty else { return nil }
            thwarting = Set(left.map(\.thing)).filter { Self.isBegun($0, done, executor) }
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

    /// Marks that note no more what was put back would hide whether it was: they count as they were. Ids of the steps that
    /// rewrote them.
    private func remember(_ done: Plan, _ state: inout ObservedState, _ observer: Observer) throws -> [String] {
        var olds: [String: (new: String, old: String, step: String)] = [:]
        for step in done.steps {
            if case .writeFile(let path, let new)? = step.operations.first,
                case .writeFile(_, let old)? = step.inverse.first,
                CompartmentFiles.namespace(of: path, below: session.folders.namespaceFiles)?.isMark ?? false
            {
                olds[path] = (new, old, step.id)
            }
        }
        var ids: [String] = []
        for index in state.files.indices {
            guard let file = olds[state.files[index].path], state.files[index].content == file.new else { continue }
            state.files[index].content = file.old
            ids.append(file.step)
        }
        if !ids.isEmpty { try observer.readForgotten(&state) }
        return ids
    }

    /// What differs in a compartment because somebody in there changes it now, or changed it since the plan was made, which
    /// did nothing there, is for the next apply.
    private func leaveMeddled(
        _ left: inout [Step], _ done: Plan, _ observation: Observation, _ waiting: Set<String>
    ) throws {
        let spaces = Set(left.compactMap { $0.compartmentAlone(options) }).subtracting(done.freshNamespaces)
        guard !spaces.isEmpty else { return }
        let touched = Set(done.steps.flatMap { $0.operations.compactMap { $0.compartment(options) } })
        let settling = Settling(
            session: session, desired: desired, options: options, observation: observation, waiting: waiting)
        for space in spaces.sorted() {
            let own = left.filter { $0.compartmentAlone(options) == space }
            switch touched.contains(space) ? try settling.settle(space, own) : .meddled {
            case .differs: continue
            case .right: break
            case .meddled: note(space, own)
            }
            left.removeAll { $0.compartmentAlone(options) == space }
        }
    }

    /// What somebody undoes time and again, and undid again, keeps nothing else from being done; neither does what somebody
    /// changed elsewhere meanwhile.
    private func leaveContested(_ left: inout [Step], _ done: Plan) {
        guard let contested else { return }
        let planned = Set(done.steps.map(\.thing)).subtracting(contested)
        let others = left.filter { !planned.contains($0.thing) }
        left.removeAll { !planned.contains($0.thing) }
        guard let first = others.first else { return }
        let more = others.count > 1 ? " and \(others.count - 1) more" : ""
        notes.append(
            Diagnostic(
                .warning,
                "changed by somebody meanwhile: \(first.summary) (\(first.reason))\(more) is left to the next repair",
                at: first.source))
    }

    private func note(_ space: NamespaceRef, _ left: [Step]) {
        let start = "\(space) is changed by somebody in there: "
        guard let first = left.first, !notes.contains(where: { $0.message.hasPrefix(start) }) else { return }
        let more = left.count > 1 ? " and \(left.count - 1) more" : ""
        notes.append(
            Diagnostic(
                .warning, "\(start)\(first.summary) (\(first.reason))\(more) is left to the next apply",
                at: first.source))
    }

    private func undo(_ plan: Plan, _ reason: [Diagnostic]) -> ApplyOutcome {
        let left = Undoing(
            session, executor, desired: desired, options: options, firewall: start.firewall, precedent: precedent
        ).run(plan)
        return left.isEmpty ? .undone(reason: reason) : .broken(reason: reason, left: left)
    }
}

extension Plan {
    /// Namespaces that it makes: nobody else is in there.
    fileprivate var freshNamespaces: Set<NamespaceRef> {
        Set(
            steps.flatMap(\.operations).compactMap { operation in
                if case .createNamespace(let name, _, _) = operation { return .named(name) }
                return nil
            })
    }
}

extension Step {
    /// The namespace in which all of it lies, or in whose files; nil for what touches the host.
    func compartmentAlone(_ options: PlanOptions) -> NamespaceRef? {
        let spaces = Set(operations.map { $0.compartment(options) })
        guard spaces.count == 1, let only = spaces.first, let space = only, space != .host else { return nil }
        return space
    }

    /// What failed, and why; a request that is all of the step says the same as the step.
    func words(of reason: any Error) -> String {
        let text = "\(reason)"
        return text.hasPrefix("\(summary): ") ? text : "\(summary): \(text)"
    }
}

extension Operation {
    /// The namespace in which it does something, or in whose files, which are open to whoever is in there.
    fileprivate func compartment(_ options: PlanOptions) -> NamespaceRef? {
        let path: String
        switch self {
        case .writeFile(let file, _), .removeFile(let file): path = file
        case _: return namespace
        }
        guard let place = CompartmentFiles.namespace(of: path, below: options.netnsEtcDirectory), !place.isMark else {
            return nil
        }
        return .named(place.name)
    }
}
