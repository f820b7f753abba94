internal import Addressing
internal import JSON
internal import Model

/// What may come out of a tunnel beside the endpoints of the manifests, where overlays learn by BGP EVPN.
///
/// Nobody but BGP knows these: the bridge lets in a frame by its MAC alone (the tunnel's port is locked, so that it takes
/// only those that an entry has behind it). Their addresses are of the network's subnets, and none that the manifests give
/// somebody: those come with their own MAC, from their own Host, or not at all.
struct LearntSources {
    private let networks: [(network: Network, overlay: Overlay)]
    private let owned: [ObjectName: [Endpoint]]

    init(_ input: CompilerInput) {
        let isUsed = input.desired.evpn != nil
        networks =
            isUsed ? input.desired.networks.compactMap { network in network.overlay.map { (network, $0) } } : []
        owned = Dictionary(
            grouping: isUsed ? input.desired.endpoints + input.desired.remotes.map(\.endpoint) : [], by: \.network)
    }

    var sets: [NamedSet] {
        guard !networks.isEmpty else { return [] }
        return AddressFamily.allCases.flatMap { family -> [NamedSet] in
            let types = ["ifname", family.setType]
            let taken = taken(family)
            return [
                NamedSet(
                    name: "tunnel_learnt\(family.suffix)", keyTypes: types, isInterval: true,
                    elements: networks.flatMap { network, overlay in
                        Self.outermost(network.subnets.map(\.prefix).filter { $0.family == family }).map {
                            Element(
                                key: Nft.concat(.string(overlay.tunnel.text), Nft.prefix($0)),
                                comment: network.id.description)
                        }
                    }),
                NamedSet(name: "tunnel_taken\(family.suffix)", keyTypes: types, elements: taken.single),
                NamedSet(
                    name: "tunnel_taken\(family.suffix)_blocks", keyTypes: types, isInterval: true,
                    elements: taken.blocks),
            ]
        }
    }

    /// Device and address of every endpoint of the manifests, wherever it is.
    private func taken(_ family: AddressFamily) -> (single: [Element], blocks: [Element]) {
        var result: (single: [Element], blocks: [Element]) = ([], [])
        for (network, overlay) in networks {
            let all = Set((owned[network.metadata.name] ?? []).flatMap { $0.identities(family) }).sorted()
            let element = { (prefix: IPPrefix) in
                Element(
                    key: Nft.concat(.string(overlay.tunnel.text), Nft.prefix(prefix)),
                    comment: network.id.description)
            }
            result.single += all.filter { $0.length == family.width }.map(element)
            result.blocks += Self.outermost(all.filter { $0.length < family.width }).map(element)
        }
        return result
    }

    /// Without those that lie in others: a set takes no two intervals that meet.
    private static func outermost(_ prefixes: [IPPrefix]) -> [IPPrefix] {
        prefixes.filter { inner in
            !prefixes.contains { $0.length < inner.length && $0.contains(inner.address) }
        }
    }

    /// Behind the rules that know the endpoints of the manifests.
    var rules: [Rule] {
        guard !networks.isEmpty else { return [] }
        return AddressFamily.allCases.flatMap { family -> [Rule] in
            let key = Nft.concat(Nft.input, Nft.payload(family.protocolName, "saddr"))
            let taken = ["", "_blocks"].map { suffix in
                Rule(
                    [Nft.equal(key, .string("@tunnel_taken\(family.suffix)\(suffix)")), Nft.counter, Nft.drop],
                    comment: "an endpoint of the manifests, but not from there")
            }
            return taken + [
                Rule(
                    [Nft.equal(key, .string("@tunnel_learnt\(family.suffix)")), Tunnels.mark(0), Nft.accept],
                    comment: "an endpoint of which BGP told, by its MAC")
            ]
        }
    }
}
