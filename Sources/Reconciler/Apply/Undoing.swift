internal import Firewall
internal import Model
internal import NetlinkClient
internal import NetlinkCodec
internal import Planner

/// Puts the host back after a plan failed, and looks whether all is as it was.
struct Undoing {
    private let session: HostSession
    private let executor: Executor
    private let desired: DesiredState
    private let options: PlanOptions
    private let firewall: Ruleset
    private let precedent: Precedent

    /// Undoes what the executor did. `desired` and `options` are those that the plan was made with, `firewall` the
    /// tables as they were before.
    ///
    /// Another process may have done the steps, and have died in the middle of one, and others may have changed or flushed
    /// the tables meanwhile. Most inverse operations do no harm where there is nothing to undo; adding a rule does, so the
    /// tables go back by what is there, not by what was planned.
    init(
        _ session: HostSession, _ executor: Executor, desired: DesiredState, options: PlanOptions, firewall: Ruleset,
        precedent: Precedent
    ) {
        self.session = session
        self.executor = executor
        self.desired = desired
        self.options = options
        self.firewall = firewall
        self.precedent = precedent
    }

    /// Undoes every step of which something was done, the last one first. The result is what could not be put back.
    func run(_ plan: Plan) -> [String] {
        let done = executor.done
        executor.startUndoing()
        var left: [String] = []
        let hasChangedRules = done.contains { index, numbers in
            numbers.contains { plan.steps[index].operations[$0].isFirewall }
        }
        // Rules come before the links they guard, and go after them.
        left += bring { live in
            let kept = firewall.keeping(live)
            return hasChangedRules ? kept.withUncheckedConnections : kept
        }
        for (index, operations) in done.sorted(by: { $0.key > $1.key }) {
            let step = plan.steps[index]
            for (number, operation) in step.undo(ofDone: operations) where !operation.isFirewall {
                executor.submit(operation, at: Executor.Place(step: index, operation: number))
                executor.flush()
                for failure in executor.takeFailures() where !isHarmless(failure, of: operation) {
                    let line =
                        failure.reason is TakenError
                        ? "\(failure.reason)" : "\(step.summary): undoing it: \(failure.reason)"
                    // Much may have been done to one link.
                    if !left.contains(line) { left.append(line) }
                }
            }
        }
        guard hasChangedRules, !firewall.tables.isEmpty else {
            for line in bring(to: { _ in firewall }) where !left.contains(line) { left.append(line) }
            return left + remains(of: plan, done)
        }
        let (lines, isNoted) = restoreRules()
        for line in lines where !left.contains(line) { left.append(line) }
        return left + remains(of: plan, done, isNoted: isNoted)
    }

    /// Puts the rules back and cuts what they do not allow: connections that began while those of the change were in force
    /// would live on. As in an apply, a note in the kernel says until then that this is still to be done, so that the next
    /// apply makes up for it where it cannot be done, or where this process dies. The result is what went wrong, and whether
    /// nothing but the note is left of the change's rules.
    private func restoreRules() -> (left: [String], isNoted: Bool) {
        let failures = bring { _ in firewall.withUncheckedConnections }
        guard failures.isEmpty else { return (failures, false) }
        do {
            try ConnectionCut(session, precedent.state()).run()
        } catch {
            return (
                ["connections that began under the rules of the change may live on until the next apply: \(error)"],
                true
            )
        }
        return (bring { _ in firewall }, false)
    }

    /// What was to be removed is not there, or what was to be made is there. A port that is given back to its bridge
    /// may itself come back later, and half a step leaves things that never came to be: whether all are there in the
    /// end is seen when all is read again.
    private func isHarmless(_ failure: Executor.Failure, of operation: Operation) -> Bool {
        // Then the host's things are where they were moved to.
        if case .moveUplink = operation, Remedy.lacksDevice(failure.reason) { return false }
        switch operation.direction {
        case .removes: return Remedy.isAbsence(failure.reason)
        // Some changes make something: an alternative name.
        case .makes, .changes: return Remedy.isPresence(failure.reason) || Remedy.isAbsence(failure.reason)
        }
    }

    /// Brings the tables from what is there to what shall be, also where others change them between looking and writing. The
    /// result is what went wrong.
    private func bring(to wanted: (Ruleset) -> Ruleset) -> [String] {
        do {
            try SteadyReading.read(generation: session.firewallGeneration) { _, _ in
                let live = try session.rules(of: desired.scope)
                let change = RulesetChange.from(live, to: wanted(live))
                if !change.isEmpty { try session.firewall().commit(change.commands) }
                return ()
            }
            return []
        } catch {
            return ["the firewall could not be put back: \(error)"]
        }
    }

    /// The host is as it was before if the same plan would be made for it again. What others did to an uplink that was not
    /// moved is not this plan's doing, and a note that was left on purpose is said already.
    private func remains(of plan: Plan, _ done: [Int: Set<Int>], isNoted: Bool = false) -> [String] {
        let uplinks = plan.steps.indices.filter { plan.steps[$0].operations.contains { $0.move != nil } }
        let moved = uplinks.filter { index in
            done[index, default: []].contains { !plan.steps[index].operations[$0].isQuestion }
        }
        let untouched = Set(Set(uplinks).subtracting(moved).map { plan.steps[$0].id })
        let lost = self.lost(moved.flatMap { plan.steps[$0].operations.compactMap(\.move) })
        let again: Plan
        let meddled: Set<NamespaceRef>
        do {
            let observation = try Observer(session, desired: desired).observe()
            again = try Planner.plan(
                desired: desired, observed: observation.state, firewall: observation.firewall, options: options)
            meddled = try self.meddled(plan, again, observation)
        } catch let failure as Planner.Failure {
            // Something of others came in the way meanwhile: what is ours bears our mark and is never in the way. What the
            // host had on an uplink bears none.
            if let lost { return lost }
            let reason = failure.diagnostics.first.map { ": \($0.message)" } ?? ""
            return ["whether all is as before could not be checked\(reason)"]
        } catch {
            return ["reading back after undoing all failed: \(error)"]
        }
        let before = Set(plan.steps.map(StepTrace.init))
        let after = Set(again.steps.map(StepTrace.init))
        let isCompared = { (step: Step) in
            !untouched.contains(step.id)
                && !(isNoted && step.operations.allSatisfy { $0.isFirewall || $0.isConnections })
                && !(step.compartmentAlone(options).map(meddled.contains) ?? false)
        }
        let found = again.steps.filter(isCompared)
        let planned = plan.steps.filter(isCompared)
        let gone = done.keys.sorted().filter { plan.steps[$0].hasLost(done[$0, default: []]) }
            .flatMap { plan.steps[$0].losses.map { "was not put back: \($0)" } }
        return (lost ?? []) + gone
            + found.filter { !before.contains(StepTrace($0)) }.map { "differs now: \($0.summary)" }
            + planned.filter { !after.contains(StepTrace($0)) }.map { "is still done: \($0.summary)" }
    }

    /// Compartments that are not as before because somebody in there changes them, or did meanwhile.
    private func meddled(_ plan: Plan, _ again: Plan, _ observation: Observation) throws -> Set<NamespaceRef> {
        let (before, after) = (Set(plan.steps.map(StepTrace.init)), Set(again.steps.map(StepTrace.init)))
        let differing =
            again.steps.filter { !before.contains(StepTrace($0)) }
            + plan.steps.filter { !after.contains(StepTrace($0)) }
        let spaces = Set(differing.compactMap { $0.compartmentAlone(options) })
        guard !spaces.isEmpty else { return [] }
        let settling = Settling(
            session: session, desired: desired, options: options, observation: observation, waiting: [])
        return try spaces.filter { space in
            let own = plan.steps.filter { $0.compartmentAlone(options) == space }
            return try settling.compare(space, with: own) != .differs
        }
    }

    /// What the host had on uplinks that were moved, and has not got back as it was; nil where one is not where it was.
    private func lost(_ moves: [UplinkMove]) -> [String]? {
        let connection = session.connection
        var lost: [String] = []
        for move in moves {
            guard let uplink = try? connection.link(move.uplink.name),
                let holder = try? connection.link(move.from.name),
                uplink.master == move.previousMaster.flatMap({ try? connection.link($0)?.index }),
                let reading = try? UplinkReading(connection, on: move.from, holder.index)
            else { return nil }
            lost += reading.missing(from: move) + reading.displaced(from: move, since: executor.standings)
        }
        return lost
    }
}

extension Step {
    /// Whether these of its operations lost what it said that it loses: what others had on a link goes when that is deleted,
    /// all else with any of them.
    fileprivate func hasLost(_ numbers: Set<Int>) -> Bool {
        let deletes = operations.indices.filter { if case .deleteLink = operations[$0] { true } else { false } }
        return deletes.isEmpty ? !numbers.isEmpty : deletes.contains(where: numbers.contains)
    }
}

extension Operation {
    /// Whether it only asks.
    fileprivate var isQuestion: Bool {
        switch self {
        case .noteNeighbours, .expectNeighbours: true
        case .loadModule, .createNamespace, .deleteNamespace, .bindNamespace, .createLink, .deleteLink, .changeLink,
            .addAddress, .removeAddress, .addRoute, .replaceRoute, .removeRoute, .addRule, .removeRule, .addQdisc,
            .removeQdisc,
            .addNeighbour, .removeNeighbour, .forgetNeighbours, .moveUplink, .writeSetting, .rememberOriginal,
            .forgetOriginal, .writeFile, .removeFile, .cutConnections, .clearWay, .configureRouting, .firewall:
            false
        }
    }

    fileprivate var isConnections: Bool { self == .cutConnections }

    fileprivate var isFirewall: Bool {
        if case .firewall = self { return true }
        return false
    }
}
