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

    /// The tables of a scope.
    func rules(of scope: ObjectName, withCounters: Bool = false, buffer: ReceiveBuffer) throws -> Ruleset {
        let name = Compiler.tableName(scope)
        return try library.list(try headings(buffer).filter { $0.name == name }, withCounters: withCounters)
    }

    /// The tables of the scope of these manifests, and what other scopes have of what all share.
    func read(_ desired: DesiredState, withCounters: Bool, buffer: ReceiveBuffer) throws -> (Ruleset, [OtherScope]) {
        let (all, name) = (try headings(buffer), Compiler.tableName(desired.scope))
        let rules = try library.list(all.filter { $0.name == name }, withCounters: withCounters)
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

    private func headings(_ buffer: ReceiveBuffer) throws -> [TableHeading] {
        let tables = try NetlinkConnection(socket, buffer: buffer).firewallTables()
        let headings = tables.compactMap {
            TableHeading(family: $0.family, name: $0.name, flags: $0.flags, owner: $0.owner)
        }
        return Table.Family.allCases.flatMap { family in headings.filter { $0.family == family } }
    }
}
