internal import Model
internal import NetlinkClient
internal import NetlinkCodec
internal import Planner

/// Where indexes of links come from while requests are made: names are stable over a run, indexes are not.
protocol LinkIndexes {
    /// Index of a link that exists by now.
    func index(of link: LinkReference) throws -> UInt32
    /// The same; nil while undoing, where somebody deleted it, and all on it with it.
    func indexWhileThere(of link: LinkReference) throws -> UInt32?
    /// Descriptor of a namespace, for the far end of a veth; nil for the host's own.
    func descriptor(of namespace: NamespaceRef) throws -> Int32?
    /// The index that a new link in a compartment shall have.
    func choose(for link: LinkReference) -> UInt32
    /// The id that a namespace has for the host's.
    func hostID(in namespace: NamespaceRef) throws -> Int32
    /// A move with what lies on its link by now.
    func cargo(of move: UplinkMove) throws -> UplinkLoad
}

extension Operation {
    /// The netlink requests that do it, in one group that is never parted; nil where it is no netlink operation.
    func requests(_ indexes: some LinkIndexes) throws -> (namespace: NamespaceRef, group: [Request])? {
        switch self {
        case .createLink(let spec): return (spec.reference.namespace, try Self.create(spec, indexes))
        case .deleteLink(let link): return (link.namespace, [LinkRequest.delete(name: link.name)])
        case .changeLink(let link, let changes): return (link.namespace, try Self.change(link, changes, indexes))
        case .addAddress(let link, let address):
            let title = "add address \(address) to \(link)"
            return (link.namespace, [AddressMessage.add(address, link: try indexes.index(of: link), operation: title)])
        case .removeAddress(let link, let address):
            let title = "remove address \(address) from \(link)"
            return (
                link.namespace, [AddressMessage.remove(address, link: try indexes.index(of: link), operation: title)]
            )
        case .addRoute(let route):
            let value = try Self.value(route, indexes)
            let title = "add route \(route) on \(route.link)"
            return (route.link.namespace, [RouteMessage.add(value, replacing: false, operation: title)])
        case .replaceRoute(let route, _):
            let value = try Self.value(route, indexes)
            let title = "change route \(route) on \(route.link)"
            return (route.link.namespace, [RouteMessage.add(value, replacing: true, operation: title)])
        case .removeRoute(let route):
            let value = try Self.value(route, indexes)
            let title = "remove route \(route) from \(route.link)"
            return (route.link.namespace, [RouteMessage.remove(value, operation: title)])
        case .addRule(let rule):
            return (
                rule.namespace, [RuleMessage.add(rule.body, operation: "add rule \(rule.words) in \(rule.namespace)")]
            )
        case .removeRule(let rule):
            let title = "remove rule \(rule.words) from \(rule.namespace)"
            return (rule.namespace, [RuleMessage.remove(rule.body, operation: title)])
        case .addQdisc(let link, let spec): return (link.namespace, try Self.limit(link, spec, indexes))
        case .removeQdisc(let link, let parent):
            let title = "remove queueing discipline from \(link)"
            return (
                link.namespace,
                [QdiscMessage.remove(link: try indexes.index(of: link), parent: parent, operation: title)]
            )
        case .addNeighbour(let entry):
            let title = "add \(entry.words) to \(entry.link)"
            return (entry.link.namespace, [NeighbourMessage.add(try Self.value(entry, indexes), operation: title)])
        case .removeNeighbour(let entry):
            let title = "remove \(entry.words) from \(entry.link)"
            return (entry.link.namespace, [NeighbourMessage.remove(try Self.value(entry, indexes), operation: title)])
        case .forgetNeighbours(let link, let addresses):
            let index = try indexes.index(of: link)
            return (
                link.namespace,
                addresses.map {
                    NeighbourMessage.forget($0, link: index, operation: "forget neighbour \($0) of \(link)")
                }
            )
        case .moveUplink(let move): return (move.uplink.namespace, try move.requests(indexes))
        case .loadModule, .createNamespace, .deleteNamespace, .bindNamespace, .writeSetting, .rememberOriginal,
            .forgetOriginal, .writeFile, .removeFile, .cutConnections, .clearWay, .noteNeighbours,
            .expectNeighbours, .configureRouting, .firewall:
            return nil
        }
    }

    private static func value(_ entry: NeighbourEntry, _ indexes: some LinkIndexes) throws -> NeighbourMessage.Entry {
        NeighbourMessage.Entry(
            link: try indexes.index(of: entry.link), address: entry.address, mac: entry.mac, tunnelEnd: entry.tunnelEnd,
            origin: entry.origin)
    }

    private static func value(_ route: RouteEntry, _ indexes: some LinkIndexes) throws -> RouteMessage.Value {
        RouteMessage.Value(
            destination: route.destination, gateway: route.gateway, link: try indexes.index(of: route.link),
            metric: route.metric, table: route.table, origin: route.origin, type: route.type,
            preferredSource: route.preferredSource, body: route.details?.body ?? [])
    }

    private static func limit(_ link: LinkReference, _ spec: QdiscSpec, _ indexes: some LinkIndexes) throws
        -> [Request]
    {
        let index = try indexes.index(of: link)
        switch spec {
        case .bucket(let bucket):
            let data = TokenBucketData(rate: bucket.rate, burst: bucket.burst, limit: bucket.limit)
            return [QdiscMessage.bucket(link: index, data, operation: "limit \(link) to \(bucket)")]
        case .redirect(let target):
            let title = "send what comes in on \(link) through \(target)"
            return [
                QdiscMessage.ingress(link: index, operation: title),
                FilterMessage.redirect(link: index, to: try indexes.index(of: target), operation: title),
            ]
        }
    }

    private static func create(_ spec: LinkSpec, _ indexes: some LinkIndexes) throws -> [Request] {
        let name = spec.reference.name
        if case .macvlan(let lower, let mode) = spec.kind, spec.reference.namespace != .host {
            return try creation(ofMacvlan: spec, lower, mode, indexes)
        }
        var requests = [try making(spec, indexes)]
        // The kernel ignores the alias in the creating message, and refuses address generation there.
        var change = LinkRequest.Change()
        change.alias = spec.alias
        if spec.hasIPv6 { change.addressGeneration = spec.addressGeneration }
        if case .bridge = spec.kind { change.mtu = spec.mtu }
        // Which groups a guest has joined nobody tells the kernel, which asks for neighbours by groups.
        if case .macvtap = spec.kind { change.hearsAllGroups = true }
        requests.append(LinkRequest.set(name: name, change))
        if let alternative = spec.alternativeName {
            requests.append(LinkRequest.alternativeName(alternative, of: name, add: true))
        }
        if let port = spec.port, spec.master != nil { requests.append(LinkRequest.set(name: name, port: port.data)) }
        if spec.isUp {
            var up = LinkRequest.Change()
            up.isUp = true
            requests.append(LinkRequest.set(name: name, up))
        }
        return requests
    }

    /// A link in a compartment on one of the host. Kernels before 6.14 make it beside that one, whose namespace may have
    /// its name, and move it then: so it is made by another one, and gets its own there. All of it is one datagram, by the
    /// index, and of a link whose creation was refused nothing is changed.
    private static func creation(
        ofMacvlan spec: LinkSpec, _ lower: String, _ mode: MacvlanMode, _ indexes: some LinkIndexes
    ) throws -> [Request] {
        let (lower, hostID) = (
            try indexes.index(of: LinkReference(.host, lower)), try indexes.hostID(in: spec.reference.namespace)
        )
        let index = indexes.choose(for: spec.reference)
        let name = "bh-\(index)"
        var change = LinkRequest.Change()
        change.alias = spec.alias
        return [
            LinkRequest.createMacvlan(
                .init(name: name, mac: spec.mac, mtu: spec.mtu), .macvlan, lower: lower, lowerNamespace: hostID,
                data: MacvlanData(mode: mode.mode), title: spec.reference.name
            ).addressed(toLink: index), LinkRequest.rename(name, index: index, to: spec.reference.name),
            LinkRequest.set(name: spec.reference.name, change).addressed(toLink: index),
        ]
    }

    /// The kernel takes a second filter like the first for another one: where somebody who undoes does not know whether it
    /// is there, it goes before it comes. What is not there is no failure then.
    static func removal(ofRedirect link: LinkReference, _ indexes: some LinkIndexes) throws -> [Request] {
        [
            QdiscMessage.remove(
                link: try indexes.index(of: link), parent: QdiscMessage.ingressParent,
                operation: "remove queueing discipline from \(link)")
        ]
    }

    /// What makes it, as far as a message of its kind goes; a tap is made by `TapDevice`.
    private static func making(_ spec: LinkSpec, _ indexes: some LinkIndexes) throws -> Request {
        let space = spec.reference.namespace
        let end = LinkRequest.VethEnd(name: spec.reference.name, mac: spec.mac, mtu: spec.mtu)
        let master = try spec.master.map { try indexes.index(of: LinkReference(space, $0)) }
        switch spec.kind {
        case .bridge(let options):
            // A bridge follows the smallest MTU of its ports until somebody sets one. Only a change counts as setting,
            // so it is made with another one first.
            let other = spec.mtu == 1500 ? 1499 : 1500
            return LinkRequest.createBridge(name: end.name, mac: spec.mac, mtu: other, data: options.data)
        case .vxlan(let options): return LinkRequest.createVXLAN(end, master: master, data: options.data)
        case .ifb: return LinkRequest.createShaper(end)
        case .vlan(let lower, let id):
            let lower = try indexes.index(of: LinkReference(space, lower))
            return LinkRequest.createVLAN(end, lower: lower, id: id, master: master)
        case .macvlan(let lower, let mode):
            return LinkRequest.createMacvlan(
                end, .macvlan, lower: try indexes.index(of: LinkReference(.host, lower)),
                lowerNamespace: nil, data: MacvlanData(mode: mode.mode)
            )
        case .macvtap(let lower, let mode):
            return LinkRequest.createMacvlan(
                end, .macvtap, lower: try indexes.index(of: LinkReference(.host, lower)), lowerNamespace: nil,
                data: MacvlanData(mode: mode.mode))
        case .tap:
            var change = LinkRequest.Change()
            (change.mac, change.mtu, change.master) = (spec.mac, spec.mtu, master)
            return LinkRequest.set(name: end.name, change)
        case .veth(let peer):
            return LinkRequest.createVeth(
                near: end, master: master,
                far: .init(name: peer.reference.name, mac: peer.mac, mtu: peer.mtu),
                farNamespace: try indexes.descriptor(of: peer.reference.namespace))
        }
    }

    /// All plain attributes travel in one message; those of bridge and port have messages of their own. A link goes
    /// down before anything else changes, and up when all has.
    private static func change(_ link: LinkReference, _ changes: [LinkChange], _ indexes: some LinkIndexes) throws
        -> [Request]
    {
        // Below an MTU of 1280 there is no mode, and the kernel looks for it before it changes the MTU of the same message.
        let isAnew = changes.contains(where: \.isMTU) && changes.contains(where: \.isAddressGeneration)
        var first: [Request] = []
        var plain = LinkRequest.Change()
        var others: [Request] = []
        var last: [Request] = []
        for change in changes {
            switch change {
            case .up(let isUp):
                var only = LinkRequest.Change()
                only.isUp = isUp
                if isUp {
                    last.append(LinkRequest.set(name: link.name, only))
                } else if isAnew {
                    first.append(LinkRequest.set(name: link.name, only))
                } else {
                    plain.isUp = false
                }
            case .hearsAllGroups(let isOn): plain.hearsAllGroups = isOn
            case .resolvesNeighbours(let isOn): plain.resolvesNeighbours = isOn
            case .forwards: last.append(LinkRequest.forward(name: link.name))
            case .name(let name):
                first.append(LinkRequest.rename(link.name, index: try indexes.index(of: link), to: name))
            case .mtu(let mtu): plain.mtu = mtu
            case .mac(let mac): plain.mac = mac
            case .master(let name):
                plain.master = try name.map { try indexes.index(of: LinkReference(link.namespace, $0)) } ?? 0
            case .alias(let alias): plain.alias = alias
            case .addressGeneration(let mode):
                var only = LinkRequest.Change()
                only.addressGeneration = mode
                if isAnew {
                    others.append(LinkRequest.set(name: link.name, only))
                } else {
                    plain.addressGeneration = mode
                }
            case .addAlternativeName(let name):
                others.append(LinkRequest.alternativeName(name, of: link.name, add: true))
            case .removeAlternativeName(let name):
                others.append(LinkRequest.alternativeName(name, of: link.name, add: false))
            case .macvlan(let mode):
                others.append(LinkRequest.set(name: link.name, .macvlan, MacvlanData(mode: mode.mode)))
            case .macvtap(let mode):
                others.append(LinkRequest.set(name: link.name, .macvtap, MacvlanData(mode: mode.mode)))
            case .bridge(let options): others.append(LinkRequest.set(name: link.name, bridge: options.data))
            case .port(let options): others.append(LinkRequest.set(name: link.name, port: options.data))
            }
        }
        return first + (plain.isEmpty ? [] : [LinkRequest.set(name: link.name, plain)]) + others + last
    }
}

extension LinkChange {
    fileprivate var isMTU: Bool { if case .mtu = self { true } else { false } }
    fileprivate var isAddressGeneration: Bool { if case .addressGeneration = self { true } else { false } }
}
