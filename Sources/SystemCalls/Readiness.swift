internal import CLinuxShims
internal import Glibc

/// Waiting for several descriptors at once (`poll(2)`), which costs nothing until one has something to say.
public enum Readiness {
    /// Waits until one of the descriptors can be read from, or the table of mounts changed, or the time is over; which
    /// ones. A wait that a signal ends early finds nothing.
    public static func wait(
        reading numbers: [Int32], mounts: MountTable? = nil, milliseconds: Int64
    ) -> (ready: [Int32], mounts: Bool) {
        var states = numbers.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        // Such a file can always be read from; that it changed is told as an exceptional condition.
        if let mounts { states.append(pollfd(fd: mounts.number, events: Int16(POLLPRI), revents: 0)) }
        let limit = Int32(clamping: max(0, milliseconds))
        let count = unsafe poll(&states, nfds_t(states.count), limit)
        guard count > 0 else { return ([], false) }
        let ready = states.prefix(numbers.count).filter { $0.revents != 0 }.map(\.fd)
        return (ready, mounts != nil && states.last?.revents != 0)
    }
}

/// The process's table of mounts (`/proc/self/mountinfo`): whether anything was mounted or unmounted.
public final class MountTable: Sendable {
    private let descriptor: FileDescriptor
    fileprivate var number: Int32 { descriptor.rawValue }

    /// Opens it; changes from now on are told.
    public init() throws(SystemError) { descriptor = try FileDescriptor.reading("/proc/self/mountinfo") }
}

/// A process whose end can be waited for.
public final class ProcessEnd: Sendable {
    private let descriptor: FileDescriptor
    /// The descriptor's number, for `Readiness`; it can be read from when the process has ended.
    public var number: Int32 { descriptor.rawValue }

    /// Watches a process; `ESRCH` where there is none.
    public init(of process: Int32) throws(SystemError) {
        let number = try valueOrError("watch process", "\(process)") { bulkhead_process_open(process) }
        descriptor = FileDescriptor(owning: number)
    }
}
