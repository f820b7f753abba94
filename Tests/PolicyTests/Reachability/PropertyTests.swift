import Addressing
import Foundation
import Model
import Reachability
import TestSupport
import Testing

@Suite struct PropertyTests {
    /// Every pair of parties of a state, with a service of every sort.
    private func connections(_ state: DesiredState, _ reachability: Reachability, _ seed: UInt64) -> [Connection] {
        var generator = SeededGenerator(seed: seed, 9)
        let addresses = RandomManifests.outside + Surroundings.ownAddresses + Surroundings.neighbours
        let places: [Place] =
            state.endpoints.map { .endpoint($0.metadata.name) } + [.host, .world]
            + addresses.compactMap { IPAddress($0) }.map { .address($0) }
        let hostPorts = state.endpoints.flatMap(\.portMappings).map(\.hostPorts.first)
        return places.flatMap { from in
            places.filter { reachability.shareAddresses(from, $0) }.flatMap { to in
                AddressFamily.allCases.flatMap { reachability.pairs(from, to, $0) }.flatMap { pair in
                    (0..<6).map { _ in pair.connection(service(&generator, hostPorts)) }
                }
            }
        }
    }

    private func service(_ generator: inout SeededGenerator, _ hostPorts: [UInt16]) -> ConnectionService {
        switch Int.random(in: 0..<10, using: &generator) {
        case 0: return .icmp(type: generator.pick([0, 8, 13, 128, 129]))
        case 1: return .other(47)
        case 2 where !hostPorts.isEmpty:
            return .transport(
                generator.pick([.tcp, .udp]), port: generator.pick(hostPorts) + UInt16(generator.pick([0, 1, 3])))
        case _:
            let port = UInt16(Int.random(in: 6999...7018, using: &generator))
            return .transport(generator.pick(PortProtocol.allCases), port: port)
        }
    }

    @Test(arguments: Surroundings.allCases, 0..<15)
    func agreesWithTheSentencesOfTheContract(_ surroundings: Surroundings, seed: Int) throws {
        let manifests = RandomManifests(seed: UInt64(seed), surroundings: surroundings)
        var verdicts: Set<Bool> = []
        for step in 0..<3 {
            let state = try resolve(manifests.text(step: step), host: surroundings.hosts.first?.name ?? "here")
            let own = Set(Surroundings.ownAddresses.compactMap { IPAddress($0) })
            let (reachability, naive) = (Reachability(state, hostAddresses: own), NaiveModel(state: state))
            for connection in connections(state, reachability, UInt64(seed)) {
                let answer = reachability.answer(connection)
                let expected = naive.passes(connection)
                verdicts.insert(expected)
                guard answer.allows != expected else { continue }
                Issue.record(
                    "\(surroundings), seed \(seed), step \(step): \(connection) gives \(answer.summary), the contract says \(expected)"
                )
                return
            }
        }
        // A seed under which all is allowed, or all denied, would show nothing.
        #expect(verdicts.count == 2)
    }

    @Test(arguments: 0..<15) func rangesAgreeWithPorts(seed: Int) throws {
        let state = try resolve(RandomManifests(seed: UInt64(seed) + 1000).text())
        let reachability = Reachability(state)
        let places: [Place] = state.endpoints.map { .endpoint($0.metadata.name) } + [.host, .world]
        for from in places {
            for to in places {
                guard let pair = reachability.pairs(from, to, .ipv4).first else { continue }
                for transport in PortProtocol.allCases { check(reachability, pair, transport) }
            }
        }
    }

    private func check(_ reachability: Reachability, _ pair: AddressPair, _ transport: PortProtocol) {
        let ranges = reachability.answers(pair.connection(.transport(transport, port: 1)), transport)
        #expect(ranges.first?.ports.first == 1 && ranges.last?.ports.last == 65535)
        for (left, right) in zip(ranges, ranges.dropFirst()) {
            #expect(Int(left.ports.last) + 1 == Int(right.ports.first))
            #expect(left.answer != right.answer)
        }
        let wrong = ([1, 2, 65534, 65535] + Array(6998...7019) + Array(19998...20062)).compactMap {
            UInt16(exactly: $0)
        }
        .first { port in
            let range = ranges.first { $0.ports.first <= port && port <= $0.ports.last }
            return reachability.answer(pair.connection(.transport(transport, port: port))) != range?.answer
        }
        #expect(wrong == nil)
    }

    @Test func equalSeedsGiveEqualManifests() {
        for seed in 0..<20 as Range<UInt64> {
            #expect(RandomManifests(seed: seed).text(step: 4) == RandomManifests(seed: seed).text(step: 4))
        }
        #expect(RandomManifests(seed: 1).text() != RandomManifests(seed: 2).text())
        // A step changes one policy only.
        let (one, two) = (RandomManifests(seed: 5).policies(step: 3), RandomManifests(seed: 5).policies(step: 4))
        let (left, right) = (Set(one.components(separatedBy: "---\n")), Set(two.components(separatedBy: "---\n")))
        #expect(left.symmetricDifference(right).count <= 2)
    }
}
