internal import Addressing
internal import Model

/// Everything a difference is computed from, indexed once.
struct Context {
    let desired: DesiredState
    let observed: ObservedState
    let options: PlanOptions
    /// What need not be compared again.
    let standing: Standing
    /// Host links by name.
    let hostLinks: [String: ObservedLink]
    /// Names of the host's links that are not ours, by their alternative names.
    let foreignNames: [String: String]
    /// Ports of the host's bridges, by index of the bridge.
    let portsByBridge: [UInt32: [ObservedLink]]
    /// Links of the host that stand on another and go with it (macvlan, VLAN …), by the index of that.
    let uppers: [UInt32: [ObservedLink]]
    /// Bridges that bear no mark yet and are taken over by this plan (`--adopt`), by index: from its first step on they
    /// are ours, and no cards of the host.
    private let adopted: Set<UInt32>
    /// Files by path.
    let filesByPath: [String: ObservedFile]
    /// Names of host links by index.
    let hostLinkNames: [UInt32: String]
    /// Addresses by namespace and index of the link.
    let addresses: [NamespaceRef: Groups<UInt32, ObservedAddress>]
    /// Routes by namespace and index of their outgoing link, the first one where a route has several.
    let routes: [NamespaceRef: Groups<UInt32, ObservedRoute>]
    /// Routes by namespace and by what the kernel takes for one place in a table.
    let routesByPlace: [NamespaceRef: Groups<RoutePlace, ObservedRoute>]
    /// Links by namespace and name, and by namespace and index.
    private let linksByName: [NamespaceRef: Groups<String, ObservedLink>]
    private let linksByIndex: [NamespaceRef: Groups<UInt32, ObservedLink>]
    /// Permanent neighbours by namespace and index of the link.
    let neighbours: [NamespaceRef: Groups<UInt32, ObservedNeighbour>]
    /// Queueing disciplines by namespace and index of the link.
    let qdiscs: [NamespaceRef: Groups<UInt32, ObservedQdisc>]
    /// Links of the host by the one through which all goes that comes in on them.
    let redirections: [UInt32: [UInt32]]
    /// Observed namespaces by reference.
    let namespaces: [NamespaceRef: ObservedNamespace]
    /// Marks of the namespaces that are ours, by what their ids say.
    private let owners: [NamespaceRef: OwnershipMark]
    /// Which namespace has an id, as veth ends name each other.
    let namespaceByID: [Int32: NamespaceRef]
    let networks: [ObjectName: Network]
    let compartments: [ObjectName: Compartment]
    /// Names of the host sides of the desired cards.
    private let cardNames: Set<String>
    /// The desired cards that are macvlans, by place, with their uplinks.
    private let macvlanPlaces: [LinkReference: UInt32]
    /// Their endpoints.
    private let macvlanOwners: Set<ObjectID>
    /// Names of the desired endpoints.
    let endpointNames: Set<ObjectName>
    /// Desired endpoints by network, for what a bridge must carry; cards of routers are not among them.
    let endpointsByNetwork: [ObjectName: [Endpoint]]
    /// Desired endpoints by compartment, and cards of routers by the name of their namespace.
    let endpointsByCompartment: [ObjectName: [Endpoint]]
    /// Endpoints of other hosts by network.
    let remotesByNetwork: [ObjectName: [RemoteEndpoint]]
    /// The interface that joins a network to a physical one: its uplink, or somebody else's bridge.
    let attached: [ObjectName: ObservedLink]
    /// What macvlans of a network stand on: that interface, or the VLAN of it, whether that is there already or not.
    let grounds: [ObjectName: ObservedLink]
    /// Why there is none where there should be.
    let unattached: [ObjectName: String]

    init(
        desired: DesiredState, observed: ObservedState, options: PlanOptions, standing: Standing = Standing()
    ) {
        self.desired = desired
        self.standing = standing
        self.observed = observed
        self.options = options
        hostLinks = Dictionary(observed.host.links.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        foreignNames = Self.foreignNames(observed.host.links, desired.scope)
        portsByBridge = Dictionary(grouping: observed.host.links.filter { $0.master != nil }) { $0.master ?? 0 }
        uppers = Dictionary(
            grouping: observed.host.links.filter { $0.lower != nil }
        ) { $0.lower ?? 0 }
        let bridges = Set(desired.networks.filter { options.adopts.contains($0.id) }.map(\.bridge.text))
        adopted = Set(
            observed.host.links.filter { $0.mark == nil && $0.kind == "bridge" && bridges.contains($0.name) }
                .map(\.index))
        filesByPath = Dictionary(observed.files.map { ($0.path, $0) }, uniquingKeysWith: { first, _ in first })
        hostLinkNames = Dictionary(
            observed.host.links.map { ($0.index, $0.name) }, uniquingKeysWith: { first, _ in first })
        let spaces = [observed.host] + observed.namespaces
        addresses = Self.grouped(spaces, \.addresses) { $0.link }
        linksByName = Self.grouped(spaces, \.links) { $0.name }
        linksByIndex = Self.grouped(spaces, \.links) { $0.index }
        routesByPlace = Self.grouped(spaces, \.routes) { RoutePlace($0) }
        routes = Self.grouped(spaces, \.routes) { $0.link ?? $0.nextHopLinks.first }
        neighbours = Self.grouped(spaces, \.neighbours) { $0.link }
        qdiscs = Self.grouped(spaces, \.qdiscs) { $0.link }
        redirections = observed.host.qdiscs.reduce(into: [:]) { result, qdisc in
            if let target = qdisc.redirect { result[target, default: []].append(qdisc.link) }
        }
        namespaces = Dictionary(
            observed.namespaces.map { ($0.reference, $0) }, uniquingKeysWith: { first, _ in first })
        owners = Dictionary(
            observed.namespaces.compactMap { space in
                Self.owner(of: space, desired.scope).map { (space.reference, $0) }
            }, uniquingKeysWith: { first, _ in first })
        namespaceByID = Dictionary(
            observed.namespaces.compactMap { space in space.namespaceID.map { ($0, space.reference) } },
            uniquingKeysWith: { first, _ in first })
        networks = Dictionary(desired.networks.map { ($0.metadata.name, $0) }, uniquingKeysWith: { first, _ in first })
        compartments = Dictionary(
            desired.compartments.map { ($0.metadata.name, $0) }, uniquingKeysWith: { first, _ in first })
        cardNames = Set(desired.endpoints.filter { !$0.isMacvlan }.map(\.hostInterface.text))
        endpointNames = Set(desired.endpoints.map(\.metadata.name))
        endpointsByNetwork = Dictionary(grouping: desired.endpoints.filter { $0.router == nil }, by: \.network)
        endpointsByCompartment = desired.endpoints.reduce(into: [:]) { result, endpoint in
            if let name = endpoint.compartment { result[name, default: []].append(endpoint) }
        }
        remotesByNetwork = Dictionary(grouping: desired.remotes, by: \.endpoint.network)
        (attached, unattached) = Self.attachments(desired, observed)
        macvlanOwners = Set(desired.endpoints.filter(\.isMacvlan).map(\.id))
        grounds = Self.grounds(desired, observed, attached)
        macvlanPlaces = Self.macvlanPlaces(desired, compartments, grounds)
    }

    private static func attachments(_ desired: DesiredState, _ observed: ObservedState) -> (
        found: [ObjectName: ObservedLink], missing: [ObjectName: String]
    ) {
        let search = AttachmentSearch(observed)
        var attached: [ObjectName: ObservedLink] = [:]
        var unattached: [ObjectName: String] = [:]
        for network in desired.networks {
            switch search.find(network) {
            case nil: continue
            case .found(let link): attached[network.metadata.name] = link
            case .missing(let reason): unattached[network.metadata.name] = reason
            }
        }
        return (attached, unattached)
    }

    private static func macvlanPlaces(
        _ desired: DesiredState, _ compartments: [ObjectName: Compartment], _ grounds: [ObjectName: ObservedLink]
    ) -> [LinkReference: UInt32] {
        Dictionary(
            desired.endpoints.filter(\.isMacvlan).compactMap { endpoint in
                guard let seat = endpoint.seat, let compartment = compartments[seat.compartment],
                    let ground = grounds[endpoint.network]
                else { return nil }
                return (LinkReference(compartment.reference, seat.interface.text), ground.index)
            }, uniquingKeysWith: { first, _ in first })
    }

    private static func grouped<Key, Element>(
        _ spaces: [ObservedNamespace], _ list: (ObservedNamespace) -> [Element],
        _ key: @escaping (Element) -> Key?
    ) -> [NamespaceRef: Groups<Key, Element>] {
        Dictionary(
            spaces.map { ($0.reference, Groups(list($0), by: key)) }, uniquingKeysWith: { first, _ in first })
    }

    /// Whether a link of the host bears a mark, of whatever scope, or gets one by being taken over.
    func isMarked(_ link: ObservedLink) -> Bool { link.mark != nil || adopted.contains(link.index) }

    /// Whether a link of the host bears a mark of this scope, or gets one by being taken over.
    func isOurs(_ link: ObservedLink) -> Bool {
        link.mark.map { $0.scope == desired.scope } ?? adopted.contains(link.index)
    }

    /// What the host has on a link that is nobody's; what every link has by itself is left out.
    func hostUse(of link: ObservedLink) -> String? {
        let address = addresses[.host]?[link.index]?.first { !$0.address.address.isLinkLocal }
        if let address { return "address \(address.address)" }
        let route = routes[.host]?[link.index]?.first {
            !$0.destination.address.isLinkLocal && !$0.destination.address.isMulticast
        }
        return route.map { "route to \($0.destination.isDefault ? "default" : $0.destination.description)" }
    }

    /// The mark of a compartment or card of this scope.
    func mark(_ metadata: ObjectMetadata, of owner: ObjectID) -> OwnershipMark {
        OwnershipMark(scope: desired.scope, owner: owner, protected: metadata.preventDestroy)
    }

    /// The mark of an object of this scope.
    func mark(_ metadata: ObjectMetadata, _ kind: ObjectKind) -> OwnershipMark {
        OwnershipMark(
            scope: desired.scope, owner: ObjectID(kind, metadata.name), protected: metadata.preventDestroy)
    }

    /// Whose namespace this is, where its id is a mark of this scope. The name in the mark is that of the file.
    func owner(of namespace: ObservedNamespace) -> OwnershipMark? { owners[namespace.reference] }

    private static func owner(of namespace: ObservedNamespace, _ scope: ObjectName) -> OwnershipMark? {
        guard case .named(let name) = namespace.reference, let id = namespace.namespaceID else { return nil }
        return OwnershipMark.owner(ofNamespace: name, id: id, scope: scope)
    }

    /// Where the mark of a namespace lies that its id does not tell.
    func markFile(ofNamespace name: String) -> String {
        "\(options.netnsEtcDirectory)/\(CompartmentFiles.markFolder)/\(name)"
    }

    /// The mark of an owned namespace, with the protection that its compartment has now and the compartment's name.
    func currentMark(_ mark: OwnershipMark, ofNamespace name: String) -> OwnershipMark {
        guard let file = filesByPath[markFile(ofNamespace: name)]?.mark, file.scope == mark.scope,
            file.owner.kind == mark.owner.kind
        else { return mark }
        return file
    }

    /// The mark of the owned namespace in whose folder a file lies; nil where there is none.
    func folderMark(_ file: ObservedFile) -> OwnershipMark? {
        guard let place = CompartmentFiles.namespace(of: file.path, below: options.netnsEtcDirectory), !place.isMark,
            let mark = namespaces[.named(place.name)].flatMap(owner(of:))
        else { return nil }
        return currentMark(mark, ofNamespace: place.name)
    }

    /// Whether a surplus object may be deleted.
    func mayRemove(_ owner: ObjectID) -> Bool {
        if let only = options.removesOnly { return only.contains(owner) }
        return options.prunes
    }

    /// The other end of a veth of the host, where it lies in a namespace that was read.
    func peer(of link: ObservedLink) -> (namespace: ObservedNamespace, link: ObservedLink)? {
        guard link.kind == "veth", let id = link.peerNamespaceID, let index = link.peerIndex,
            let reference = namespaceByID[id], let namespace = namespaces[reference],
            let peer = self.link(index, in: reference)
        else { return nil }
        return (namespace, peer)
    }

    /// The mark that the namespace of a compartment carries: its file's name stands in it.
    func namespaceMark(_ compartment: Compartment) -> OwnershipMark? {
        guard case .owned(let text) = compartment.namespace else { return nil }
        let named = ObjectName(text).map { ObjectID(.compartment, $0) }
        guard let owner = compartment.router.map({ ObjectID(.network, $0) }) ?? named else { return nil }
        return OwnershipMark(
            scope: desired.scope, owner: owner, protected: compartment.metadata.preventDestroy)
    }

    /// A link by name.
    func link(_ reference: LinkReference) -> ObservedLink? { linksByName[reference.namespace]?.first(reference.name) }

    /// A link by index.
    func link(_ index: UInt32, in space: NamespaceRef) -> ObservedLink? { linksByIndex[space]?.first(index) }

    /// The host side of a card, by its inner end.
    func hostSide(of inner: LinkReference) -> String? {
        guard let link = link(inner), link.kind == "veth", let index = link.peerIndex, let name = hostLinkNames[index],
            let host = hostLinks[name], let other = peer(of: host)
        else { return nil }
        return other.namespace.reference == inner.namespace && other.link.index == link.index ? name : nil
    }

    /// Whether an endpoint's card is to be a macvlan.
    func isMacvlan(_ endpoint: ObjectID) -> Bool { macvlanOwners.contains(endpoint) }

    /// Whether a link in a compartment has the name and the uplink of a macvlan that is to be there.
    func isWantedMacvlan(_ link: ObservedLink, in space: NamespaceRef) -> Bool {
        macvlanPlaces[LinkReference(space, link.name)].map { $0 == link.peerIndex } ?? false
    }

    /// Whether a card ends in a compartment and need not be compared again.
    func stands(_ endpoint: Endpoint) -> Bool {
        standing.holds(endpoint, in: endpoint.compartment.flatMap { compartments[$0] })
    }

    /// Whether a link of the host of that name is to be the host side of a card.
    func isCard(_ name: String) -> Bool { cardNames.contains(name) }

    /// A kernel setting: those of interfaces come with the links, others were read one by one.
    func setting(_ path: String, in space: ObservedNamespace) -> String? {
        space.setting(path) { link(LinkReference(space.reference, $0)) }
    }
}
