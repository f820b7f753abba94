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
    let reachability: Reachability
    let endpoints: [Endpoint]
    private let step: Int
    private var generator: SeededGenerator
    private var others = 0

    init(_ desired: DesiredState, seed: UInt64, step: Int) {
        reachability = Reachability(desired)
        endpoints = desired.endpoints
        self.step = step
        generator = SeededGenerator(seed: seed, 7, UInt64(step))
    }

    /// That many probes, between random places, by random services.
    mutating func probes(_ count: Int) -> [Probe] {
        let outside = RandomManifests.outside.compactMap { IPAddress($0) }.map { Place.address($0) }
        let places = endpoints.map { Place.endpoint($0.metadata.name) } + [.host] + outside
        let published = endpoints.flatMap(\.portMappings)
        var probes: [Probe] = []
        // Some pairs have no address in common; the number of tries is bounded.
        for _ in 0..<(count * 20) where probes.count < count {
            let (from, to) = (generator.pick(places), generator.pick(places))
            let family = generator.pick(AddressFamily.allCases)
            guard from != to || from == .host,
                let pair = reachability.pairs(from, to, family).randomElement(using: &generator)
            else { continue }
            let connection = pair.connection(service(family, to: to, published))
            let answer = reachability.answer(connection)
            // Nothing but published ports is decided between the host and itself.
            guard from != to || answer.publication != nil else { continue }
            guard !answer.isForeign, Self.canTell(connection, answer) else { continue }
            probes.append(
                Probe(id: probes.count, agent: agent(of: from), connection: connection, answer: answer))
        }
        return probes
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

    private mutating func service(_ family: AddressFamily, to place: Place, _ published: [PortMapping])
        -> ConnectionService
    {
        if place == .host, !published.isEmpty, generator.chance(60) {
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

    private func agent(of place: Place) -> String {
        switch place {
        case .endpoint(let name): name.text
        case .host: "host"
        case .world, .address: "outside"
        }
    }
}
