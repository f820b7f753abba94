internal import ArgumentParser
internal import Git
internal import JSON
internal import Model
internal import Reconciler
internal import SystemCalls

/// `bulkhead reconcile`.
struct Reconcile: Verb {
    static let configuration = CommandConfiguration(
        commandName: "reconcile",
        abstract: "One GitOps round: fetch, check, apply, record.",
        discussion:
            "For cron or a timer. A bad commit changes nothing: the last good one stays in force, its drift is repaired, and the status is 1. Nothing of the repository is run or checked out."
    )

    @Option(
        help: ArgumentHelp("A folder, or an address by https or ssh.", valueName: "dir|url"), completion: .directory)
    var repo: String

    @Option(help: ArgumentHelp("Branch, tag or commit.", valueName: "name"))
    var ref = "main"

    @Option(help: ArgumentHelp("Folder of the repository that holds the manifests.", valueName: "dir"))
    var path = "."

    @Flag(help: "Refuse commits without a good signature of a known signer.")
    var verifySignatures = false

    @Option(help: ArgumentHelp("SSH keys whose signatures count.", valueName: "file"), completion: .file())
    var allowedSigners = "/etc/bulkhead/allowed_signers"

    @Option(help: ArgumentHelp("OpenPGP keyring whose signatures count.", valueName: "dir"), completion: .directory)
    var keyring = "/etc/bulkhead/gnupg"

    @Flag(help: "Judge a commit anew that was found bad, or that somebody went back from.")
    var retry = false

    @Flag(help: "Do not ask the repository: put the last good commit in force again, as at boot.")
    var offline = false

    @Flag(help: "Allow deleting more than half, and more than five, of the scope's objects.")
    var allowMassDelete = false

    @OptionGroup var global: GlobalOptions

    func run() throws {
        let start = Occasion.Start()
        let folder = RoundFolder(try global.folders(), scope: try global.scopeName())
        if let suspension = folder.suspension() { return SuspensionWords.tell(suspension, global) }
        let source = try self.source()
        try Comparison.requireRights()
        guard case .begun(let lock) = try begin(folder) else { return }
        defer { lock.release() }
        var (status, problem) = folder.status()
        if let problem { Terminal.err("warning: what the last round knew cannot be read: \(problem)\n") }
        let round = try Round(global, source, retries: retry, allowsMassDeletion: allowMassDelete)
        if offline { return try tellRestored(round.restore(status), source, start) }
        guard let report = try round.run(&status) else {
            return folder.suspension().map { SuspensionWords.tell($0, global) } ?? ()
        }
        remember(report, source, start, &status, folder)
        tell(report, source, start)
        if report.status != .done { throw Finish(report.status) }
    }

    /// Mistakes of the command line are wrong usage; a folder that is not there, or not ours, is not.
    private func source() throws -> RoundSource {
        do {
            let signers = Signers(
                allowedSigners: try absolute(allowedSigners, "--allowed-signers"),
                keyring: try absolute(keyring, "--keyring"))
            return RoundSource(
                address: try RepositoryAddress(repo), reference: try GitReference(ref), path: try GitPath(path),
                signers: verifySignatures ? signers : nil)
        } catch let error as GitError {
            throw Complaint(error.description, error.kind == .usage ? .usage : .failed)
        }
    }

    private func absolute(_ path: String, _ option: String) throws -> String {
        guard path.hasPrefix("/") else {
            throw Complaint("\(option) '\(path.terminalSafe)' must be an absolute path", .usage)
        }
        return path
    }

    /// A repair of `watch` is over in a moment, and no reason to leave a new commit to the next round.
    private func begin(_ folder: RoundFolder) throws -> RoundFolder.Beginning {
        var holder = ""
        for _ in 0..<100 {
            let beginning = try folder.begin()
            guard case .held(let other) = beginning else { return beginning }
            holder = other
            Detachment.pause(milliseconds: 50)
        }
        throw Complaint(
            "another round of scope \(global.scope), or a repair of `watch`, is under way (\(holder.terminalSafe)); nothing was "
                + "changed", .locked)
    }

    private func remember(
        _ report: RoundReport, _ source: RoundSource, _ start: Occasion.Start, _ status: inout RoundStatus,
        _ folder: RoundFolder
    ) {
        status.repository = source.address.description
        status.reference = source.reference.description
        status.path = source.path.description
        let round = RoundStatus.Round(
            ended: Host.now(), milliseconds: start.milliseconds, result: report.result, commit: report.commit)
        status.last = round
        if report.result.isSuccess { status.success = round }
        do {
            try folder.write(status)
        } catch {
            Terminal.err("warning: what this round knows could not be written: \(Failures.text(error))\n")
        }
    }

    private func tellRestored(_ report: RoundReport?, _ source: RoundSource, _ start: Occasion.Start) throws {
        guard var report else {
            guard global.output == .text else { return tell(RoundReport(result: .inSync), source, start) }
            return global.say("reconcile \(global.scope): no commit was in force yet; nothing was changed")
        }
        report.commit = report.enforced
        tell(report, source, start)
        if report.status != .done { throw Finish(report.status) }
    }

    private func tell(_ report: RoundReport, _ source: RoundSource, _ start: Occasion.Start) {
        switch global.output {
        case .json:
            Terminal.tell(report.document(source, global, milliseconds: start.milliseconds).text())
            Terminal.tell("\n")
        case .text:
            if global.verbose { for item in report.errors { Terminal.err(item.headline + "\n") } }
            for item in report.warnings { Terminal.err(item.headline + "\n") }
            if global.quiet && report.result.isSuccess { return }
            report.logLine(source, global, milliseconds: start.milliseconds).tell()
        }
    }
}
