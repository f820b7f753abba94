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

    /// Tries to lock the file, making it where needed, and writes the holder into it.
    public static func acquire(_ path: String, holder: String) throws(SystemError) -> Outcome {
        let file = try FileDescriptor.open(path, flags: O_RDWR | O_CREAT | O_NOFOLLOW, mode: 0o600)
        do throws(SystemError) {
            _ = try valueOrError("lock", path) { flock(file.rawValue, LOCK_EX | LOCK_NB) }
        } catch {
            guard error.code == .again else { throw error }
            return .held(by: try readHolder(path))
        }
        _ = try valueOrError("truncate", path) { ftruncate(file.rawValue, 0) }
        try Files.writeAll(file.rawValue, Array((holder + "\n").utf8), path)
        return .acquired(FileLock(file))
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
