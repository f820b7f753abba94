/// What the compiler has to know of the host beside the manifests.
public struct HostFacts: Hashable, Sendable {
    /// Interfaces that are not ours and on which bulkhead switched forwarding on; sorted.
    public var guardedInterfaces: [String]
    /// Facts.
    public init(guardedInterfaces: [String] = []) { self.guardedInterfaces = guardedInterfaces }
}
