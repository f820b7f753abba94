internal import CLinuxShims
internal import Glibc

/// The program that runs this one as a service, as far as it wants to be told (`sd_notify(3)`): systemd, or whoever else
/// listens at `NOTIFY_SOCKET`.
public struct ServiceManager: Sendable {
    private let address: String?
    /// Within so many milliseconds it wants a sign of life (`WATCHDOG_USEC`); nil where it wants none.
    public let patience: Int64?

    /// What the environment says. What it says to another process (`WATCHDOG_PID`) is not for this one.
    public init() {
        address = Host.environment("NOTIFY_SOCKET").flatMap { $0.hasPrefix("/") || $0.hasPrefix("@") ? $0 : nil }
        let isMeant = Host.environment("WATCHDOG_PID").map { Int32($0) == Host.processID } ?? true
        let patience = Host.environment("WATCHDOG_USEC").flatMap { Int64($0) }.map { max(1, $0 / 1000) }
        self.patience = isMeant ? patience : nil
    }

    /// The service works (`READY=1`), and what it does, in words.
    public func ready(_ words: String) { tell("READY=1\n\(Self.status(words))") }

    /// What the service does now, in words.
    public func say(_ words: String) { tell(Self.status(words)) }

    /// A sign of life.
    public func beat() { tell("WATCHDOG=1") }

    /// The service reads its configuration again; `ready` ends that.
    public func reloading() {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        let microseconds = Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
        tell("RELOADING=1\nMONOTONIC_USEC=\(microseconds)")
    }

    /// The service comes to its end.
    public func stopping() { tell("STOPPING=1") }

    private static func status(_ words: String) -> String {
        "STATUS=\(words.split(whereSeparator: \.isNewline).joined(separator: " "))"
    }

    /// A service manager that does not listen is no reason to stop working.
    private func tell(_ lines: String) {
        guard let address else { return }
        let bytes = Array("\(lines)\n".utf8)
        _ = unsafe bytes.withUnsafeBytes { unsafe bulkhead_notify(address, $0.baseAddress, $0.count) }
    }
}
