internal import Addressing
internal import Model

/// Two states, and which endpoints differ between them.
struct StateComparison {
    let old: Reachability
    let new: Reachability
    /// Of all policies of both, for an outside address that none of them names.
    private let both: Reachability
    let touched: Set<ObjectName>
    /// Outside prefixes, each with an address that stands for it.
    private let representatives: [IPPrefix: IPAddress]
    /// Whether all outside prefixes that policies name are among them.
    let isWhole: Bool
    private let isHostTouched: Bool

    init(_ before: DesiredState, _ after: DesiredState, prefixLimit: Int) {
        old = Reachability(before)
        new = Reachability(after)
        var all = after
        all.policies += before.policies
        both = Reachability(all)
        touched = Self.touched(before, after)
        (representatives, isWhole) = Self.representatives(before, after, limit: prefixLimit)
        let publishers = Set(
            (before.endpoints + after.endpoints).filter { !$0.portMappings.isEmpty }.map(\.metadata.name))
        isHostTouched = !touched.isDisjoint(with: publishers)
    }

    /// Endpoints whose own fields, network or policies differ; where they stand in files is of no meaning.
    private static func touched(_ before: DesiredState, _ after: DesiredState) -> Set<ObjectName> {
        var result: Set<ObjectName> = []
        let (policies, others) = (before.policies.map(\.placeless), after.policies.map(\.placeless))
        for policy in Set(policies).symmetricDifference(others) { result.formUnion(policy.selected) }
        let (networks, otherNetworks) = (before.networks.map(\.placeless), after.networks.map(\.placeless))
        let names = Set(Set(networks).symmetricDifference(otherNetworks).map(\.metadata.name))
        let (endpoints, otherEndpoints) = (before.endpoints.map(\.placeless), after.endpoints.map(\.placeless))
        result.formUnion(Set(endpoints).symmetricDifference(otherEndpoints).map(\.metadata.name))
        for endpoint in after.endpoints where names.contains(endpoint.network) { result.insert(endpoint.metadata.name) }
        return result
    }

    /// All who are there before and after, this host, and the outside.
    func sides() -> [ReachabilityChange.Side] {
        let names = old.desired.endpoints.map(\.metadata.name).filter { new.endpoint($0) != nil }
        return names.map { .endpoint($0) } + [.host, .world] + representatives.keys.sorted().map { .outside($0) }
    }

    /// For each prefix that policies name, an outside address in it that they name by no narrower one; for so many of them
    /// at most, and whether these are all.
    private static func representatives(
        _ before: DesiredState, _ after: DesiredState, limit: Int
    ) -> ([IPPrefix: IPAddress], isWhole: Bool) {
        var named: Set<IPPrefix> = []
        for policy in before.policies + after.policies {
            for direction in TrafficDirection.allCases {
                for block in (policy[direction]?.rules ?? []).flatMap({ $0.peers ?? [] }).compactMap(\.block) {
                    named.formUnion(([block.prefix] + block.except).filter { !$0.isDefault })
                }
            }
        }
        let subnets = Set((before.networks + after.networks).flatMap(\.subnets).map(\.prefix))
        let taken = named.union(subnets)
        let outside = named.filter { prefix in !subnets.contains { $0.contains(prefix) } }.sorted()
        let found = outside.prefix(limit).compactMap { prefix in
            address(in: prefix, outside: taken.filter { $0 != prefix && prefix.contains($0) }).map { (prefix, $0) }
        }
        return (Dictionary(found, uniquingKeysWith: { first, _ in first }), outside.count <= limit)
    }

    /// The first usable address of a prefix that lies in none of the others; nil where they fill it.
    private static func address(in prefix: IPPrefix, outside others: Set<IPPrefix>) -> IPAddress? {
        var address = prefix.firstUsable
        let sorted = others.sorted { $0.address == $1.address ? $0.length < $1.length : $0.address < $1.address }
        for other in sorted where other.contains(address) || other.address == address {
            guard other.last < prefix.last, let next = IPAddress(family: prefix.family, value: other.last.value + 1)
            else { return nil }
            address = next
        }
        return address
    }

    func isTouched(_ from: ReachabilityChange.Side, _ to: ReachabilityChange.Side) -> Bool {
        [from, to].contains { side in
            switch side {
            case .endpoint(let name): touched.contains(name)
            case .host: isHostTouched
            case .world, .outside: false
            }
        }
    }

    func changes(_ from: ReachabilityChange.Side, _ to: ReachabilityChange.Side) -> [ReachabilityChange] {
        var found: [(service: ReachabilityChange.Service, isOpened: Bool, families: [AddressFamily])] = []
        for family in AddressFamily.allCases {
            guard let source = place(from, family), let target = place(to, family) else { continue }
            for (service, isOpened) in changes(source, target, family) {
                if let known = found.firstIndex(where: { $0.service == service && $0.isOpened == isOpened }) {
                    found[known].families.append(family)
                } else {
                    found.append((service, isOpened, [family]))
                }
            }
        }
        let spoken = AddressFamily.allCases.filter { family in
            guard let source = place(from, family), let target = place(to, family) else { return false }
            return !new.pairs(source, target, family).isEmpty
        }
        return found.map {
            // Both families, or the only one there is, need no word.
            ReachabilityChange(
                from: from, to: to, families: $0.families == spoken ? AddressFamily.allCases : $0.families,
                service: $0.service, isOpened: $0.isOpened)
        }
    }

    func place(_ side: ReachabilityChange.Side, _ family: AddressFamily) -> Place? {
        switch side {
        case .endpoint(let name): .endpoint(name)
        case .host: .host
        case .world: both.unnamedOutside(family).map { .address($0) }
        case .outside(let prefix):
            prefix.family == family ? representatives[prefix].map { .address($0) } : nil
        }
    }

    private func changes(
        _ from: Place, _ to: Place, _ family: AddressFamily
    ) -> [(ReachabilityChange.Service, Bool)] {
        guard let before = old.pairs(from, to, family).first, let after = new.pairs(from, to, family).first
        else { return [] }
        var result: [(ReachabilityChange.Service, Bool)] = []
        for transport in PortProtocol.allCases {
            // Published ports of the host have changes of their own: without them the port is the host's, not bulkhead's.
            let published = to == .host ? self.published(transport) : []
            for (ports, isOpened) in portChanges(before, after, transport) {
                for range in ports.without(published) { result.append((.ports(transport, range), isOpened)) }
            }
        }
        let echo = ConnectionService.icmp(type: family == .ipv4 ? 8 : 128)
        for (service, asked) in [(ReachabilityChange.Service.ping, echo), (.other, .other(253))] {
            let isOpen = new.answer(after.connection(asked)).allows
            if old.answer(before.connection(asked)).allows != isOpen { result.append((service, isOpen)) }
        }
        return result
    }

    private func published(_ transport: PortProtocol) -> [PortRange] {
        (old.desired.endpoints + new.desired.endpoints).flatMap(\.portMappings)
            .filter { $0.transport == transport }.map(\.hostPorts)
    }

    /// Ranges of ports for which the answer changes, neighbours together.
    private func portChanges(
        _ before: AddressPair, _ after: AddressPair, _ transport: PortProtocol
    ) -> [(PortRange, Bool)] {
        let was = old.answers(before.connection(.transport(transport, port: 1)), transport)
        let becomes = new.answers(after.connection(.transport(transport, port: 1)), transport)
        var result: [(PortRange, Bool)] = []
        var (left, right, first) = (0, 0, 1)
        while left < was.count, right < becomes.count {
            let last = min(was[left].ports.last, becomes[right].ports.last)
            let isOpened = becomes[right].answer.allows
            if was[left].answer.allows != isOpened, let range = PortRange(first, Int(last)) {
                if let previous = result.last, previous.1 == isOpened, Int(previous.0.last) + 1 == first,
                    let wider = PortRange(Int(previous.0.first), Int(last))
                {
                    result[result.count - 1].0 = wider
                } else {
                    result.append((range, isOpened))
                }
            }
            first = Int(last) + 1
            if was[left].ports.last == last { left += 1 }
            if becomes[right].ports.last == last { right += 1 }
        }
        return result
    }
}

extension SourceLocation {
    fileprivate static let nowhere = SourceLocation(file: "", line: 0, column: 0)
}

extension Policy {
    /// Without places in files and labels, which decide nothing.
    fileprivate var placeless: Policy {
        var copy = self
        copy.metadata.source = .nowhere
        copy.metadata.labels = []
        copy.ingress = ingress?.placeless
        copy.egress = egress?.placeless
        return copy
    }
}

extension PolicyDirection {
    fileprivate var placeless: PolicyDirection {
        var copy = self
        copy.source = .nowhere
        for place in copy.rules.indices {
            copy.rules[place].source = .nowhere
            for peer in (copy.rules[place].peers ?? []).indices { copy.rules[place].peers?[peer].source = .nowhere }
        }
        return copy
    }
}

extension Network {
    fileprivate var placeless: Network {
        var copy = self
        copy.metadata.source = .nowhere
        for place in copy.subnets.indices { copy.subnets[place].source = .nowhere }
        for place in copy.routes.indices { copy.routes[place].source = .nowhere }
        return copy
    }
}

extension Endpoint {
    fileprivate var placeless: Endpoint {
        var copy = self
        copy.metadata.source = .nowhere
        for place in copy.routes.indices { copy.routes[place].source = .nowhere }
        for place in copy.portMappings.indices { copy.portMappings[place].source = .nowhere }
        return copy
    }
}
