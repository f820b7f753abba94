internal import Addressing
internal import Model

/// What a rule matches by `protocols`, cut into pieces of which others match all or nothing.
struct ServicePieces {
    /// A piece, or several that the same rules match.
    struct Piece: Hashable {
        /// Places of the rules that match it.
        var rules: [Int]
        var families: [AddressFamily]
    }

    /// In a fixed order, each once.
    private(set) var pieces: [Piece] = []
    private var seen: Set<Piece> = []
    private let others: [[PolicyService]?]

    init(_ rule: PolicyRule, _ others: [PolicyRule]) {
        self.others = others.map(\.services)
        for transport in PortProtocol.allCases { addPorts(transport, Self.ranges(transport, rule.services)) }
        for family in AddressFamily.allCases {
            for type in Self.types(family, rule.services).sorted() {
                add([family]) { Self.types(family, $0).contains(type) }
            }
        }
        // Every other protocol.
        if rule.services == nil { add(AddressFamily.allCases) { $0 == nil } }
    }

    private mutating func add(_ families: [AddressFamily], where matches: ([PolicyService]?) -> Bool) {
        let piece = Piece(rules: others.indices.filter { matches(others[$0]) }, families: families)
        if seen.insert(piece).inserted { pieces.append(piece) }
    }

    private mutating func addPorts(_ transport: PortProtocol, _ own: [PortRange]) {
        let theirs = others.map { Self.ranges(transport, $0) }
        let cuts = Set((theirs + [own]).flatMap { $0 }.flatMap { [Int($0.first), Int($0.last) + 1] })
        for port in cuts.sorted() where own.contains(where: { $0.holds(port) }) {
            let piece = Piece(
                rules: theirs.indices.filter { theirs[$0].contains { $0.holds(port) } },
                families: AddressFamily.allCases)
            if seen.insert(piece).inserted { pieces.append(piece) }
        }
    }

    private static func ranges(_ transport: PortProtocol, _ services: [PolicyService]?) -> [PortRange] {
        guard let services else { return everyPort }
        return services.flatMap { service -> [PortRange] in
            guard case .transport(transport, let ports) = service else { return [] }
            return ports ?? everyPort
        }
    }

    private static let everyPort = [PortRange(1, 65535)].compactMap(\.self)

    private static func types(_ family: AddressFamily, _ services: [PolicyService]?) -> Set<UInt8> {
        guard let services else { return everyType }
        return services.reduce(into: []) { types, service in
            guard case .icmp(family, let some) = service else { return }
            types.formUnion(some.map { Set($0) } ?? everyType)
        }
    }

    private static let everyType = Set<UInt8>(0...255)
}

extension PortRange {
    fileprivate func holds(_ port: Int) -> Bool { Int(first) <= port && port <= Int(last) }
}
