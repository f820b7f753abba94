public import Model
internal import Synchronization
internal import SystemCalls

/// Compartments as they were read last, for who hears of every change in them (`ListeningPost`): where nothing was heard
/// since before the reading, it still holds, and among hundreds of them reading is most of what a look costs. What the
/// kernel does not tell of is compared when all is forgotten, and after each apply.
public final class NamespaceMemory: Sendable {
    /// What was read, and what was asked for.
    struct Reading: Sendable {
        let paths: [SettingPath]?
        let namespace: ObservedNamespace
    }

    private let readings = Mutex<[NamespaceRef: Reading]>([:])

    /// Nothing was read yet.
    public init() {}

    /// All that holds.
    func recall() -> [NamespaceRef: Reading] { readings.withLock { $0 } }

    /// Keeps what was just read. One that changed faster than it could be read is no reading.
    func keep(_ namespace: ObservedNamespace, asked paths: [SettingPath]?) {
        guard !namespace.isUnsteady else { return forget([namespace.reference]) }
        readings.withLock { $0[namespace.reference] = Reading(paths: paths, namespace: namespace) }
    }

    /// Something may have changed there.
    public func forget(_ references: Set<NamespaceRef>) {
        readings.withLock { for reference in references { $0[reference] = nil } }
    }

    /// Something may have changed anywhere.
    public func forget() { readings.withLock { $0 = [:] } }
}
