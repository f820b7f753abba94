internal import Glibc

/// A lock that ends with the process that holds it (`flock(2)`), its holder written inside.
public final class FileLock: Sendable {
    private let descriptor: FileDescriptor

    private init(_ descriptor: consuming FileDescriptor) { self.descriptor = descriptor }

    /// Lets others have it, while this object lives on.
    public func release() { _ = flock(descriptor.rawValue, LOCK_UN) }

    /// What came of trying.
    public enum Outcome: Sendable {
        /// Held until the object goes.
        case acquired(FileLock)
        /// Somebody else's; what the holder wrote.
        case held(by: String)
    }

    /// Opens the file, making it where needed, and does not lock it yet.
    public static func open(_ path: String) throws(SystemError) -> FileLock {
        // A pipe in its place is not waited for.
        let flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK
        let file = try FileDescriptor.open(path, flags: flags, mode: 0o600)
        guard try Files.status(of: file, path).kind == .regular else { throw SystemError("lock", path, .invalid) }
        return FileLock(file)
    }

    /// Tries to lock the open file; whether that went.
    public func take() -> Bool { flock(descriptor.rawValue, LOCK_EX | LOCK_NB) == 0 }

    /// Tries to lock the file, making it where needed, and writes the holder into it.
    public static func acquire(_ path: String, holder: String) throws(SystemError) -> Outcome {
        let lock = try open(path)
        let number = lock.descriptor.rawValue
        do throws(SystemError) {
            _ = try valueOrError("lock", path) { flock(number, LOCK_EX | LOCK_NB) }
        } catch {
            guard error.code == .again else { throw error }
            return .held(by: try readHolder(path))
        }
        _ = try valueOrError("truncate", path) { ftruncate(number, 0) }
        try Files.writeAll(number, Array((holder + "\n").utf8), path)
        return .acquired(lock)
    }

    /// Whether any process holds the lock of a file. Asking by locking would keep others from locking it meanwhile, so
    /// the kernel's list is read (`/proc/locks`, `proc(5)`).
    public static func isHeld(_ path: String) -> Bool {
        guard let inode = try? Files.status(path, followingLinks: false).inode,
            let text = try? Files.readText("/proc/locks", limit: 16 << 20)
        else { return false }
        // `1: FLOCK  ADVISORY  WRITE 4711 00:2f:12345 0 EOF`
        return text.split(separator: "\n").contains { line in
            let words = line.split(separator: " ")
            return words.count > 5 && words[1] == "FLOCK" && words[5].split(separator: ":").last == "\(inode)"
        }
    }
}

extension FileLock {
    /// What the holder wrote. It writes a moment after it has the lock.
    private static func readHolder(_ path: String) throws(SystemError) -> String {
        for _ in 0..<50 {
            let text = String(decoding: try Files.read(path, limit: 4096), as: UTF8.self)
            if let line = text.split(separator: "\n").first { return String(line) }
            usleep(10_000)
        }
        return "a process that did not say who it is"
    }
}

/// Termination signals, noted instead of obeyed while a change is under way.
public enum Signals {
    /// From now on HUP, INT and TERM are noted.
    public static func deferTermination() {
        for number in [SIGHUP, SIGINT, SIGTERM] {
            _ = signal(number) { number in unsafe pendingTermination = number }
        }
    }

    /// The last signal that came, if any.
    public static var pending: Int32? {
        let number = unsafe pendingTermination
        return number == 0 ? nil : number
    }
}

/// Written by the signal handler, which may touch nothing else.
private nonisolated(unsafe) var pendingTermination: Int32 = 0
