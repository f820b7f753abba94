public import JSON

/// The tables of one scope, wanted or as the kernel has them.
public struct Ruleset: Hashable, Codable, Sendable {
    /// By family.
    public var tables: [Table]
    /// A ruleset.
    public init(tables: [Table] = []) { self.tables = tables }
    /// The table of a family.
    public func table(_ family: Table.Family) -> Table? { tables.first { $0.family == family } }
}

/// An nftables table.
public struct Table: Hashable, Codable, Sendable {
    /// What it sees.
    public enum Family: String, Hashable, CaseIterable, Codable, Sendable {
        /// Frames between ports of a bridge.
        case bridge
        /// IPv4 and IPv6 packets.
        case inet
        /// ARP to interfaces of the host.
        case arp
        /// Frames that single interfaces take or send, before and behind all else.
        case netdev
    }
    /// What it sees.
    public var family: Family
    /// Its name, `bulkhead` or `bulkhead-SCOPE`.
    public var name: String
    /// Named sets and maps, by name.
    public var sets: [NamedSet]
    /// Chains, by name.
    public var chains: [Chain]
    /// What somebody set on it as a whole; nil as bulkhead makes it.
    public var flags: Flags?

    /// A table without flags.
    public init(family: Family, name: String, sets: [NamedSet] = [], chains: [Chain] = []) {
        self.family = family
        self.name = name
        self.sets = sets
        self.chains = chains
    }
}

/// A named set, or a map where it has data.
public struct NamedSet: Hashable, Codable, Sendable {
    /// Its name.
    public var name: String
    /// Types of the key's parts.
    public var keyTypes: [String]
    /// Type of the data; nil for a set.
    public var dataType: String?
    /// Whether elements may be ranges and prefixes.
    public var isInterval: Bool
    /// Whether packets write its elements, which age: nothing is compared but that the set is there.
    public var isLearned: Bool
    /// Elements by key; none where it is learned.
    public var elements: [Element]

    /// A set or map.
    public init(
        name: String, keyTypes: [String], dataType: String? = nil, isInterval: Bool = false, isLearned: Bool = false,
        elements: [Element] = []
    ) {
        self.name = name
        self.keyTypes = keyTypes
        self.dataType = dataType
        self.isInterval = isInterval
        self.isLearned = isLearned
        self.elements = elements
    }
}

/// One element of a set or map.
public struct Element: Hashable, Codable, Sendable {
    /// The key, as libnftables writes it.
    public var key: JSON
    /// What a map gives for it.
    public var data: JSON?
    /// The manifest object it is for, `Endpoint/web-1`.
    public var comment: String?

    /// An element.
    public init(key: JSON, data: JSON? = nil, comment: String?) {
        self.key = key
        self.data = data
        self.comment = comment
    }
}

/// A chain, with a hook where it is a base chain.
public struct Chain: Hashable, Codable, Sendable {
    /// Where packets enter.
    public struct Base: Hashable, Codable, Sendable {
        /// `filter` or `nat`.
        public var type: String
        /// `prerouting`, `forward` …
        public var hook: String
        /// Lower runs first.
        public var priority: Int64
        /// What happens to packets that no rule decides on.
        public var policy: String
        /// Interfaces whose frames they are, sorted; nil in all families but `netdev`.
        public var devices: [String]?
        /// A hook.
        public init(
            type: String, hook: String, priority: Int64, policy: String = "accept", devices: [String]? = nil
        ) {
            self.devices = devices
            self.type = type
            self.hook = hook
            self.priority = priority
            self.policy = policy
        }
    }
    /// Its name.
    public var name: String
    /// The hook; nil for a chain that others jump to.
    public var base: Base?
    /// Rules in order.
    public var rules: [Rule]

    /// A chain.
    public init(name: String, base: Base? = nil, rules: [Rule] = []) {
        self.name = name
        self.base = base
        self.rules = rules
    }
}

/// A rule: expressions as in `libnftables-json(5)`, and what it is for.
public struct Rule: Codable, Sendable {
    /// Matches and statements.
    public var expressions: [JSON]
    /// What it is for.
    public var comment: String?
    /// The kernel's name for it (`nft -a`), where it was read; two rules are equal whatever theirs are.
    public var handle: Int64?
    /// A rule.
    public init(_ expressions: [JSON], comment: String? = nil, handle: Int64? = nil) {
        self.expressions = expressions
        self.comment = comment
        self.handle = handle
    }
}

extension Rule: Hashable {
    /// The same expressions and comment.
    public static func == (left: Self, right: Self) -> Bool {
        left.comment == right.comment && left.expressions == right.expressions
    }

    /// Expressions and comment.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(expressions)
        hasher.combine(comment)
    }
}
