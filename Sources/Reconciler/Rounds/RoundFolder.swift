internal import JSON
public import Model
internal import SystemCalls

/// `STATE/reconcile/SCOPE`: the copy of the repository, what rounds know, and whether they are suspended.
public struct RoundFolder: Sendable {
    private let path: String
    private let scope: ObjectName

    /// The folder of a scope; nothing is made yet.
    public init(_ folders: Folders, scope: ObjectName) {
        path = "\(folders.state)/reconcile/\(scope)"
        self.scope = scope
    }

    /// Where the repository's copy is.
    public var repository: String { "\(path)/repository.git" }

    /// What came of beginning a round.
    public enum Beginning: Sendable {
        /// No other round of the scope runs as long as the value lives.
        case begun(RoundLock)
        /// Another does; `pid N, since T`.
        case held(by: String)
    }

    /// Lets no other round of the scope run.
    public func begin() throws -> Beginning { try begin("lock") }

    /// Lets no other `watch` of the scope run: two with other manifests would fight.
    public func beginWatch() throws -> Beginning { try begin("watch-lock") }

    private func begin(_ name: String) throws -> Beginning {
        do throws(SystemError) {
            try prepare()
            let holder = "pid \(Host.processID), since \(Timestamp.text(Host.now()))"
            switch try FileLock.acquire("\(path)/\(name)", holder: holder) {
            case .held(let holder): return .held(by: holder)
            case .acquired(let lock): return .begun(RoundLock(lock))
            }
        } catch {
            throw StateError(
                "the state folder \(path) cannot be written: \(error); nothing was changed; run as root, make room, or choose "
                    + "another with --state-dir")
        }
    }

    private func prepare() throws(SystemError) { try Files.makeDirectories(path, mode: 0o700) }

    /// What the last round knew; nothing where it cannot be read, with the reason.
    public func status() -> (status: RoundStatus, problem: String?) {
        do {
            guard let status: RoundStatus = try read("status.json") else { return (RoundStatus(), nil) }
            guard status.format == RoundStatus.format else {
                return (RoundStatus(), "\(path)/status.json has the format '\(status.format.terminalSafe)'")
            }
            return (status, nil)
        } catch {
            return (RoundStatus(), "\(path)/status.json: \("\(error)".terminalSafe)")
        }
    }

    /// Writes down what this round knows.
    public func write(_ status: RoundStatus) throws { try write(JSON(encoding: status), "status.json") }

    /// Why rounds do nothing; nil where they do. One that cannot be read holds too.
    public func suspension() -> Suspension? {
        do {
            return try read("suspended.json")
        } catch {
            return Suspension(
                since: "?", user: "?", reason: "\(path)/suspended.json cannot be read: \("\(error)".terminalSafe)")
        }
    }

    /// From now on rounds do nothing.
    public func suspend(reason: String?) throws {
        try prepare()
        let suspension = Suspension(since: Timestamp.text(Host.now()), user: Host.userName(), reason: reason)
        try write(JSON(encoding: suspension), "suspended.json")
    }

    /// Rounds work again.
    public func resume() throws { try Files.remove("\(path)/suspended.json") }

    private func read<Value: Decodable>(_ name: String) throws -> Value? {
        switch try Files.readBeneath(path, name, limit: 4 << 20) {
        case .missing: return nil
        case .other: throw StateError("it is no regular file")
        case .large: throw StateError("it is larger than any that bulkhead writes")
        case .file(let bytes): return try JSON(parsing: bytes).decode(Value.self)
        }
    }

    private func write(_ document: JSON, _ name: String) throws {
        try Files.writeAtomically("\(path)/\(name)", Array(document.text(pretty: true).utf8), mode: 0o600)
    }
}

/// Held as long as a round runs.
public final class RoundLock: Sendable {
    private let lock: FileLock
    init(_ lock: FileLock) { self.lock = lock }
    /// Lets the next round begin, before the object goes.
    public func release() { lock.release() }
}

/// Times as the state folder has them.
public enum Moment {
    /// Now, UTC, `2026-11-24T12:00:00Z`.
    public static func now() -> String { Timestamp.text(Host.now()) }

    /// The moment that lies so many seconds after 1970 began.
    public static func text(_ seconds: Int64) -> String { Timestamp.text(seconds) }

    /// Seconds since 1970 of such a text; nil where it is none.
    public static func seconds(_ text: String) -> Int64? {
        let parts = text.split(whereSeparator: { "-T:Z".contains($0) }).compactMap { Int64($0) }
        guard parts.count == 6, (1970...9999).contains(parts[0]), (1...12).contains(parts[1]) else { return nil }
        let year = parts[1] > 2 ? parts[0] : parts[0] - 1
        let month = (parts[1] + 9) % 12
        let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + parts[2] - 1 - 719_468
        let seconds = days * 86_400 + parts[3] * 3600 + parts[4] * 60 + parts[5]
        return Timestamp.text(seconds) == text ? seconds : nil
    }
}
