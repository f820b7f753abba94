internal import CLinuxShims
internal import Glibc

/// The journal of systemd, where it takes what this process writes to standard output: then it takes lines with fields of
/// their own, too (`systemd.journal-fields(7)`).
public struct SystemJournal: Sendable {
    /// How much a line matters, as in `syslog(3)`.
    public enum Level: Int, Sendable {
        /// `LOG_ERR`
        case error = 3
        /// `LOG_WARNING`
        case warning = 4
        /// `LOG_NOTICE`
        case notice = 5
        /// `LOG_INFO`
        case info = 6
    }

    private static let address = "/run/systemd/journal/socket"

    /// Nil where standard output leads elsewhere (`JOURNAL_STREAM` says which file is the journal's).
    public init?() {
        guard let stream = Host.environment("JOURNAL_STREAM"), let own = try? Files.status("/proc/self/fd/1"),
            stream == "\(own.device):\(own.inode)"
        else { return nil }
    }

    /// Writes a line with these fields, of which one may be there more than once; whether it was taken.
    public func write(_ message: String, _ level: Level, _ fields: [(name: String, value: String)]) -> Bool {
        let own = [
            (name: "MESSAGE", value: message), (name: "PRIORITY", value: "\(level.rawValue)"),
            (name: "SYSLOG_IDENTIFIER", value: "bulkhead"),
        ]
        let bytes = (own + fields).flatMap { Self.field($0.name, Array($0.value.utf8)) }
        return unsafe bytes.withUnsafeBytes { unsafe bulkhead_notify(Self.address, $0.baseAddress, $0.count) } == 0
    }

    /// `NAME=value`; a value of several lines stands behind its length.
    private static func field(_ name: String, _ value: [UInt8]) -> [UInt8] {
        let newline: UInt8 = 0x0a
        guard value.contains(newline) else { return Array("\(name)=".utf8) + value + [newline] }
        let count = UInt64(value.count)
        let length = (0..<8).map { UInt8(truncatingIfNeeded: count >> (8 * UInt64($0))) }
        return Array("\(name)\n".utf8) + length + value + [newline]
    }
}
