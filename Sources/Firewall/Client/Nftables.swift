internal import CNftables
public import JSON
internal import Synchronization

/// What libnftables refused.
public struct FirewallError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was attempted.
    public let operation: String
    /// The library's words, which hold the kernel's.
    public let reason: String

    /// `change firewall: …`.
    public var description: String { "\(operation): \(reason)" }
}

/// libnftables, the one place where it is called. It works in the network namespace of the thread that made it,
/// whichever thread calls; calls wait for one another.
@safe public final class Nftables: @unchecked Sendable {
    private let context: OpaquePointer
    private let turn = Mutex(())

    /// A context with buffered, machine-readable output.
    public init() throws(FirewallError) {
        guard let context = unsafe nft_ctx_new(UInt32(NFT_CTX_DEFAULT)) else {
            throw FirewallError(operation: "open nftables", reason: "no memory, or no netlink socket")
        }
        unsafe self.context = context
        unsafe nft_ctx_buffer_output(context)
        unsafe nft_ctx_buffer_error(context)
        setOutput(withCounters: false)
    }

    private func setOutput(withCounters: Bool) {
        // Names of protocols come from /etc/protocols, which a small system has not; numbers are the same everywhere.
        let flags =
            UInt32(NFT_CTX_OUTPUT_JSON) | UInt32(NFT_CTX_OUTPUT_NUMERIC_PROTO)
            | (withCounters ? 0 : UInt32(NFT_CTX_OUTPUT_STATELESS))
        unsafe nft_ctx_output_set_flags(context, flags)
    }

    deinit { unsafe nft_ctx_free(context) }

    /// The tables of that name (`nft -j list table FAMILY NAME`). Nothing else is listed, so that what others put
    /// there cannot confuse the parser. Counts of counters are there where they are asked for.
    public func list(_ name: String, withCounters: Bool = false) throws -> Ruleset {
        try turn.withLock { _ in try listInTurn(name, withCounters: withCounters) }
    }

    private func listInTurn(_ name: String, withCounters: Bool) throws -> Ruleset {
        let present = try tablesInTurn()
        setOutput(withCounters: withCounters)
        defer { setOutput(withCounters: false) }
        var ruleset = Ruleset()
        for family in Table.Family.allCases where present.contains("\(family.rawValue) \(name)") {
            let text = try run("list table \(family.rawValue) \(name)", "read table \(family.rawValue) \(name)")
            if let table = Listing.table(family, name, try JSON(parsing: text)) { ruleset.tables.append(table) }
        }
        return ruleset
    }

    /// Which ports have sent from link-local addresses that no manifest knows, as the tables of that name have seen it
    /// (`nft -j list set bridge NAME locals_seen`).
    public func learnedLocals(_ name: String) throws -> [(port: String, address: String)] {
        let text = try turn.withLock { _ throws(FirewallError) in
            try run("list set bridge \(name) \(ChosenLocals.users)", "read learned addresses")
        }
        return Listing.keys(try JSON(parsing: text)).compactMap { $0.count == 2 ? ($0[0], $0[1]) : nil }
    }

    /// Base chains of all tables (`nft -j list chains`), also of those that `iptables` makes.
    public func baseChains() throws -> [BaseChain] {
        let listing = try JSON(parsing: try turn.withLock { _ in try run("list chains", "read firewall chains") })
        return (listing["nftables"]?.array ?? []).compactMap { $0["chain"] }.compactMap { BaseChain($0) }
    }

    /// All commands in one transaction (`nft -j -f -`); sets that JSON cannot declare are made before, and are gone
    /// again where the transaction is refused.
    public func commit(_ commands: [JSON]) throws(FirewallError) {
        let parts = RawSets(commands)
        try turn.withLock { _ throws(FirewallError) in
            guard !parts.declarations.isEmpty else { return try transact(commands) }
            if !parts.before.isEmpty { try transact(parts.before) }
            let tables = try tablesInTurn()
            _ = try run(parts.declarations.joined(separator: "\n"), "change firewall")
            do throws(FirewallError) { try transact(parts.rest) } catch {
                let removal = parts.removal(tables: tables)
                do throws(FirewallError) { _ = try run(removal, "change firewall") } catch let second {
                    let reason = "\(error.reason); and the sets made for it stay: \(second.reason)"
                    throw FirewallError(operation: error.operation, reason: reason)
                }
                throw error
            }
        }
    }

    private func transact(_ commands: [JSON]) throws(FirewallError) {
        _ = try run((["nftables": .array(commands)] as JSON).text(), "change firewall")
    }

    /// `bridge bulkhead`, of all families and owners (`nft list tables`). Not in JSON: nft 1.0.6 writes stray bytes for
    /// the flags of a table that a process owns, as firewalld does.
    private func tablesInTurn() throws(FirewallError) -> Set<String> {
        unsafe nft_ctx_output_set_flags(context, 0)
        defer { setOutput(withCounters: false) }
        let text = try run("list tables", "read firewall tables")
        return Set(
            text.split(separator: "\n").compactMap { line in
                let words = line.split(separator: " ")
                return words.count == 3 && words[0] == "table" ? "\(words[1]) \(words[2])" : nil
            })
    }

    private func run(_ text: String, _ operation: String) throws(FirewallError) -> String {
        let status = unsafe nft_run_cmd_from_buffer(context, text)
        let output = unsafe nft_ctx_get_output_buffer(context).map { unsafe String(cString: $0) } ?? ""
        let errors = unsafe nft_ctx_get_error_buffer(context).map { unsafe String(cString: $0) } ?? ""
        guard status == 0 else {
            let lines = errors.split(separator: "\n").map(String.init)
            let reason = lines.first { $0.contains("Error") } ?? lines.first ?? "no reason given"
            throw FirewallError(operation: operation, reason: reason)
        }
        return output
    }
}
