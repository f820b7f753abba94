public import Addressing
public import Model

/// What a plan may do, beside what the manifests say.
public struct PlanOptions: Hashable, Sendable {
    /// Whether objects that no manifest declares any more are deleted.
    public var prunes: Bool
    /// Unmarked objects that may be taken over (`--adopt`).
    public var adopts: Set<ObjectID>
    /// Where not nil, only these objects are removed and all others are left as they are (`destroy PATH`).
    public var removesOnly: Set<ObjectID>?
    /// Bridges of others that networks to be removed are on.
    public var leavesBridges: Set<String> = []
    /// Folder of the per-namespace files, `/etc/netns`.
    public var netnsEtcDirectory: String
    /// Local address and port of the SSH session that bulkhead runs in, which no mapping may shadow.
    public var session: Listener?
    /// Where that session comes from; a plan that changes the way there warns.
    public var sessionClient: IPAddress?
    /// The interface of the host that it comes in by, by name or index, where its addresses are link-local.
    public var sessionLink: String?
    /// Whether the verb that makes the plan can undo it unless it is confirmed; `destroy` cannot.
    public var canBeUndone = true
    /// Whether adopted namespaces that are not there, or cannot be read, leave their endpoints out instead of standing
    /// against the plan: whoever makes them, such as a container runtime, may make them later, and nobody is there to be told.
    public var leavesAbsent = false
    /// Whether only the firewall is compared: where something stands against the rest, its rules need not be missing, too.
    public var comparesRulesAlone = false

    /// Options.
    public init(
        prunes: Bool = true, adopts: Set<ObjectID> = [], removesOnly: Set<ObjectID>? = nil,
        netnsEtcDirectory: String = "/etc/netns", session: Listener? = nil,
        sessionClient: IPAddress? = nil, sessionLink: String? = nil
    ) {
        self.prunes = prunes
        self.adopts = adopts
        self.removesOnly = removesOnly
        self.netnsEtcDirectory = netnsEtcDirectory
        self.session = session
        self.sessionClient = sessionClient
        self.sessionLink = sessionLink
    }
}
