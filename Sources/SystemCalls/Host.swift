internal import CLinuxShims
internal import Glibc

/// The process and the machine it runs on.
public enum Host {
    /// Node name up to its first dot, in lower case.
    public static func name() -> String {
        var info = utsname()
        guard unsafe uname(&info) == 0 else { return "localhost" }
        let full = unsafe withUnsafeBytes(of: info.nodename) { raw in
            unsafe String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
        }
        return full.lowercased().split(separator: ".").first.map(String.init) ?? "localhost"
    }

    /// A variable of the environment.
    public static func environment(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }

    /// A variable of the environment, or else that of the nearest process above that has it: `sudo` passes few on. Who may
    /// write there may as well set the variable for this process.
    public static func inheritedEnvironment(_ name: String) -> String? {
        if let value = environment(name) { return value }
        let prefix = Array("\(name)=".utf8)
        var process = Int(getppid())
        for _ in 0..<64 where process > 1 {
            let variables = ((try? Files.read("/proc/\(process)/environ", limit: 4 << 20)) ?? []).split(separator: 0)
            if let found = variables.first(where: { $0.starts(with: prefix) }) {
                return String(decoding: found.dropFirst(prefix.count), as: UTF8.self)
            }
            // `pid (name) state parent …`, where the name may hold anything.
            guard let text = try? Files.readText("/proc/\(process)/stat"), let end = text.lastIndex(of: ")") else {
                break
            }
            let fields = text[end...].split(separator: " ")
            guard fields.count > 2, let parent = Int(fields[2]) else { break }
            process = parent
        }
        return nil
    }

    /// Whether the process may configure networks: `CAP_NET_ADMIN` (12) and `CAP_SYS_ADMIN` (21).
    public static func mayConfigure() -> Bool {
        let wanted: UInt64 = 1 << 12 | 1 << 21
        return bulkhead_effective_capabilities() & wanted == wanted
    }

    /// The Git commit that this program was built from, `-dirty` behind it where files had changed since; nil where the
    /// build was not told.
    public static var buildCommit: String? {
        guard let text = unsafe bulkhead_commit() else { return nil }
        let commit = unsafe String(cString: text)
        return commit.isEmpty ? nil : commit
    }

    /// Number of the user who runs this process (`geteuid(2)`).
    public static var userID: UInt32 { geteuid() }

    /// Process id.
    public static var processID: Int32 { getpid() }

    /// Who asked: the user behind `sudo`, else the name of the process's user.
    public static func userName() -> String {
        if let name = environment("SUDO_USER"), !name.isEmpty { return name }
        let number = getuid()
        let users = (try? Files.readText("/etc/passwd", limit: 1 << 20)) ?? ""
        for line in users.split(separator: "\n") {
            let fields = line.split(separator: ":", omittingEmptySubsequences: false)
            if fields.count > 2, fields[2] == "\(number)" { return String(fields[0]) }
        }
        return "uid \(number)"
    }

    /// Processors that may be used, at least 1.
    public static var processorCount: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }

    /// Whether a standard descriptor is a terminal.
    public static func isTerminal(_ number: Int32) -> Bool { isatty(number) == 1 }

    /// Writes to standard output (1) or error (2); a closed pipe is reported, not a signal.
    public static func write(_ text: String, to number: Int32) throws(SystemError) {
        try Files.writeAll(number, Array(text.utf8), number == 1 ? "standard output" : "standard error")
    }

    /// Reads standard input to its end.
    public static func readStandardInput(limit: Int) throws(SystemError) -> [UInt8] {
        let number = try valueOrError("dup", "standard input") { fcntl(0, F_DUPFD_CLOEXEC, 3) }
        return try Files.read(FileDescriptor(owning: number), "standard input", limit: limit)
    }

    /// One line of standard input; nil at its end.
    public static func readLineFromTerminal() -> String? { readLine(strippingNewline: true) }

    /// Takes memory in larger pieces, and keeps what is let go: the C library of GNU otherwise takes and gives back a page
    /// at a time, with a call of the kernel each. For programs that end soon.
    public static func keepMemory() { bulkhead_keep_memory() }

    /// A pipe whose reader went away, and a file that would be larger than allowed (`ulimit -f`), are errors of the write,
    /// not the end of the process.
    public static func ignoreRefusedWrites() { for number in [SIGPIPE, SIGXFSZ] { _ = signal(number, SIG_IGN) } }

    /// HUP, INT and TERM reach this process, even if the thread that started it had blocked them.
    public static func unblockTermination() {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for number in [SIGHUP, SIGINT, SIGTERM] { unsafe sigaddset(&set, number) }
        unsafe _ = pthread_sigmask(SIG_UNBLOCK, &set, nil)
    }

    /// Tells the system's log (`syslog(3)`); for processes that nobody listens to.
    public static func tellSystem(_ text: String) {
        unsafe text.withCString { words in
            unsafe withVaList([words]) { unsafe vsyslog(LOG_DAEMON | LOG_WARNING, "%s", $0) }
        }
    }

    /// Leaves with a status.
    public static func exit(_ status: Int32) -> Never { Glibc.exit(status) }

    #if BULKHEAD_FAULTS
        /// Sends this process a signal.
        public static func signalSelf(_ number: Int32) { _ = kill(getpid(), number) }
    #endif

    /// Seconds since 1970.
    public static func now() -> Int64 { Int64(time(nil)) }

    /// Raises the limit of open files as far as allowed: every compartment is held by a descriptor or two.
    public static func raiseFileLimit() {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        unsafe _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    /// How many files this process may have open (`ulimit -n`).
    public static func fileLimit() -> Int {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return .max }
        return Int(clamping: limit.rlim_cur)
    }

    /// Throws (`EMFILE`) unless that many more files can be opened.
    public static func requireFiles(_ count: Int) throws(SystemError) {
        var held: [SharedDescriptor] = []
        for _ in 0..<count { held.append(SharedDescriptor(try FileDescriptor.reading("/dev/null"))) }
    }

    /// Runs a program with fixed arguments and no shell; its exit status.
    public static func run(_ program: String, _ arguments: [String]) throws(SystemError) -> Int32 {
        var process: pid_t = 0
        var pointers: [UnsafeMutablePointer<CChar>?] = unsafe ([program] + arguments).map { unsafe strdup($0) }
        unsafe pointers.append(nil)
        defer { unsafe pointers.forEach { unsafe free($0) } }
        let code = unsafe posix_spawn(&process, program, nil, nil, pointers, environ)
        guard code == 0 else { throw SystemError("run", program, Errno(rawValue: code)) }
        var status: Int32 = 0
        _ = try valueOrError("wait for", program) { unsafe waitpid(process, &status, 0) }
        return status & 0x7f == 0 ? status >> 8 & 0xff : 128 + status & 0x7f
    }
}
