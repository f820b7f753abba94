public import Model

/// What has to be done so that the host is as the manifests say: a document, and all that apply may go by.
public struct Plan: Hashable, Codable, Sendable {
    /// Whose objects it is about.
    public var scope: ObjectName
    /// The host it is for.
    public var host: String
    /// In the order in which they run.
    public var steps: [Step]
    /// Worth knowing before it runs.
    public var warnings: [Diagnostic]
    /// Hash of what the manifests say.
    public var manifestFingerprint: String
    /// Hash of the live state as far as it matters.
    public var liveFingerprint: String

    /// A plan.
    public init(
        scope: ObjectName, host: String, steps: [Step], warnings: [Diagnostic] = [], manifestFingerprint: String = "",
        liveFingerprint: String = ""
    ) {
        self.scope = scope
        self.host = host
        self.steps = steps
        self.warnings = warnings
        self.manifestFingerprint = manifestFingerprint
        self.liveFingerprint = liveFingerprint
    }

    /// Nothing to do.
    public var isInSync: Bool { steps.isEmpty }
    /// How many steps do that.
    public func count(_ action: Step.Action) -> Int { steps.count { $0.action == action } }
}
