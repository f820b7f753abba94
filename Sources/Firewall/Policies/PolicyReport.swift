internal import JSON
public import Model
internal import Reachability

/// A policy as the kernel has it: the endpoints it is asked for, its rules with their counters and log prefixes.
public struct PolicyReport: Hashable, Sendable {
    /// One rule, or the default of a direction.
    public struct Rule: Hashable, Sendable {
        /// Seen from the endpoint.
        public var direction: TrafficDirection
        /// `POLICY/DIRECTION/RULE`, as in comments and log prefixes; a hash where that would be too long.
        public var id: String
        /// The rule's name in the manifest, which a hash does not tell; nil of a default.
        public var name: String?
        /// `allow`, `deny`, `reject`, `pass`; of an audit policy `would deny`, and `leave` for what it lets be.
        public var verdict: String
        /// Packets that began a connection and were decided here.
        public var packets: Int64
        /// Their bytes.
        public var bytes: Int64
        /// What log lines begin with; nil where nothing is logged.
        public var logPrefix: String?
    }

    /// The policy's name.
    public var name: String
    /// Counts and logs only.
    public var isAudit: Bool
    /// Endpoints it is asked for, sorted.
    public var endpoints: [String]
    /// Ingress, then egress, each in order with its default behind.
    public var rules: [Rule]

    /// The policies that a ruleset holds, by name.
    public static func all(_ ruleset: Ruleset) -> [PolicyReport] {
        let reader = PolicyReader(ruleset)
        return reader.names.map(reader.report)
    }
}

/// Reads policies back from the chains that `PolicyChains` makes of them.
private struct PolicyReader {
    private struct Part: Hashable {
        var isAudit: Bool
        var direction: TrafficDirection
        var policy: String
    }

    private let tables: [Table]
    /// Chains of policies, of all tables.
    private var parts: [(part: Part, chain: Chain)] = []
    /// Lists: which policy chains they jump to.
    private var lists: [Chain] = []

    init(_ ruleset: Ruleset) {
        // inet first: it has every rule, the bridge table only what concerns groups.
        tables = [ruleset.table(.inet), ruleset.table(.bridge)].compactMap(\.self)
        for table in tables {
            for chain in table.chains {
                if let part = Self.part(chain.name) {
                    parts.append((part, chain))
                } else if TrafficDirection.allCases.contains(where: { chain.name.hasPrefix("\($0.rawValue)-") }) {
                    lists.append(chain)
                }
            }
        }
    }

    private static func part(_ name: String) -> Part? {
        let words = name.split(separator: "-", maxSplits: 2).map(String.init)
        guard words.count == 3, ["policy", "audit"].contains(words[0]),
            let direction = TrafficDirection(rawValue: words[1])
        else { return nil }
        return Part(isAudit: words[0] == "audit", direction: direction, policy: words[2])
    }

    var names: [String] { Set(parts.map(\.part.policy)).sorted() }

    func report(_ name: String) -> PolicyReport {
        let own = parts.filter { $0.part.policy == name }
        let chains = Set(own.map(\.chain.name))
        let users = Set(
            lists.filter { list in
                list.rules.contains { rule in
                    rule.expressions.contains { Self.target($0).map(chains.contains) ?? false }
                }
            }.map(\.name))
        var endpoints: Set<String> = []
        for element in tables.flatMap(\.sets).filter({ $0.dataType == "verdict" }).flatMap(\.elements) {
            guard let data = element.data, let target = Self.target(data), users.contains(target) else { continue }
            endpoints.insert(element.comment ?? "")
        }
        return PolicyReport(
            name: name, isAudit: own.contains { $0.part.isAudit },
            endpoints: endpoints.map { String($0.drop { $0 != "/" }.dropFirst()) }.filter { !$0.isEmpty }.sorted(),
            rules: TrafficDirection.allCases.flatMap { direction in
                rules(name, direction, own.filter { $0.part.direction == direction })
            })
    }

    private func rules(
        _ name: String, _ direction: TrafficDirection, _ own: [(part: Part, chain: Chain)]
    ) -> [PolicyReport.Rule] {
        var result: [PolicyReport.Rule] = []
        var places: [String: Int] = [:]
        func add(_ rule: Rule, isAudit: Bool) {
            guard let (id, ruleName) = Self.names(rule) else { return }
            let place = places[id] ?? result.count
            if place == result.count {
                places[id] = place
                result.append(.init(direction: direction, id: id, verdict: "", packets: 0, bytes: 0))
            }
            if let ruleName { result[place].name = ruleName }
            if let log = Self.logged(rule) { result[place].logPrefix = log.prefix }
            guard let verdict = Self.verdict(rule, isAudit: isAudit) else { return }
            // The bridge table, which comes last, cannot reject.
            if result[place].verdict.isEmpty { result[place].verdict = verdict }
            let counter = rule.expressions.compactMap { $0["counter"] }.first
            result[place].packets += counter?["packets"]?.int ?? 0
            result[place].bytes += counter?["bytes"]?.int ?? 0
        }
        for entry in own { for rule in entry.chain.rules { add(rule, isAudit: entry.part.isAudit) } }
        guard let policy = ObjectName(name) else { return result }
        let fallback = PolicyProgram.defaultID(policy, direction)
        for list in lists { for rule in list.rules where rule.comment == fallback { add(rule, isAudit: false) } }
        return result
    }

    /// The id in a rule's comment or log prefix, and the name where that says it.
    private static func names(_ rule: Rule) -> (id: String, name: String?)? {
        guard let comment = rule.comment else { return logged(rule).map { ($0.id, nil) } }
        guard comment.hasPrefix("#") else {
            let words = comment.split(separator: "/", maxSplits: 2)
            return (comment, words.count == 3 ? String(words[2]) : nil)
        }
        let words = comment.split(separator: " ", maxSplits: 1).map(String.init)
        return (words[0], words.count == 2 ? words[1] : nil)
    }

    private static func target(_ expression: JSON) -> String? {
        (expression["jump"] ?? expression["goto"])?["target"]?.string
    }

    /// The log prefix of a rule, and the id in it.
    private static func logged(_ rule: Rule) -> (prefix: String, id: String)? {
        guard let prefix = rule.expressions.compactMap({ $0["log"]?["prefix"]?.string }).first else { return nil }
        let parts = prefix.split(separator: ":", maxSplits: 2)
        guard parts.count == 3 else { return nil }
        var id = String(parts[2])
        while id.hasSuffix(" ") { id.removeLast() }
        return ("\(parts[0]):\(parts[1]):\(id)", id)
    }

    private static func verdict(_ rule: Rule, isAudit: Bool) -> String? {
        func has(_ key: String) -> Bool { rule.expressions.contains { $0[key] != nil } }
        if isAudit { return has("counter") ? "would deny" : has("return") ? "leave" : nil }
        if has("accept") { return "allow" }
        if has("drop") { return "deny" }
        if has("reject") { return "reject" }
        return has("goto") ? "pass" : nil
    }
}
