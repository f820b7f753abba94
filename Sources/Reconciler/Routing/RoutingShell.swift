internal import Model
internal import SystemCalls

/// FRR's shell (`vtysh(1)`), by which its daemons are asked and configured. It is run with words, never with a line that
/// another shell reads, and nobody's terminal, history or pager is touched.
struct RoutingShell {
    private let program: String
    private let folders: Folders

    private static let places = ["/usr/bin", "/usr/local/bin", "/usr/lib/frr"]
    /// Bytes that an answer may have.
    private static let limit = 16 << 20

    /// Nil where there is none.
    init?(_ folders: Folders) {
        let found = Self.places.map { "\($0)/vtysh" }.first { (try? Files.status($0).kind) == .regular }
        guard let found else { return nil }
        program = found
        self.folders = folders
    }

    /// What to do where there is none.
    static let absence =
        "it is not installed: there is no vtysh in \(places.joined(separator: ", ")); install it (Debian: apt install frr)"

    /// What was asked, and what FRR said to it.
    struct Refusal: Error, Hashable, CustomStringConvertible {
        let operation: String
        let words: String

        var description: String { "\(operation): FRR says: \(words.terminalSafe)" }
    }

    /// Whether `bgpd` has a socket there, alive or not.
    static func hasSocket(_ folders: Folders) -> Bool { (try? Files.status("\(folders.routing)/bgpd.vty")) != nil }

    /// The answers to commands of the shell, one after the other.
    func ask(_ commands: [String], _ operation: String) throws -> String { try run([], commands, operation) }

    /// Has `bgpd` take lines of configuration; it stops at the first that it refuses.
    func configure(_ lines: [String]) throws {
        _ = try run(["-d", "bgpd"], ["configure terminal"] + lines, "configure bgpd")
    }

    private func run(_ options: [String], _ commands: [String], _ operation: String) throws -> String {
        var process = Subprocess(
            program,
            ["--vty_socket", folders.routing, "--config_dir", folders.routingFiles] + options
                + commands.flatMap { ["-c", $0] },
            environment: ["PATH=/usr/bin:/bin", "LC_ALL=C", "HOME=/nonexistent", "VTYSH_PAGER=/bin/cat"])
        process.outputLimit = Self.limit
        let result = try process.run()
        let output = String(decoding: result.output, as: UTF8.self)
        guard result.ending == .exited(0) else {
            throw Refusal(operation: operation, words: Self.words(result.ending, output, result.errors))
        }
        return output
    }

    /// The last that it said: what came before are answers, or warnings of its own files.
    private static func words(_ ending: Subprocess.Ending, _ output: String, _ errors: [UInt8]) -> String {
        let lines = (String(decoding: errors, as: UTF8.self) + "\n" + output).split(separator: "\n")
            .filter { !$0.hasPrefix("% Can't open configuration file") }
        switch ending {
        case .exited(let status): return lines.last.map(String.init) ?? "nothing, with status \(status)"
        case .signalled(let signal): return "nothing: signal \(signal) ended vtysh"
        case .wroteTooMuch, .saidTooMuch: return "more than \(limit) bytes"
        case .tookTooLong: return "nothing within a minute"
        }
    }
}
