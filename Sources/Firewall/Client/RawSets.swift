internal import JSON

/// Sets whose keys hold raw bytes of packets. The JSON of nft before 1.1 cannot declare them, its language can
/// (`typeof`). So they are made, empty, in a transaction of their own, before the one that fills and uses them; packets
/// see nothing of it.
struct RawSets {
    /// Member of a declaration that holds the key in nft's language, instead of `type`.
    static let key = "typeof"

    /// What has to be done before: only where a set of another type has the name, which somebody made by hand.
    private(set) var before: [JSON] = []
    /// Declarations in nft's language, a line each; empty where there are none.
    private(set) var declarations: [String] = []
    /// All other commands.
    private(set) var rest: [JSON] = []
    /// What takes the declarations back, where their tables were there before.
    private var removals: [(table: String, command: String)] = []

    init(_ commands: [JSON]) {
        var deleted: Set<String> = []
        for command in commands {
            if let set = command["delete"]?["set"], let name = Self.name(set) { deleted.insert(name) }
            guard let set = command["add"]?["set"], let key = set[Self.key]?.string, let name = Self.name(set),
                let table = Self.table(set)
            else {
                rest.append(command)
                continue
            }
            if deleted.contains(name) {
                before += rest
                rest = []
            }
            declarations += ["add table \(table)", "add set \(name) { typeof \(key); }"]
            removals.append((table, "delete set \(name)"))
        }
    }

    /// Commands that leave nothing of the declarations, `tables` being those that were there before (`inet bulkhead`).
    func removal(tables: Set<String>) -> String {
        var made: Set<String> = []
        return removals.compactMap { removal in
            if tables.contains(removal.table) { return removal.command }
            return made.insert(removal.table).inserted ? "delete table \(removal.table)" : nil
        }.joined(separator: "\n")
    }

    /// `bridge bulkhead`.
    private static func table(_ value: JSON) -> String? {
        guard let family = value["family"]?.string, let table = value["table"]?.string else { return nil }
        return isPlain(table) ? "\(family) \(table)" : nil
    }

    private static func name(_ set: JSON) -> String? {
        guard let table = table(set), let name = set["name"]?.string, isPlain(name) else { return nil }
        return "\(table) \(name)"
    }

    /// A name that means nothing else in nft's language.
    static func isPlain(_ name: some StringProtocol) -> Bool {
        name.utf8.allSatisfy {
            ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7a || $0 >= 0x30 && $0 <= 0x39 || $0 == 0x2d || $0 == 0x5f
        }
    }
}
