internal import Addressing
internal import Model

extension StateComparison {
    /// Who gains and who loses the use of published ports. Each mapping costs a pair for every side that is asked about;
    /// whether `left` was enough for all.
    func publications(_ sides: [ReachabilityChange.Side], _ left: inout Int) -> ([PublicationChange], isComplete: Bool)
    {
        let (before, after) = (PublishedPort.all(old.desired), PublishedPort.all(new.desired))
        var result: [PublicationChange] = []
        for port in Set(before.keys).union(after.keys).sorted() {
            let asked = self.sides(of: port, before[port], after[port], sides)
            left -= asked.count
            guard left >= 0 else { return (result, false) }
            result += changes(port, before[port], after[port], asked)
        }
        return (result, true)
    }

    /// Whoever may have gained or lost it. A port on a loopback address is for the host alone.
    private func sides(
        of port: PublishedPort, _ before: [AddressFamily]?, _ after: [AddressFamily]?,
        _ common: [ReachabilityChange.Side]
    ) -> [ReachabilityChange.Side] {
        if port.hostAddress?.isLoopback ?? false { return [.host] }
        let others = common.filter { $0 != .host && $0 != .endpoint(port.endpoint) }
        guard before == after, !touched.contains(port.endpoint) else {
            // Of one that comes or goes all who are there with it are asked about.
            let endpoints = ((before == nil ? new : old).desired.endpoints).map(\.metadata.name)
                .filter { $0 != port.endpoint }
            return endpoints.map { .endpoint($0) } + others.filter { if case .endpoint = $0 { false } else { true } }
        }
        return others.filter { side in
            if case .endpoint(let name) = side { touched.contains(name) } else { false }
        }
    }

    private func changes(
        _ port: PublishedPort, _ before: [AddressFamily]?, _ after: [AddressFamily]?, _ sides: [ReachabilityChange.Side]
    ) -> [PublicationChange] {
        let spoken = AddressFamily.allCases.filter { (before ?? []).contains($0) || (after ?? []).contains($0) }
        var found: [(hostPorts: PortRange, kind: PublicationChange.Kind, families: [AddressFamily])] = []
        for family in spoken {
            for (ports, kind) in changes(port, family, sides, before ?? [], after ?? []) {
                if let known = found.firstIndex(where: { $0.hostPorts == ports && $0.kind == kind }) {
                    found[known].families.append(family)
                } else {
                    found.append((ports, kind, [family]))
                }
            }
        }
        return found.compactMap { item in
            let offset = Int(item.hostPorts.first) - Int(port.hostPorts.first) + Int(port.ports.first)
            guard let ports = PortRange(offset, offset + item.hostPorts.count - 1) else { return nil }
            return PublicationChange(
                endpoint: port.endpoint, transport: port.transport, hostAddress: port.hostAddress,
                hostPorts: item.hostPorts, ports: ports, families: item.families, isPartial: item.families != spoken,
                kind: item.kind)
        }
    }

    private func changes(
        _ port: PublishedPort, _ family: AddressFamily, _ sides: [ReachabilityChange.Side], _ before: [AddressFamily],
        _ after: [AddressFamily]
    ) -> [(PortRange, PublicationChange.Kind)] {
        var opened: [PortRange: [ReachabilityChange.Side]] = [:]
        var closed: [PortRange: [ReachabilityChange.Side]] = [:]
        var isOpenToAnybody = false
        for side in sides {
            guard let place = place(side, family) else { continue }
            let was = before.contains(family) ? old.openPorts(port, from: place, family) : []
            let becomes = after.contains(family) ? new.openPorts(port, from: place, family) : []
            isOpenToAnybody = isOpenToAnybody || !was.isEmpty || !becomes.isEmpty
            for range in becomes.flatMap({ $0.without(was) }) { opened[range, default: []].append(side) }
            for range in was.flatMap({ $0.without(becomes) }) { closed[range, default: []].append(side) }
        }
        let isNew = after.contains(family) && !before.contains(family)
        let isGone = before.contains(family) && !after.contains(family)
        if !isOpenToAnybody, isNew || isGone { return [(port.hostPorts, isNew ? .published : .withdrawn)] }
        return closed.keys.sorted().map { ($0, .closed(Self.short(closed[$0] ?? []))) }
            + opened.keys.sorted().map { ($0, .opened(Self.short(opened[$0] ?? []))) }
    }

    /// Where it is the world, nobody needs to be named beside it.
    private static func short(_ sides: [ReachabilityChange.Side]) -> [ReachabilityChange.Side] {
        sides.contains(.world) ? [.world] : sides
    }
}

/// A mapping, as far as it makes the same of a port before and after.
struct PublishedPort: Hashable, Comparable {
    let endpoint: ObjectName
    let transport: PortProtocol
    let hostAddress: IPAddress?
    let hostPorts: PortRange
    let ports: PortRange

    init(_ endpoint: ObjectName, _ mapping: PortMapping) {
        self.endpoint = endpoint
        transport = mapping.transport
        hostAddress = mapping.hostAddress
        hostPorts = mapping.hostPorts
        ports = mapping.ports
    }

    /// Those of a state, with the families they work for.
    static func all(_ state: DesiredState) -> [PublishedPort: [AddressFamily]] {
        var result: [PublishedPort: [AddressFamily]] = [:]
        for endpoint in state.endpoints {
            for mapping in endpoint.portMappings {
                result[PublishedPort(endpoint.metadata.name, mapping), default: []] += mapping.families
            }
        }
        return result.mapValues { families in AddressFamily.allCases.filter(families.contains) }
    }

    private var order: (String, String, PortRange) { (endpoint.text, transport.rawValue, hostPorts) }

    static func < (left: Self, right: Self) -> Bool {
        left.order == right.order
            ? (left.hostAddress?.description ?? "", left.ports) < (right.hostAddress?.description ?? "", right.ports)
            : left.order < right.order
    }
}

extension Reachability {
    /// Those of a mapping's ports of the host that lead a side to its endpoint in a family.
    func openPorts(_ port: PublishedPort, from place: Place, _ family: AddressFamily) -> [PortRange] {
        guard let address = address(of: port, family),
            let pair = pairs(place, .address(address), family).first ?? host(place, address)
        else { return [] }
        var connection = pair.connection(.transport(port.transport, port: port.hostPorts.first))
        connection.destination = .host
        let found = answers(connection, port.transport).filter { item in
            item.answer.allows
                && item.answer.publication.map { PublishedPort($0.endpoint, $0.mapping) == port } ?? false
        }
        return found.reduce(into: []) { result, item in
            guard item.ports.overlaps(port.hostPorts),
                let range = PortRange(
                    Int(max(item.ports.first, port.hostPorts.first)), Int(min(item.ports.last, port.hostPorts.last)))
            else { return }
            if let last = result.last, Int(last.last) + 1 == Int(range.first),
                let wider = PortRange(Int(last.first), Int(range.last))
            {
                result[result.count - 1] = wider
            } else {
                result.append(range)
            }
        }
    }

    private func host(_ place: Place, _ address: IPAddress) -> AddressPair? {
        place == .host ? AddressPair(source: (.host, address), destination: (.host, address)) : nil
    }

    /// An address of the host by which the port is asked for: the mapping's own, else one that has no mapping of its own.
    private func address(of port: PublishedPort, _ family: AddressFamily) -> IPAddress? {
        if let address = port.hostAddress { return address.family == family ? address : nil }
        let taken = Set(desired.endpoints.flatMap(\.portMappings).compactMap(\.hostAddress))
        let last = family == .ipv4 ? IPAddress("192.0.2.254") : IPAddress("2001:db8::ffff")
        return last.flatMap { last in
            (0...taken.count).lazy.compactMap { IPAddress(family: family, value: last.value - UInt128($0)) }
                .first { !taken.contains($0) }
        }
    }
}

extension PortRange {
    /// What is left of it beside others.
    func without(_ others: [PortRange]) -> [PortRange] {
        others.reduce([self]) { rest, other in
            rest.flatMap { range -> [PortRange?] in
                guard range.overlaps(other) else { return [range] }
                return [
                    PortRange(Int(range.first), Int(other.first) - 1), PortRange(Int(other.last) + 1, Int(range.last)),
                ]
            }.compactMap(\.self)
        }
    }
}
