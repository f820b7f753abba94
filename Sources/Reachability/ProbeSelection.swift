public import Addressing
public import Model

/// A question that can be tried for real, with the model's answer.
public struct ProbeQuestion: Hashable, Sendable {
    /// The addresses.
    public var pair: AddressPair
    /// What is tried: a TCP or UDP port, or an echo request.
    public var service: ConnectionService
    /// What the model says.
    public var answer: Answer
    /// Where a listener has to wait: the destination, or the endpoint behind a published port.
    public var listener: (party: Party, address: IPAddress, port: UInt16)?

    /// Equal questions.
    public static func == (left: Self, right: Self) -> Bool {
        left.pair == right.pair && left.service == right.service
    }

    /// The question.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(pair)
        hasher.combine(service)
    }
}

/// Chooses what to try: between all endpoints and the host, in both families, at the ports on both sides of every
/// place where the policies change their mind. The same seed chooses the same.
public struct ProbeSelection: Sendable {
    /// What is tried, in order.
    public let questions: [ProbeQuestion]
    /// How many there are to choose from; of a network with very many endpoints, those of the pairs that were looked at.
    public let available: Int

    /// Most ports of a pair and protocol.
    private static let portLimit = 24

    /// At most `limit` questions. Without `hostAddresses` the host is not asked about on segments that others share.
    public init(_ desired: DesiredState, limit: Int, seed: UInt64, hostAddresses: Set<IPAddress> = []) {
        let reachability = Reachability(desired, hostAddresses: hostAddresses)
        var random = Shuffle(seed: seed)
        let places: [Place] = desired.endpoints.map { .endpoint($0.metadata.name) } + [.host]
        var all: [ProbeQuestion] = []
        for (from, to) in Self.pairs(places, limit: limit, &random)
        where reachability.shareAddresses(from, to) {
            for pair in AddressFamily.allCases.flatMap({ reachability.pairs(from, to, $0) })
            where !reachability.isHostUnknown(pair) {
                all += Self.questions(pair, reachability, &random)
            }
        }
        available = all.count
        random.shuffle(&all)
        questions = Array(all.prefix(max(limit, 0)))
    }

    /// All pairs, or a choice of `limit` of them where there are more.
    private static func pairs(_ places: [Place], limit: Int, _ random: inout Shuffle) -> [(Place, Place)] {
        let count = places.count * places.count
        var numbers = [Int]()
        if count <= max(limit, 0) * 4 {
            numbers = Array(0..<count)
        } else {
            var seen: Set<Int> = []
            for _ in 0..<max(limit, 0) where seen.insert(random.below(count)).inserted {}
            numbers = seen.sorted()
        }
        return numbers.map { (places[$0 / places.count], places[$0 % places.count]) }
            // The host asks itself, too: its published ports are endpoints'.
            .filter { $0.0 != $0.1 || $0.0 == .host }
    }

    private static func questions(
        _ pair: AddressPair, _ reachability: Reachability, _ random: inout Shuffle
    ) -> [ProbeQuestion] {
        let echo = ConnectionService.icmp(type: pair.destination.address.family == .ipv4 ? 8 : 128)
        let answer = reachability.answer(pair.connection(echo))
        // What stays inside a compartment is nobody's to decide; a loopback address is another one in each of them.
        guard answer.inside == nil, !pair.source.address.isLoopback, !pair.destination.address.isLoopback
        else { return [] }
        let isToItself = pair.source.party == .host && pair.destination.party == .host
        var result =
            isToItself ? [] : [ProbeQuestion(pair: pair, service: echo, answer: answer, listener: nil)]
        for transport in [PortProtocol.tcp, .udp] {
            let ranges = reachability.answers(pair.connection(.transport(transport, port: 1)), transport)
            var ports = Array(Set(ranges.flatMap { Self.ports($0.ports, &random) })).sorted()
            if ports.count > portLimit {
                random.shuffle(&ports)
                ports = ports.prefix(portLimit).sorted()
            }
            for port in ports {
                let answer = reachability.answer(pair.connection(.transport(transport, port: port)))
                let target =
                    answer.publication
                    ?? reachability.publication(
                        pair.connection(.transport(transport, port: port)))
                // What the host has for itself is nobody's to decide.
                if isToItself && target == nil { continue }
                let listener =
                    target.map { (Party.endpoint($0.endpoint), $0.address, $0.target(of: port)) }
                    ?? (pair.destination.party, pair.destination.address, port)
                result.append(
                    ProbeQuestion(
                        pair: pair, service: .transport(transport, port: port), answer: answer, listener: listener))
            }
        }
        return result
    }

    /// The ends of a range that rules have made; somewhere inside of one that only ends where ports end.
    private static func ports(_ range: PortRange, _ random: inout Shuffle) -> [UInt16] {
        switch (range.first == 1, range.last == 65535) {
        case (true, true): [UInt16(20_000 + random.below(10_000))]
        case (true, false): [range.last]
        case (false, true): [range.first]
        case (false, false): [range.first, range.last]
        }
    }
}

/// SplitMix64, for choices that a seed repeats.
struct Shuffle {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func below(_ count: Int) -> Int {
        state &+= 0x9e37_79b9_7f4a_7c15
        return Int(StableHash.finish(state) % UInt64(max(count, 1)))
    }

    mutating func shuffle<Value>(_ values: inout [Value]) {
        guard values.count > 1 else { return }
        for place in stride(from: values.count - 1, to: 0, by: -1) { values.swapAt(place, below(place + 1)) }
    }
}
