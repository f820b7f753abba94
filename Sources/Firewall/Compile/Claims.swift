internal import Addressing
internal import JSON
internal import Model

/// What an endpoint says inside of a packet about whose address is whose: targets of neighbour discovery, and the packets
/// that ICMP errors quote. An error is answered by whom the quoted packet was for, or on the way to; connection tracking
/// would take one of anybody for part of the quoted connection, and lower its path MTU.
///
/// nft 1.0.6 has no name for these fields that could be part of a set's key, so that every endpoint has a small chain.
enum Claims {
    /// Where in a message of ICMP an address is, in bits from its beginning.
    private enum Field {
        /// Target of a solicitation or advertisement (RFC 4861).
        case target
        /// Destination of the quoted packet.
        case quoted(AddressFamily)

        var offset: Int64 {
            switch self {
            case .target: 64
            case .quoted(.ipv4): 192
            case .quoted(.ipv6): 256
            }
        }
        var family: AddressFamily {
            switch self {
            case .target: .ipv6
            case .quoted(let family): family
            }
        }
        /// Errors of both families share a chain.
        var condition: [JSON] {
            switch self {
            case .target: []
            case .quoted(let family): [Nft.equal(Nft.meta("protocol"), Nft.name(family))]
            }
        }
        var payload: JSON { Nft.raw("th", offset, Int64(family.width)) }

        /// A value as libnftables prints raw ones: short ones as numbers.
        func value(_ value: UInt128) -> JSON {
            switch family {
            case .ipv4: .int(Int64(value))
            case .ipv6: Nft.hexadecimal(value)
            }
        }

        /// All bits set: no address that anything is sent from.
        var all: JSON { value(family == .ipv4 ? UInt128(UInt32.max) : .max) }

        /// Whether the address is one of `fe80::/10`, by its first two bytes, and whether it has the form that follows
        /// from a MAC (RFC 4291, appendix A), by its twelfth and thirteenth.
        func linkLocal(_ match: (JSON, JSON) -> JSON) -> [JSON] {
            condition + [
                Nft.equal(["&": [Nft.raw("th", offset, 16), 0xffc0]], 0xfe80),
                match(Nft.raw("th", offset + 88, 16), 0xfffe),
            ]
        }
    }

    private enum Kind: String, CaseIterable {
        case discovery = "nd"
        case error = "err"

        var fields: [Field] {
            switch self {
            case .discovery: [.target]
            case .error: AddressFamily.allCases.map { .quoted($0) }
            }
        }
        var map: String {
            switch self {
            case .discovery: "targets"
            case .error: "quotes"
            }
        }
        var words: String {
            switch self {
            case .discovery: "antiSpoof: neighbour discovery for an address of others"
            case .error: "antiSpoof: error about a connection of others"
            }
        }
        func chain(_ endpoint: Endpoint) -> String { "\(rawValue)-\(endpoint.hostInterface)" }
        func owned(_ network: Network) -> String { "\(rawValue)-owned-\(network.metadata.name)" }
    }

    // MARK: Sets

    /// Maps to the chains, by port; and the addresses that endpoints without any must leave alone.
    static func sets(_ input: CompilerInput) -> [NamedSet] {
        let checked = input.desired.endpoints.filter(\.antiSpoof)
        return Kind.allCases.map { kind in
            NamedSet(
                name: kind.map, keyTypes: ["ifname"], dataType: "verdict",
                elements: checked.map { element($0, kind.chain($0)) })
        } + [
            NamedSet(
                name: "unaddressed", keyTypes: ["ifname"], dataType: "verdict",
                elements: checked.filter { !$0.checksAddresses }.compactMap { endpoint in
                    input.networks[endpoint.network].map { element(endpoint, unaddressedChain($0)) }
                })
        ]
            + openNetworks(input).flatMap { network in
                AddressFamily.allCases.map { family in
                    NamedSet(
                        name: ownedSet(network, family), keyTypes: [family.setType],
                        elements: owned(network, family, input).map {
                            Element(key: .string($0.address.description), comment: $0.owner)
                        })
                }
            }
    }

    private static func element(_ endpoint: Endpoint, _ chain: String) -> Element {
        Element(
            key: .string(endpoint.hostInterface.text), data: Nft.jump(chain), comment: endpoint.id.description)
    }

    /// Networks with an endpoint of which only the MAC is known.
    private static func openNetworks(_ input: CompilerInput) -> [Network] {
        let names = Set(input.desired.endpoints.filter { $0.antiSpoof && !$0.checksAddresses }.map(\.network))
        return input.desired.networks.filter { names.contains($0.metadata.name) }
    }

    /// Addresses of a network's endpoints and gateways, each once.
    private static func owned(
        _ network: Network, _ family: AddressFamily, _ input: CompilerInput
    ) -> [(address: IPAddress, owner: String)] {
        var owners: [IPAddress: String] = [:]
        for gateway in network.subnets.compactMap(\.gateway) { owners[gateway] = network.id.description }
        for endpoint in input.desired.endpoints where endpoint.network == network.metadata.name {
            for address in endpoint.addresses { owners[address.address] = endpoint.id.description }
        }
        return owners.filter { $0.key.family == family }.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    private static func ownedSet(_ network: Network, _ family: AddressFamily) -> String {
        "owned\(family.suffix)-\(network.metadata.name)"
    }

    private static func unaddressedChain(_ network: Network) -> String { "unaddressed-\(network.metadata.name)" }

    // MARK: Chains

    static func chains(_ input: CompilerInput) -> [Chain] {
        let own = input.desired.endpoints.filter(\.antiSpoof).flatMap { endpoint in
            Kind.allCases.compactMap { kind in
                input.networks[endpoint.network].map { ownChain(kind, endpoint, $0) }
            }
        }
        let others = Kind.allCases.map { kind in
            Chain(name: kind.rawValue, rules: strangers(kind) + refusals(kind))
        }
        let open = openNetworks(input).flatMap { network in
            Kind.allCases.map { ownedChain($0, network, input) } + [unaddressed(network)]
        }
        return (own + others + open).sorted { $0.name < $1.name }
    }

    /// What an endpoint may claim; what else it may, the chain behind it says.
    private static func ownChain(_ kind: Kind, _ endpoint: Endpoint, _ network: Network) -> Chain {
        let rules = kind.fields.flatMap { field -> [Rule] in
            let prefixes = endpoint.sources(field.family)
            let locals = field.family == .ipv6 ? Set(endpoint.linkLocals).map(\.value) : []
            let single = Set(prefixes.filter { $0.length == field.family.width }.map(\.address.value) + locals)
            let values = single.sorted().map(field.value)
            let exact =
                values.isEmpty ? [] : [Rule(field.condition + [Nft.equal(field.payload, Nft.anyOf(values)), Nft.back])]
            return exact
                + prefixes.filter { $0.length < field.family.width }.map { prefix in
                    Rule(field.condition + inside(prefix, field) + [Nft.back])
                }
        }
        let rest = endpoint.checksAddresses ? kind.rawValue : kind.owned(network)
        return Chain(name: kind.chain(endpoint), rules: rules + [Rule([Nft.goto(rest)])])
    }

    private static func inside(_ prefix: IPPrefix, _ field: Field) -> [JSON] {
        guard prefix.length > 0 else { return [] }
        let width = field.family.width
        let all = width == 128 ? UInt128.max : (UInt128(1) << UInt128(width)) - 1
        let mask = all & ~((UInt128(1) << UInt128(width - prefix.length)) - 1)
        return [Nft.equal(["&": [field.payload, field.value(mask)]], field.value(prefix.address.value))]
    }

    /// Link-local addresses of the form that follows from a MAC belong to that card, all others to nobody in particular.
    private static func strangers(_ kind: Kind) -> [Rule] {
        kind.fields.filter { $0.family == .ipv6 }.map { Rule($0.linkLocal(Nft.differs) + [Nft.back]) }
    }

    /// The first fragment of an error may end before the address, and no comparison holds: it is looked at again when the
    /// packet is whole.
    private static func refusals(_ kind: Kind) -> [Rule] {
        switch kind {
        case .discovery: [Rule([Nft.counter, Nft.drop], comment: kind.words)]
        case .error:
            kind.fields.map { field in
                Rule(
                    field.condition + [Nft.differs(field.payload, field.all), Nft.counter, Nft.drop],
                    comment: kind.words)
            }
        }
    }

    /// What nobody may claim who has no address of his own.
    private static func ownedChain(_ kind: Kind, _ network: Network, _ input: CompilerInput) -> Chain {
        let rules = kind.fields.compactMap { field -> Rule? in
            let values = owned(network, field.family, input).map { field.value($0.address.value) }
            guard !values.isEmpty else { return nil }
            return Rule(
                field.condition + [Nft.equal(field.payload, Nft.anyOf(values)), Nft.counter, Nft.drop],
                comment: kind.words)
        }
        let locals = kind.fields.filter { $0.family == .ipv6 }.map { field in
            Rule(field.linkLocal(Nft.equal) + [Nft.counter, Nft.drop], comment: kind.words)
        }
        return Chain(name: kind.owned(network), rules: rules + locals)
    }

    /// What an endpoint without addresses does not send from.
    private static func unaddressed(_ network: Network) -> Chain {
        let source6 = Nft.payload("ip6", "saddr")
        let set4 = JSON.string("@\(ownedSet(network, .ipv4))")
        let matches = [
            [Nft.equal(Nft.payload("arp", "saddr ip"), set4)], [Nft.equal(Nft.payload("ip", "saddr"), set4)],
            [Nft.equal(source6, .string("@\(ownedSet(network, .ipv6))"))],
            [Nft.equal(source6, "@locals_taken"), Nft.differs(Nft.concat(Nft.input, source6), "@locals_own")],
        ]
        return Chain(
            name: unaddressedChain(network),
            rules: matches.map { Rule($0 + [Nft.counter, Nft.drop], comment: "antiSpoof: an address of others") })
    }
}
