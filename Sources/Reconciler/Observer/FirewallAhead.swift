internal import Model
internal import NetlinkClient
internal import SystemCalls

/// The tables of a scope, read while nobody knows yet what else is to be read: they are in the session's memory then, and
/// hold as long as nobody changes nftables.
final class FirewallAhead: Sendable {
    private let worker: NamespaceWorker
    private let work: NamespaceWorker.Started<Void>

    /// Begins to read, on a thread of its own in that namespace.
    init(_ reading: FirewallReading, of scope: ObjectName, in namespace: SharedDescriptor) throws {
        worker = try NamespaceWorker()
        work = NamespaceWorker.start([worker], count: 1, tools: { _ in () }) { _, _, entrance in
            try entrance.enter(namespace.rawValue)
            _ = try reading.rules(of: scope, buffer: ReceiveBuffer())
        }
    }

    /// Waits for the end of it. What could not be read is tried again by whoever needs it, and says why then.
    func wait() { _ = work.wait() }
}
