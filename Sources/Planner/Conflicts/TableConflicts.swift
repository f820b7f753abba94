internal import Firewall
internal import Model

extension Builder {
    /// A table that a process owns the kernel lets nobody else change (`flags owner`).
    mutating func checkTables(_ live: Ruleset) {
        for table in live.tables {
            guard let owner = table.flags?.owner else { continue }
            let title = "\(table.family.rawValue) \(table.name)"
            let (state, cure) =
                owner == 0
                ? ("is what a process left that owned it", "delete it (`nft delete table \(title)`)")
                : (
                    "belongs to another process (netlink port \(owner)), which alone may change it",
                    "end that process, with which the table goes"
                )
            fail("the firewall table \(title) \(state); \(cure), and run this again", at: nil)
        }
    }
}
