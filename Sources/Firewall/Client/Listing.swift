internal import JSON

/// Reads what libnftables lists. Unknown members are passed over; what is not understood shows up as a difference.
enum Listing {
    static func table(_ family: Table.Family, _ name: String, _ listing: JSON) -> Table? {
        let isThere = (listing["nftables"]?.array ?? []).contains { item in
            item["table"]?["family"]?.string == family.rawValue && item["table"]?["name"]?.string == name
        }
        guard isThere else { return nil }
        let parts = parts(family, listing)
        return Table(
            family: family, name: name, sets: parts.sets.sorted { $0.name < $1.name },
            chains: parts.chains.sorted { $0.name < $1.name })
    }

    /// What is listed of a table, in the order of the listing.
    static func parts(_ family: Table.Family, _ listing: JSON) -> (sets: [NamedSet], chains: [Chain]) {
        var sets: [NamedSet] = []
        var chains: [Chain] = []
        var rules: [String: [Rule]] = [:]
        for item in listing["nftables"]?.array ?? [] {
            guard let member = item.object?.members.first, member.value["family"]?.string == family.rawValue
            else { continue }
            let body = member.value
            switch member.key {
            case "set", "map": if let set = set(body) { sets.append(set) }
            case "chain": if let chain = chain(body) { chains.append(chain) }
            case "rule":
                rules[body["chain"]?.string ?? "", default: []]
                    .append(
                        Rule(
                            body["expr"]?.array ?? [], comment: body["comment"]?.string, handle: body["handle"]?.int))
            case _: continue
            }
        }
        for index in chains.indices { chains[index].rules = rules[chains[index].name] ?? [] }
        return (sets, chains)
    }

    private static func set(_ body: JSON) -> NamedSet? {
        guard let name = body["name"]?.string else { return nil }
        let types = types(body["type"] ?? .null)
        let flags = body["flags"]?.array?.compactMap(\.string) ?? body["flags"]?.string.map { [$0] } ?? []
        let data = body["map"]?.string ?? body["map"]?.array?.compactMap(\.string).joined(separator: " . ")
        let isLearned = flags.contains("timeout")
        let elements = isLearned ? [] : (body["elem"]?.array ?? []).map { element($0, isMap: data != nil) }
        return NamedSet(
            name: name, keyTypes: types, dataType: data, isInterval: flags.contains("interval"), isLearned: isLearned,
            elements: elements)
    }

    /// Names of a key's types. nft 1.1 writes expressions where a set was declared by them (`typeof`), older ones the
    /// types that these have.
    private static func types(_ value: JSON) -> [String] {
        if let expression = value["typeof"] { return types(expression) }
        if let parts = value["concat"]?.array ?? value.array { return parts.flatMap(types) }
        if value["payload"]?["base"] != nil { return ["integer"] }
        if ["iifname", "oifname"].contains(value["meta"]?["key"]?.string) { return ["ifname"] }
        return [value.string ?? value.text()]
    }

    /// Keys of a set's elements, as lists of their parts.
    static func keys(_ listing: JSON) -> [[String]] {
        let sets = (listing["nftables"]?.array ?? []).compactMap { $0["set"] }
        return sets.flatMap { $0["elem"]?.array ?? [] }.map { value in
            let key = element(value, isMap: false).key
            return (key["concat"]?.array ?? [key]).compactMap(\.string)
        }
    }

    private static func element(_ value: JSON, isMap: Bool) -> Element {
        if isMap, let pair = value.array, pair.count == 2 {
            let key = element(pair[0], isMap: false)
            return Element(key: key.key, data: pair[1], comment: key.comment)
        }
        guard let element = value["elem"] else { return Element(key: value, comment: nil) }
        return Element(key: element["val"] ?? value, comment: element["comment"]?.string)
    }

    private static func chain(_ body: JSON) -> Chain? {
        guard let name = body["name"]?.string else { return nil }
        guard let hook = body["hook"]?.string else { return Chain(name: name) }
        // nft before 1.1 does not name them; the kernel's own messages do.
        let devices = body["dev"]?.array?.compactMap(\.string) ?? body["dev"]?.string.map { [$0] }
        return Chain(
            name: name,
            base: .init(
                type: body["type"]?.string ?? "", hook: hook, priority: body["prio"]?.int ?? 0,
                policy: body["policy"]?.string ?? "", devices: devices?.sorted()))
    }
}
