internal import Addressing

/// What the compiler has to know of the host beside the manifests.
public struct HostFacts: Hashable, Sendable {
    /// Interfaces that are not ours and on which bulkhead switched forwarding of IPv4 on; sorted.
    public var guarded4: [String]
    /// The same of IPv6.
    public var guarded6: [String]
    /// Facts.
    public init(guarded4: [String] = [], guarded6: [String] = []) {
        self.guarded4 = guarded4
        self.guarded6 = guarded6
    }

    /// Those of a family.
    func guarded(_ family: AddressFamily) -> [String] {
        switch family {
        case .ipv4: guarded4
        case .ipv6: guarded6
        }
    }
}
