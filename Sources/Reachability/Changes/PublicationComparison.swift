internal import Addressing
internal import Model

extension StateComparison {
    /// Who gains and who loses the use of published ports. Each side that is asked about costs a pair; whether `left` was
    /// enough for all.
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
        let others = common.filter { side in if case .endpoint = side { false } else { true } }
        let isSame = before == after && !touched.contains(port.endpoint)
        // What the world may, nobody else is named for. Of one that comes or goes all who are there with it are asked about.
        let open = [(old, before), (new, after)].filter { $0.1 != nil }
        let isWorlds = open.allSatisfy { state, families in
            (families ?? []).allSatisfy { family in
                guard let world = place(.world, family) else { return false }
                return state.openPorts(port, from: world, family) == [port.hostPorts]
            }
        }
        if isWorlds && !isSame { return others }
        let state = before == nil ? new : old
        let endpoints = state.desired.endpoints.map(\.metadata.name).filter { name in
            name != port.endpoint && (!isSame || touched.contains(name))
                && (before == nil || after == nil || new.endpoint(name) != nil)
        }
        return endpoints.map { .endpoint($0) } + (isSame ? [] : others)
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
        var shut: [(range: PortRange, side: ReachabilityChange.Side)] = []
        var isOpenToAnybody = false
        for side in sides {
            guard let place = place(side, family) else { continue }
            let was = before.contains(family) ? old.openPorts(port, from: place, family) : []
            let becomes = after.contains(family) ? new.openPorts(port, from: place, family) : []
            isOpenToAnybody = isOpenToAnybody || !was.isEmpty || !becomes.isEmpty
            for range in becomes.flatMap({ $0.without(was) }) { opened[range, default: []].append(side) }
            for range in was.flatMap({ $0.without(becomes) }) { closed[range, default: []].append(side) }
            for range in becomes.isEmpty ? [port.hostPorts] : port.hostPorts.without(becomes) where side.isOutside {
                shut.append((range, side))
            }
        }
        let isNew = after.contains(family) && !before.contains(family)
        let isGone = before.contains(family) && !after.contains(family)
        if !isOpenToAnybody, isNew || isGone { return [(port.hostPorts, isNew ? .published : .withdrawn)] }
        return closed.keys.sorted().map { ($0, .closed(Self.short(closed[$0] ?? []))) }
            + opened.keys.sorted().map { range in
                let sides = Self.short(opened[range] ?? [])
                let others = sides == [.world] ? shut.filter { $0.range.overlaps(range) }.map(\.side) : []
                return (range, others.isEmpty ? .opened(sides) : .openedBut(others))
            }
    }

    /// Where it is the world, nobody needs to be named beside it.
    private static func short(_ sides: [ReachabilityChange.Side]) -> [ReachabilityChange.Side] {
        sides.contains(.world) ? [.world] : sides
    }
}

extension ReachabilityChange.Side {
    /// Whether it is a part of the outside that policies name, or this host: who is not meant by "world" without a word.
    fileprivate var isOutside: Bool {
        switch self {
        case .endpoint, .world: false
        case .host, .outside: true
        }
    }
}
