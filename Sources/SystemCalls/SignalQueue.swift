internal import CLinuxShims
internal import Glibc

/// Signals that a service obeys between two pieces of work, and never in the middle of one.
public final class SignalQueue: Sendable {
    /// What the signal asks for.
    public enum Order: Hashable, Sendable {
        /// `SIGHUP`: read everything again.
        case reload
        /// `SIGINT` or `SIGTERM`: come to an end.
        case stop
    }

    private let descriptor: FileDescriptor
    /// The descriptor's number, for `Readiness`.
    public var number: Int32 { descriptor.rawValue }

    /// From now on they wait here, and interrupt nothing. To be called before threads are started, which would get them
    /// otherwise.
    public init() throws(SystemError) {
        descriptor = FileDescriptor(owning: try valueOrError("open", "signals") { bulkhead_signal_open() })
    }

    /// The next one that came; nil where none did. One that came twice may be told once.
    public func next() -> Order? {
        switch bulkhead_signal_next(number) {
        case 0: nil
        case SIGHUP: .reload
        case _: .stop
        }
    }
}
