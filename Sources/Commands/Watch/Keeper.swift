internal import Model
internal import Planner
internal import Reconciler
internal import SystemCalls

/// Keeps manifests in force: decides at each look whether something is to be done, may be done, and by when.
final class Keeper {
    /// What a look came to.
    enum Result: Hashable {
        /// All is as it should be, or nothing is to be in force.
        case inSync
        /// Something was changed, or is heard from now on: look again at once.
        case changed
        /// Something is to be done, but not now: look again after so many milliseconds.
        case later(Int64)
    }

    private let global: GlobalOptions
    private let log: WatchLog
    private let repair: Repair
    private let lock: RoundLock
    private var following: Following
    private var fights = Fights()

    /// What is kept in force; nil where nothing is.
    private var standing: Standing?
    /// What is to be put in force first.
    private var candidate: Standing?
    private var isFirst = true
    /// What is wrong now and was said already.
    private var trouble: String?
    /// What is worth knowing of manifests that were put in force, until it was said.
    private var warnings: [Diagnostic] = []
    /// Whether manifests that were read are in force since the last time that this was said.
    private(set) var takesEffect = false
    /// Until when a fight was said to be waited for.
    private var announced: Int64 = 0

    /// Ends with 75 where another `watch` keeps the same scope.
    init(_ global: GlobalOptions, _ log: WatchLog, _ compartments: NamespaceMemory) throws {
        self.global = global
        self.log = log
        let rounds = RoundFolder(try global.folders(), scope: try global.scopeName())
        repair = Repair(global: global, rounds: rounds, compartments: compartments)
        switch try rounds.beginWatch() {
        case .begun(let lock): self.lock = lock
        case .held(let holder):
            throw Complaint(
                "another watch of scope \(global.scope) is at work (\(holder.terminalSafe)); nothing was changed",
                .locked)
        }
        following = try Following(global)
    }

    /// What it does, in words.
    var words: String {
        if let trouble { return trouble }
        guard let standing else { return "nothing is to be kept in force" }
        return "keeping \(standing.origin) in force"
    }

    /// What is worth knowing of the manifests, once.
    func takeWarnings() -> [Diagnostic] {
        defer { (warnings, takesEffect) = ([], false) }
        return warnings
    }

    // MARK: - What is to be in force

    /// Reads the manifests for the first time; what is wrong with them ends the run.
    func begin(_ paths: [String]) throws {
        guard !paths.isEmpty else { return adopt(try following.inForce()) }
        let wanted = try Rejected.told(global) { try Standing(paths: paths, global) }
        if let replacement = try following.replacement(of: wanted) {
            log.say(
                .following, "\(wanted.origin): somebody went back from these manifests; a reload puts them in force")
            return adopt(replacement)
        }
        candidate = wanted
    }

    /// Reads them again. Wrong ones change nothing.
    func reload(_ paths: [String]) {
        do {
            if paths.isEmpty { return adopt(try following.inForce()) }
            candidate = try Standing(paths: paths, global)
            fights.forget()
            trouble = nil
        } catch let rejected as Rejected {
            reject(rejected.diagnostics.filter { $0.severity == .error })
        } catch {
            reject([Diagnostic(.error, Failures.text(error), at: nil)])
        }
    }

    private func adopt(_ news: Following.News?) {
        switch news {
        case .other(let other, let words):
            standing = other
            fights.forget()
            log.say(.following, words)
        case .nothing(let words):
            standing = nil
            log.say(.following, words)
        case .some(.none), .busy, nil: break
        }
    }

    private func reject(_ errors: [Diagnostic]) {
        candidate = nil
        let kept = standing.map { "\($0.origin) as read before stays in force" } ?? "nothing is in force"
        log.say(
            .rejected, "the manifests are not put in force: \(WatchLog.reason(errors)); \(kept)",
            WatchLog.Details(errors: errors))
    }

    // MARK: - Looking

    /// Looks, and does what there is to do; `follow` is told what was observed, and says whether that is where somebody
    /// listens only from now on.
    func look(
        _ hearing: Hearing, at now: Int64, _ follow: (ObservedState) throws -> Bool
    ) throws -> Result {
        do {
            return try act(hearing, at: now, follow)
        } catch let finish as Finish {
            throw finish
        } catch {
            // What cannot be read now may be read later.
            return refuse(Self.errors(error), at: now)
        }
    }

    private func act(
        _ hearing: Hearing, at now: Int64, _ follow: (ObservedState) throws -> Bool
    ) throws -> Result {
        if let suspension = repair.rounds.suspension() { return wait(SuspensionWords.text(suspension), 1000) }
        let news = try following.news(standing)
        if case .busy(let words) = news { return wait(words, 500) }
        adopt(news)
        if let candidate { return try putInForce(candidate) }
        guard let standing else { return .inSync }
        let comparison: Comparison
        do {
            comparison = try repair.look(standing)
        } catch let rejected as Rejected {
            return try guardAlone(standing.rulesAlone, hearing, at: now, against: rejected)
        }
        let isNew = try follow(comparison.observed)
        guard !comparison.plan.isInSync else { return settle(isNew, unread: comparison.plan.unreadReasons) }
        let objections = repair.objections(comparison, standing)
        guard objections.isEmpty else { return refuse(objections, at: now) }
        let rest = fights.delay(of: comparison.plan.steps.map(\.thing), at: now)
        if rest > 0 { return yield(comparison.plan, hearing, rest, at: now) }
        return try mend(standing, hearing, at: now) { !hearing.listen() && !isNew ? comparison : nil }
    }

    /// What stands against the plan is said; the rules are put right all the same, for without them what is denied is open.
    private func guardAlone(
        _ rules: Standing, _ hearing: Hearing, at now: Int64, against rejected: Rejected
    ) throws -> Result {
        guard let comparison = try? repair.look(rules), !comparison.plan.isInSync,
            repair.objections(comparison, rules).isEmpty
        else { return refuse(Self.errors(rejected), at: now, but: " but rules of the firewall") }
        let rest = fights.delay(of: comparison.plan.steps.map(\.thing), at: now)
        if rest > 0 { return yield(comparison.plan, hearing, rest, at: now) }
        return try mend(rules, hearing, at: now) { hearing.listen() ? nil : comparison }
    }

    private static func errors(_ error: any Error) -> [Diagnostic] {
        if let rejected = error as? Rejected { return rejected.diagnostics.filter { $0.severity == .error } }
        return [Diagnostic(.error, Failures.text(error), at: nil)]
    }

    /// Manifests that were read and are not in force yet. Where they cannot be, those from before stay; where there are
    /// none, that is the end.
    private func putInForce(_ wanted: Standing) throws -> Result {
        let outcome: Repair.Outcome
        do {
            outcome = try repair.carryOut(wanted) {
                try following.catchUp()
                return true
            }
        } catch {
            return try give(up: Self.errors(error), .failed)
        }
        switch outcome {
        case .busy(let words): return wait(words, 500)
        case .refused(let errors): return try give(up: errors, .failed)
        case .failed(_, let errors, let left, _, let number):
            following.pass(number)
            return try give(up: errors, left.isEmpty ? .failed : .broken, left)
        case .inSync: break
        case .done(let plan, let notes, let number):
            following.pass(number)
            warnings += notes
            log.say(
                .repaired, "\(wanted.origin) put in force: \(WatchLog.steps(plan))",
                WatchLog.Details(plan: plan, number: number))
        }
        (standing, candidate, trouble, takesEffect) = (wanted, nil, nil, true)
        warnings = wanted.prepared.warnings + warnings
        return .changed
    }

    private func give(up errors: [Diagnostic], _ status: ExitStatus, _ left: [String] = []) throws -> Result {
        guard standing == nil, isFirst else {
            reject(errors)
            return .changed
        }
        log.say(
            status == .broken ? .broken : .failed,
            "the manifests are not put in force: \(WatchLog.reason(errors))"
                + (left.isEmpty ? "" : "; what is left: \(left.map(\.terminalSafe).joined(separator: ", "))"),
            WatchLog.Details(errors: errors, left: left))
        throw Finish(status)
    }

    /// All is as it should be, as far as it could be read.
    private func settle(_ isNew: Bool, unread: [String]) -> Result {
        isFirst = false
        let words = "\(unread.joined(separator: "; ")): nothing in it was compared"
        if !unread.isEmpty {
            if trouble != words { log.say(.refused, words) }
            trouble = words
        } else {
            if trouble != nil { log.say(.inSync, "in sync again") }
            trouble = nil
        }
        return isNew ? .changed : .inSync
    }

    /// Repairs what differs.
    private func mend(
        _ standing: Standing, _ hearing: Hearing, at now: Int64, lately: () -> Comparison?
    ) throws -> Result {
        let contested = fights.contested(at: now)
        switch try repair.carryOut(standing, contested: contested, lately: lately, { try !following.hasNews }) {
        case .busy(let words): return wait(words, 500)
        case .refused(let errors): return refuse(errors, at: now)
        case .inSync: return .later(100)
        case .done(let plan, let notes, let number):
            following.pass(number)
            fights.repaired(plan.steps.map(\.thing), at: now)
            tellRepaired(plan, notes, number, hearing)
            (trouble, isFirst) = (nil, false)
            return .changed
        case .failed(let plan, let errors, let left, let contested, let number):
            following.pass(number)
            let things = plan.steps.map(\.thing)
            if contested.isEmpty || !left.isEmpty {
                fights.failed(things, at: now)
            } else {
                fights.thwarted(things, by: contested, at: now)
            }
            tellFailed(plan, errors, left, number, hearing)
            return .later(fights.delay(of: things, at: now))
        }
    }

    private func tellRepaired(_ plan: Plan, _ notes: [Diagnostic], _ number: Int?, _ hearing: Hearing) {
        let milliseconds = Int64(clamping: Detachment.bootTime() / 1_000_000) - hearing.since
        let count = plan.steps.count == 1 ? "a difference" : "\(plan.steps.count) differences"
        log.say(
            .repaired,
            "repaired \(count) in \(milliseconds) ms: \(WatchLog.steps(plan))\(WatchLog.blame(hearing.authors()))",
            WatchLog.Details(
                plan: plan, number: number, warnings: notes, authors: hearing.authors(), milliseconds: milliseconds))
    }

    private func tellFailed(
        _ plan: Plan, _ errors: [Diagnostic], _ left: [String], _ number: Int?, _ hearing: Hearing
    ) {
        let end =
            left.isEmpty
            ? "it is undone"
            : "it could not be undone, and this is left: \(left.map(\.terminalSafe).joined(separator: ", "))"
        let words = "repairing failed: \(WatchLog.reason(errors)); \(end)"
        trouble = words
        log.say(
            left.isEmpty ? .failed : .broken, words,
            WatchLog.Details(plan: plan, number: number, errors: errors, left: left, authors: hearing.authors()))
    }

    /// Lets whoever undoes each repair have it for a while.
    private func yield(_ plan: Plan, _ hearing: Hearing, _ rest: Int64, at now: Int64) -> Result {
        guard now + rest > announced else { return .later(rest) }
        announced = now + rest
        // What was seen may have been said a moment after it.
        _ = hearing.listen()
        let count = fights.count(of: plan.steps.map(\.thing))
        let words =
            "\(WatchLog.steps(plan)): repaired \(count) times in a row, and needed again; the next time is in "
            + "\((rest + 999) / 1000) s\(WatchLog.blame(hearing.authors()))"
        trouble = words
        log.say(.fought, words, WatchLog.Details(plan: plan, authors: hearing.authors()))
        return .later(rest)
    }

    /// What cannot be repaired is said once, and looked at again ever more rarely.
    private func refuse(_ errors: [Diagnostic], at now: Int64, but exception: String = "") -> Result {
        let thing = ["the plan"]
        let rest = fights.delay(of: thing, at: now)
        if rest == 0 { fights.failed(thing, at: now) }
        let words = "nothing\(exception) is repaired: \(WatchLog.reason(errors))"
        if trouble != words { log.say(.refused, words, WatchLog.Details(errors: errors)) }
        trouble = words
        return .later(max(rest, fights.delay(of: thing, at: now)))
    }

    /// Somebody else's turn.
    private func wait(_ words: String, _ milliseconds: Int64) -> Result {
        let words = "nothing is repaired for now: \(words)"
        if trouble != words { log.say(.waiting, words) }
        trouble = words
        return .later(milliseconds)
    }
}
