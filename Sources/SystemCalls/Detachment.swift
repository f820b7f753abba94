internal import CLinuxShims
internal import Glibc

/// Programs that outlive whoever starts them.
public enum Detachment {
    /// Starts this very program (`/proc/self/exe`, so also one that was replaced on disk meanwhile) in a session of its
    /// own: no terminal can end it, nothing is inherited but the environment, and nothing is said to anybody.
    public static func spawnSelf(_ arguments: [String]) throws(SystemError) {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        for number in Int32(0)...2 {
            unsafe posix_spawn_file_actions_addopen(&actions, number, "/dev/null", O_RDWR, 0)
        }
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe posix_spawnattr_setsigmask(&attributes, &signals)
        for number in [SIGHUP, SIGINT, SIGTERM, SIGPIPE, SIGXFSZ] { unsafe sigaddset(&signals, number) }
        unsafe posix_spawnattr_setsigdefault(&attributes, &signals)
        let flags = bulkhead_spawn_setsid | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK
        unsafe posix_spawnattr_setflags(&attributes, Int16(truncatingIfNeeded: flags))
        var pointers: [UnsafeMutablePointer<CChar>?] = unsafe (["bulkhead"] + arguments).map { unsafe strdup($0) }
        unsafe pointers.append(nil)
        defer { unsafe pointers.forEach { unsafe free($0) } }
        var process: pid_t = 0
        let code = unsafe posix_spawn(&process, "/proc/self/exe", &actions, &attributes, pointers, environ)
        guard code == 0 else { throw SystemError("start", "the guard", Errno(rawValue: code)) }
    }

    /// Whether systemd runs this machine, and this process sees the same files and networks as systemd does.
    public static var isUnderSystemd: Bool {
        guard (try? Files.status("/run/systemd/system").kind) == .directory else { return false }
        return ["mnt", "net"].allSatisfy { kind in
            let own = try? Files.linkTarget("/proc/self/ns/\(kind)")
            return own != nil && own == (try? Files.linkTarget("/proc/1/ns/\(kind)"))
        }
    }

    /// Path of the running program.
    public static func programPath() throws(SystemError) -> String { try Files.linkTarget("/proc/self/exe") }

    /// Hang-up and interrupt do not end this process, and it keeps no folder busy and no pipe open. To be called before
    /// anything is opened: whoever started the process may have let it inherit what others wait for the end of.
    public static func settle() {
        bulkhead_close_from(3)
        for number in [SIGHUP, SIGINT] { _ = signal(number, SIG_IGN) }
        unsafe _ = chdir("/")
    }

    /// A program that was started and is waited for.
    public struct Child: Sendable {
        fileprivate let process: pid_t

        /// Its exit status (128 and more for signals); nil while it runs.
        public func status() -> Int32? {
            var status: Int32 = 0
            let found = unsafe waitpid(process, &status, WNOHANG)
            guard found == process else { return found == 0 ? nil : 127 }
            return status & 0x7f == 0 ? status >> 8 & 0xff : 128 + status & 0x7f
        }

        /// Ends it with all that it started, and waits for that.
        public func end() {
            _ = kill(-process, SIGKILL)
            _ = waitpid(process, nil, 0)
        }
    }

    /// Starts `/bin/sh -c COMMAND`; all that it says goes to standard error.
    public static func startShell(_ command: String) throws(SystemError) -> Child {
        var process: pid_t = 0
        let arguments: [String] = ["sh", "-c", command]
        var pointers: [UnsafeMutablePointer<CChar>?] = unsafe arguments.map { unsafe strdup($0) }
        unsafe pointers.append(nil)
        defer { unsafe pointers.forEach { unsafe free($0) } }
        // A process group of its own.
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, 2, 1)
        let code = unsafe posix_spawn(&process, "/bin/sh", &actions, &attributes, pointers, environ)
        guard code == 0 else { throw SystemError("run", "/bin/sh", Errno(rawValue: code)) }
        return Child(process: process)
    }

    /// Sleeps; a signal ends it earlier.
    public static func pause(milliseconds: UInt32) { usleep(milliseconds * 1000) }

    /// Nanoseconds since boot, time asleep included (`CLOCK_BOOTTIME`): the wall clock may be set meanwhile.
    public static func bootTime() -> UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_BOOTTIME, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// Whether a process does anything: how often its threads have been given a processor so far, as `/proc/N/status`
    /// counts it; nil where it cannot be looked at.
    public static func turns(of process: Int32) -> Int? {
        guard let threads = try? Files.list("/proc/\(process)/task"), !threads.isEmpty else { return nil }
        var sum = 0
        for thread in threads {
            let text = (try? Files.readText("/proc/\(process)/task/\(thread)/status", limit: 1 << 16)) ?? ""
            for line in text.split(separator: "\n") where line.contains("voluntary_ctxt_switches:") {
                sum += line.split(whereSeparator: \.isWhitespace).last.flatMap { Int($0) } ?? 0
            }
        }
        return sum
    }

    /// Forgets what was typed on the terminal so far (`tcflush(3)`): it was no answer to what is asked next.
    public static func forgetTyping() { _ = tcflush(0, TCIFLUSH) }

    /// What came of waiting for a line.
    public enum Line: Sendable {
        /// Somebody pressed Enter.
        case entered
        /// Nobody did.
        case timeout
        /// The terminal is gone, or a signal came.
        case closed
    }

    /// Waits for a line of standard input.
    public static func waitForLine(milliseconds: Int32) -> Line {
        var descriptor = pollfd(fd: 0, events: Int16(POLLIN), revents: 0)
        let count = unsafe poll(&descriptor, 1, milliseconds)
        guard count != 0 else { return .timeout }
        guard count > 0, descriptor.revents & Int16(POLLIN) != 0 else { return .closed }
        return readLine() == nil ? .closed : .entered
    }
}
