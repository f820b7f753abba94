/// Who may talk to the endpoints it selects, and to whom those may talk.
public struct Policy: Hashable, Sendable {
    /// Name, labels, place.
    public var metadata: ObjectMetadata
    /// 0…65535; low first, names break ties.
    public var priority: Int
    /// Counts and logs what it would deny, and takes part in nothing else.
    public var isAudit: Bool
    /// The endpoints of this host that it selects, sorted by name.
    public var selected: [ObjectName]
    /// What may come in; nil where the policy does not speak of it.
    public var ingress: PolicyDirection?
    /// What may go out; nil where the policy does not speak of it.
    public var egress: PolicyDirection?
    /// `onRevoke: keep`: connections that it does not allow any more live on.
    public var keepsConnections: Bool

    /// A policy.
    public init(
        metadata: ObjectMetadata, priority: Int = 1000, isAudit: Bool = false, selected: [ObjectName] = [],
        ingress: PolicyDirection? = nil, egress: PolicyDirection? = nil, keepsConnections: Bool = false
    ) {
        self.metadata = metadata
        self.priority = priority
        self.isAudit = isAudit
        self.selected = selected
        self.ingress = ingress
        self.egress = egress
        self.keepsConnections = keepsConnections
    }

    /// `Policy/NAME`.
    public var id: ObjectID { ObjectID(.policy, metadata.name) }
    /// What it says of one direction.
    public subscript(direction: TrafficDirection) -> PolicyDirection? {
        switch direction {
        case .ingress: ingress
        case .egress: egress
        }
    }
}

/// Seen from the endpoint.
public enum TrafficDirection: String, Hashable, CaseIterable, Sendable {
    /// What comes in to an endpoint.
    case ingress
    /// What goes out of it.
    case egress
}

/// The rules of a policy for one direction.
public struct PolicyDirection: Hashable, Sendable {
    /// `default: deny`, for traffic that no rule of any policy matches.
    public var deniesByDefault: Bool
    /// In order; the first match decides.
    public var rules: [PolicyRule]
    /// Where the direction stands in the manifest.
    public var source: SourceLocation

    /// A direction.
    public init(deniesByDefault: Bool, rules: [PolicyRule] = [], source: SourceLocation) {
        self.deniesByDefault = deniesByDefault
        self.rules = rules
        self.source = source
    }
}

/// What a rule does with what it matches.
public enum RuleAction: String, Hashable, CaseIterable, Sendable {
    /// This direction lets it pass.
    case allow
    /// Dropped without an answer.
    case deny
    /// Dropped with an ICMP error, or a TCP reset.
    case reject
    /// Leaves the policies: isolation decides.
    case pass
}

/// One rule of a policy.
public struct PolicyRule: Hashable, Sendable {
    /// Given, or `ingress-1`, `ingress-2` … by its place.
    public var name: ObjectName
    /// What happens to what it matches.
    public var action: RuleAction
    /// Whom it is about, in order; nil for anyone.
    public var peers: [PolicyPeer]?
    /// What it is about, in order; nil for all protocols.
    public var services: [PolicyService]?
    /// Where matches are logged, rate-limited.
    public var log: RuleLog?
    /// Where it stands in the manifest.
    public var source: SourceLocation

    /// A rule.
    public init(
        name: ObjectName, action: RuleAction, peers: [PolicyPeer]? = nil, services: [PolicyService]? = nil,
        log: RuleLog? = nil, source: SourceLocation
    ) {
        self.name = name
        self.action = action
        self.peers = peers
        self.services = services
        self.log = log
        self.source = source
    }
}

/// Where a rule logs to.
public enum RuleLog: Hashable, Sendable {
    /// `log group N`: a netlink group that a program listens on.
    case nflog(group: UInt16)
    /// The kernel log; only in the first network namespace, or with `nf_log_all_netns`.
    case kernel
}
