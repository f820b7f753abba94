internal import Addressing
internal import JSON
internal import Model

/// What an endpoint says inside of a packet about whose address is whose: targets of neighbour discovery, and the packets
/// that ICMP errors quote. An error is answered by whom the quoted packet was for, or on the way to; connection tracking
/// would take one of anybody for part of the quoted connection, and lower its path MTU.
///
/// What an endpoint may claim are elements of two sets, by port and address. Only those that are no list of addresses have
/// chains: endpoints with ranges, one each, and endpoints of which only the MAC is known, one a network.
enum Claims {
    /// Where in a message of ICMP an address is, in bits from its beginning.
    enum Field {
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

    /// Whether an IPv6 source has the form that follows from a MAC, so that it is that card's: its twelfth and thirteenth
    /// byte.
    static let fromMAC = Nft.raw("nh", 64 + 88, 16)

    enum Kind: String, CaseIterable {
        case discovery = "nd"
        case error = "err"

        var fields: [Field] {
            switch self {
            case .discovery: [.target]
            case .error: AddressFamily.allCases.map { .quoted($0) }
            }
        }
        /// The map to the chains of those that have one.
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
        /// What a tunnel brings was looked at by its sender's Host, at the endpoint's port. (Discovery never comes by one.)
        var remote: [Rule] {
            switch self {
            case .discovery: []
            case .error: [Rule([Nft.equal(Nft.input, "@tunnels"), Nft.back], comment: "looked at where it was sent")]
            }
        }
        var rest: String { "\(rawValue)-others" }
        func chain(_ endpoint: Endpoint) -> String { "\(rawValue)-\(endpoint.hostInterface)" }
        func owned(_ network: Network) -> String { "\(rawValue)-owned-\(network.metadata.name)" }
    }

    /// Where what is in a message is looked at.
    static func check(_ matches: JSON..., comment: String, isError: Bool) -> Rule {
        Rule(matches + [Nft.jump((isError ? Kind.error : .discovery).rawValue)], comment: comment)
    }

    // MARK: Sets

    private static func claims(_ family: AddressFamily) -> String { "claims\(family.suffix)" }

    /// The key of a set of claims, as `typeof` of nft takes it; nil for any other set.
    static func key(ofSet name: String) -> String? {
        switch name {
        case claims(.ipv4): "meta iifname . @th,192,32"
        case claims(.ipv6): "meta iifname . @th,64,128"
        case _: nil
        }
    }

    /// The address that a part of such a key is: a number for IPv4, hexadecimal digits for IPv6.
    static func address(_ part: JSON) -> String? {
        if let number = part.int { return UInt32(exactly: number).map { IPv4Address(value: $0).description } }
        guard let text = part.string, text.hasPrefix("0x") else { return nil }
        return UInt128(text.dropFirst(2), radix: 16).map { IPv6Address(value: $0).description }
    }

    /// Claims, maps to the chains of those that have one, and the addresses that endpoints without any must leave alone.
    static func sets(_ input: CompilerInput) -> [NamedSet] {
        let checked = input.desired.endpoints.filter(\.antiSpoof)
        let open = checked.filter { !$0.checksAddresses }
        return AddressFamily.allCases.map { family in
            NamedSet(
                name: claims(family), keyTypes: ["ifname", "integer"],
                elements: checked.flatMap { endpoint in
                    single(family, endpoint).map { value in
                        let address = Field.quoted(family).value(value)
                        return Element(
                            key: Nft.concat(.string(endpoint.hostInterface.text), address),
                            comment: endpoint.id.description)
                    }
                })
        }
            + Kind.allCases.map { kind in
                NamedSet(
                    name: kind.map, keyTypes: ["ifname"], dataType: "verdict",
                    elements: checked.compactMap { endpoint in
                        let network = endpoint.checksAddresses ? nil : input.networks[endpoint.network]
                        guard let chain = network.map(kind.owned) ?? (hasRanges(endpoint) ? kind.chain(endpoint) : nil)
                        else { return nil }
                        return element(endpoint, Nft.goto(chain))
                    })
            } + [
                NamedSet(
                    name: "unaddressed", keyTypes: ["ifname"], dataType: "verdict",
                    elements: open.compactMap { endpoint in
                        input.networks[endpoint.network].map { element(endpoint, Nft.jump(unaddressedChain($0))) }
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

    /// Addresses that are an endpoint's own, one by one.
    private static func single(_ family: AddressFamily, _ endpoint: Endpoint) -> [UInt128] {
        let locals = family == .ipv6 ? endpoint.linkLocals.map(\.value) : []
        let addresses = endpoint.sources(family).filter { $0.length == family.width }.map(\.address.value)
        return Set(addresses + locals).sorted()
    }

    private static func ranges(_ family: AddressFamily, _ endpoint: Endpoint) -> [IPPrefix] {
        endpoint.sources(family).filter { $0.length < family.width }
    }

    private static func hasRanges(_ endpoint: Endpoint) -> Bool {
        AddressFamily.allCases.contains { !ranges($0, endpoint).isEmpty }
    }

    private static func element(_ endpoint: Endpoint, _ verdict: JSON) -> Element {
        Element(key: .string(endpoint.hostInterface.text), data: verdict, comment: endpoint.id.description)
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
        for gateway in network.subnets.compactMap({ $0.gateway ?? $0.router }) {
            owners[gateway] = network.id.description
        }
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
        let wide = input.desired.endpoints.filter { $0.antiSpoof && $0.checksAddresses && hasRanges($0) }
        let open = openNetworks(input)
        let hasTunnels = !Tunnels(input).devices().isEmpty
        let chains = Kind.allCases.flatMap { kind -> [Chain] in
            [
                Chain(name: kind.rawValue, rules: entrance(kind, hasTunnels: hasTunnels)),
                Chain(name: kind.rest, rules: rest(kind)),
            ]
                + wide.map { rangeChain(kind, $0) } + open.map { ownedChain(kind, $0, input) }
        }
        return (chains + open.map(unaddressed)).sorted { $0.name < $1.name }
    }

    /// What is one of its own goes on; what else an endpoint may claim, the chain behind says.
    private static func entrance(_ kind: Kind, hasTunnels: Bool) -> [Rule] {
        (hasTunnels ? kind.remote : [])
            + kind.fields.map { field in
                let claim = Nft.equal(Nft.concat(Nft.input, field.payload), .string("@\(claims(field.family))"))
                return Rule(field.condition + [claim, Nft.back], comment: "its own address")
            } + [
                Rule(
                    [Nft.verdicts(Nft.input, kind.map)], comment: "endpoints with ranges of addresses, or without any"),
                Rule([Nft.goto(kind.rest)]),
            ]
    }

    /// Ranges that an endpoint may use.
    private static func rangeChain(_ kind: Kind, _ endpoint: Endpoint) -> Chain {
        let rules = kind.fields.flatMap { field in
            ranges(field.family, endpoint).map { Rule(field.condition + inside($0, field) + [Nft.back]) }
        }
        return Chain(name: kind.chain(endpoint), rules: rules + [Rule([Nft.goto(kind.rest)])])
    }

    static func inside(_ prefix: IPPrefix, _ field: Field) -> [JSON] {
        guard prefix.length > 0 else { return [] }
        let width = field.family.width
        let all = width == 128 ? UInt128.max : (UInt128(1) << UInt128(width)) - 1
        let mask = all & ~((UInt128(1) << UInt128(width - prefix.length)) - 1)
        return [Nft.equal(["&": [field.payload, field.value(mask)]], field.value(prefix.address.value))]
    }

    /// Link-local addresses of the form that follows from a MAC belong to that card, all others to nobody in particular.
    static func rest(_ kind: Kind) -> [Rule] {
        kind.fields.filter { $0.family == .ipv6 }.map { Rule($0.linkLocal(Nft.differs) + [Nft.back]) }
            + refusals(kind)
    }

    /// The first fragment of an error may end before the address, and no comparison holds: it is looked at again when the
    /// packet is whole.
    static func refusals(_ kind: Kind) -> [Rule] {
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
        let rules = ofOthers(kind) { owned(network, $0, input).map(\.address.value) }
        return Chain(name: kind.owned(network), rules: rules)
    }

    /// Addresses that are somebody's, `owned` by family, and link-local ones of other cards.
    static func ofOthers(_ kind: Kind, owned: (AddressFamily) -> [UInt128]) -> [Rule] {
        let rules = kind.fields.compactMap { field -> Rule? in
            let values = owned(field.family).map(field.value)
            guard !values.isEmpty else { return nil }
            return Rule(
                field.condition + [Nft.equal(field.payload, Nft.anyOf(values)), Nft.counter, Nft.drop],
                comment: kind.words)
        }
        let locals = kind.fields.filter { $0.family == .ipv6 }.map { field in
            Rule(field.linkLocal(Nft.equal) + [Nft.counter, Nft.drop], comment: kind.words)
        }
        return rules + locals
    }

    /// What an endpoint without addresses does not send from.
    ///
    /// On a segment of others no manifest knows all cards, its routers' among them.
    private static func unaddressed(_ network: Network) -> Chain {
        let source6 = Nft.payload("ip6", "saddr")
        let ofOthers = [
            Nft.equal(source6, Nft.linkLocal6), Nft.equal(fromMAC, 0xfffe),
            Nft.differs(Nft.concat(Nft.input, source6), "@locals_own"),
        ]
        let set4 = JSON.string("@\(ownedSet(network, .ipv4))")
        let matches =
            [
                [Nft.equal(Nft.payload("arp", "saddr ip"), set4)], [Nft.equal(Nft.payload("ip", "saddr"), set4)],
                [Nft.equal(source6, .string("@\(ownedSet(network, .ipv6))"))],
                [Nft.equal(source6, "@locals_taken"), Nft.differs(Nft.concat(Nft.input, source6), "@locals_own")],
            ] + (network.isShared ? [ofOthers] : [])
        return Chain(
            name: unaddressedChain(network),
            rules: matches.map { Rule($0 + [Nft.counter, Nft.drop], comment: "antiSpoof: an address of others") })
    }
}
