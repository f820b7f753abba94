internal import Addressing
internal import Model

/// A policy as the manifest has it; references and names are checked by the rules under `Validation/Policy`.
struct PolicyDocument: Sendable {
    /// Which endpoints it is for.
    struct Target: Sendable {
        var endpoints: SelectorDocument?
        /// nil where the key is not given.
        var networks: [Located<String>]?
        var at: SourceLocation
    }

    struct Direction: Sendable {
        var deniesByDefault: Bool
        var rules: [Rule]
        var at: SourceLocation
    }

    struct Rule: Sendable {
        /// nil for the default name, which follows from the place in the list.
        var givenName: Located<ObjectName>?
        var name: ObjectName
        var action: RuleAction
        /// nil for anyone.
        var peers: [Peer]?
        /// nil for all.
        var services: [Service]?
        var log: Log?
        var at: SourceLocation
    }

    struct Peer: Sendable {
        var endpoints: SelectorDocument?
        var network: Located<String>?
        var cidr: Located<IPPrefix>?
        var except: [Located<IPPrefix>]
        var entity: Located<PeerEntity>?
        /// The `except` key, which has no meaning without `cidr`.
        var exceptAt: SourceLocation?
        var at: SourceLocation
    }

    struct Service: Sendable {
        var kind: ServiceKind
        var ports: [Located<PortRange>]?
        var types: [Located<String>]?
        var at: SourceLocation
        var portsAt: SourceLocation?
        var typesAt: SourceLocation?
    }

    enum ServiceKind: Hashable, Sendable {
        case transport(PortProtocol)
        case icmp(AddressFamily)

        init?(_ word: String) {
            switch word {
            case "icmp": self = .icmp(.ipv4)
            case "icmpv6": self = .icmp(.ipv6)
            case _:
                guard let transport = PortProtocol(rawValue: word) else { return nil }
                self = .transport(transport)
            }
        }

        var word: String {
            switch self {
            case .transport(let transport): transport.rawValue
            case .icmp(.ipv4): "icmp"
            case .icmp(.ipv6): "icmpv6"
            }
        }
    }

    struct Log: Sendable {
        var isKernel: Bool
        var group: Located<UInt16>?
        var at: SourceLocation
    }

    var head: DocumentHead
    var target: Target
    var priority: Int
    var isAudit: Bool
    var ingress: Direction?
    var egress: Direction?
    var keepsConnections: Bool

    subscript(direction: TrafficDirection) -> Direction? {
        switch direction {
        case .ingress: ingress
        case .egress: egress
        }
    }

    /// Whether it is for an endpoint.
    func selects(_ endpoint: EndpointDocument) -> Bool {
        guard target.endpoints != nil || target.networks != nil else { return false }
        return (target.endpoints?.matches(endpoint.head.labels) ?? true)
            && (target.networks?.contains { $0.value == endpoint.network.value } ?? true)
    }

    /// All rules of both directions.
    var allRules: [Rule] { (ingress?.rules ?? []) + (egress?.rules ?? []) }
}

extension PolicyDocument.Peer {
    /// Whether it names endpoints of the manifests.
    var hasGroup: Bool { endpoints != nil || network != nil }

    /// Whether an endpoint is one of those that `endpoints` and `network` name.
    func selects(_ endpoint: EndpointDocument) -> Bool {
        (endpoints?.matches(endpoint.head.labels) ?? true)
            && (network.map { $0.value == endpoint.network.value } ?? true)
    }

    /// The group in one spelling: equal groups of different rules share a set in the kernel.
    var groupKey: String {
        let selector = endpoints?.canonicalText ?? "all"
        return network.map { "\(selector) @\($0.value)" } ?? selector
    }
}

extension SelectorDocument {
    /// One spelling for selectors that mean the same by order or repetition: `app=web,tier in (a,b)`; `all` for `{}`.
    var canonicalText: String {
        var terms = Set(labels.map { "\($0.key)=\($0.value)" })
        for expression in expressions {
            let values = Set(expression.values).sorted()
            switch expression.comparison {
            case "In" where values.count == 1: terms.insert("\(expression.key)=\(values[0])")
            case "In": terms.insert("\(expression.key) in (\(values.joined(separator: ",")))")
            case "NotIn": terms.insert("\(expression.key) notin (\(values.joined(separator: ",")))")
            case "Exists": terms.insert(expression.key)
            case _: terms.insert("!\(expression.key)")
            }
        }
        return terms.isEmpty ? "all" : terms.sorted().joined(separator: ",")
    }
}
