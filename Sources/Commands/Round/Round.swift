internal import Git
internal import Manifest
internal import Model
internal import Planner
internal import Reconciler
internal import SystemCalls

/// One GitOps round: fetch, check, apply, record. What is wrong with the newest commit is said, and the last good one
/// stays in force.
struct Round {
    let global: GlobalOptions
    let source: RoundSource
    /// Judge a commit anew that was found bad or withdrawn before.
    let retries: Bool
    let allowsMassDeletion: Bool
    private let folder: RoundFolder
    private let repository: GitRepository

    init(_ global: GlobalOptions, _ source: RoundSource, retries: Bool, allowsMassDeletion: Bool) throws {
        self.global = global
        self.source = source
        self.retries = retries
        self.allowsMassDeletion = allowsMassDeletion
        folder = RoundFolder(try global.folders(), scope: try global.scopeName())
        repository = try GitRepository(folder: folder.repository)
    }

    /// A commit that was fetched and checked.
    private struct Candidate {
        let target: GitRepository.Target
        let prepared: Preparation
        /// Whether it is new on this host, or somebody had gone back from it.
        let isNew: Bool
        /// When it was committed, where signatures are asked for.
        let committed: Int64?
        /// Whether the copy of the repository had to be made anew.
        var isRefetched = false
    }

    /// Runs the round; nil where rounds were suspended while it fetched.
    func run(_ status: inout RoundStatus) throws -> RoundReport? {
        let records = try self.records()
        let found = Result { try find(status, records) }
        guard folder.suspension() == nil else { return nil }
        let change = try Change(global, yes: true)
        switch found {
        case .success(let candidate):
            do {
                // It may have been waiting for its confirmation, and have been undone meanwhile.
                if !retries, let objection = withdrawal(candidate.target, status, try self.records()) {
                    throw objection
                }
                return try enforce(candidate, change, &status)
            } catch let objection as Objection {
                return fallBack(objection, change, records, &status)
            }
        case .failure(let objection as Objection): return fallBack(objection, change, records, &status)
        case .failure(let error): throw error
        }
    }

    /// Puts the last good commit in force again, from its copy on this host; nil where there is none yet.
    func restore(_ status: RoundStatus) throws -> RoundReport? {
        let records = try self.records()
        let bad = status.bad.map { GitRepository.Target(commit: $0.commit) }
        // What did not go with the host then may go with it now.
        let stage = status.bad.flatMap { $0.stage == .plan ? nil : $0.stage }
        let change = try Change(global, yes: true)
        do {
            return try enforceKept(Objection(stage, target: bad, []), change, records, status)
        } catch let objection as Objection {
            var report = RoundReport(result: .failed)
            if let guarded = objection.guarded { report.take(guarded) }
            report.enforced = nil
            report.errors += objection.errors
            return report
        } catch {
            return RoundReport(
                result: .failed, enforced: nil, errors: [Diagnostic(.error, Failures.text(error), at: nil)])
        }
    }

    private func records() throws -> [HistoryRecord] {
        let scope = try global.scopeName()
        return try History(try global.folders()).entries().compactMap(\.record).filter { $0.scope == scope }
    }

    // MARK: - The newest commit

    /// A damaged copy is made anew; it holds nothing that the repository has not.
    private func find(_ status: RoundStatus, _ records: [HistoryRecord]) throws -> Candidate {
        do {
            return try look(status, records)
        } catch let objection as Objection {
            guard objection.isOfCopy, let target = objection.target, !repository.isSound(for: target)
            else { throw objection }
        }
        do {
            try repository.discard()
        } catch {
            throw Objection(nil, target: nil, [Diagnostic(.error, error.description, at: nil)])
        }
        var found = try look(status, records)
        found.isRefetched = true
        return found
    }

    private func look(_ status: RoundStatus, _ records: [HistoryRecord]) throws -> Candidate {
        var known: GitRepository.Target?
        do {
            let target = try repository.resolve(source.reference, at: source.address)
            known = target
            try recall(target, status, records)
            try repository.fetch(target, from: source.address)
            let isInForce = status.good?.commit == target.commit
            if !isInForce { try repository.requireCommit(target) }
            var committed = isInForce ? status.good?.committed : nil
            if let signers = source.signers, !isInForce || status.good?.key != source.key(global, target.tag) {
                try repository.verify(target, as: source.reference, by: signers)
                committed = try repository.committed(target)
                if !retries { try Advance(repository, status, records).require(target, committed) }
            }
            return Candidate(
                target: target, prepared: try prepare(target),
                isNew: !isInForce || withdrawal(target, status, records) != nil, committed: committed)
        } catch let error as GitError {
            throw Objection(error, target: known)
        } catch let rejected as Rejected {
            throw Objection(.manifests, target: known, rejected.diagnostics)
        }
    }

    /// What was bad stays bad until the commit changes, or what it is judged by.
    private func recall(_ target: GitRepository.Target, _ status: RoundStatus, _ records: [HistoryRecord]) throws {
        guard !retries else { return }
        if let objection = withdrawal(target, status, records) { throw objection }
        guard let bad = status.bad, bad.commit == target.commit, bad.key == source.key(global, target.tag) else {
            return
        }
        switch bad.stage {
        case .commit, .manifests, .apply: throw Objection(bad.stage, target: target, bad.errors)
        // That depends on the host as well, and looking changes nothing.
        case .plan, .withdrawn: break
        }
    }

    /// Whether somebody went back from the commit. The history may have forgotten it, and the status not.
    private func withdrawal(
        _ target: GitRepository.Target, _ status: RoundStatus, _ records: [HistoryRecord]
    ) -> Objection? {
        let commit = target.commit
        if let record = Withdrawals(records).record(of: commit) {
            let how = record.verb == .rollback ? "rolled back" : "reverted"
            let message =
                "it was \(how) at \(record.started) (number \(record.number) of the history), and is not applied again by "
                + "itself; commit something else, or add --retry once"
            return Objection(.withdrawn, target: target, [Diagnostic(.error, message, at: nil)])
        }
        let isInHistory = records.contains { $0.revision == commit && $0.result.isSuccess }
        guard let bad = status.bad, bad.commit == commit, bad.stage == .withdrawn, !isInHistory else { return nil }
        return Objection(.withdrawn, target: target, bad.errors)
    }

    private func prepare(_ target: GitRepository.Target) throws -> Preparation {
        let tree = try TreeLoader(repository, target, source.path)
        return try Preparation.attempt(tree.sources, problems: tree.problems, named: [source.label], global)
    }

    private func enforce(_ candidate: Candidate, _ change: Change, _ status: inout RoundStatus) throws -> RoundReport {
        let (commit, isNew) = (candidate.target.commit, candidate.isNew)
        var prepared = candidate.prepared
        if isNew { prepared = prepared.warning(of: try Comparison.pathWarning([source.label], global, .reconcile)) }
        var report = try bring(prepared, candidate.target, change, isInForce: !isNew)
        report.commit = commit
        guard report.result.isSuccess else {
            guard report.result != .broken, isNew else { return report }
            throw Objection(.apply, target: candidate.target, report.errors)
        }
        if isNew {
            report.result = .applied
            report.warnings = prepared.warnings + report.warnings
            let good = RoundStatus.Good(
                commit: commit, tag: candidate.target.tag, key: source.key(global, candidate.target.tag),
                since: Moment.now())
            status.good = good
        }
        if isNew || candidate.isRefetched { keep(candidate.target, &report) }
        status.good?.committed = candidate.committed
        status.good?.key = source.key(global, candidate.target.tag)
        status.bad = nil
        return report
    }

    /// What is in force is so whether or not the copy of it can be kept; the history has the manifests.
    private func keep(_ target: GitRepository.Target, _ report: inout RoundReport) {
        do {
            try repository.keep(target, as: .good)
        } catch {
            report.warnings.append(Diagnostic(.warning, error.description, at: nil))
        }
    }

    // MARK: - Putting manifests in force

    /// Plans and does it; `Objection` of stage `plan` where they do not go with what is there. Of those in force the rules
    /// are put right all the same: without them what is denied is open.
    private func bring(
        _ prepared: Preparation, _ target: GitRepository.Target?, _ change: Change, isInForce: Bool = true,
        insteadOf objection: Objection? = nil
    ) throws -> RoundReport {
        do {
            let comparison = try compare(prepared)
            return carryOut(comparison, prepared, target, change, insteadOf: objection)
        } catch let rejected as Rejected {
            var found = Objection(.plan, target: target, rejected.diagnostics)
            if isInForce, let rules = try? compare(prepared, rulesAlone: true), !rules.plan.isInSync {
                found.guarded = carryOut(rules, prepared, target, change, insteadOf: objection)
            }
            throw found
        } catch let complaint as Complaint {
            throw Objection(.plan, target: target, [Diagnostic(.error, complaint.message, at: nil)])
        }
    }

    private func compare(_ prepared: Preparation, rulesAlone: Bool = false) throws -> Comparison {
        var options = try Comparison.unattendedOptions(global)
        options.comparesRulesAlone = rulesAlone
        let comparison = try Comparison.attempt(
            prepared.state, warnings: prepared.warnings, sources: prepared.sources, global, options,
            session: Comparison.sessionAhead(global, forChange: true))
        if !allowsMassDeletion { try MassDeletion.check(comparison, prepared.state) }
        return comparison
    }

    private func carryOut(
        _ comparison: Comparison, _ prepared: Preparation, _ target: GitRepository.Target?, _ change: Change,
        insteadOf objection: Objection?
    ) -> RoundReport {
        let revision = target?.commit
        if global.verbose { Terminal.err(PlanText.render(comparison.plan)) }
        let occasion = Occasion(
            .reconcile, paths: [source.label], manifests: prepared.sources, revision: revision,
            fallback: objection.map { $0.stage == .apply ? .afterFailure : .otherwise })
        let result = change.enforce(comparison, prepared.state, occasion)
        let (outcome, number, notes) = (result.outcome, result.number, result.notes)
        var report = RoundReport(result: .inSync, enforced: revision, number: number)
        report.warnings =
            notes
            + comparison.plan.unreadReasons.map {
                Diagnostic(.warning, "\($0): nothing in it was compared", at: nil)
            }
        switch outcome {
        case .done:
            if !comparison.plan.isInSync { (report.result, report.plan) = (.repaired, comparison.plan) }
        case .undone(let errors): (report.result, report.errors) = (.failed, errors)
        case .broken(let errors, let left): (report.result, report.errors, report.left) = (.broken, errors, left)
        }
        return report
    }

    // MARK: - The last good commit

    /// Says what is wrong with the newest commit, and puts in force again what was before it.
    private func fallBack(
        _ objection: Objection, _ change: Change, _ records: [HistoryRecord], _ status: inout RoundStatus
    ) -> RoundReport {
        note(objection, &status)
        var report = RoundReport(result: objection.stage == nil ? .unreachable : .bad)
        if let guarded = objection.guarded { report.take(guarded) }
        do {
            if let kept = try enforceKept(objection, change, records, status) { report.take(kept) }
        } catch let error as Objection {
            if let guarded = error.guarded { report.take(guarded) }
            report.errors += error.errors
        } catch {
            report.errors = [Diagnostic(.error, Failures.text(error), at: nil)]
        }
        report.commit = objection.target?.commit
        // The one before may have the same against it.
        report.errors = objection.errors + report.errors.filter { !objection.errors.contains($0) }
        return report
    }

    private func note(_ objection: Objection, _ status: inout RoundStatus) {
        guard let stage = objection.stage, let target = objection.target else { return }
        let (commit, key) = (target.commit, source.key(global, target.tag))
        if let bad = status.bad, bad.commit == commit, bad.stage == stage, bad.key == key {
            status.bad?.errors = objection.errors
            return
        }
        status.bad = RoundStatus.Bad(
            commit: commit, key: key, stage: stage, errors: objection.errors, since: Moment.now())
    }

    private func enforceKept(
        _ objection: Objection, _ change: Change, _ records: [HistoryRecord], _ status: RoundStatus
    ) throws -> RoundReport? {
        let isSame = status.good.map { $0.commit == objection.target?.commit } ?? false
        if objection.stage == .withdrawn || objection.stage == .apply && isSame {
            let withdrawals = Withdrawals(records)
            let fromHistory = withdrawals.inForce(records.filter { $0.revision != objection.target?.commit })
            guard let record = fromHistory else { return nil }
            return try bring(
                try prepare(record), record.revision.map { GitRepository.Target(commit: $0) }, change,
                insteadOf: objection)
        }
        // It is the newest itself that does not go with the host now.
        if isSame, objection.stage == .plan { return nil }
        if let good = status.good {
            let target = GitRepository.Target(commit: good.commit, tag: good.tag)
            return try bring(try prepareKept(target, records), target, change, insteadOf: objection)
        }
        // What rounds knew was lost; the history tells which commit was in force.
        guard let record = Withdrawals(records).lastRound(records), let revision = record.revision else { return nil }
        return try bring(
            try prepare(record), GitRepository.Target(commit: revision), change, insteadOf: objection)
    }

    /// From the copy of the repository, or, where that is damaged or gone, from the history.
    private func prepareKept(_ target: GitRepository.Target, _ records: [HistoryRecord]) throws -> Preparation {
        do {
            return try kept { try prepare(target) }
        } catch let error as GitError {
            let record = records.last {
                $0.verb == .reconcile && $0.revision == target.commit && $0.result.isSuccess && !$0.manifests.isEmpty
            }
            guard let record else { throw error }
            return try prepare(record)
        }
    }

    private func prepare(_ record: HistoryRecord) throws -> Preparation {
        let sources = try HistoryAccess.sources(of: record, in: History(try global.folders()))
        return try kept { try Preparation.attempt(sources, named: [source.label], global) }
    }

    /// What was good once may not be with another version of bulkhead.
    private func kept(_ body: () throws -> Preparation) throws -> Preparation {
        do {
            return try body()
        } catch let rejected as Rejected {
            throw Objection(.manifests, target: nil, rejected.diagnostics)
        }
    }
}
