public import Addressing
public import Model

/// The same answer for a range of ports.
public struct RangeAnswer: Hashable, Sendable {
    /// Destination ports, as the source names them.
    public var ports: PortRange
    /// The answer for each of them.
    public var answer: Answer
}

extension Reachability {
    /// The answers for all ports of a transport protocol: neighbours with the same answer are one range. The port of
    /// `connection` is of no meaning. Costs as many answers as rules have ends of ranges, not one a port.
    public func answers(_ connection: Connection, _ transport: PortProtocol) -> [RangeAnswer] {
        var result: [RangeAnswer] = []
        for ports in Self.segments(cuts(connection, transport)) {
            var asked = connection
            asked.service = .transport(transport, port: ports.first)
            let answer = answer(asked)
            if let last = result.last, last.answer == answer,
                let wider = PortRange(Int(last.ports.first), Int(ports.last))
            {
                result[result.count - 1].ports = wider
            } else {
                result.append(RangeAnswer(ports: ports, answer: answer))
            }
        }
        return result
    }

    /// Ports at which a new range begins, from 1 to 65535, sorted; every one is where some rule changes its mind.
    public func cuts(_ connection: Connection, _ transport: PortProtocol) -> [UInt16] {
        var cuts: Set<Int> = [1]
        cuts.formUnion(ruleCuts(.egress, connection.source, transport))
        cuts.formUnion(ruleCuts(.ingress, connection.destination, transport))
        if connection.destination == .host {
            for publication in publications(transport, to: connection.destinationAddress) {
                let (host, own) = (publication.mapping.hostPorts, publication.mapping.ports)
                cuts.formUnion([Int(host.first), Int(host.last) + 1])
                let inner = ruleCuts(.ingress, .endpoint(publication.endpoint), transport)
                    .union(ruleCuts(.egress, connection.source, transport))
                for cut in inner where cut > Int(own.first) && cut <= Int(own.last) {
                    cuts.insert(cut - Int(own.first) + Int(host.first))
                }
            }
        }
        return cuts.compactMap { UInt16(exactly: $0) }.sorted()
    }

    /// The answers for the ports of a published range, by ports of the host.
    func answers(_ connection: Connection, to publication: Publication) -> [RangeAnswer] {
        let (host, own) = (publication.mapping.hostPorts, publication.mapping.ports)
        let transport = publication.mapping.transport
        let inner = ruleCuts(.ingress, .endpoint(publication.endpoint), transport)
            .union(ruleCuts(.egress, connection.source, transport)).filter {
                $0 > Int(own.first) && $0 <= Int(own.last)
            }
        let starts = [Int(host.first)] + inner.sorted().map { $0 - Int(own.first) + Int(host.first) }
        return starts.indices.compactMap { place in
            let end = place + 1 < starts.count ? starts[place + 1] - 1 : Int(host.last)
            return PortRange(starts[place], end).map { ports in
                RangeAnswer(ports: ports, answer: answer(connection, to: publication, port: ports.first))
            }
        }
    }

    private func ruleCuts(_ direction: TrafficDirection, _ party: Party, _ transport: PortProtocol) -> Set<Int> {
        guard case .endpoint(let name) = party else { return [] }
        let program = program(of: name)
        guard let profile = program.profile(direction, of: name) else { return [] }
        var cuts: Set<Int> = []
        for place in profile.enforced {
            for rule in program.policies[place][direction]?.rules ?? [] {
                for case .transport(transport, let ports?) in rule.services ?? [] {
                    for range in ports { cuts.formUnion([Int(range.first), Int(range.last) + 1]) }
                }
            }
        }
        return cuts
    }

    private static func segments(_ cuts: [UInt16]) -> [PortRange] {
        cuts.indices.compactMap { place in
            let end = place + 1 < cuts.count ? Int(cuts[place + 1]) - 1 : 65535
            return PortRange(Int(cuts[place]), end)
        }
    }
}
