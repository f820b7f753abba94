public import Addressing
public import Model

/// Whether a connection passes, and why.
public struct Answer: Hashable, Sendable {
    /// What closes the way whatever policies say; nil where nothing does.
    public var bound: Bound?
    /// The published port that led it to an endpoint.
    public var publication: Publication?
    /// What the source's policies say; nil where the source is no endpoint.
    public var egress: Ruling?
    /// What the destination's policies say; nil where the destination is no endpoint.
    public var ingress: Ruling?
    /// Both are in this compartment: the connection stays inside and nothing of the host sees it.
    public var inside: ObjectName?
    /// Both are on this network, where what one sends the other goes out to the physical switch, which may send it back.
    public var tunnel: ObjectName?

    /// An answer.
    public init(
        bound: Bound? = nil, publication: Publication? = nil, egress: Ruling? = nil, ingress: Ruling? = nil,
        inside: ObjectName? = nil
    ) {
        self.bound = bound
        self.publication = publication
        self.egress = egress
        self.ingress = ingress
        self.inside = inside
    }

    /// Whether it passes.
    public var allows: Bool {
        bound == nil && egress?.action ?? .allow == .allow && ingress?.action ?? .allow == .allow
    }

    /// Neither side is an endpoint, and no published port: bulkhead has no say.
    public var isForeign: Bool { bound == nil && egress == nil && ingress == nil && inside == nil }
}

/// A published port of the host that stands for one of an endpoint.
public struct Publication: Hashable, Sendable {
    /// Where it leads.
    public var endpoint: ObjectName
    /// The address there.
    public var address: IPAddress
    /// The mapping.
    public var mapping: PortMapping

    /// The port of the endpoint that a port of the host stands for.
    public func target(of port: UInt16) -> UInt16 { mapping.ports.first &+ (port &- mapping.hostPorts.first) }
}

/// What no policy can open.
public enum Bound: Hashable, Sendable {
    /// `enabled: false`.
    case disabled(ObjectName)
    /// The endpoint has no address of the family.
    case noAddress(ObjectName, AddressFamily)
    /// The endpoint's compartment has no route to the address by this card.
    case noRoute(ObjectName, to: IPAddress)
    /// The type of the network has no such way.
    case type(ObjectName, NetworkType, Way)
    /// `inbound: published`: from outside only published ports lead in.
    case inbound(ObjectName)
    /// Two networks that are not peers.
    case notPeers(ObjectName, ObjectName)
    /// Published on a loopback address, which the host alone reaches.
    case loopback(IPAddress)
    /// A loopback address leads an endpoint nowhere but to its own compartment.
    case ownLoopback(IPAddress)

    /// No endpoint and no gateway of this network, which has nobody else on it, has the address.
    case nobody(IPAddress, ObjectName)

    /// What a type of network has no way for.
    public enum Way: String, Hashable, Sendable {
        /// Endpoint to host.
        case toHost
        /// Host to endpoint.
        case fromHost
        /// Endpoint to the outside.
        case toOutside
        /// Outside to endpoint.
        case fromOutside
    }
}

extension Bound: CustomStringConvertible {
    /// One clause.
    public var description: String {
        switch self {
        case .disabled(let name): "Endpoint/\(name) is disabled"
        case .noAddress(let name, let family): "Endpoint/\(name) has no \(family.rawValue) address"
        case .noRoute(let name, let address): "Endpoint/\(name) has no route to \(address)"
        case .type(let name, let type, let way): "Network/\(name) is \(type.rawValue): \(way.words)"
        case .inbound(let name): "Network/\(name) has 'inbound: published': from outside only published ports lead in"
        case .notPeers(let one, let other): "Network/\(one) and Network/\(other) are not peers"
        case .loopback(let address): "\(address) is published to the host itself only"
        case .nobody(let address, let name): "nobody on Network/\(name) has \(address)"
        case .ownLoopback(let address): "\(address) is every compartment's own loopback"
        }
    }
}

extension Bound.Way {
    fileprivate var words: String {
        switch self {
        case .toHost: "no way to any address of the host"
        case .fromHost: "no way from the host"
        case .toOutside: "no way out"
        case .fromOutside: "no way in from outside"
        }
    }
}

/// What the policies of one endpoint say of one direction.
public struct Ruling: Hashable, Sendable {
    /// `allow`, `deny` or `reject`; never `pass`.
    public var action: RuleAction
    /// What decided.
    public var cause: Cause
    /// The rule with `pass` that left it to isolation.
    public var passedBy: RuleReference?

    /// A ruling.
    public init(_ action: RuleAction, _ cause: Cause, passedBy: RuleReference? = nil) {
        self.action = action
        self.cause = cause
        self.passedBy = passedBy
    }

    /// Whether this direction lets it pass.
    public var allows: Bool { action == .allow }
}

/// What decided a direction.
public enum Cause: Hashable, Sendable {
    /// The first rule that matched.
    case rule(RuleReference)
    /// The default of this policy; no rule of any matched.
    case policyDefault(ObjectName, SourceLocation)
    /// `isolation` of this network.
    case isolation(ObjectName, SourceLocation)
    /// Nothing speaks against it.
    case nothing
}

/// A rule of a policy.
public struct RuleReference: Hashable, Sendable {
    /// The policy.
    public var policy: ObjectName
    /// The rule.
    public var rule: ObjectName
    /// Where it stands.
    public var source: SourceLocation

    /// A rule by its policy.
    public init(policy: ObjectName, rule: ObjectName, source: SourceLocation) {
        self.policy = policy
        self.rule = rule
        self.source = source
    }
}
