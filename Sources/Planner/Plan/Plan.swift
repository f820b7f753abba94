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
    /// Compartments in which nothing was compared: their namespaces changed without end while they were read, or are `absent`.
    public var unread: [ObjectID] = []
    /// Why, for each of `unread` in its order, where it is not that they changed without end; nil where there are none.
    var reasons: [String?]?

    /// A plan.
    public init(
        scope: ObjectName, host: String, steps: [Step], warnings: [Diagnostic] = [], manifestFingerprint: String = ""
    ) {
        self.scope = scope
        self.host = host
        self.steps = steps
        self.warnings = warnings
        self.manifestFingerprint = manifestFingerprint
    }

    /// Why nothing was compared in each of `unread`, in its order.
    public var unreadReasons: [String] {
        let known = reasons ?? []
        return unread.indices.map { place in
            (place < known.count ? known[place] : nil) ?? "\(unread[place]) changes faster than it can be read"
        }
    }

    /// Nothing to do.
    public var isInSync: Bool { steps.isEmpty }
    /// Nothing to do, and everything was compared.
    public var isKnownInSync: Bool { steps.isEmpty && unread.isEmpty }
    /// How many steps do that.
    public func count(_ action: Step.Action) -> Int { steps.count { $0.action == action } }
}

extension Plan {
    /// Hash of the live state as far as it matters: of what every step found and makes of it, 16 hexadecimal digits. Two
    /// plans of equal manifests have one where they would do the same. Counters, learned entries and expiry times are not
    /// in it, for no step is about them.
    public var liveFingerprint: String {
        var hash = StableHash.offset
        func take(_ text: String) { hash = StableHash.separate(StableHash.update(hash, text)) }
        take(manifestFingerprint)
        for step in steps {
            take("\(step.id) \(step.action.rawValue) \(step.namespace)")
            take(step.summary)
            take(step.reason)
            for property in step.before + step.after { take("\(property.name): \(property.value)") }
        }
        let digits = String(StableHash.finish(hash), radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
