internal import Manifest
internal import Model
internal import Planner
internal import Reconciler
internal import SystemCalls

/// A change that is about to begin under guard.
struct PendingStart {
    let folder: PendingFolder
    let change: PendingChange
    let journal: Journal

    /// Writes the change down and starts its guard; nothing is written to the kernel before the guard is at its post.
    static func begin(
        _ confirmation: Confirmation, _ comparison: Comparison, _ start: StartingPoint, _ occasion: Occasion,
        number: Int?, _ global: GlobalOptions
    ) throws -> PendingStart {
        let folders = try global.folders()
        let folder = PendingFolder(folders)
        let plan = comparison.plan
        let change = PendingFolder.newChange(
            scope: plan.scope, host: plan.host, seconds: confirmation.seconds, number: number,
            manifests: occasion.manifests.map(\.name))
        let saved = SavedPlan(
            plan: plan, bulkhead: Version.number, paths: occasion.paths, prunes: comparison.options.prunes,
            adopts: comparison.options.adopts.sorted())
        do {
            let journal = try folder.begin(
                change, saved, start: start, readable: PlanDocument.make(plan),
                manifests: occasion.manifests.map(\.bytes))
            try startGuard(change, folders, global)
            try waitForGuard(folder)
            return PendingStart(folder: folder, change: change, journal: journal)
        } catch {
            try? folder.end(change, as: .withdrawn)
            throw Complaint("the change could not be put under guard: \(Failures.text(error)); nothing was changed")
        }
    }

    private static func startGuard(_ change: PendingChange, _ folders: Folders, _ global: GlobalOptions) throws {
        let arguments = [
            "guard", change.id, "--state-dir", folders.state, "--netns-dir", folders.namespaces, "--netns-etc-dir",
            folders.namespaceFiles, "--frr-dir", folders.routing, "--frr-etc-dir", folders.routingFiles, "--scope",
            change.scope.text, "--host", change.host,
        ]
        guard Detachment.isUnderSystemd else { return try Detachment.spawnSelf(arguments) }
        // A unit of its own outlives the log-out of whoever started it, and the end of the service it was started in.
        let unit = [
            "--quiet", "--collect", "--unit=bulkhead-guard-\(change.id)",
            "--description=Undoes a change of bulkhead unless it is confirmed", "--property=KillMode=process", "--",
            try Detachment.programPath(),
        ]
        let status = (try? Host.run("/usr/bin/systemd-run", unit + arguments)) ?? 127
        guard status != 0 else { return }
        global.warn(
            "systemd-run ended with status \(status), so the guard ends with the session or service that this "
                + "runs in, if that kills what it leaves behind")
        try Detachment.spawnSelf(arguments)
    }

    private static func waitForGuard(_ folder: PendingFolder) throws {
        for _ in 0..<750 {
            if folder.isGuarded() { return }
            Detachment.pause(milliseconds: 20)
        }
        throw Complaint("its guard did not take its post within 15 s")
    }
}
