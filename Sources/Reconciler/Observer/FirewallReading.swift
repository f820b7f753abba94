internal import Firewall
internal import Model
internal import NetlinkClient
internal import NetlinkCodec
internal import SystemCalls

/// Reads tables of nftables: which there are over netlink, which tells their flags whatever version of nft there is, and
/// what is in ours by libnftables.
struct FirewallReading: Sendable {
    let library: Nftables
    /// Of netfilter, for one thread at a time.
    let socket: NetlinkSocket
    /// What was read before in this session.
    let memory: FirewallMemory

    /// Which tables there are, and since when; one attempt to read them.
    private struct Look {
        let connection: NetlinkConnection
        let attempt: Int
        /// Of before the headings were read; nil where the kernel does not say it.
        let generation: UInt32?
        let headings: [TableHeading]

        /// Whether nothing has changed since.
        func isCurrent() throws -> Bool { try connection.firewallGeneration() == generation }
    }

    /// The tables of a scope.
    func rules(of scope: ObjectName, withCounters: Bool = false, buffer: ReceiveBuffer) throws -> Ruleset {
        try steadily(buffer) { try list(Compiler.tableName(scope), withCounters, $0) }
    }

    /// The tables of the scope of these manifests, and what other scopes have of what all share.
    func read(_ desired: DesiredState, withCounters: Bool, buffer: ReceiveBuffer) throws -> (Ruleset, [OtherScope]) {
        try steadily(buffer) { look in
            guard let rules = try list(Compiler.tableName(desired.scope), withCounters, look) else { return nil }
            // Nothing is asked of them where nothing is wanted that could clash.
            guard !desired.networks.isEmpty else { return (rules, []) }
            let withPorts = desired.endpoints.contains { !$0.portMappings.isEmpty }
            let others = try look.headings.compactMap { heading in
                try heading.scope.flatMap { $0 == desired.scope ? nil : $0 }.map {
                    try library.list($0, heading, withPorts: withPorts)
                }
            }
            let all = try withDevices(others, desired, look.connection)
            return (rules, all.sorted { $0.scope < $1.scope })
        }
    }

    /// With other headings each time, for which tables come and go.
    private func steadily<Found>(_ buffer: ReceiveBuffer, _ read: (Look) throws -> Found?) throws -> Found {
        let connection = NetlinkConnection(socket, buffer: buffer)
        return try SteadyReading.read(generation: { try? connection.firewallGeneration() }) { attempt, generation in
            try read(
                Look(
                    connection: connection, attempt: attempt, generation: generation,
                    headings: try headings(connection)))
        }
    }

    /// How often a reading that lies within one generation is tried.
    private static let exactAttempts = 3

    /// Rules by libnftables, and elements of sets, of which there may be thousands, from the kernel's own messages. If that
    /// cannot be had, all of it by libnftables. Nil where it changed meanwhile.
    private func list(_ name: String, _ withCounters: Bool, _ look: Look) throws -> Ruleset? {
        let headings = look.headings.filter { $0.name == name }
        guard let generation = look.generation, look.attempt <= Self.exactAttempts else {
            var rules = try library.list(headings, withCounters: withCounters)
            try nameDevices(&rules, look.connection)
            return rules
        }
        if !withCounters, let known = memory.rules(in: generation, of: headings) { return known }
        var rules = try library.list(headings, withCounters: withCounters, withElements: false)
        try nameDevices(&rules, look.connection)
        let isWhole = try rules.tables.indices.allSatisfy { try fill(&rules.tables[$0], headings, look.connection) }
        // One state of it, not parts of two.
        guard isWhole, try look.isCurrent() else { return nil }
        if !withCounters { memory.keep(rules, in: generation, of: headings) }
        return rules
    }

    /// With the uplinks of whose macvlans other scopes' tables speak, where that could clash.
    private func withDevices(_ others: [OtherScope], _ desired: DesiredState, _ connection: NetlinkConnection) throws
        -> [OtherScope]
    {
        guard desired.networks.contains(where: \.isMacvlan) else { return others }
        var result = Dictionary(others.map { ($0.scope, $0) }, uniquingKeysWith: { first, _ in first })
        for chain in try connection.firewallChains(family: Table.Family.netdev.number) {
            guard let scope = Compiler.scope(ofTable: chain.table), scope != desired.scope, !chain.devices.isEmpty
            else { continue }
            result[scope, default: OtherScope(scope: scope)].devices = (result[scope]?.devices ?? []) + chain.devices
        }
        return Array(result.values)
    }

    /// On which interfaces chains hang, which only the kernel's own messages tell whatever version of nft there is.
    private func nameDevices(_ rules: inout Ruleset, _ connection: NetlinkConnection) throws {
        guard let place = rules.tables.firstIndex(where: { $0.family == .netdev }) else { return }
        let chains = try connection.firewallChains(family: Table.Family.netdev.number)
            .filter { $0.table == rules.tables[place].name }
        let devices = Dictionary(chains.map { ($0.name, $0.devices) }, uniquingKeysWith: { first, _ in first })
        for index in rules.tables[place].chains.indices {
            let name = rules.tables[place].chains[index].name
            rules.tables[place].chains[index].base?.devices = devices[name]
        }
    }

    /// Whether all elements of its sets could be read.
    private func fill(_ table: inout Table, _ headings: [TableHeading], _ connection: NetlinkConnection) throws -> Bool
    {
        guard let heading = headings.first(where: { $0.family == table.family }) else { return false }
        for index in table.sets.indices where !table.sets[index].isLearned {
            let set = table.sets[index]
            let messages = try? connection.setElements(
                family: heading.family.number, table: heading.name, set: set.name)
            let known = messages.flatMap { SetElements(set)?.elements($0) }
            guard let elements = try known ?? library.elements(of: set, in: heading) else { return false }
            table.sets[index].elements = elements
        }
        return true
    }

    private func headings(_ connection: NetlinkConnection) throws -> [TableHeading] {
        let headings = try connection.firewallTables().compactMap {
            TableHeading(family: $0.family, name: $0.name, flags: $0.flags, owner: $0.owner)
        }
        return Table.Family.allCases.flatMap { family in headings.filter { $0.family == family } }
    }
}
