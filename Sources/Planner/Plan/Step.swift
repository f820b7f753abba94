internal import Firewall
public import Model

/// One entry of a plan: a change of one object, and how to undo it.
public struct Step: Hashable, Codable, Sendable {
    /// What happens to the object.
    public enum Action: String, Hashable, CaseIterable, Codable, Sendable {
        /// `+`
        case create
        /// `~`
        case update
        /// `±`: deleted, then made anew.
        case replace
        /// `-`
        case delete
    }

    /// Unique in the plan and stable over runs: kind, place and name, `address/web-1/eth0/10.88.0.10/24`.
    public var id: String
    /// What happens.
    public var action: Action
    /// The manifest object it is for.
    public var owner: ObjectID?
    /// What kind of object it changes.
    public var kind: Kind
    /// The namespace it happens in.
    public var namespace: NamespaceRef
    /// For people, old → new values included.
    public var summary: String
    /// Why; for people only, never used to decide.
    public var reason: String
    /// What it disturbs.
    public var disruption: Disruption
    /// The manifest line that causes it.
    public var source: SourceLocation?
    /// What the object is before, and will be after; lines of `name: value`.
    public var before: [Property]
    /// What the object will be.
    public var after: [Property]
    /// Whether undoing it cannot restore everything (a deleted link's index, cut connections).
    public var isIrreversible: Bool
    /// What goes with it and does not come back when it is undone, mostly others' things; in words.
    public var losses: [String]
    /// Ids of steps that must be done before.
    public var requires: [String]
    /// What is done, in order.
    public var operations: [Operation]
    /// What undoes it, in order.
    public var inverse: [Operation]
    /// Where it stands among steps that no requirement orders.
    public var phase: Phase

    /// A step without requirements; set the rest as needed.
    public init(
        id: String, action: Action, owner: ObjectID?, kind: Kind, namespace: NamespaceRef = .host, summary: String,
        reason: String, disruption: Disruption = .none, source: SourceLocation?, before: [Property] = [],
        after: [Property] = [], isIrreversible: Bool = false, losses: [String] = [], requires: [String] = [],
        operations: [Operation], inverse: [Operation], phase: Phase
    ) {
        self.id = id
        self.action = action
        self.owner = owner
        self.kind = kind
        self.namespace = namespace
        self.summary = summary
        self.reason = reason
        self.disruption = disruption
        self.source = source
        self.before = before
        self.after = after
        self.isIrreversible = isIrreversible
        self.losses = losses
        self.requires = requires
        self.operations = operations
        self.inverse = inverse
        self.phase = phase
    }
}

extension Step {
    /// Whether it waits until all that can be undone was done. A module that all else is built on cannot wait.
    public var comesLast: Bool { isIrreversible && phase != .prepare }
}

/// One value of an object, for the plan document.
public struct Property: Hashable, Codable, Sendable {
    /// Its name.
    public var name: String
    /// Its value as people write it.
    public var value: String
    /// A property.
    public init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// What a step disturbs.
public enum Disruption: Hashable, Codable, Sendable {
    /// Nothing that runs.
    case none
    /// Well under a second for these endpoints.
    case brief([ObjectName])
    /// Until a later step, or for good.
    case outage([ObjectName])

    /// The word in plans.
    public var level: String {
        switch self {
        case .none: "none"
        case .brief: "brief"
        case .outage: "outage"
        }
    }

    /// Nothing where it touches nobody.
    init(_ level: ([ObjectName]) -> Self, _ names: [ObjectName]) { self = names.isEmpty ? .none : level(names) }

    /// Whom it touches.
    public var endpoints: [ObjectName] {
        switch self {
        case .none: []
        case .brief(let names), .outage(let names): names
        }
    }
}

/// Coarse order of steps; requirements refine it.
///
/// It keeps steps of one namespace together so that they travel in one datagram, puts firewall rules before the links
/// they guard, and puts what cannot be undone last.
public enum Phase: Int, Hashable, Comparable, Codable, Sendable {
    /// Modules, notes of original values.
    case prepare
    /// Namespaces are made, and links on which rules hang.
    case namespaces
    /// Rules come into force.
    case firewall
    /// Links that were replaced make room.
    case clear
    /// Bridges and other links that carry others; addresses and settings of the host.
    case host
    /// Cards of endpoints.
    case cards
    /// Everything inside compartments.
    case compartments
    /// Files for processes inside.
    case files
    /// Surplus addresses, routes and settings go.
    case reduce
    /// Surplus links go.
    case links
    /// Rules that nothing needs any more go.
    case unguard
    /// Connections that are no longer allowed are cut, when no more of them can come.
    case connections
    /// The note that connections were not checked goes.
    case conclude
    /// Shared settings go back to what they were; surplus files go.
    case restore
    /// Surplus namespaces go.
    case vanish

    /// In order of execution.
    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

extension Step {
    /// Whether it leaves nothing that could be read back: the next plan may hold it again.
    public var isUnseen: Bool {
        operations.allSatisfy { operation in
            if case .clearWay = operation { return true }
            return false
        }
    }

    /// Whether it only notes of the scope's rules that connections have to be checked against them, or were.
    public var isNote: Bool {
        kind == .firewall
            && operations.allSatisfy { operation in
                if case .firewall(let commands) = operation { return RulesetChange.isNote(commands) }
                return false
            }
    }
}
