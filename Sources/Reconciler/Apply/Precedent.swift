public import Model

/// What was in force before a change: asked only where the change is undone, because it takes reading manifests again.
public struct Precedent {
    private let find: () throws(UnknownPrecedent) -> DesiredState

    /// Where to find it.
    public init(_ find: @escaping () throws(UnknownPrecedent) -> DesiredState) { self.find = find }

    /// The desired state of the last change of this scope that stayed in force.
    func state() throws(UnknownPrecedent) -> DesiredState { try find() }
}

/// Why nobody knows what was in force.
public struct UnknownPrecedent: Error, CustomStringConvertible {
    /// The reason.
    public let description: String

    /// With the reason.
    public init(_ description: String) { self.description = description }
}
