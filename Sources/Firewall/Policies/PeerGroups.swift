internal import Addressing
internal import JSON
internal import Model
internal import Reachability

/// Named sets of the endpoints that peers of rules select. Rules with equal selectors share a set, and an endpoint that
/// comes or goes is an element.
struct PeerGroups {
    let place: Place
    /// Elements by the selector's canonical text: single addresses, and whole prefixes of `allowedAddresses`.
    private var groups: [String: Contents] = [:]

    /// What a group holds, by family.
    struct Contents {
        var name: String
        var single: [AddressFamily: [Element]] = [:]
        var blocks: [AddressFamily: [Element]] = [:]
        /// Members by MAC, which is what link-local addresses of their own choice are known by.
        var cards: [Element] = []
    }

    /// The groups that rules of a direction use, with those endpoints that are on this host, or on an overlay with it.
    init(_ place: Place, _ input: CompilerInput) {
        self.place = place
        // A frame for many never comes from another host.
        let remotes = place == .inet ? input.desired.remotes.map(\.endpoint) : []
        let endpoints = Dictionary(
            (input.desired.endpoints + remotes).map { ($0.metadata.name, $0) }, uniquingKeysWith: { first, _ in first })
        for policy in input.program.policies {
            for direction in place.directions {
                for group in (policy[direction]?.rules ?? []).flatMap({ $0.peers ?? [] }).compactMap(\.group)
                where groups[group.key] == nil {
                    groups[group.key] = Self.contents(group, group.members.compactMap { endpoints[$0] }, place, input)
                }
            }
        }
    }

    private static func contents(
        _ group: PeerGroup, _ members: [Endpoint], _ place: Place, _ input: CompilerInput
    ) -> Contents {
        var result = Contents(name: "group-\(StableHash.base32(StableHash.hash(group.key), count: 8))")
        result.cards = members.flatMap { member in
            input.cardKeys(of: member, place).map { Element(key: $0, comment: member.id.description) }
        }
        for family in AddressFamily.allCases {
            // Prefixes are nested or disjoint, and what lies in another one is in the set by that.
            var kept: [String: [(prefix: IPPrefix, owner: String)]] = [:]
            for member in members {
                for (interface, sources) in input.places(of: member, place, family) {
                    for source in sources {
                        let others = kept[interface] ?? []
                        guard !others.contains(where: { $0.prefix.contains(source) }) else { continue }
                        kept[interface] =
                            others.filter { !source.contains($0.prefix) } + [(source, member.id.description)]
                    }
                }
            }
            for interface in kept.keys.sorted() {
                for (prefix, owner) in (kept[interface] ?? []).sorted(by: { $0.prefix < $1.prefix }) {
                    let element = Element(key: Nft.concat(.string(interface), Nft.prefix(prefix)), comment: owner)
                    if prefix.length == family.width {
                        result.single[family, default: []].append(element)
                    } else {
                        result.blocks[family, default: []].append(element)
                    }
                }
            }
        }
        return result
    }

    /// The sets, by name.
    var sets: [NamedSet] {
        groups.values.flatMap { group in
            AddressFamily.allCases.flatMap { family -> [NamedSet] in
                let types = ["ifname", family.setType]
                let single = NamedSet(
                    name: "\(group.name)-\(family.suffix)", keyTypes: types, elements: group.single[family] ?? [])
                guard let blocks = group.blocks[family] else { return [single] }
                return [
                    single,
                    NamedSet(
                        name: "\(group.name)-\(family.suffix)-blocks", keyTypes: types, isInterval: true,
                        elements: blocks),
                ]
            }
                + [NamedSet(name: "\(group.name)-cards", keyTypes: ["ifname", "ether_addr"], elements: group.cards)]
        }.sorted { $0.name < $1.name }
    }

    /// The ways in which a packet's peer can be one of the group.
    func alternatives(_ group: PeerGroup, _ side: PeerSide) -> [Alternative] {
        guard let contents = groups[group.key] else { return [] }
        return AddressFamily.allCases.flatMap { family -> [Alternative] in
            let key = Nft.concat(side.interface, side.address(family))
            let name = "@\(contents.name)-\(family.suffix)"
            let single = Alternative(family: family, expressions: [Nft.equal(key, .string(name))])
            guard contents.blocks[family] != nil else { return [single] }
            return [single, Alternative(family: family, expressions: [Nft.equal(key, .string("\(name)-blocks"))])]
        } + [
            Alternative(
                family: .ipv6,
                expressions: [
                    Nft.equal(side.address(.ipv6), Nft.linkLocal6),
                    Nft.equal(Nft.concat(side.interface, side.mac), .string("@\(contents.name)-cards")),
                ])
        ]
    }
}

extension Endpoint {
    /// Everything by which packets of this endpoint are known as its own: its addresses, `allowedAddresses` and
    /// link-local addresses; overlapping ones once.
    func identities(_ family: AddressFamily) -> [IPPrefix] {
        switch family {
        case .ipv4: sources(.ipv4)
        case .ipv6:
            sources(.ipv6)
                + Set(linkLocals).sorted().map { IPPrefix(host: .v6($0)) }.filter { own in
                    !sources(.ipv6).contains { $0.contains(own) }
                }
        }
    }
}

extension CompilerInput {
    /// The interface by which a place knows an endpoint.
    func interface(of endpoint: Endpoint, _ place: Place) -> String? {
        switch place {
        case .inet: networks[endpoint.network]?.bridge.text
        case .bridge: endpoint.hostInterface.text
        }
    }

    /// Keys of an endpoint's MACs at a place.
    func cardKeys(of endpoint: Endpoint, _ place: Place) -> [JSON] {
        guard let interface = interface(of: endpoint, place) else { return [] }
        return Set([endpoint.mac] + endpoint.allowedMACs).sorted().map {
            Nft.concat(.string(interface), .string($0.description))
        }
    }
}
