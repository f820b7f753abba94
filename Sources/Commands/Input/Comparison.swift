internal import Addressing
internal import Firewall
internal import Manifest
internal import Model
internal import Planner
internal import Reconciler
internal import SystemCalls

/// Live state read and compared with the manifests: what `plan`, `apply`, `drift` and `destroy` have in common.
struct Comparison {
    var plan: Plan
    let observed: ObservedState
    /// The scope's tables as they are.
    let firewall: Ruleset
    let session: HostSession?
    let options: PlanOptions

    /// Whether the process may read and write the kernel's network state; ends with the remedy where not.
    static func requireRights() throws {
        guard Host.mayConfigure() else {
            throw Complaint(
                "bulkhead needs CAP_NET_ADMIN and CAP_SYS_ADMIN to read and change network namespaces; run it as root (`sudo`)"
            )
        }
    }

    /// A session that reads the firewall while the manifests are read; nil where there is none to be had, which whoever
    /// needs one says why. One that is for a change listens from now on to what else changes.
    static func sessionAhead(_ global: GlobalOptions, forChange isForChange: Bool = false) -> HostSession? {
        guard Host.mayConfigure(), let folders = try? global.folders(), let scope = try? global.scopeName(),
            let session = try? HostSession(folders)
        else { return nil }
        if isForChange { session.beginVigil() }
        session.readAhead(scope)
        return session
    }

    /// Reads the host and plans; `preparation.warnings` become warnings of the plan.
    static func live(
        _ desired: DesiredState, warnings: [Diagnostic] = [], sources: [SourceText], _ global: GlobalOptions,
        _ options: PlanOptions, session: HostSession? = nil
    ) throws -> Comparison {
        try Rejected.told(global) {
            try attempt(desired, warnings: warnings, sources: sources, global, options, session: session)
        }
    }

    /// The same, but what stands against it is thrown (`Rejected`) and not printed. Who compares time and again needs no
    /// warnings of others' rules each time.
    static func attempt(
        _ desired: DesiredState, warnings: [Diagnostic] = [], sources: [SourceText], _ global: GlobalOptions,
        _ options: PlanOptions, session: HostSession? = nil, warnsOfOthers: Bool = true
    ) throws -> Comparison {
        try requireRights()
        let session = try session ?? HostSession(try global.folders())
        let observation = try observe(session, desired, global)
        let others = warnsOfOthers ? foreignDrops(desired, session, observation.state) : []
        return try make(
            desired, warnings: warnings + KernelLog.warnings(desired) + others,
            sources: sources, options, observation.state, observation.firewall, session)
    }

    /// A card may end in a namespace of others that the manifests adopted before and do not name any more. What it was like
    /// in there must be known to make it again.
    private static func observe(_ session: HostSession, _ desired: DesiredState, _ global: GlobalOptions) throws
        -> Observation
    {
        let observation = try Observer(session, desired: desired).observe()
        guard !Adoptions.unknown(observation.state, scope: desired.scope).isEmpty else { return observation }
        let strays = try Adoptions.strays(observation.state, scope: desired.scope, in: session)
        let paths = Set(try Adoptions.read(global).paths + strays).sorted()
        return paths.isEmpty ? observation : try Observer(session, desired: desired, adopted: paths).observe()
    }

    /// Chains of others that may drop what the manifests allow; a host that has none of our networks is as it was.
    private static func foreignDrops(
        _ desired: DesiredState, _ session: HostSession, _ observed: ObservedState
    ) -> [Diagnostic] {
        guard !desired.networks.isEmpty else { return [] }
        do {
            return ForwardDrops(try HostSurvey(session, links: observed.host.links.map(\.name))).warnings
        } catch {
            return [
                Diagnostic(
                    .warning, "whether chains of others drop what the manifests allow could not be read: \(error)",
                    at: nil)
            ]
        }
    }

    /// Plans against a host with nothing on it.
    static func empty(
        _ desired: DesiredState, warnings: [Diagnostic], sources: [SourceText], _ global: GlobalOptions,
        _ options: PlanOptions
    ) throws -> Comparison {
        try Rejected.told(global) {
            try make(desired, warnings: warnings, sources: sources, options, .empty, Ruleset(), nil)
        }
    }

    /// Plans against a host whose state was saved.
    static func saved(
        _ state: StateFile, _ desired: DesiredState, warnings: [Diagnostic], sources: [SourceText],
        _ global: GlobalOptions, _ options: PlanOptions
    ) throws -> Comparison {
        try Rejected.told(global) {
            try make(desired, warnings: warnings, sources: sources, options, state.observed, state.firewall, nil)
        }
    }

    private static func make(
        _ desired: DesiredState, warnings: [Diagnostic], sources: [SourceText], _ options: PlanOptions,
        _ observed: ObservedState, _ firewall: Ruleset, _ session: HostSession?
    ) throws -> Comparison {
        do throws(Planner.Failure) {
            var plan = try Planner.plan(
                desired: desired, observed: observed, firewall: firewall, options: options,
                aside: { session?.aside($0) ?? $0 })
            plan.warnings = warnings + plan.warnings
            return Comparison(
                plan: plan, observed: observed, firewall: firewall, session: session, options: options)
        } catch {
            throw Rejected(diagnostics: warnings + error.diagnostics, sources: sources)
        }
    }

    /// Options of a plan on this machine.
    static func options(_ global: GlobalOptions) throws -> PlanOptions {
        let session = session()
        return PlanOptions(
            netnsEtcDirectory: try global.folders().namespaceFiles, session: session?.server,
            sessionClient: session?.client, sessionLink: session?.link)
    }

    /// The same where nobody is there to be told: what waits for others is left out.
    static func unattendedOptions(_ global: GlobalOptions) throws -> PlanOptions {
        var options = try options(global)
        options.leavesAbsent = true
        return options
    }

    /// `SSH_CONNECTION` is `CLIENT PORT SERVER PORT`; behind `sudo` it is the shell's. Link-local addresses have the interface
    /// behind them (`fe80::1%eth1`).
    private static func session() -> (server: Listener, client: IPAddress, link: String?)? {
        let parts = (Host.inheritedEnvironment("SSH_CONNECTION") ?? "").split(separator: " ")
        guard parts.count == 4, let port = UInt16(parts[3]),
            let (address, _) = scoped(parts[2]), let (client, link) = scoped(parts[0])
        else { return nil }
        return (Listener(transport: .tcp, address: address, port: port), client, link)
    }

    /// An address, and its zone.
    private static func scoped(_ text: Substring) -> (address: IPAddress, zone: String?)? {
        let parts = text.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let address = IPAddress(first) else { return nil }
        if parts.count == 1 { return (address, nil) }
        guard address.isLinkLocal, address.family == .ipv6, !parts[1].isEmpty else { return nil }
        return (address, String(parts[1]))
    }

    /// A warning where the PATHs are not those of the scope's last apply: what they leave out would be deleted.
    static func pathWarning(
        _ paths: [String], _ global: GlobalOptions, _ verb: HistoryRecord.Verb = .apply
    ) throws -> [Diagnostic] {
        let given = resolved(paths)
        guard let last = StateFolder.lastPaths(try global.folders(), scope: try global.scopeName()), last != given
        else { return [] }
        let message =
            "scope \(global.scope.terminalSafe) was last applied from \(last.map(\.terminalSafe).joined(separator: ", ")), now "
            + "from \(given.map(\.terminalSafe).joined(separator: ", ")); what these do not declare is deleted (a --scope of its "
            + "own\(verb == .apply ? ", or --no-prune, keeps" : " keeps") it)"
        return [Diagnostic(.warning, message, at: nil)]
    }

    /// Absolute, so that the same folder given in another way is the same.
    static func resolved(_ paths: [String]) -> [String] { paths.map { (try? Files.realPath($0)) ?? $0 } }
}
