internal import ArgumentParser
internal import SystemCalls

/// `bulkhead watch`.
struct Watch: Verb {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Stay, and repair drift when the kernel reports it.",
        discussion:
            "Puts the manifests in force, and keeps them there until SIGTERM or SIGINT; SIGHUP reads them again. What somebody applies meanwhile is what is kept from then on."
    )

    @OptionGroup var paths: PathArguments
    @OptionGroup var global: GlobalOptions

    @Option(
        help: ArgumentHelp("How often to look for what the kernel does not report.", valueName: "time"))
    var interval = "60s"

    @Flag(help: "Instead of PATHs: keep what was applied last, by whomever.")
    var inForce = false

    func validate() throws {
        guard !inForce || paths.paths.isEmpty else { throw ValidationError("give either PATHs or --in-force") }
        guard !paths.paths.contains("-") else {
            throw ValidationError("standard input cannot be read again; give files or folders")
        }
    }

    func run() throws {
        let seconds = try TimeArgument.seconds(interval, "--interval")
        try Comparison.requireRights()
        // Before anything starts a thread, which would get them otherwise.
        let signals = try SignalQueue()
        try WatchLoop(global, paths: inForce ? [] : paths.chosen, interval: seconds, signals).run()
    }
}
