internal import Addressing
internal import Model

extension Context {
    /// The card of an endpoint that is a macvlan, made in its compartment under its name there; nil where there is no uplink,
    /// which was said.
    func macvlanSpec(_ endpoint: Endpoint, _ seat: Seat) -> LinkSpec? {
        guard let compartment = compartments[seat.compartment], let network = networks[endpoint.network],
            let ground = grounds[endpoint.network]
        else { return nil }
        return LinkSpec(
            reference: LinkReference(compartment.reference, seat.interface.text),
            kind: .macvlan(lower: ground.name, mode: mode(of: endpoint, on: network)), mac: endpoint.mac,
            mtu: endpoint.mtu, addressGeneration: 0, isUp: false, alias: mark(endpoint.metadata, .endpoint).text)
    }

    /// The card of an endpoint that is a macvtap: a link of the host, with the MAC of the guest; nil where there is no uplink.
    func macvtapSpec(_ endpoint: Endpoint) -> LinkSpec? {
        guard let network = networks[endpoint.network], let ground = grounds[endpoint.network] else { return nil }
        return LinkSpec(
            reference: LinkReference(.host, endpoint.hostInterface.text),
            kind: .macvtap(lower: ground.name, mode: mode(of: endpoint, on: network)), mac: endpoint.mac,
            mtu: endpoint.mtu, addressGeneration: 1, isUp: endpoint.enabled,
            alias: mark(endpoint.metadata, .endpoint).text, alternativeName: endpoint.alternativeName)
    }

    /// What goes from one macvlan to another passes no hook where it is for many, so that isolation is the kernel's own: it
    /// takes frames of one to the other only where both have mode bridge. With mode source and an empty list nothing comes in
    /// at all, and what goes out the hooks of the uplink stop.
    private func mode(of endpoint: Endpoint, on network: Network) -> MacvlanMode {
        // A macvtap is the host's, and down.
        guard endpoint.enabled || endpoint.isMacvtap else { return .source }
        if network.type == .l2tunnel { return .vepa }
        return network.deniesIntraNetwork ? .private : .bridge
    }

    /// Whether a link in a compartment is a macvlan of an interface of the host, of this one if one is given. The kernel tells
    /// it, and nobody inside can make it tell this of another.
    func isMacvlan(_ link: ObservedLink, in space: ObservedNamespace, of uplink: ObservedLink? = nil) -> Bool {
        guard link.kind == "macvlan", let id = link.peerNamespaceID, id == space.hostID else { return false }
        return uplink.map { $0.index == link.peerIndex } ?? true
    }

    /// Cards of this scope that are macvlans: in namespaces of ours, with the mark inside, which whoever is in there can take
    /// away. Without it the link is a foreign one, and goes as those do.
    var markedMacvlans: [(space: ObservedNamespace, link: ObservedLink, mark: OwnershipMark)] {
        observed.namespaces.flatMap { space in markedMacvlans(in: space).map { (space, $0.link, $0.mark) } }
    }

    /// Those in one namespace.
    func markedMacvlans(in space: ObservedNamespace) -> [(link: ObservedLink, mark: OwnershipMark)] {
        guard owner(of: space) != nil, !space.isUnsteady else { return [] }
        return space.links.compactMap { link in
            guard isMacvlan(link, in: space), let mark = link.mark, mark.scope == desired.scope,
                mark.owner.kind == .endpoint
            else { return nil }
            return (link, mark)
        }
    }

    /// Macvlans and their like that stand on an interface of the host, wherever they are as far as that is read.
    func macvlans(on uplink: ObservedLink) -> [LinkReference] {
        let here = (uppers[uplink.index] ?? []).filter { Self.macvlanKinds.contains($0.kind) }
            .map { LinkReference(.host, $0.name) }
        let there = observed.namespaces.flatMap { space in
            space.links.filter { link in
                Self.macvlanKinds.contains(link.kind) && link.peerIndex == uplink.index
                    && link.peerNamespaceID != nil && link.peerNamespaceID == space.hostID
            }.map { LinkReference(space.reference, $0.name) }
        }
        return (here + there).sorted { ($0.namespace, $0.name) < ($1.namespace, $1.name) }
    }

    private static let macvlanKinds: Set<String> = ["macvlan", "macvtap"]

    /// The card of an endpoint in its compartment, as it is now.
    func card(of endpoint: Endpoint) -> (namespace: ObservedNamespace, link: ObservedLink)? {
        guard endpoint.isMacvlan else {
            guard let outer = hostLinks[endpoint.hostInterface.text], outer.mark?.owner == endpoint.id else {
                return nil
            }
            return peer(of: outer)
        }
        guard let seat = endpoint.seat, let compartment = compartments[seat.compartment],
            let space = namespaces[compartment.reference],
            let link = link(LinkReference(compartment.reference, seat.interface.text)), isMacvlan(link, in: space)
        else { return nil }
        return (space, link)
    }

    /// What makes a macvlan of a compartment again as it was; empty where its interface is not there.
    func restoration(ofMacvlan link: ObservedLink, in space: ObservedNamespace) -> [Operation] {
        guard let lower = link.peerIndex.flatMap({ hostLinkNames[$0] }), let mode = link.macvlan else { return [] }
        let reference = LinkReference(space.reference, link.name)
        let spec = LinkSpec(
            reference: reference, kind: .macvlan(lower: lower, mode: mode), mac: link.mac, mtu: link.mtu,
            addressGeneration: link.addressGeneration ?? 0, isUp: false, alias: link.alias ?? "")
        return [.createLink(spec)] + restoration(ofInner: link, reference)
    }
}

extension Network {
    /// What to use where macvlans will not do.
    var bridgeWords: String {
        type == .l2tunnel ? "a transparent network with a bridge" : "`attachment: bridge`"
    }
}
