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

    /// The tables of a scope.
    func rules(of scope: ObjectName, withCounters: Bool = false, buffer: ReceiveBuffer) throws -> Ruleset {
        let name = Compiler.tableName(scope)
        return try list(try headings(buffer).filter { $0.name == name }, withCounters, buffer)
    }

    /// The tables of the scope of these manifests, and what other scopes have of what all share.
    func read(_ desired: DesiredState, withCounters: Bool, buffer: ReceiveBuffer) throws -> (Ruleset, [OtherScope]) {
        let (all, name) = (try headings(buffer), Compiler.tableName(desired.scope))
        let rules = try list(all.filter { $0.name == name }, withCounters, buffer)
        // Nothing is asked of them where nothing is wanted that could clash.
        guard !desired.networks.isEmpty else { return (rules, []) }
        let withPorts = desired.endpoints.contains { !$0.portMappings.isEmpty }
        let others = try all.compactMap { heading in
            try heading.scope.flatMap { $0 == desired.scope ? nil : $0 }.map {
                try library.list($0, heading, withPorts: withPorts)
            }
        }
        return (rules, others.sorted { $0.scope < $1.scope })
    }

    /// Rules by libnftables, and elements of sets, of which there may be thousands, from the kernel's own messages. If that
    /// cannot be had, all of it by libnftables.
    private func list(_ headings: [TableHeading], _ withCounters: Bool, _ buffer: ReceiveBuffer) throws -> Ruleset {
        let connection = NetlinkConnection(socket, buffer: buffer)
        for _ in 0..<Self.attempts {
            guard let before = try? connection.firewallGeneration() else { break }
            if !withCounters, let known = memory.rules(in: before, of: headings) { return known }
            var rules = try library.list(headings, withCounters: withCounters, withElements: false)
            let isWhole = try rules.tables.indices.allSatisfy { try fill(&rules.tables[$0], headings, connection) }
            // One state of it, not parts of two.
            if isWhole, try connection.firewallGeneration() == before {
                if !withCounters { memory.keep(rules, in: before, of: headings) }
                return rules
            }
        }
        return try library.list(headings, withCounters: withCounters)
    }

    /// How often it is read anew because it changed meanwhile.
    private static let attempts = 3

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

    private func headings(_ buffer: ReceiveBuffer) throws -> [TableHeading] {
        let tables = try NetlinkConnection(socket, buffer: buffer).firewallTables()
        let headings = tables.compactMap {
            TableHeading(family: $0.family, name: $0.name, flags: $0.flags, owner: $0.owner)
        }
        return Table.Family.allCases.flatMap { family in headings.filter { $0.family == family } }
    }
}
