internal import JSON

/// Commands that change nothing but the flags of tables. The kernel wants them apart from those that make or delete base
/// chains: its hooks are registered by the flags that a table has at the end of a transaction
/// (`nft_table_pending_update`). The JSON of nft before 1.1 knows no flags, its language does.
struct FlagCommands {
    /// What clears flags comes first, so that all that follows is in force at once.
    private(set) var before: [String] = []
    /// All other commands.
    private(set) var rest: [JSON] = []
    /// What sets flags comes last.
    private(set) var after: [String] = []

    init(_ commands: [JSON]) {
        for command in commands {
            guard let table = command["add"]?["table"], let flags = table["flags"]?.array,
                let family = table["family"]?.string, let name = table["name"]?.string
            else {
                rest.append(command)
                continue
            }
            if flags.isEmpty {
                before.append("add table \(family) \(name)")
            } else {
                let words = flags.compactMap(\.string).joined(separator: ", ")
                after.append("add table \(family) \(name) { flags \(words); }")
            }
        }
    }
}
