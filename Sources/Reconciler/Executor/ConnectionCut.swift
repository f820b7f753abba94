internal import Addressing
internal import Model
internal import NetlinkClient
internal import NetlinkCodec
internal import Reachability
internal import SystemCalls

/// Cuts tracked connections of endpoints that the manifests do not allow (any more).
struct ConnectionCut {
    private let judge: ConnectionJudge

    init(_ session: HostSession, _ desired: DesiredState) throws {
        let local = try session.connection.addresses().map(\.address.address)
        judge = ConnectionJudge(desired, hostAddresses: Set(local))
    }

    /// Reads all connections and removes those that fail. One that ended in the meantime is no error.
    func run() throws {
        let connection = NetlinkConnection(try NetlinkSocket(.netfilter))
        let denied = try connection.trackedConnections().filter { !judge.allows($0) }
        let removals = denied.map {
            [$0.removal(operation: "cut connection \($0.original.source) → \($0.reply.source)")]
        }
        if let error = try connection.perform(removals).compactMap(\.self).first(where: { $0.code != .noEntry }) {
            throw error
        }
    }
}

/// Says of a tracked connection whether it may go on.
struct ConnectionJudge {
    private let reachability: Reachability
    private let hostAddresses: Set<IPAddress>
    private let owners: [IPAddress: ObjectName]
    private let blocks: [(prefix: IPPrefix, owner: ObjectName)]
    private let policies: [ObjectName: Policy]

    init(_ desired: DesiredState, hostAddresses: Set<IPAddress>) {
        reachability = Reachability(desired)
        self.hostAddresses = hostAddresses
        var owners: [IPAddress: ObjectName] = [:]
        for endpoint in desired.endpoints {
            for address in endpoint.addresses { owners[address.address] = endpoint.metadata.name }
            owners[.v6(endpoint.mac.linkLocal)] = endpoint.metadata.name
        }
        self.owners = owners
        blocks = desired.endpoints.flatMap { endpoint in
            endpoint.allowedAddresses.map { ($0, endpoint.metadata.name) }
        }
        policies = Dictionary(
            desired.policies.map { ($0.metadata.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// Whether nothing speaks against it. Connections between others are none of ours.
    func allows(_ tracked: ConntrackMessage) -> Bool {
        let real = tracked.reply.source
        let source = party(tracked.original.source)
        let target = party(real)
        guard source.isEndpoint || target.isEndpoint, let service = service(tracked) else { return true }
        let answer = reachability.answer(
            Connection(
                from: source, tracked.original.source, to: party(tracked.original.destination),
                tracked.original.destination, service), ignoringRoutes: true)
        if real != tracked.original.destination {
            // Translated: the published port must still lead there.
            guard let publication = answer.publication, publication.address == real,
                case .transport(_, let port) = service, publication.target(of: port) == tracked.reply.sourcePort
            else { return false }
        }
        return passes(answer)
    }

    private func passes(_ answer: Answer) -> Bool {
        guard answer.bound == nil else { return false }
        return [answer.egress, answer.ingress].compactMap(\.self).allSatisfy { $0.allows || isKept($0) }
    }

    /// `onRevoke: keep` of the policy whose rule denies now; defaults and isolation keep nothing.
    private func isKept(_ ruling: Ruling) -> Bool {
        switch ruling.cause {
        case .rule(let reference): policies[reference.policy]?.keepsConnections ?? false
        case .policyDefault, .isolation, .nothing: false
        }
    }

    private func party(_ address: IPAddress) -> Party {
        if let owner = owners[address] { return .endpoint(owner) }
        if address.isLoopback || hostAddresses.contains(address) { return .host }
        if let block = blocks.first(where: { $0.prefix.contains(address) }) { return .endpoint(block.owner) }
        return .outside
    }

    private func service(_ tracked: ConntrackMessage) -> ConnectionService? {
        if let transport = PortProtocol.allCases.first(where: { $0.number == tracked.original.transport }) {
            return .transport(transport, port: tracked.original.destinationPort)
        }
        guard [1, 58].contains(tracked.original.transport) else { return .other(tracked.original.transport) }
        return tracked.original.type.map { .icmp(type: $0) }
    }
}

extension Party {
    fileprivate var isEndpoint: Bool {
        switch self {
        case .endpoint: true
        case .host, .outside: false
        }
    }
}
