public import Addressing
public import Model

/// Answers who can reach whom from the manifests of one host alone. Pure: equal states give equal answers.
public struct Reachability: Sendable {
    /// What is asked, in which order; the compiler enforces the same.
    public let program: PolicyProgram
    /// What other hosts ask of their endpoints on overlays.
    private let remoteProgram: PolicyProgram
    let desired: DesiredState
    /// Addresses of the host that somebody looked up, beside those that the manifests say.
    let hostAddresses: Set<IPAddress>
    let endpoints: [ObjectName: Endpoint]
    let networks: [ObjectName: Network]
    let cards: [ObjectName: [Endpoint]]
    /// Endpoints of other hosts.
    private let remotes: Set<ObjectName>
    let members: GroupMembers

    /// Indexes a desired state. `hostAddresses` are those that the host itself has, where they are known: of some, as
    /// those on a physical network, no manifest speaks.
    public init(_ desired: DesiredState, hostAddresses: Set<IPAddress> = []) {
        self.desired = desired
        self.hostAddresses = hostAddresses
        program = PolicyProgram(desired)
        remoteProgram = .remote(desired)
        let all = desired.endpoints + desired.remotes.map(\.endpoint)
        endpoints = Dictionary(all.map { ($0.metadata.name, $0) }, uniquingKeysWith: { first, _ in first })
        remotes = Set(desired.remotes.map(\.endpoint.metadata.name))
        networks = Dictionary(desired.networks.map { ($0.metadata.name, $0) }, uniquingKeysWith: { first, _ in first })
        cards = all.reduce(into: [:]) { result, endpoint in
            if let name = endpoint.compartment { result[name, default: []].append(endpoint) }
        }
        members = GroupMembers(desired.policies + desired.remotePolicies)
    }

    /// Whether the connection passes, and what decides.
    ///
    /// `ignoringRoutes` is for connections that are there: whatever routes a compartment has given itself, what matters
    /// is whether it may.
    public func answer(_ connection: Connection, ignoringRoutes: Bool = false) -> Answer {
        if let compartment = sharedCompartment(connection) { return Answer(inside: compartment) }
        guard let publication = publication(connection),
            case .transport(_, let port) = connection.service
        else { return rule(connection, bound: bound(connection, ignoringRoutes)) }
        return answer(connection, to: publication, port: port, ignoringRoutes)
    }

    /// The same where the published port that it meets is known.
    func answer(
        _ connection: Connection, to publication: Publication, port: UInt16, _ ignoringRoutes: Bool = false
    ) -> Answer {
        var translated = connection
        translated.destination = .endpoint(publication.endpoint)
        translated.destinationAddress = publication.address
        translated.service = .transport(publication.mapping.transport, port: publication.target(of: port))
        var answer = rule(translated, bound: bound(connection, to: publication, ignoringRoutes))
        answer.publication = publication
        return answer
    }

    /// Endpoints of one compartment meet inside it.
    private func sharedCompartment(_ connection: Connection) -> ObjectName? {
        guard case .endpoint(let from) = connection.source, case .endpoint(let to) = connection.destination,
            let compartment = endpoints[from]?.compartment, endpoints[to]?.compartment == compartment
        else { return nil }
        return compartment
    }

    private func rule(_ connection: Connection, bound: Bound?) -> Answer {
        guard bound == nil else { return Answer(bound: bound) }
        let source = PeerView(party: connection.source, address: connection.sourceAddress)
        let destination = PeerView(party: connection.destination, address: connection.destinationAddress)
        var answer = Answer(
            egress: ruling(.egress, of: source.party, destination, connection.service),
            ingress: ruling(.ingress, of: destination.party, source, connection.service))
        answer.tunnel = tunnel(connection)
        return answer
    }

    /// The network of type `l2tunnel` that both are on.
    private func tunnel(_ connection: Connection) -> ObjectName? {
        guard let from = network(of: connection.source), from.type == .l2tunnel,
            network(of: connection.destination)?.metadata.name == from.metadata.name
        else { return nil }
        return from.metadata.name
    }

    private func ruling(
        _ direction: TrafficDirection, of party: Party, _ peer: PeerView, _ service: ConnectionService
    ) -> Ruling? {
        guard case .endpoint(let name) = party, let endpoint = endpoints[name] else { return nil }
        let program = program(of: name)
        guard let profile = program.profile(direction, of: name) else { return isolation(direction, endpoint, peer) }
        for place in profile.enforced {
            let policy = program.policies[place]
            guard let rule = policy[direction]?.rules.first(where: { program.matches($0, peer, service, members) })
            else { continue }
            let reference = RuleReference(policy: policy.metadata.name, rule: rule.name, source: rule.source)
            switch rule.action {
            case .allow, .deny, .reject: return Ruling(rule.action, .rule(reference))
            case .pass:
                var ruling = isolation(direction, endpoint, peer)
                ruling.passedBy = reference
                return ruling
            }
        }
        switch profile.fallback {
        case .deny(let place): return byDefault(.deny, program.policies[place], direction)
        case .allow(let place): return byDefault(.allow, program.policies[place], direction)
        case .isolation: return isolation(direction, endpoint, peer)
        }
    }

    /// What is asked for an endpoint, here or on its own host.
    func program(of endpoint: ObjectName) -> PolicyProgram { remotes.contains(endpoint) ? remoteProgram : program }

    private func byDefault(_ action: RuleAction, _ policy: Policy, _ direction: TrafficDirection) -> Ruling {
        let place = policy[direction]?.source ?? policy.metadata.source
        return Ruling(action, .policyDefault(policy.metadata.name, place))
    }

    /// What holds where no policy speaks.
    private func isolation(_ direction: TrafficDirection, _ endpoint: Endpoint, _ peer: PeerView) -> Ruling {
        guard let network = networks[endpoint.network] else { return Ruling(.allow, .nothing) }
        let denied =
            switch (direction, peer.party) {
            case (.ingress, .endpoint(let other)):
                network.deniesIntraNetwork && endpoints[other]?.network == endpoint.network
            case (.egress, .host): network.deniesHostAccess
            case (.ingress, .host), (.ingress, .outside), (.egress, .endpoint), (.egress, .outside): false
            }
        return denied
            ? Ruling(.deny, .isolation(network.metadata.name, network.metadata.source)) : Ruling(.allow, .nothing)
    }
}
