internal import ArgumentParser
internal import JSON
internal import Model
internal import Planner
internal import Reconciler
internal import SystemCalls

/// `bulkhead doctor`.
struct Doctor: Verb {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Say what this kernel can do, who else manages networks here, what would clash, and the remedy.",
        discussion:
            "Changes nothing; what the kernel can do is tried in a scratch namespace. Status 1 where something is missing without which nothing works."
    )

    @Option(help: "Print a file by which networkmanager, networkd or udev leaves bulkhead's links alone.")
    var rules: UnmanagedRules?

    @Argument(
        help: ArgumentHelp(
            "Manifests that are going to be applied: what stands against that, and who else configures the uplinks that "
                + "they take.", valueName: "path"), completion: .file())
    var paths: [String] = []

    @OptionGroup var global: GlobalOptions

    func run() throws {
        // Who may not read the host gets the file for the names that bulkhead gives.
        let cards = ((try? Inventory.read(global))?.endpoints ?? []).map(\.outer.name)
        let others = UnmanagedRules.others(cards)
        if let rules { return Terminal.out(rules.text(others)) }
        try Comparison.requireRights()
        let folders = try global.folders()
        var findings = KernelCheck.findings(try KernelSurvey())
        let session = try HostSession(folders)
        findings += OwnerCheck(try HostSurvey(session), others: others).findings
        let nothing = DesiredState(scope: try global.scopeName(), host: global.hostName())
        let host = try Observer(session, desired: nothing).observe().state.host
        let (plan, objections) = try intent()
        findings += objections + UplinkCheck.all(host, taken: plan).flatMap(\.findings)
        findings += machine(folders)
        switch global.output {
        case .json:
            let document: JSON = [
                "format": "bulkhead.doctor/v1", "host": .string(global.hostName()),
                "findings": .array(findings.map(\.document)),
            ]
            Terminal.out(document.text(pretty: true))
        case .text:
            for finding in findings where !(global.quiet && finding.level == .ok) { Terminal.out(finding.text) }
        }
        if findings.contains(where: { $0.level == .problem }) { throw Finish(.failed) }
    }

    /// What an apply of the manifests would do, and what stands against it.
    private func intent() throws -> (plan: Plan?, objections: [Finding]) {
        guard !paths.isEmpty else { return (nil, []) }
        let prepared = try Preparation.load(paths, global)
        do {
            let comparison = try Comparison.attempt(
                prepared.state, sources: prepared.sources, global, try Comparison.options(global), warnsOfOthers: false)
            return (comparison.plan, [])
        } catch let rejected as Rejected {
            return (
                nil,
                rejected.diagnostics.filter { $0.severity == .error }.map {
                    Finding(level: .problem, subject: "manifests", message: $0.headline)
                }
            )
        }
    }

    /// What bulkhead itself needs of the machine.
    private func machine(_ folders: Folders) -> [Finding] {
        var result: [Finding] = []
        if MountView.isPrivate(folders.namespaces) {
            result.append(
                Finding(
                    level: .problem, subject: "namespaces",
                    message:
                        "this process has a mount namespace of its own: what it binds in \(folders.namespaces) would be invisible to everybody else",
                    remedy: ["nsenter --target 1 --mount bulkhead doctor"]))
        }
        let git = ["/usr/local/bin/git", "/usr/bin/git", "/bin/git"].contains { (try? Files.status($0)) != nil }
        if !git {
            result.append(
                Finding(
                    level: .note, subject: "git", message: "is not installed; `reconcile` needs it",
                    remedy: ["apt-get install git"]))
        }
        if let limit = HostSurvey.setting("user/max_net_namespaces").flatMap(Int.init), limit < 1000 {
            result.append(
                Finding(
                    level: .warning, subject: "namespaces",
                    message: "at most \(limit) network namespaces are allowed here",
                    remedy: ["sysctl -w user.max_net_namespaces=100000"]))
        }
        return result
    }
}
