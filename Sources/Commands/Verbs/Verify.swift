internal import Addressing
internal import ArgumentParser
internal import JSON
internal import Model
internal import Reachability
internal import Reconciler

/// `bulkhead verify`.
struct Verify: Verb {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Try the connections for real and compare with trace.",
        discussion:
            "Between all endpoints and the host: TCP, UDP and ping, at the ports where the policies change their mind, with "
            + "short-lived listeners of its own. Ports that are in use are left alone. Nothing outside this host is tried. The "
            + "status is 2 where a connection does not do what the manifests say.")

    @OptionGroup var paths: PathArguments
    @OptionGroup var global: GlobalOptions

    @Option(help: ArgumentHelp("Most connections that are tried.", valueName: "count"))
    var limit = 1000

    @Option(
        help: ArgumentHelp(
            "Which ones are tried, where there are more; the same seed tries the same.", valueName: "number"))
    var seed: UInt64 = 0

    func run() throws {
        guard limit > 0 else { throw Complaint("--limit must be at least 1", .usage) }
        let prepared = try Preparation.load(paths.chosen, global)
        try Comparison.requireRights()
        let session = try HostSession(try global.folders())
        let selection = ProbeSelection(
            prepared.state, limit: limit, seed: seed, hostAddresses: try LocalAddresses.read())
        let result = try Verification(prepared.state, selection, Prober(session))
        switch global.output {
        case .text: Terminal.out(VerifyText.render(result, seed: seed))
        case .json:
            Terminal.out(VerifyDocument.make(result, host: prepared.state.host, seed: seed).text(pretty: true))
        }
        if !result.disagreements.isEmpty { throw Finish(.differs) }
    }
}
