internal import Model
internal import SystemCalls

/// Reads what FRR has of bulkhead.
struct RoutingReading {
    private let folders: Folders
    /// Bytes of a file that FRR starts from.
    static let limit = 16 << 20
    /// Its names, that for all daemons first.
    private static let files = ["frr.conf", "bgpd.conf"]

    init(_ folders: Folders) { self.folders = folders }

    /// Where it is wanted, with what keeps it from being used; else what is left of it, nil for nothing.
    func read(isWanted: Bool) throws -> ObservedRouting? {
        guard isWanted else { return remains() }
        guard let shell = RoutingShell(folders) else { return ObservedRouting(problem: RoutingShell.absence) }
        var result = ObservedRouting()
        let running = try? answer(shell)
        result.running = running?.configuration
        guard let daemons = running?.daemons, daemons.contains("bgpd"), daemons.contains("zebra") else {
            let silent = ["zebra", "bgpd"].filter { !(running?.daemons.contains($0) ?? false) }
            result.problem =
                "\(silent.joined(separator: " and ")) "
                + "\(silent.count == 1 ? "does" : "do") not answer in \(folders.routing.terminalSafe); set `bgpd=yes` in "
                + "\(folders.routingFiles.terminalSafe)/daemons and start it (`systemctl restart frr`)"
            return result
        }
        let startup = try startupFile()
        guard let startup else {
            result.problem =
                "there is no \(folders.routingFiles.terminalSafe)/frr.conf, from which bgpd would have its part when it is "
                + "started again; make one (`install -o frr -g frr -m 640 /dev/null "
                + "\(folders.routingFiles.terminalSafe)/frr.conf`)"
            return result
        }
        result.startupFile = startup.path
        switch startup.content {
        case nil:
            result.problem =
                "\(startup.path.terminalSafe) is no regular file of at most \(Self.limit >> 20) MiB; make it one"
        case let text?: result.startup = RoutingConfiguration(text)
        }
        return result
    }

    /// FRR that is not there, or does not answer, has nothing of ours.
    private func remains() -> ObservedRouting? {
        let startup = (try? startupFile()) ?? nil
        let written = startup?.content.map { RoutingConfiguration($0) }
        var running: RoutingConfiguration?
        if RoutingShell.hasSocket(folders), let shell = RoutingShell(folders) {
            running = (try? answer(shell))?.configuration
        }
        guard written?.part != nil || running?.part != nil else { return nil }
        return ObservedRouting(running: running, startup: written, startupFile: startup?.path)
    }

    private func answer(_ shell: RoutingShell) throws -> (daemons: [Substring], configuration: RoutingConfiguration?) {
        let text = try shell.ask(["show daemons", "show running-config"], "read FRR's configuration")
        let lines = text.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
        let daemons = (lines.first ?? "").split(separator: " ")
        return (daemons, daemons.contains("bgpd") ? RoutingConfiguration(lines.last ?? "") : nil)
    }

    /// What `bgpd` does now, for a change of it.
    func running() throws -> RoutingConfiguration {
        guard let shell = RoutingShell(folders) else { throw StateError("FRR: \(RoutingShell.absence)") }
        guard let configuration = try answer(shell).configuration else {
            throw StateError("bgpd does not answer in \(folders.routing.terminalSafe); start it")
        }
        return configuration
    }

    /// The file that FRR starts from: the first that is there. Its contents are nil where it is no file that can be replaced.
    func startupFile() throws -> (path: String, content: String?)? {
        for name in Self.files {
            let path = "\(folders.routingFiles)/\(name)"
            switch try Files.readBeneath(folders.routingFiles, name, limit: Self.limit) {
            case .missing: continue
            case .other, .large: return (path, nil)
            case .file(let bytes): return (path, String(validating: bytes, as: UTF8.self))
            }
        }
        return nil
    }
}
