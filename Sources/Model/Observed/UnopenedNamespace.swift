/// A namespace that the manifests name by its path, and that could not be read.
public struct UnopenedNamespace: Hashable, Codable, Sendable {
    /// Its path.
    public var reference: NamespaceRef
    /// Why, and what to do about it, as the end of a sentence that begins with the path.
    public var reason: String

    /// What was found at a path.
    public init(reference: NamespaceRef, reason: String) {
        self.reference = reference
        self.reason = reason
    }
}
