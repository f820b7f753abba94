internal import Addressing
internal import Firewall
internal import Model
internal import NetlinkCodec
internal import Reachability

/// Says of a tracked connection whether it may go on.
struct ConnectionJudge {
    /// Who has sent from link-local addresses that no manifest knows. Of one that is not in here, any endpoint of its
    /// network may be the owner, and what one of them may not is not allowed.
    var users: [IPAddress: Set<ObjectName>] = [:]
    private let reachability: Reachability
    private let hostAddresses: Set<IPAddress>
    private let everywhere: Owners
    /// Overlays, whose prefixes may be equal to others.
    private let overlays: [ObjectName: Owners]
    private let policies: [ObjectName: Policy]
    private let networks: [ObjectName: [ObjectName]]
    private let zones: TrackingZones
    /// Endpoints on segments that others share, which are in no zone of their own.
    private let guests: Set<ObjectName>

    init(_ desired: DesiredState, hostAddresses: Set<IPAddress>) {
        reachability = Reachability(desired)
        self.hostAddresses = hostAddresses
        let all = Dictionary(grouping: desired.endpoints + desired.remotes.map(\.endpoint), by: \.network)
        everywhere = Owners(
            desired.networks.filter { $0.overlay == nil }.flatMap { all[$0.metadata.name] ?? [] })
        overlays = Dictionary(
            desired.networks.filter { $0.overlay != nil }.map { network in
                let names = [network.metadata.name] + network.peers
                return (network.metadata.name, Owners(names.flatMap { all[$0] ?? [] }))
            }, uniquingKeysWith: { first, _ in first })
        policies = Dictionary(
            desired.policies.map { ($0.metadata.name, $0) }, uniquingKeysWith: { first, _ in first })
        networks = all.mapValues { $0.map(\.metadata.name) }
        zones = TrackingZones(desired)
        guests = Set(
            desired.networks.filter(\.isShared).flatMap { all[$0.metadata.name] ?? [] }.map(\.metadata.name))
    }

    /// Whether one of the ends is a link-local address that no manifest knows.
    func hasStrangers(_ tracked: ConntrackMessage) -> Bool {
        let owners = owners(tracked)
        return isStranger(tracked.original.source, owners) || isStranger(tracked.reply.source, owners)
    }

    /// Whether nothing speaks against it, whoever its ends may be. Connections between others are none of ours.
    func allows(_ tracked: ConntrackMessage) -> Bool {
        guard let service = service(tracked) else { return true }
        let sources = parties(tracked.original.source, of: tracked)
        let targets = parties(tracked.original.destination, of: tracked)
        // What the host sends to a published port is for itself only before it is translated.
        let isTranslated = tracked.reply.source != tracked.original.destination
        return sources.allSatisfy { source in
            targets.allSatisfy { (source == $0 && !isTranslated) || allows(tracked, source, $0, service) }
        }
    }

    private func allows(
        _ tracked: ConntrackMessage, _ source: Party, _ destination: Party, _ service: ConnectionService
    ) -> Bool {
        let real = tracked.reply.source
        let isTranslated = real != tracked.original.destination
        let owners = owners(tracked)
        guard source.isEndpoint || (isTranslated ? party(real, owners) : destination).isEndpoint else { return true }
        // What the rules of the host's own packets say: without a MAC nobody knows whose policies to ask.
        if source == .host, isStranger(real, owners), reachability.hasPoliced(neighboursOf: destination) {
            return false
        }
        let answer = reachability.answer(
            Connection(
                from: source, tracked.original.source, to: destination, tracked.original.destination, service),
            ignoringRoutes: true)
        if isTranslated {
            // The published port must still lead there.
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

    // MARK: Who it is

    /// Everybody whom an address may belong to. What an endpoint sends is in a zone of its network, unless others share
    /// its segment; what else is in none is of others.
    private func parties(_ address: IPAddress, of tracked: ConntrackMessage) -> [Party] {
        let owners = owners(tracked)
        guard isStranger(address, owners) else { return [party(address, owners)] }
        var names = (users[address] ?? []).sorted()
        if let network = network(tracked) {
            names.removeAll { reachability.endpoint($0)?.network != network }
            if names.isEmpty { names = networks[network] ?? [] }
        } else if address == tracked.original.source {
            names.removeAll { !guests.contains($0) }
        }
        return names.isEmpty ? [.outside] : names.map { .endpoint($0) }
    }

    /// What an endpoint sends is in a zone of its network, unless others share its segment.
    private func network(_ tracked: ConntrackMessage) -> ObjectName? {
        zones.network(tracked.zone) ?? zones.network(tracked.original.zone)
    }

    private func owners(_ tracked: ConntrackMessage) -> Owners {
        network(tracked).flatMap { overlays[$0] } ?? everywhere
    }

    private func isStranger(_ address: IPAddress, _ owners: Owners) -> Bool {
        address.family == .ipv6 && address.isLinkLocal && owners.addresses[address] == nil
            && !hostAddresses.contains(address)
    }

    private func party(_ address: IPAddress, _ owners: Owners) -> Party {
        if let owner = owners.addresses[address] { return .endpoint(owner) }
        if address.isLoopback || hostAddresses.contains(address) { return .host }
        if let block = owners.blocks.first(where: { $0.prefix.contains(address) }) { return .endpoint(block.owner) }
        return .outside
    }

    /// Whose addresses are whose.
    private struct Owners {
        var addresses: [IPAddress: ObjectName] = [:]
        var blocks: [(prefix: IPPrefix, owner: ObjectName)] = []

        init(_ endpoints: [Endpoint]) {
            for endpoint in endpoints {
                for address in endpoint.addresses { addresses[address.address] = endpoint.metadata.name }
                for mac in [endpoint.mac] + endpoint.allowedMACs {
                    addresses[.v6(mac.linkLocal)] = endpoint.metadata.name
                }
                blocks += endpoint.allowedAddresses.map { ($0, endpoint.metadata.name) }
            }
        }
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
