internal import JSON
internal import Model
internal import Planner
internal import SystemCalls

/// A saved plan as a file: `plan --out FILE`, `apply FILE`.
enum PlanFile {
    /// Largest file that is read.
    private static let limit = 256 << 20

    /// Writes the plan whole and at once, readable by its owner alone: it holds everything about the network.
    static func write(_ plan: Plan, to file: String, paths: [String], options: PlanOptions) throws {
        guard !paths.contains("-") else {
            throw Complaint("a plan from standard input cannot be saved: apply reads the manifests again", .usage)
        }
        if let status = try? Files.status(file), status.kind != .regular {
            throw Complaint("--out '\(file.terminalSafe)' is no regular file", .usage)
        }
        let saved = SavedPlan(
            plan: plan, bulkhead: Version.number, paths: Comparison.resolved(paths), prunes: options.prunes,
            adopts: options.adopts.sorted())
        let text = try saved.document(readable: PlanDocument.make(plan)).text(pretty: true)
        try Files.writeAtomically(file, Array(text.utf8), mode: 0o600)
    }

    /// The one PATH that is a saved plan, damaged or not; nil where the PATHs are manifests.
    static func find(_ paths: [String]) -> String? {
        guard paths.count == 1, let path = paths.first, path != "-", let status = try? Files.status(path),
            status.kind == .regular, let prefix = try? Files.readPrefix(path, limit: 4096), SavedPlan.isMeant(prefix)
        else { return nil }
        return path
    }

    /// Reads a saved plan for this host and scope.
    static func read(_ path: String, _ global: GlobalOptions) throws -> SavedPlan {
        let saved: SavedPlan
        do {
            saved = try SavedPlan(reading: try Files.read(path, limit: limit))
        } catch let error as SavedPlanError {
            throw refusal(path, error.description)
        }
        guard saved.bulkhead == Version.number else {
            throw refusal(path, "bulkhead \(saved.bulkhead.terminalSafe) made it, and this is \(Version.number)")
        }
        guard saved.plan.host == global.hostName() else {
            throw refusal(
                path, "it is for host \(saved.plan.host.terminalSafe), and this is \(global.hostName().terminalSafe)")
        }
        guard saved.plan.scope == (try global.scopeName()) else {
            throw refusal(
                path,
                "it is for scope \(saved.plan.scope), and this run is for \(global.scope.terminalSafe); add --scope")
        }
        return saved
    }

    /// The same plan must come out again: then neither manifests nor live state have moved.
    static func check(_ saved: SavedPlan, against fresh: Plan, _ path: String) throws {
        guard saved.plan.manifestFingerprint == fresh.manifestFingerprint else {
            throw refusal(path, "the manifests have changed since it was made")
        }
        let before = saved.plan.withoutPlaces.steps
        let after = fresh.withoutPlaces.steps
        if let step = after.first(where: { !before.contains($0) }) {
            throw refusal(path, "the host has changed since it was made: \(step.summary) (\(step.reason))")
        }
        if let step = before.first(where: { !after.contains($0) }) {
            throw refusal(path, "the host has changed since it was made: nothing more to do for '\(step.summary)'")
        }
        guard before == after else {
            throw refusal(path, "the host has changed since it was made")
        }
    }

    private static func refusal(_ path: String, _ reason: String) -> Complaint {
        Complaint(
            "the saved plan \(path.terminalSafe) is refused: \(reason.terminalSafe); nothing was changed, so look at "
                + "`bulkhead plan` again")
    }
}
