public import ArgumentParser
internal import SystemCalls

/// The command line.
public struct Bulkhead: ParsableCommand {
    /// Name, verbs and help.
    public static let configuration = CommandConfiguration(
        commandName: "bulkhead",
        abstract: "Declarative container networking for Linux: manifests in, kernel state out.",
        discussion: "PATHs are files, folders or - for standard input; the default is the current folder.",
        version: Version.text,
        subcommands: [
            Validate.self, PlanVerb.self, Apply.self, Confirm.self, Revert.self, Destroy.self, GuardVerb.self,
            Drift.self, Show.self, Doctor.self, Import.self, Exec.self, Trace.self, GraphVerb.self,
            Verify.self, Reconcile.self, Watch.self, Suspend.self, Resume.self, HistoryVerb.self, Rollback.self,
            Explain.self,
            Schema.self,
        ])

    /// For the argument parser.
    public init() {}

    /// Runs the command line of the process and ends it with the status that `docs/cli.md` gives.
    public static func start() -> Never {
        Host.keepMemory()
        Host.ignoreRefusedWrites()
        Host.unblockTermination()
        // Swift's run-time library has them from /proc. Without it every command line would look empty, and `drift` would
        // end with 0, as if all were in sync.
        guard !CommandLine.arguments.isEmpty else {
            Terminal.err("bulkhead: the command line cannot be read from /proc/self/cmdline; is /proc mounted?\n")
            Host.exit(ExitStatus.failed.rawValue)
        }
        do {
            var command = try parseAsRoot()
            if let verb = command as? any Verb { try verb.checkOutput() }
            try command.run()
            Host.exit(ExitStatus.done.rawValue)
        } catch {
            Host.exit(status(of: error))
        }
    }

    private static func status(of error: any Error) -> Int32 {
        switch error {
        case let finish as Finish: return finish.status.rawValue
        case let finish as MonitoringFinish: return finish.status
        case let finish as ExecFinish: return finish.status
        case let complaint as Complaint:
            Terminal.err("bulkhead: \(complaint.message)\n")
            return complaint.status.rawValue
        case _ where isParserError(error):
            let code = exitCode(for: error)
            let text = fullMessage(for: error)
            guard code != .success else {
                Terminal.out(text + "\n")
                return ExitStatus.done.rawValue
            }
            Terminal.err(text + "\n")
            return ExitStatus.usage.rawValue
        case _:
            Terminal.err("bulkhead: \(Failures.text(error))\n")
            return ExitStatus.failed.rawValue
        }
    }

    /// Errors of the parser, help and version among them, have a status of their own; all others count as 1.
    private static func isParserError(_ error: any Error) -> Bool { exitCode(for: error) != .failure }
}
