public import Model

/// The intermediate form of policies: which of them are asked for an endpoint, in which order, and what decides where
/// none does. `Firewall` compiles it to nftables, `Reachability` answers questions from it; neither reads policies any
/// other way, so that what is enforced and what is answered cannot drift apart.
public struct PolicyProgram: Hashable, Sendable {
    /// What is asked for the endpoints of a direction that share it. Equal profiles are one chain in the kernel.
    public struct Profile: Hashable, Sendable {
        /// Seen from the endpoint.
        public var direction: TrafficDirection
        /// Enforced policies that speak of the direction, in order; places in `PolicyProgram.policies`.
        public var enforced: [Int]
        /// Audit policies that speak of the direction, in order.
        public var audits: [Int]
        /// What decides where no rule matches.
        public var fallback: Fallback
    }

    /// What decides where no rule of any policy matches.
    public enum Fallback: Hashable, Sendable {
        /// The default of this policy denies; the first one that does. Place in `PolicyProgram.policies`.
        case deny(policy: Int)
        /// No default denies, and this policy's, the first one, allows.
        case allow(policy: Int)
        /// No enforced policy speaks of the direction.
        case isolation
    }

    /// All policies of the host, by priority and name.
    public let policies: [Policy]
    private let profiles: [TrafficDirection: [ObjectName: Profile]]

    /// Works out the profile of every endpoint that a policy selects.
    public init(_ desired: DesiredState) { self.init(desired.policies) }

    /// What other hosts ask of their endpoints on overlays.
    public static func remote(_ desired: DesiredState) -> PolicyProgram { PolicyProgram(desired.remotePolicies) }

    private init(_ policies: [Policy]) {
        self.policies = policies
        var result: [TrafficDirection: [ObjectName: Profile]] = [:]
        for direction in TrafficDirection.allCases {
            var chosen: [ObjectName: [Int]] = [:]
            for (place, policy) in policies.enumerated() where policy[direction] != nil {
                for name in policy.selected { chosen[name, default: []].append(place) }
            }
            result[direction] = chosen.mapValues { Self.profile(direction, $0, policies) }
        }
        profiles = result
    }

    private static func profile(_ direction: TrafficDirection, _ places: [Int], _ policies: [Policy]) -> Profile {
        let enforced = places.filter { !policies[$0].isAudit }
        let denying = enforced.first { policies[$0][direction]?.deniesByDefault ?? false }
        let fallback: Fallback =
            denying.map { .deny(policy: $0) } ?? enforced.first.map { .allow(policy: $0) } ?? .isolation
        return Profile(
            direction: direction, enforced: enforced, audits: places.filter { policies[$0].isAudit },
            fallback: fallback)
    }

    /// What is asked for an endpoint; nil where no policy speaks of it, so that isolation decides.
    public func profile(_ direction: TrafficDirection, of endpoint: ObjectName) -> Profile? {
        profiles[direction]?[endpoint]
    }

    /// Whether an enforced policy speaks of a direction of an endpoint.
    public func isPoliced(_ direction: TrafficDirection, _ endpoint: ObjectName) -> Bool {
        profile(direction, of: endpoint).map { !$0.enforced.isEmpty } ?? false
    }

    /// Text that identifies a rule in the kernel, in comments and log prefixes: `web-in/ingress/from-lb`; a hash in
    /// place of the names where those are too long for a log prefix (`NF_LOG_PREFIXLEN`, 127).
    public static func ruleID(_ policy: Policy, _ direction: TrafficDirection, _ rule: PolicyRule) -> String {
        shortened("\(policy.metadata.name)/\(direction.rawValue)/\(rule.name)")
    }

    /// The comment of a rule in the kernel: its id, and behind a hash its name, by which the manifest has it. (The chain
    /// says policy and direction.)
    public static func ruleComment(_ policy: Policy, _ direction: TrafficDirection, _ rule: PolicyRule) -> String {
        let id = ruleID(policy, direction, rule)
        return id.hasPrefix("#") ? "\(id) \(rule.name)" : id
    }

    /// The same for a policy's default. A rule's name has no space in it.
    public static func defaultID(_ policy: Policy, _ direction: TrafficDirection) -> String {
        defaultID(policy.metadata.name, direction)
    }

    /// The same by name.
    public static func defaultID(_ policy: ObjectName, _ direction: TrafficDirection) -> String {
        shortened("\(policy)/\(direction.rawValue) default")
    }

    private static func shortened(_ text: String) -> String {
        text.utf8.count <= 100 ? text : "#" + StableHash.base32(StableHash.hash(text), count: 12)
    }
}
