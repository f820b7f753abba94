internal import Foundation

/// Turns the output of `ip`, `bridge`, `tc` and `nft` into lines that can be compared.
struct DumpReader {
    let folder: String
    var lines: [String] = []
    var identities: [String: String] = [:]
    /// Names of namespaces by their ids. Another id is given while a namespace that had the first one still dies.
    private var namespaces: [Int: String] = [:]

    init(folder: String) { self.folder = folder }

    mutating func take(_ kind: String, namespace: String, _ body: String) throws {
        switch kind {
        case "inode": identities[namespace] = body.trimmingCharacters(in: .whitespacesAndNewlines)
        case "ids":
            for line in body.split(separator: "\n") {
                let words = line.split(separator: " ")
                guard words.count == 2, let id = Int(words[0]) else { continue }
                namespaces[id] = String(words[1])
                add(kind, namespace, "\(words[1]) \(id >= 0x6000_0000 ? "marked" : "unmarked")")
            }
        case "class", "filter", "files", "original", "leftover":
            for line in body.split(separator: "\n") { add(kind, namespace, plain(String(line))) }
        case "sysctl":
            for line in body.split(separator: "\n") where !Self.isVolatile(line) { add(kind, namespace, String(line)) }
        case "nft":
            for item in try object(body)["nftables"] as? [Any] ?? [] {
                guard let item = item as? [String: Any], item["metainfo"] == nil else { continue }
                add(kind, namespace, try text(firewall(item)))
            }
        case "link": for item in try list(body) { try takeLink(item, namespace) }
        case "address": for item in try list(body) { try takeAddresses(item, namespace) }
        case _:
            for item in try list(body) where !Self.isKernels(item, kind) {
                var item = without(item, Self.dropped)
                // Carrier: `linkdown`, `dead`.
                if kind == "route", let flags = item["flags"] as? [String] {
                    item["flags"] = flags.filter { !["linkdown", "dead"].contains($0) }
                }
                add(kind, namespace, try text(item))
            }
        }
    }

    private mutating func add(_ kind: String, _ namespace: String, _ text: String) {
        lines.append("\(namespace) \(kind) \(text)")
    }

    private mutating func takeLink(_ item: [String: Any], _ namespace: String) throws {
        let name = item["ifname"] as? String ?? "?"
        identities["\(namespace) \(name)"] = "\(item["ifindex"] ?? "?")"
        var item = without(item, Self.dropped.union(Self.droppedOfLinks))
        let flags = Set(item["flags"] as? [String] ?? []).intersection(["UP", "NOARP", "PROMISC", "ALLMULTI", "SLAVE"])
        item["flags"] = flags.sorted()
        // The other end of a veth in another namespace is named by its index.
        if let link = item["link"] as? String, link.hasPrefix("if") { item["link"] = nil }
        let other = (item["link_netnsid"] as? Int).flatMap { namespaces[$0] }
        item["link_netnsid"] = namespace == "host" ? other : nil
        if ["noop", "noqueue"].contains(item["qdisc"] as? String) { item["qdisc"] = nil }
        // In the order in which they were added, which means nothing.
        if let names = item["altnames"] as? [String] { item["altnames"] = names.sorted() }
        add("link", namespace, try text(item))
    }

    private mutating func takeAddresses(_ item: [String: Any], _ namespace: String) throws {
        let name = item["ifname"] as? String ?? "?"
        for entry in item["addr_info"] as? [[String: Any]] ?? [] {
            if (entry["local"] as? String ?? "").hasPrefix("fe80:") { continue }
            add("address", namespace, "\(name) \(try text(without(entry, Self.dropped)))")
        }
    }

    /// What the kernel makes by itself, or learns.
    private static func isKernels(_ item: [String: Any], _ kind: String) -> Bool {
        let destination = item["dst"] as? String ?? ""
        switch kind {
        case "route":
            // The kernel's own route to an IPv6 address comes a moment after the address, when detection is done.
            if destination.contains(":"), item["table"] as? String == "local" { return true }
            // That to ::1 comes only where the address was gone.
            return destination == "::1" || destination.hasPrefix("fe80:") || destination.hasPrefix("ff00:")
                || item["type"] as? String == "anycast"
        case "fdb":
            let isStatic = item["state"] as? String == "permanent" || item["state"] as? String == "static"
            let mac = item["mac"] as? String ?? ""
            return !isStatic || mac.hasPrefix("33:33:") || mac.hasPrefix("01:00:5e:")
        // The qdisc that a link gets when it comes up has no handle.
        case "qdisc": return item["handle"] as? String == "0:" || item["kind"] as? String == "noop"
        case _: return false
        }
    }

    private static let dropped: Set<String> = [
        "ifindex", "link_index", "operstate", "handle", "expires", "cache", "dynamic", "preferred_life_time",
        "valid_life_time", "tentative", "refcnt", "used", "updated", "stats", "bytes", "packets", "drops", "overlimits",
        "requeues", "backlog", "qlen", "offloaded",
    ]

    /// Timers, elections and counters of bridges, and numbers of ports, which are given in the order of joining.
    private static let droppedOfLinks: Set<String> = [
        "hello_timer", "tcn_timer", "topology_change_timer", "gc_timer", "topology_change", "topology_change_detected",
        "root_port", "root_path_cost", "root_id", "fdb_n_learned", "state", "id", "no", "designated_port",
        "designated_cost", "designated_bridge", "designated_root", "hold_timer", "message_age_timer",
        "forward_delay_timer", "topology_change_ack", "config_pending", "promiscuity", "allmulti", "parentdev",
    ]

    private static func isVolatile(_ line: Substring) -> Bool {
        let keys = [
            "nf_conntrack_count", "/route/flush", "/random", "netdev_rss_key", "dropped", "nf_conntrack_buckets",
        ]
        return keys.contains { line.contains($0) }
    }

    /// Handles and references in the text of `tc`.
    private func plain(_ line: String) -> String {
        line.replacingOccurrences(
            of: #"(fh|handle|ref|bind|index|id|tag) [0-9a-fx:]+"#, with: "$1", options: .regularExpression
        )
        .replacingOccurrences(of: folder, with: "")
    }

    private func firewall(_ value: Any) -> Any {
        if let list = value as? [Any] { return list.map(firewall) }
        guard var object = value as? [String: Any] else { return value }
        for key in ["handle", "index", "packets", "bytes", "expires"] { object[key] = nil }
        if let elements = object["elem"] as? [Any] {
            // Elements that packets add and time removes are no configuration; nft 1.0.6 writes no "dynamic".
            let isLearned = !Set(object["flags"] as? [String] ?? []).isDisjoint(with: ["dynamic", "timeout"])
            object["elem"] = isLearned ? nil : elements.map { (try? text(firewall($0))) ?? "" }.sorted()
        }
        return object.mapValues(firewall)
    }

    private func without(_ item: [String: Any], _ keys: Set<String>) -> [String: Any] {
        item.filter { !keys.contains($0.key) }.mapValues { value in
            if let object = value as? [String: Any] { return without(object, keys) }
            if let list = value as? [[String: Any]] { return list.map { without($0, keys) } }
            return value
        }
    }

    private func text(_ value: Any) throws -> String {
        if let text = value as? String { return text }
        let data = try JSONSerialization.data(withJSONObject: value, options: [.sortedKeys, .withoutEscapingSlashes])
        return String(decoding: data, as: UTF8.self)
    }

    private func list(_ body: String) throws -> [[String: Any]] {
        guard !body.allSatisfy(\.isWhitespace) else { return [] }
        return try JSONSerialization.jsonObject(with: Data(body.utf8)) as? [[String: Any]] ?? []
    }

    private func object(_ body: String) throws -> [String: Any] {
        guard !body.allSatisfy(\.isWhitespace) else { return [:] }
        return try JSONSerialization.jsonObject(with: Data(body.utf8)) as? [String: Any] ?? [:]
    }
}
