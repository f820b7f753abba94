internal import JSON
public import Model
internal import SystemCalls

/// The state folder: locked while something is written to the kernel.
public struct StateFolder: Sendable {
    /// What came of taking the lock.
    public enum Outcome: Sendable {
        /// Held as long as the value lives.
        case acquired(StateFolder)
        /// Another process has it; `pid N, since T`.
        case held(by: String)
    }

    let path: String
    fileprivate let lock: FileLock

    /// Makes the folder where needed, takes the lock, and checks that the folder can be written.
    ///
    /// The lock is the kernel's (`flock(2)`), so it goes with the process that holds it, however that ends. What a
    /// process that died left half written is removed by the next holder.
    ///
    /// Without `probing` a folder that is full will do: undoing a change needs no room.
    public static func acquire(_ folders: Folders, probing: Bool = true) throws -> Outcome {
        let path = folders.state
        do throws(SystemError) {
            try Files.makeDirectories(path, mode: 0o700)
            let holder = "pid \(Host.processID), since \(Timestamp.text(Host.now()))"
            switch try FileLock.acquire("\(path)/lock", holder: holder) {
            case .held(let holder): return .held(by: holder)
            case .acquired(let lock):
                for name in try Files.list(path) where Files.isUnfinished(name) { try Files.remove("\(path)/\(name)") }
                guard probing else { return .acquired(StateFolder(path: path, lock: lock)) }
                // A page, which a full disk does not have.
                try Files.writeAtomically("\(path)/probe", [UInt8](repeating: 0, count: 4096), mode: 0o600)
                try Files.remove("\(path)/probe")
                return .acquired(StateFolder(path: path, lock: lock))
            }
        } catch {
            throw StateError(
                "the state folder \(path) cannot be written: \(error); nothing was changed; run as root, make room, "
                    + "or choose another with --state-dir"
            )
        }
    }

    /// Lets others write, before the value goes.
    public func release() { lock.release() }

    /// Notes which PATHs a scope was applied from and what came of it, so that a run with others can be warned of and
    /// monitoring can tell.
    public func record(paths: [String], scope: ObjectName, succeeded: Bool) throws {
        let document: JSON = [
            "scope": .string(scope.text), "paths": .array(paths.map { .string($0) }), "succeeded": .bool(succeeded),
        ]
        try Files.writeAtomically(
            "\(path)/\(Self.lastFile(scope))", Array(document.text(pretty: true).utf8), mode: 0o600)
    }

    /// The PATHs of the scope's last successful apply; nil where there was none.
    public static func lastPaths(_ folders: Folders, scope: ObjectName) -> [String]? {
        last(folders, scope)?["paths"]?.array?.compactMap(\.string)
    }

    /// Whether the scope's last apply failed.
    public static func lastApplyFailed(_ folders: Folders, scope: ObjectName) -> Bool {
        last(folders, scope)?["succeeded"]?.bool == false
    }

    /// A file that cannot be read tells nothing; it is written anew by the next apply.
    private static func last(_ folders: Folders, _ scope: ObjectName) -> JSON? {
        guard case .file(let bytes)? = try? Files.readBeneath(folders.state, lastFile(scope), limit: 1 << 20) else {
            return nil
        }
        return try? JSON(parsing: bytes)
    }

    private static func lastFile(_ scope: ObjectName) -> String { "last-\(scope)" }
}

/// The lock of a state folder as it was once opened: it can be taken even when the folder has become read-only.
struct StateDoor: Sendable {
    private let path: String
    private let lock: FileLock

    init(_ folders: Folders) throws(SystemError) {
        path = folders.state
        lock = try FileLock.open("\(path)/lock")
    }

    /// Takes the lock; nil where another process holds it.
    func take() -> StateFolder? { lock.take() ? StateFolder(path: path, lock: lock) : nil }
}

/// Times in messages, UTC.
enum Timestamp {
    /// `2026-11-24T12:00:00Z`, from seconds since 1970 (Howard Hinnant's civil calendar).
    static func text(_ seconds: Int64) -> String {
        let days = Int64((Double(seconds) / 86_400).rounded(.down))
        let rest = seconds - days * 86_400
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let day = shifted - era * 146_097
        let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365
        let ofYear = day - (365 * year + year / 4 - year / 100)
        let month = (5 * ofYear + 2) / 153
        let number = month < 10 ? month + 3 : month - 9
        let civil = year + era * 400 + (number <= 2 ? 1 : 0)
        func two(_ value: Int64) -> String { value < 10 ? "0\(value)" : "\(value)" }
        return "\(civil)-\(two(number))-\(two(ofYear - (153 * month + 2) / 5 + 1))"
            + "T\(two(rest / 3600)):\(two(rest / 60 % 60)):\(two(rest % 60))Z"
    }
}
