import Addressing
import Model
import Reachability
import TestSupport

/// One question to the model and to the kernel.
struct Probe {
    let id: Int
    /// Whose agent asks.
    let agent: String
    let connection: Connection
    /// What the model says.
    let answer: Answer

    /// What the agent is told.
    var order: [String: Any] {
        var order: [String: Any] = [
            "id": id, "src": "\(connection.sourceAddress)", "dst": "\(connection.destinationAddress)",
            "family": connection.sourceAddress.family == .ipv4 ? 4 : 6,
        ]
        switch connection.service {
        case .transport(let transport, let port):
            order["kind"] = transport.rawValue
            order["port"] = Int(port)
        case .icmp(let type):
            order["kind"] = "icmp"
            order["type"] = Int(type)
        case .other(let number):
            order["kind"] = "other"
            order["protocol"] = Int(number)
        }
        return order
    }

    /// For messages.
    var description: String {
        "\(connection.source) \(connection.sourceAddress) → \(connection.destination) \(connection.destinationAddress) "
            + "\(connection.service): the model says \(answer.allows ? "allowed" : "denied") (\(answer))"
    }
}

/// Chooses what is asked.
struct ProbePlan {
    private let surroundings: Surroundings
    /// What each host under test says.
    private let models: [Reachability]
    /// By what an endpoint is asked about, and which model is that of its host.
    private let homes: [ObjectName: Int]
    private let states: [DesiredState]
    private let step: Int
    private var generator: SeededGenerator
    private var others = 0

    /// `states` are those of the hosts under test, the one that everything else is joined to first.
    init(_ states: [DesiredState], _ surroundings: Surroundings, seed: UInt64, step: Int) {
        self.states = states
        self.surroundings = surroundings
        let own = surroundings.hasLAN ? Surroundings.ownAddresses.compactMap { IPAddress($0) } : []
        models = states.map { Reachability($0, hostAddresses: Set(own)) }
        var homes: [ObjectName: Int] = [:]
        for (place, state) in states.enumerated() {
            for endpoint in state.endpoints { homes[endpoint.metadata.name] = place }
        }
        self.homes = homes
        self.step = step
        generator = SeededGenerator(seed: seed, 7, UInt64(step))
    }

    private var places: [Place] {
        let endpoints = states.flatMap(\.endpoints)
        var addresses = RandomManifests.outside
        if surroundings.hasLAN {
            addresses += Surroundings.ownAddresses + Surroundings.routers + Surroundings.neighbours
        }
        // On overlays an address is of this one or that one, by who asks.
        addresses += endpoints.filter { ["red", "green"].contains($0.network.text) }.flatMap(\.addresses).map {
            "\($0.address)"
        }
        return endpoints.map { Place.endpoint($0.metadata.name) } + [.host]
            + addresses.compactMap { IPAddress($0) }.map { Place.address($0) }
    }

    /// That many probes, between random places, by random services.
    mutating func probes(_ count: Int) -> [Probe] {
        let places = places
        let published = states[0].endpoints.flatMap(\.portMappings)
        var probes: [Probe] = []
        // Some pairs have no address in common; the number of tries is bounded.
        for _ in 0..<(count * 20) where probes.count < count {
            let (from, to) = (generator.pick(places), generator.pick(places))
            let family = generator.pick(AddressFamily.allCases)
            guard from != to || from == .host, models[0].shareAddresses(from, to),
                let pair = models[0].pairs(from, to, family).randomElement(using: &generator)
            else { continue }
            let connection = pair.connection(service(family, to: pair.destination.party, published))
            let answer = model(of: connection).answer(connection)
            // Nothing but published ports is decided between the host, or whoever else, and itself.
            guard pair.source.party != pair.destination.party || answer.publication != nil else { continue }
            guard !answer.isForeign, Self.canTell(connection, answer) else { continue }
            probes.append(
                Probe(id: probes.count, agent: agent(of: pair), connection: connection, answer: answer))
        }
        return probes
    }

    /// The model of the host that enforces what leaves the source.
    private func model(of connection: Connection) -> Reachability {
        guard case .endpoint(let name) = connection.source else { return models[0] }
        return models[homes[name] ?? 0]
    }

    /// Probes of which the model of another host says something else: of overlays all their hosts have an opinion.
    func contradictions(_ probes: [Probe]) -> [Probe] {
        probes.filter { probe in
            guard case .endpoint(let from) = probe.connection.source,
                case .endpoint(let to) = probe.connection.destination, let one = homes[from], let other = homes[to],
                one != other
            else { return false }
            return models[other].answer(probe.connection).allows != probe.answer.allows
        }
    }

    /// Connections of a protocol without ports are told apart by their addresses alone, and live on for minutes: each
    /// probe takes a protocol that no other has had on this site, as long as there are any.
    private mutating func unusedProtocol() -> UInt8 {
        others += 1
        return 150 + UInt8((step * 25 + others) % 100)
    }

    /// Some answers cannot be told from packets: nothing listens behind a port of the host that is published in the
    /// other family only, and of a protocol without ports, translation takes one connection at a time to one address.
    private static func canTell(_ connection: Connection, _ answer: Answer) -> Bool {
        switch connection.service {
        case .transport(_, let port): connection.destination != .host || port < 20000 || answer.publication != nil
        case .other: connection.destination != .outside
        case .icmp: true
        }
    }

    private mutating func service(_ family: AddressFamily, to party: Party, _ published: [PortMapping])
        -> ConnectionService
    {
        if party == .host, !published.isEmpty, generator.chance(60) {
            let mapping = generator.pick(published)
            let offset = UInt16.random(in: 0..<UInt16(mapping.hostPorts.count), using: &generator)
            return .transport(mapping.transport, port: mapping.hostPorts.first + offset)
        }
        let port = UInt16(Int.random(in: Site.ports, using: &generator))
        switch Int.random(in: 0..<12, using: &generator) {
        case 9 where others >= 25: return .transport(.tcp, port: port)
        case 0..<4: return .transport(.tcp, port: port)
        case 4..<7: return .transport(.udp, port: port)
        case 7, 8: return .transport(.sctp, port: port)
        case 9: return .other(unusedProtocol())
        case _: return .icmp(type: family == .ipv6 ? 128 : generator.pick([8, 13]))
        }
    }

    /// Who asks. Machines outside are met by endpoints of the LAN on the LAN.
    private func agent(of pair: AddressPair) -> String {
        switch pair.source.party {
        case .endpoint(let name): return name.text
        case .host: return "host"
        case .outside:
            let isOnLAN = !RandomManifests.outside.contains("\(pair.source.address)")
            return surroundings.hasLAN && (isOnLAN || isGuest(pair.destination.party)) ? "lan" : "outside"
        }
    }

    private func isGuest(_ party: Party) -> Bool {
        guard case .endpoint(let name) = party, let endpoint = models[0].endpoint(name) else { return false }
        return states[0].networks.contains { $0.metadata.name == endpoint.network && $0.isShared }
    }
}
