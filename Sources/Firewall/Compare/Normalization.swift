internal import JSON

extension Rule {
    /// The rule with everything evened out that the kernel or libnftables is free to change: counts, and the order of
    /// anonymous sets.
    var normalized: Rule { Rule(expressions.map(\.normalized), comment: comment) }
}

extension JSON {
    fileprivate var normalized: JSON {
        switch self {
        case .null, .bool, .int, .double, .string: return self
        case .array(let values): return .array(values.map(\.normalized))
        case .object(let object):
            if object.members.count == 1, let member = object.members.first {
                if member.key == "counter" { return ["counter": nil] }
                if member.key == "set", case .array(let values) = member.value {
                    return ["set": .array(values.map(\.normalized).sorted { $0.text() < $1.text() })]
                }
            }
            return .object(
                JSONObject(
                    object.members.map { JSONObject.Member(key: $0.key, value: $0.value.normalized) }
                        .sorted { $0.key < $1.key }))
        }
    }
}
