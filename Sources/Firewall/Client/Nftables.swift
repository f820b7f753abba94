internal import CNftables
public import JSON
public import Model
internal import Synchronization

/// What libnftables refused.
public struct FirewallError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was attempted.
    public let operation: String
    /// The library's words, which hold the kernel's.
    public let reason: String
    /// Whether others took away what had just been made for it.
    public var isUndoneByOthers = false

    /// `change firewall: …`.
    public var description: String { "\(operation): \(reason)" }
}

/// libnftables, the one place where it is called. It works in the network namespace of the thread that made it,
/// whichever thread calls; calls wait for one another.
@safe public final class Nftables: @unchecked Sendable {
    private let context: OpaquePointer
    private let turn = Mutex(())
    private let call: Caller

    /// Runs one call of the library, on whichever thread.
    public typealias Caller = @Sendable (_ call: () -> Void) throws -> Void

    /// A context with buffered, machine-readable output. Whatever opens or closes files goes by the caller.
    public init(_ call: @escaping Caller) throws(FirewallError) {
        self.call = call
        var opened: OpaquePointer?
        do { try call { unsafe opened = nft_ctx_new(UInt32(NFT_CTX_DEFAULT)) } } catch {
            throw FirewallError(operation: "open nftables", reason: "\(error)")
        }
        guard let context = unsafe opened else {
            throw FirewallError(operation: "open nftables", reason: "no memory, or no netlink socket")
        }
        unsafe self.context = context
        unsafe nft_ctx_buffer_output(context)
        unsafe nft_ctx_buffer_error(context)
        setOutput(withCounters: false)
    }

    private func setOutput(withCounters: Bool, isTerse: Bool = false) {
        // Names of protocols come from /etc/protocols, which a small system has not; numbers are the same everywhere.
        let flags =
            UInt32(NFT_CTX_OUTPUT_JSON) | UInt32(NFT_CTX_OUTPUT_NUMERIC_PROTO)
            | (withCounters ? 0 : UInt32(NFT_CTX_OUTPUT_STATELESS)) | (isTerse ? UInt32(NFT_CTX_OUTPUT_TERSE) : 0)
        unsafe nft_ctx_output_set_flags(context, flags)
    }

    deinit { try? call { unsafe nft_ctx_free(context) } }

    /// These tables (`nft -j list table FAMILY NAME`). Nothing else is listed, so that what others put there cannot
    /// confuse the parser. Counts of counters are there where they are asked for, elements of named sets (`nft -t`) unless
    /// somebody else reads these.
    public func list(_ tables: [TableHeading], withCounters: Bool = false, withElements: Bool = true) throws -> Ruleset
    {
        try turn.withLock { _ in
            defer { setOutput(withCounters: false) }
            return Ruleset(tables: try tables.compactMap { try listInTurn($0, withCounters, withElements) })
        }
    }

    /// Elements of one set (`nft -j list set FAMILY TABLE NAME`); nil where it is gone, or has a name that cannot be written
    /// in a command.
    public func elements(of set: NamedSet, in heading: TableHeading) throws -> [Element]? {
        guard RawSets.isPlain(set.name) else { return nil }
        return try turn.withLock { _ in
            setOutput(withCounters: false)
            return try setsInTurn(set.dataType == nil ? "set" : "map", heading, set.name).first?.elements
        }
    }

    private func listInTurn(_ heading: TableHeading, _ withCounters: Bool, _ withElements: Bool) throws(FirewallError)
        -> Table?
    {
        guard heading.flags != nil else {
            setOutput(withCounters: withCounters, isTerse: !withElements)
            let listing = try read("list table \(heading.title)", of: heading)
            return Listing.table(heading.family, heading.name, listing)
        }
        var table = try listPiecewise(heading, withCounters)
        table.flags = heading.flags
        return table
    }

    /// A table with flags, for which the JSON of nft 1.0.6 has stray bytes, or none at all: chain by chain, set by set,
    /// where the flags are not said.
    private func listPiecewise(_ heading: TableHeading, _ withCounters: Bool) throws(FirewallError) -> Table {
        var table = Table(family: heading.family, name: heading.name)
        let pieces = try piecesInTurn(heading)
        setOutput(withCounters: withCounters)
        for piece in pieces {
            let listing = try read("list \(piece.kind) \(heading.title) \(piece.name)", of: heading)
            let part = Listing.parts(heading.family, listing)
            table.sets += part.sets
            table.chains += part.chains
        }
        table.sets.sort { $0.name < $1.name }
        table.chains.sort { $0.name < $1.name }
        return table
    }

    /// Names of what is in a table, as its listing for people has them.
    private func piecesInTurn(_ heading: TableHeading) throws(FirewallError) -> [(kind: String, name: String)] {
        unsafe nft_ctx_output_set_flags(context, UInt32(NFT_CTX_OUTPUT_TERSE) | UInt32(NFT_CTX_OUTPUT_STATELESS))
        let text = try run("list table \(heading.title)", "read table \(heading.title)")
        return text.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            guard words.count == 3, words[2] == "{", ["\tset", "\tmap", "\tchain"].contains(words[0]),
                RawSets.isPlain(words[1])
            else { return nil }
            return (String(words[0].dropFirst()), String(words[1]))
        }
    }

    private func read(_ command: String, of heading: TableHeading) throws(FirewallError) -> JSON {
        let operation = "read table \(heading.title)"
        let text = try run(command, operation)
        do throws(JSONError) { return try JSON(parsing: text) } catch {
            throw FirewallError(operation: operation, reason: "nft lists it in no JSON: \(error)")
        }
    }

    /// What the table says that its scope has of what all scopes share (`nft -j list set inet NAME on_segment4` and its
    /// like). What that scope takes away meanwhile, or an older version does not have, is left out.
    public func list(_ scope: ObjectName, _ heading: TableHeading, withPorts: Bool) throws -> OtherScope {
        let pieces =
            Compiler.prefixSets.map { ("set", $0) } + (withPorts ? Compiler.portMaps.map { ("map", $0) } : [])
        return try turn.withLock { _ in
            setOutput(withCounters: false)
            return OtherScope(scope, try pieces.flatMap { try setsInTurn($0.0, heading, $0.1) })
        }
    }

    private func setsInTurn(_ kind: String, _ heading: TableHeading, _ name: String) throws(FirewallError) -> [NamedSet]
    {
        do throws(FirewallError) {
            let listing = try read("list \(kind) \(heading.title) \(name)", of: heading)
            return Listing.parts(heading.family, listing).sets
        } catch {
            guard error.reason.contains("No such file or directory") else { throw error }
            return []
        }
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

    /// Whether a chain of somebody else accepts all that comes from those of these links that are bulkhead's, and all that
    /// goes to them (`nft -j list table FAMILY TABLE`): bridges, and ports in the family of bridges. False where its table's
    /// name cannot be written in a command.
    public func letsThrough(_ chain: BaseChain, links: [String]) throws -> Bool {
        guard RawSets.isPlain(chain.family), RawSets.isPlain(chain.table) else { return false }
        let title = "\(chain.family) \(chain.table)"
        let listing = try turn.withLock { _ in
            setOutput(withCounters: false, isTerse: true)
            return try JSON(parsing: try run("list table \(title)", "read table \(title)"))
        }
        return ForeignRules(listing, prefix: chain.ownPrefix, links: links).letThrough(from: chain.name)
    }

    /// Rules of others that translate addresses, in tables with chains of type `nat` (`nft -a list table`). Tables whose names
    /// cannot be written in a command, or that nft does not list in JSON, come back as names only.
    public func foreignTranslations(_ chains: [BaseChain]) throws -> (
        rules: [ForeignTranslation], unread: [String]
    ) {
        var (rules, unread) = ([ForeignTranslation](), [String]())
        let tables = Set(chains.filter { $0.type == "nat" }.map { [$0.family, $0.table] })
        for table in tables.sorted(by: { ($0[0], $0[1]) < ($1[0], $1[1]) }) {
            let title = table.joined(separator: " ")
            let isPlain = table.allSatisfy { RawSets.isPlain($0) }
            let listing = isPlain ? try? turn.withLock { _ in try translationsInTurn(title) } : nil
            guard let listing else {
                unread.append(title)
                continue
            }
            rules += ForeignTranslation.all(listing.json, table: title, family: table[0], texts: listing.texts)
        }
        return (rules, unread)
    }

    private func translationsInTurn(_ title: String) throws -> (json: JSON, texts: [String: String]) {
        defer { setOutput(withCounters: false) }
        setOutput(withCounters: false, isTerse: true)
        let json = try JSON(parsing: try run("list table \(title)", "read table \(title)"))
        let flags = UInt32(NFT_CTX_OUTPUT_HANDLE) | UInt32(NFT_CTX_OUTPUT_STATELESS) | UInt32(NFT_CTX_OUTPUT_TERSE)
        unsafe nft_ctx_output_set_flags(context, flags)
        return (json, ForeignTranslation.texts(try run("list table \(title)", "read table \(title)")))
    }

    /// All commands in one transaction (`nft -j -f -`). Sets that JSON cannot declare are made before, and are gone again
    /// where the transaction is refused; flags of tables are cleared before, and set after all else.
    public func commit(_ commands: [JSON]) throws(FirewallError) {
        let flags = FlagCommands(commands)
        try turn.withLock { _ throws(FirewallError) in
            if !flags.before.isEmpty { _ = try run(flags.before.joined(separator: "\n"), "change firewall") }
            if !flags.rest.isEmpty { try commitInTurn(flags.rest) }
            if !flags.after.isEmpty { _ = try run(flags.after.joined(separator: "\n"), "change firewall") }
        }
    }

    /// How often a change is tried while others take away the sets that are made for it.
    private static let attempts = 5

    private func commitInTurn(_ commands: [JSON]) throws(FirewallError) {
        let parts = RawSets(commands)
        guard !parts.declarations.isEmpty else { return try transact(commands) }
        if !parts.before.isEmpty { try transact(parts.before) }
        for attempt in 1...Self.attempts {
            do throws(FirewallError) {
                return try declareAndTransact(parts)
            } catch {
                guard error.isUndoneByOthers, attempt < Self.attempts else { throw error }
            }
        }
    }

    private func declareAndTransact(_ parts: RawSets) throws(FirewallError) {
        let tables = try tablesInTurn()
        _ = try run(parts.declarations.joined(separator: "\n"), "change firewall")
        do throws(FirewallError) { try transact(parts.rest) } catch {
            let removal = parts.removal(tables: tables)
            do throws(FirewallError) { _ = try run(removal, "change firewall") } catch let second {
                // Somebody flushed the ruleset, or deleted the table, between the two transactions.
                let isUndone = second.reason.contains("No such file or directory")
                let reason =
                    isUndone
                    ? "\(error.reason); somebody took away the sets made for it meanwhile"
                    : "\(error.reason); and the sets made for it stay: \(second.reason)"
                throw FirewallError(operation: error.operation, reason: reason, isUndoneByOthers: isUndone)
            }
            throw error
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
        var status: Int32 = 0
        do { try call { status = unsafe nft_run_cmd_from_buffer(context, text) } } catch {
            throw FirewallError(operation: operation, reason: "\(error)")
        }
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
