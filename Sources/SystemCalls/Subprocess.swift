internal import CLinuxShims
internal import Glibc

/// A program that is run to its end with everything about it fixed: no shell, no inherited environment, and bounds for
/// what it says, how long it takes and how large the files are that it writes.
///
/// Not the package of the same name: that one is asynchronous, and namespaces belong to threads here.
public struct Subprocess: Sendable {
    /// Absolute path.
    public var program: String
    /// Without the program's own name.
    public var arguments: [String]
    /// `NAME=VALUE`; nothing else of this process's environment is passed on.
    public var environment: [String]
    /// What it reads on standard input.
    public var input: [UInt8] = []
    /// Most bytes of standard output.
    public var outputLimit = 1 << 20
    /// Seconds after which it is ended with all that it started.
    public var secondsLimit: Int64 = 60
    /// Largest file that it may write, in bytes (`RLIMIT_FSIZE`).
    public var fileSizeLimit: Int?

    /// A program with its arguments and environment.
    public init(_ program: String, _ arguments: [String], environment: [String]) {
        self.program = program
        self.arguments = arguments
        self.environment = environment
    }

    /// How it came to its end.
    public enum Ending: Hashable, Sendable {
        /// By itself, with this exit status.
        case exited(Int32)
        /// By a signal that was not ours.
        case signalled(Int32)
        /// It wrote a file that was larger than allowed.
        case wroteTooMuch
        /// It said more than allowed, and was ended.
        case saidTooMuch
        /// It took longer than allowed, and was ended.
        case tookTooLong
    }

    /// What it left.
    public struct Result: Sendable {
        /// How it ended.
        public let ending: Ending
        /// Its standard output.
        public let output: [UInt8]
        /// The end of its standard error, at most 64 KiB.
        public let errors: [UInt8]
    }

    /// Runs it and waits for its end.
    public func run() throws(SystemError) -> Result {
        let feed = try Self.pipe()
        let output = try Self.pipe()
        let errors = try Self.pipe()
        let process = try spawn([feed.reader.rawValue, output.writer.rawValue, errors.writer.rawValue])
        feed.reader.close()
        output.writer.close()
        errors.writer.close()
        var exchange = Exchange(
            process: process, feed: feed.writer, output: output.reader, errors: errors.reader, input: input)
        return try exchange.run(outputLimit: outputLimit, secondsLimit: secondsLimit, program)
    }

    /// An end of a pipe that is closed when it is not needed any more.
    fileprivate final class End {
        private(set) var rawValue: Int32
        init(_ rawValue: Int32) { self.rawValue = rawValue }
        var isOpen: Bool { rawValue >= 0 }
        func close() {
            if isOpen { _ = Glibc.close(rawValue) }
            rawValue = -1
        }
        deinit { close() }
    }

    private static func pipe() throws(SystemError) -> (reader: End, writer: End) {
        var numbers: [Int32] = [-1, -1]
        _ = try valueOrError("pipe", "") { unsafe Glibc.pipe(&numbers) }
        for number in numbers { _ = fcntl(number, F_SETFD, FD_CLOEXEC) }
        return (End(numbers[0]), End(numbers[1]))
    }

    /// In a process group of its own, with signals as a new program expects them.
    private func spawn(_ standard: [Int32]) throws(SystemError) -> pid_t {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        for (number, end) in standard.enumerated() {
            unsafe posix_spawn_file_actions_adddup2(&actions, end, Int32(number))
        }
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe posix_spawnattr_setsigmask(&attributes, &signals)
        for number in [SIGHUP, SIGINT, SIGTERM, SIGPIPE, SIGXFSZ] { unsafe sigaddset(&signals, number) }
        unsafe posix_spawnattr_setsigdefault(&attributes, &signals)
        let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK
        unsafe posix_spawnattr_setflags(&attributes, Int16(truncatingIfNeeded: flags))
        var words: [UnsafeMutablePointer<CChar>?] = unsafe ([program] + arguments).map { unsafe strdup($0) }
        unsafe words.append(nil)
        var variables: [UnsafeMutablePointer<CChar>?] = unsafe environment.map { unsafe strdup($0) }
        unsafe variables.append(nil)
        defer { unsafe (words + variables).forEach { unsafe free($0) } }
        var process: pid_t = 0
        let code = withFileSizeLimit {
            unsafe posix_spawn(&process, program, &actions, &attributes, words, variables)
        }
        guard code == 0 else { throw SystemError("run", program, Errno(rawValue: code)) }
        return process
    }

    /// A new process takes its limits from this one, so the soft limit is lowered for as long as that takes.
    private func withFileSizeLimit(_ body: () -> Int32) -> Int32 {
        guard let fileSizeLimit else { return body() }
        let resource = __rlimit_resource_t(RLIMIT_FSIZE.rawValue)
        var before = rlimit()
        guard unsafe getrlimit(resource, &before) == 0 else { return body() }
        var lowered = before
        lowered.rlim_cur = min(before.rlim_cur, rlim_t(fileSizeLimit))
        unsafe _ = setrlimit(resource, &lowered)
        defer { unsafe _ = setrlimit(resource, &before) }
        return body()
    }
}

/// Reading and writing while the program runs.
private struct Exchange {
    let process: pid_t
    let feed: Subprocess.End
    let output: Subprocess.End
    let errors: Subprocess.End
    let input: [UInt8]
    var written = 0
    var said: [UInt8] = []
    var complaints: [UInt8] = []

    private static let complaintLimit = 64 << 10

    mutating func run(outputLimit: Int, secondsLimit: Int64, _ program: String) throws(SystemError)
        -> Subprocess.Result
    {
        for end in [feed, output, errors] { _ = fcntl(end.rawValue, F_SETFL, O_NONBLOCK) }
        if input.isEmpty { feed.close() }
        let deadline = bulkhead_monotonic_milliseconds() + secondsLimit * 1000
        var cut: Subprocess.Ending?
        var status: Int32?
        while output.isOpen || errors.isOpen {
            exchange()
            if said.count > outputLimit { cut = .saidTooMuch }
            if bulkhead_monotonic_milliseconds() > deadline { cut = .tookTooLong }
            if cut != nil { break }
            // Somebody whom it started may hold its output open for longer than it lives.
            if status != nil { break }
            status = try wait(WNOHANG, program)
        }
        if cut != nil { _ = kill(-process, SIGKILL) }
        let end = if let status { status } else { try wait(0, program) ?? 0 }
        if said.count > outputLimit { said.removeAll() }
        return Subprocess.Result(ending: cut ?? Self.ending(end), output: said, errors: complaints)
    }

    private func wait(_ flags: Int32, _ program: String) throws(SystemError) -> Int32? {
        var status: Int32 = 0
        let found = try valueOrError("wait for", program) { unsafe waitpid(process, &status, flags) }
        return found == process ? status : nil
    }

    private static func ending(_ status: Int32) -> Subprocess.Ending {
        let signal = status & 0x7f
        guard signal == 0 else { return signal == SIGXFSZ ? .wroteTooMuch : .signalled(signal) }
        return .exited(status >> 8 & 0xff)
    }

    private mutating func exchange() {
        let ends = [feed, output, errors]
        var list = ends.map {
            pollfd(fd: $0.rawValue, events: Int16($0 === feed ? POLLOUT : POLLIN), revents: 0)
        }
        guard unsafe poll(&list, nfds_t(list.count), 100) > 0 else { return }
        if list[0].revents != 0 { write() }
        if list[1].revents != 0 { said += read(output) }
        if list[2].revents != 0 {
            complaints += read(errors)
            if complaints.count > Self.complaintLimit {
                complaints.removeFirst(complaints.count - Self.complaintLimit)
            }
        }
    }

    private mutating func write() {
        let from = written
        let count = unsafe input.withUnsafeBytes { raw in
            unsafe Glibc.write(feed.rawValue, raw.baseAddress.map { unsafe $0 + from }, raw.count - from)
        }
        if count > 0 { written += count }
        // A program that does not want to read says with its status why.
        let isOver = count < 0 && Errno.current != .again && Errno.current != .interrupted
        if written == input.count || isOver { feed.close() }
    }

    private func read(_ end: Subprocess.End) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = unsafe buffer.withUnsafeMutableBytes { unsafe Glibc.read(end.rawValue, $0.baseAddress, $0.count) }
        if count > 0 { return Array(buffer[..<count]) }
        if count == 0 || (Errno.current != .again && Errno.current != .interrupted) { end.close() }
        return []
    }
}
