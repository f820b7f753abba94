internal import Addressing
internal import Firewall
internal import Model
internal import NetlinkClient
internal import NetlinkCodec
internal import Planner
internal import SystemCalls

/// Cuts tracked connections of endpoints that the manifests do not allow (any more).
struct ConnectionCut {
    private let session: HostSession
    private let desired: DesiredState
    private let local: Set<IPAddress>

    init(_ session: HostSession, _ desired: DesiredState) throws {
        self.session = session
        self.desired = desired
        local = Set(try session.connection.addresses().map(\.address.address))
    }

    /// Reads all connections and removes those that fail. One that ended in the meantime is no error.
    func run() throws { try cut { _, _ in true } }

    /// The same for those of addresses that endpoints are about to get, and of link-local addresses that nobody has used
    /// yet; then drops what waits for neighbours with them.
    func clearWay(_ entries: [NeighbourEntry], behind blocks: [IPPrefix]) throws {
        let addresses = Set(entries.compactMap(\.address))
        try cut { tracked, judge in
            judge.hasStrangers(tracked)
                || tracked.addresses.contains { own in
                    addresses.contains(own) || blocks.contains { $0.contains(own) }
                }
        }
        var bridges: [UInt32: Set<IPAddress>] = [:]
        for (link, entries) in Dictionary(grouping: entries, by: \.link) {
            bridges[try session.connection.linkIndex(link.name)] = Set(entries.compactMap(\.address))
        }
        // Behind permanent ones (NUD_PERMANENT) nothing waits, and on a bridge of others they are the host's.
        let waiting = try session.connection.neighbours(family: 0).filter { neighbour in
            guard let address = neighbour.address, neighbour.state & 0x80 == 0 else { return false }
            return bridges[neighbour.link]?.contains(address) ?? false
        }
        try remove(
            waiting.compactMap { neighbour in
                neighbour.address.map {
                    NeighbourMessage.forget($0, link: neighbour.link, operation: "forget neighbour \($0)")
                }
            }, over: session.connection)
    }

    private func cut(_ isMeant: (ConntrackMessage, ConnectionJudge) -> Bool) throws {
        let connection = NetlinkConnection(try NetlinkSocket(.netfilter))
        var judge = ConnectionJudge(desired, hostAddresses: local)
        let all = try connection.trackedConnections().filter { isMeant($0, judge) }
        if all.contains(where: judge.hasStrangers) { judge.users = try users() }
        let denied = all.filter { !judge.allows($0) }
        try remove(
            denied.map { $0.removal(operation: "cut connection \($0.original.source) → \($0.reply.source)") },
            over: connection)
    }

    private func remove(_ removals: [Request], over connection: NetlinkConnection) throws {
        let results = try connection.perform(removals.map { [$0] })
        if let error = results.compactMap(\.self).first(where: { $0.code != .noEntry }) { throw error }
    }

    /// Who has sent from link-local addresses that no manifest knows.
    private func users() throws -> [IPAddress: Set<ObjectName>] {
        let ports = Dictionary(
            desired.endpoints.map { ($0.hostInterface.text, $0.metadata.name) }, uniquingKeysWith: { first, _ in first }
        )
        var result: [IPAddress: Set<ObjectName>] = [:]
        for (port, text) in try session.firewall().learnedLocals(Compiler.tableName(desired.scope)) {
            guard let name = ports[port], let address = IPAddress(text) else { continue }
            result[address, default: []].insert(name)
        }
        return result
    }
}

extension ConntrackMessage {
    /// All four.
    fileprivate var addresses: [IPAddress] {
        [original.source, original.destination, reply.source, reply.destination]
    }
}
