internal import JSON

/// Rules of somebody else's table, by chain, as libnftables lists them.
struct ForeignRules {
    private var rules: [String: [[JSON]]] = [:]

    init(_ listing: JSON) {
        for rule in (listing["nftables"]?.array ?? []).compactMap({ $0["rule"] }) {
            guard let chain = rule["chain"]?.string, let expressions = rule["expr"]?.array else { continue }
            rules[chain, default: []].append(expressions)
        }
    }

    /// Whether this chain, or one that it leads to whatever the packet is, accepts all from bridges of bulkhead and all to
    /// them.
    func letsBridgesThrough(from chain: String) -> Bool {
        var (seen, waiting): (Set<String>, [String]) = ([chain], [chain])
        var sides: Set<String> = []
        while let next = waiting.popLast() {
            for expressions in rules[next] ?? [] {
                sides.formUnion(Self.acceptedSide(expressions).map { [$0] } ?? [])
                if let target = Self.target(expressions), seen.insert(target).inserted { waiting.append(target) }
            }
        }
        return sides.isSuperset(of: ["iifname", "oifname"])
    }

    /// `iifname` or `oifname`, of which a rule accepts all that begins with `bh-`; nil for any other rule.
    private static func acceptedSide(_ expressions: [JSON]) -> String? {
        let rest = withoutCounters(expressions)
        guard rest.count == 2, rest[1]["accept"] != nil, let match = rest[0]["match"], match["op"]?.string == "==",
            match["right"]?.string == "bh-*"
        else { return nil }
        return match["left"]?["meta"]?["key"]?.string
    }

    /// Where a rule without any condition leads to.
    private static func target(_ expressions: [JSON]) -> String? {
        let rest = withoutCounters(expressions)
        guard rest.count == 1 else { return nil }
        return (rest[0]["jump"] ?? rest[0]["goto"])?["target"]?.string
    }

    private static func withoutCounters(_ expressions: [JSON]) -> [JSON] { expressions.filter { $0["counter"] == nil } }
}
