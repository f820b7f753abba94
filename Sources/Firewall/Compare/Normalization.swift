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
                // Versions of nft differ in how they write several flags: as a list, or as one or more `|`.
                if member.key == "|" { return .array(member.value.flags.sorted { $0.text() < $1.text() }) }
                if member.key == "&", case .array(let sides) = member.value, sides.count == 2 {
                    return [
                        "&": [
                            sides[0].normalized,
                            sides[1].hasFlags ? (["|": sides[1]] as JSON).normalized : sides[1].normalized,
                        ]
                    ]
                }
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

extension JSON {
    /// Whether it is several flags, in any of the ways in which nft writes them.
    fileprivate var hasFlags: Bool { array != nil || self["|"] != nil }

    /// The flags in it.
    fileprivate var flags: [JSON] {
        if let list = array ?? self["|"]?.array { return list.flatMap(\.flags) }
        return [self]
    }
}
