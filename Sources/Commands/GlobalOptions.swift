internal import ArgumentParser
internal import JSON
internal import Model
internal import Reconciler
internal import SystemCalls

/// What every verb understands.
struct GlobalOptions: ParsableArguments {
    /// How results are written.
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case text
        case json
    }

    /// What a user asks for; the last two are for one verb each.
    enum Output: String, ExpressibleByArgument, CaseIterable {
        case text
        case json
        case markdown
        case prometheus
    }

    @Option(help: ArgumentHelp("The Host whose share is meant; default: this machine's name.", valueName: "name"))
    var host: String?

    @Option(help: ArgumentHelp("Which set of objects is meant; others are never touched.", valueName: "name"))
    var scope = "default"

    @Option(
        help: ArgumentHelp("Folder for the lock and original settings (BULKHEAD_STATE_DIR).", valueName: "dir"),
        completion: .directory)
    var stateDir: String?

    @Option(
        help: ArgumentHelp("Folder of named network namespaces (BULKHEAD_NETNS_DIR).", valueName: "dir"),
        completion: .directory)
    var netnsDir: String?

    @Option(
        help: ArgumentHelp("Folder of files for processes in namespaces (BULKHEAD_NETNS_ETC_DIR).", valueName: "dir"),
        completion: .directory)
    var netnsEtcDir: String?

    @Option(
        help: ArgumentHelp("Folder of the sockets of FRR's daemons (BULKHEAD_FRR_DIR).", valueName: "dir"),
        completion: .directory)
    var frrDir: String?

    @Option(
        help: ArgumentHelp("Folder of the files that FRR starts from (BULKHEAD_FRR_ETC_DIR).", valueName: "dir"),
        completion: .directory)
    var frrEtcDir: String?

    @Option(
        name: .customLong("output"), help: "How results are written; markdown is for plan, prometheus for show.")
    var wantedOutput: Output = .text

    @Flag(help: "Say more, on standard error.")
    var verbose = false

    @Flag(help: "Say only what went wrong.")
    var quiet = false

    /// How results are written, for verbs that know two ways.
    var output: Format { wantedOutput == .json ? .json : .text }

    /// The folders, from options, environment, or defaults.
    func folders() throws -> Folders {
        let defaults = Folders()
        func choose(_ option: String?, _ variable: String, _ fallback: String) throws -> String {
            let chosen = option ?? Host.environment(variable).flatMap { $0.isEmpty ? nil : $0 } ?? fallback
            guard chosen.hasPrefix("/"), !chosen.split(separator: "/").contains("..") else {
                throw Complaint("'\(chosen.terminalSafe)' (\(variable)) must be an absolute path without '..'", .usage)
            }
            return chosen.count > 1 && chosen.hasSuffix("/") ? String(chosen.dropLast()) : chosen
        }
        return Folders(
            namespaces: try choose(netnsDir, "BULKHEAD_NETNS_DIR", defaults.namespaces),
            namespaceFiles: try choose(netnsEtcDir, "BULKHEAD_NETNS_ETC_DIR", defaults.namespaceFiles),
            state: try choose(stateDir, "BULKHEAD_STATE_DIR", defaults.state),
            routing: try choose(frrDir, "BULKHEAD_FRR_DIR", defaults.routing),
            routingFiles: try choose(frrEtcDir, "BULKHEAD_FRR_ETC_DIR", defaults.routingFiles))
    }

    /// The scope as a name.
    func scopeName() throws -> ObjectName {
        guard let name = ObjectName(scope) else {
            throw Complaint(
                "--scope '\(scope.terminalSafe)' must be a DNS-1123 label: 1 to 63 of a-z, 0-9 and -", .usage)
        }
        return name
    }

    /// Name of the Host.
    func hostName() -> String { host ?? Host.name() }

    /// Whether that is the machine that this runs on, and not one of others whose share is looked at from here.
    var isThisMachine: Bool { hostName() == Host.name() }

    /// Words for people about what happens; not results.
    func say(_ text: String) { if !quiet { Terminal.err(text + "\n") } }

    /// Says what may go wrong, however quiet.
    func warn(_ text: String) { Terminal.err("warning: \(text)\n") }
}

/// A verb with the options of all verbs.
protocol Verb: ParsableCommand {
    var global: GlobalOptions { get }
    /// In which ways it can write its results.
    static var outputs: [GlobalOptions.Output] { get }
}

extension Verb {
    static var outputs: [GlobalOptions.Output] { [.text, .json] }

    /// Refuses a way of writing results that the verb does not know.
    func checkOutput() throws {
        guard !Self.outputs.contains(global.wantedOutput) else { return }
        throw Complaint(
            "`bulkhead \(Self._commandName)` writes its results as \(Self.outputs.map(\.rawValue).joined(separator: " or ")), "
                + "not as \(global.wantedOutput.rawValue)", .usage)
    }
}

/// The PATHs of a verb.
struct PathArguments: ParsableArguments {
    @Argument(
        help: ArgumentHelp("Files, folders, or - for standard input; default: the current folder.", valueName: "path"),
        completion: .file())
    var paths: [String] = []

    /// As given, or the current folder.
    var chosen: [String] { paths.isEmpty ? ["."] : paths }
}
