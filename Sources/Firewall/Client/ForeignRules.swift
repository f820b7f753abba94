internal import JSON

/// Rules of somebody else's table, by chain, as libnftables lists them: whether they let through what comes from, and what
/// goes to, interfaces of bulkhead.
struct ForeignRules {
    private var rules: [String: [[JSON]]] = [:]
    /// The beginning of their names, as a rule has it (`bh-*`).
    private let pattern: String
    /// Those that are there.
    private let names: Set<String>

    /// The chains of a listing.
    init(_ listing: JSON, prefix: String, links: [String]) {
        pattern = "\(prefix)*"
        names = Set(links.filter { $0.hasPrefix(prefix) })
        for rule in (listing["nftables"]?.array ?? []).compactMap({ $0["rule"] }) {
            guard let chain = rule["chain"]?.string, let expressions = rule["expr"]?.array else { continue }
            rules[chain, default: []].append(expressions.filter { $0["counter"] == nil })
        }
    }

    /// Whether a chain accepts all of it, itself or in chains that it leads every packet to, before anything drops it.
    func letThrough(from chain: String) -> Bool {
        var accepted = Accepted()
        var results: [String: Bool] = [:]
        _ = walk(chain, &accepted, &results)
        return accepted.isAll || isCovered(accepted.names["iifname"]) && isCovered(accepted.names["oifname"])
    }

    private func isCovered(_ accepted: Set<String>?) -> Bool {
        guard let accepted else { return false }
        return accepted.contains(pattern) || (!names.isEmpty && names.isSubset(of: accepted))
    }

    private struct Accepted {
        /// By `iifname` and `oifname`.
        var names: [String: Set<String>] = [:]
        /// Whatever it is.
        var isAll = false
    }

    /// Follows a chain as a packet does of which no rule with a condition holds but those that accept by interface. The
    /// result is whether it goes no further behind it.
    private func walk(_ chain: String, _ accepted: inout Accepted, _ results: inout [String: Bool]) -> Bool {
        if let known = results[chain] { return known }
        results[chain] = false
        let isEnd = go(chain, &accepted, &results)
        results[chain] = isEnd
        return isEnd
    }

    private func go(_ chain: String, _ accepted: inout Accepted, _ results: inout [String: Bool]) -> Bool {
        for expressions in rules[chain] ?? [] {
            if let (side, names) = Self.interfaces(expressions) { accepted.names[side, default: []].formUnion(names) }
            guard expressions.count == 1, let verdict = expressions.first else { continue }
            if verdict["accept"] != nil {
                accepted.isAll = true
                return true
            }
            if verdict["drop"] != nil || verdict["reject"] != nil { return true }
            if verdict["return"] != nil { return false }
            if let target = verdict["goto"]?["target"]?.string { return walk(target, &accepted, &results) }
            if let target = verdict["jump"]?["target"]?.string, walk(target, &accepted, &results) { return true }
        }
        return false
    }

    /// The interfaces of which a rule accepts all, by `iifname` or `oifname`; nil for any other rule.
    private static func interfaces(_ expressions: [JSON]) -> (side: String, names: [String])? {
        guard expressions.count == 2, expressions[1]["accept"] != nil, let match = expressions[0]["match"],
            match["op"]?.string == "==", let side = match["left"]?["meta"]?["key"]?.string, let right = match["right"]
        else { return nil }
        return (side, (right["set"]?.array ?? [right]).compactMap(\.string))
    }
}
