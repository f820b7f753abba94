internal import Model
internal import SystemCalls

/// The `git` program, run so that nothing but its arguments decides what it does.
///
/// Neither settings of the machine, of the user or of a repository are obeyed, no hook, filter, helper or submodule is
/// run, and nobody is asked for anything.
struct GitProgram: Sendable {
    /// The bare repository that every command works in.
    let folder: String
    private let program: String

    private static let places = ["/usr/local/bin", "/usr/bin", "/bin"]

    init(folder: String) throws(GitError) {
        let found = Self.places.map { "\($0)/git" }.first { (try? Files.status($0).kind) == .regular }
        guard let found else {
            throw GitError(.unavailable, "there is no git in \(Self.places.joined(separator: ", ")); install it")
        }
        self.folder = folder
        program = found
    }

    private static let settings = [
        "core.hooksPath=/dev/null", "core.fsmonitor=false", "core.attributesFile=/dev/null", "credential.helper=",
        "fetch.fsckObjects=true", "fetch.unpackLimit=1", "fetch.recurseSubmodules=false", "submodule.recurse=false",
        "gc.auto=0", "maintenance.auto=false", "fetch.writeCommitGraph=false", "gpg.x509.program=/bin/false",
        "protocol.version=2", "protocol.allow=never",
    ]

    /// Variables that say where things are and not what is to be done.
    private static let inherited = [
        "HOME", "SSH_AUTH_SOCK", "SUDO_UID", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy",
        "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO",
    ]

    /// The arguments are options and names that were checked; `transport` is the only one that may be used.
    func command(
        _ arguments: [String], transport: RepositoryAddress.Transport? = nil, settings: [String] = [],
        environment: [String] = []
    ) -> Subprocess {
        let allowed = transport.map { ["protocol.\($0.rawValue).allow=always"] } ?? []
        let options = (Self.settings + allowed + settings).flatMap { ["-c", $0] }
        let fixed = [
            "PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C.UTF-8", "GIT_DIR=\(folder)", "GIT_CONFIG_NOSYSTEM=1",
            "GIT_CONFIG_GLOBAL=/dev/null", "GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=/bin/false", "SSH_ASKPASS=/bin/false",
            "GIT_NO_REPLACE_OBJECTS=1", "GIT_NO_LAZY_FETCH=1", "GIT_OPTIONAL_LOCKS=0", "GIT_PROTOCOL_FROM_USER=0",
            "GIT_SSH_COMMAND=ssh -o BatchMode=yes", "GIT_SSH_VARIANT=ssh",
            "GIT_ALLOW_PROTOCOL=\(transport?.rawValue ?? "")",
        ]
        let passed = Self.inherited.compactMap { name in Host.environment(name).map { "\(name)=\($0)" } }
        return Subprocess(program, options + arguments, environment: fixed + passed + environment)
    }

    /// What it printed, if it ended well.
    func output(_ command: Subprocess, _ what: String) throws(GitError) -> [UInt8] {
        try output(try run(command, what), of: command, what)
    }

    /// The same of a command that was run already.
    func output(_ result: Subprocess.Result, of command: Subprocess, _ what: String) throws(GitError) -> [UInt8] {
        switch result.ending {
        case .exited(0): return result.output
        case .exited(let status):
            let words = GitWords(result.errors)
            let reason = words.text.isEmpty ? "it did not say why" : words.text + words.remedy
            throw GitError(.unavailable, "\(what): git ended with \(status): \(reason)")
        case .signalled(let number): throw GitError(.unavailable, "\(what): git was ended by signal \(number)")
        case .wroteTooMuch:
            let limit = (command.fileSizeLimit ?? 0) >> 20
            throw GitError(.tooLarge, "\(what): it is larger than \(limit) MiB")
        case .saidTooMuch:
            throw GitError(.tooLarge, "\(what): git's answer is longer than \(command.outputLimit >> 20) MiB")
        case .tookTooLong:
            throw GitError(.unavailable, "\(what): git took longer than \(command.secondsLimit) s, and was ended")
        }
    }

    func run(_ command: Subprocess, _ what: String) throws(GitError) -> Subprocess.Result {
        do throws(SystemError) {
            return try command.run()
        } catch {
            throw GitError(.unavailable, "\(what): \(error)")
        }
    }
}
