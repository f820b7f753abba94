import Addressing
import Firewall
import JSON
import Model
import Planner

extension SimulatedHost {
    /// Carries one operation out.
    mutating func run(_ operation: Operation) throws {
        switch operation {
        case .loadModule: state.features.bridgeNetfilter = true
        case .createNamespace(let name, _, let id): try create(name, id)
        case .deleteNamespace(let name): try unbind(name)
        case .bindNamespace(let name): try bind(name)
        case .createLink(let spec): try create(spec)
        case .deleteLink(let link): try delete(link)
        case .changeLink(let link, let changes): for change in changes { try self.change(link, change) }
        case .addAddress(let link, let address): try add(address, to: link)
        case .removeAddress(let link, let address):
            try withLink(link) { space, index in
                try Self.removeFirst(&space.addresses, "address \(address)") {
                    $0.link == index && $0.address == address
                }
                Self.reconnect(index, &space)
            }
        case .addRoute(let route): try add(route)
        case .replaceRoute(let route, _): try replace(route)
        case .removeRoute(let route):
            try withLink(route.link) { space, index in
                try Self.removeFirst(&space.routes, "route \(route)") { $0.isSame(as: route, link: index) }
            }
        case .addNeighbour(let entry): try add(entry)
        case .removeNeighbour(let entry):
            try withLink(entry.link) { space, index in
                try Self.removeFirst(&space.neighbours, "neighbour") {
                    $0.link == index && $0.address == entry.address && $0.mac == entry.mac
                        && $0.tunnelEnd == entry.tunnelEnd
                }
            }
        case .forgetNeighbours(let link, _): try withLink(link) { _, _ in }
        case .addRule(let rule):
            try change(rule.namespace) { $0.rules.append(try rule.observed) }
        case .removeRule(let rule):
            try change(rule.namespace) { space in
                try Self.removeFirst(&space.rules, "rule \(rule.words)") { $0.body == rule.body }
            }
        case .addQdisc(let link, let spec): try add(spec, to: link)
        case .removeQdisc(let link, let parent):
            try withLink(link) { space, index in
                try Self.removeFirst(&space.qdiscs, "qdisc") { $0.link == index && $0.parent == parent }
            }
        case .writeSetting(let namespace, let path, let value): try write(value, to: path, in: namespace)
        case .rememberOriginal(let setting): state.originals.append(setting)
        case .forgetOriginal(let setting): state.originals.removeAll { $0.path == setting.path }
        case .writeFile(let path, let content):
            state.files.removeAll { $0.path == path }
            state.files.append(ObservedFile(path: path, content: content))
        case .removeFile(let path): try Self.removeFirst(&state.files, "file \(path)") { $0.path == path }
        case .moveUplink(let move): try self.move(move)
        case .cutConnections, .clearWay, .noteNeighbours, .expectNeighbours: break
        case .configureRouting(let change): state.run(change)
        case .firewall(let commands): try filter(commands)
        }
    }

    /// Chains hang on links that are there.
    private mutating func filter(_ commands: [JSON]) throws {
        try firewall.run(commands)
        let hooked = firewall.ruleset.tables.flatMap(\.chains).flatMap { $0.base?.devices ?? [] }
        if let absent = hooked.first(where: { state.host.link(named: $0) == nil }) {
            throw Failure.absent("link \(absent)")
        }
    }

    private mutating func add(_ entry: NeighbourEntry) throws {
        try withLink(entry.link) { space, index in
            let new = ObservedNeighbour(
                link: index, address: entry.address, mac: entry.mac,
                isProxy: entry.address != nil && entry.mac == nil, tunnelEnd: entry.tunnelEnd, origin: entry.origin)
            space.neighbours.removeAll { $0.isReplaced(by: new) }
            space.neighbours.append(new)
        }
    }

    private mutating func add(_ spec: QdiscSpec, to link: LinkReference) throws {
        var qdisc: ObservedQdisc
        switch spec {
        case .bucket(let bucket): qdisc = ObservedQdisc(link: 0, parent: 0xffff_ffff, kind: "tbf", bucket: bucket)
        case .redirect(let target):
            qdisc = ObservedQdisc(link: 0, parent: 0xffff_fff1, kind: "ingress")
            try withLink(target) { _, index in qdisc.redirect = index }
        }
        try withLink(link) { space, index in
            let isThere = space.qdiscs.contains { $0.link == index && $0.parent == qdisc.parent }
            if isThere, qdisc.redirect != nil { throw Failure.present("qdisc of \(link)") }
            space.qdiscs.removeAll { $0.link == index && $0.parent == qdisc.parent }
            qdisc.link = index
            space.qdiscs.append(qdisc)
        }
    }

    static func removeFirst<Value>(_ values: inout [Value], _ what: String, where matches: (Value) -> Bool) throws {
        guard let place = values.firstIndex(where: matches) else { throw Failure.absent(what) }
        values.remove(at: place)
    }

    private mutating func create(_ name: String, _ id: Int32) throws {
        guard self[.named(name)] == nil else { throw Failure.present("namespace \(name)") }
        guard !state.usedNamespaceIDs.contains(id) else { throw Failure.present("namespace id \(id)") }
        var space = ObservedNamespace(
            reference: .named(name), inode: UInt64(id) + 100, namespaceID: id, settings: Self.initialSettings)
        // As veths have it, too.
        space.hostID = 0
        space.links = [link(1, "lo", in: space, isLoopback: true, isUp: false)]
        self[.named(name)] = space
        state.usedNamespaceIDs = (state.usedNamespaceIDs + [id]).sorted()
    }

    private mutating func move(_ move: UplinkMove) throws {
        try change(move.uplink, .master(move.master))
        try change(.host) { space in
            guard let from = space.link(named: move.from.name)?.index, let to = space.link(named: move.to.name)?.index
            else { throw Failure.absent("link \(move.from) or \(move.to)") }
            let moved = Set(move.addresses.map(\.address))
            for place in space.addresses.indices
            where space.addresses[place].link == from && moved.contains(space.addresses[place].address) {
                space.addresses[place].link = to
            }
            for place in space.routes.indices
            where space.routes[place].link == from && space.routes[place].table != 255
                && space.routes[place].origin != 2
            {
                space.routes[place].link = to
            }
        }
    }

    /// Changes what lies on a link that must be there.
    mutating func withLink(_ link: LinkReference, _ body: (inout ObservedNamespace, UInt32) throws -> Void) throws {
        try change(link.namespace) { space in
            guard let index = space.link(named: link.name)?.index else { throw Failure.absent("link \(link)") }
            try body(&space, index)
        }
    }

    private mutating func add(_ address: InterfaceAddress, to link: LinkReference) throws {
        try withLink(link) { space, index in
            guard !space.addresses.contains(where: { $0.link == index && $0.address == address }) else {
                throw Failure.present("address \(address)")
            }
            // The kernel acknowledges the same IPv6 address with another length, and does nothing.
            let isSame = { (other: ObservedAddress) in
                other.link == index && other.address.address == address.address
            }
            if address.address.family == .ipv6, space.addresses.contains(where: isSame) { return }
            let isOff = space.link(index: index)?.setting(family: "ipv6", key: "disable_ipv6") == "1"
            if address.address.family == .ipv6 && isOff { throw Failure.refused("IPv6 is off on \(link)") }
            space.addresses.append(ObservedAddress(link: index, address: address))
            Self.reconnect(index, &space)
        }
    }

    /// The kernel makes one route to the subnet of an address as long as the link is up.
    static func reconnect(_ index: UInt32, _ space: inout ObservedNamespace) {
        space.routes.removeAll { $0.link == index && $0.origin == 2 }
        guard let link = space.link(index: index), link.isUp, !link.isLoopback else { return }
        let own = space.addresses.filter { $0.link == index }.map(\.address).sorted()
        var seen: Set<IPPrefix> = []
        for address in own where address.length < address.address.family.width && seen.insert(address.onLink).inserted {
            let isIPv4 = address.address.family == .ipv4
            space.routes.append(
                ObservedRoute(
                    destination: address.onLink, link: index, metric: isIPv4 ? 0 : 256, origin: 2,
                    preferredSource: isIPv4 ? address.address : nil))
        }
    }

    private mutating func add(_ route: RouteEntry) throws {
        try withLink(route.link) { space, index in
            let isThere = space.routes.contains {
                $0.destination == route.destination && $0.metric == route.metric && $0.table == route.table
            }
            if isThere { throw Failure.present("route \(route)") }
            try Self.check(route, index, space)
            space.routes.append(route.observed(index))
        }
    }

    /// The next hop must be on the segment, and the link up.
    private static func check(_ route: RouteEntry, _ index: UInt32, _ space: ObservedNamespace) throws {
        guard space.link(index: index)?.isUp ?? false else { throw Failure.refused("\(route): the link is down") }
        guard let gateway = route.gateway, !gateway.isLinkLocal else { return }
        let onLink = space.addresses.contains { $0.link == index && $0.address.prefix.contains(gateway) }
        let routed = space.routes.contains {
            $0.link == index && $0.gateway == nil && $0.destination.contains(gateway)
        }
        guard onLink || routed else { throw Failure.refused("\(route): no way to the next hop") }
    }

    private mutating func replace(_ route: RouteEntry) throws {
        // What the kernel keeps in table local is not looked at.
        guard route.table != 255 else { return }
        try withLink(route.link) { space, index in
            try Self.check(route, index, space)
            let place = space.routes.firstIndex {
                $0.destination == route.destination && $0.metric == route.metric && $0.table == route.table
            }
            if let place {
                space.routes[place] = route.observed(index)
            } else {
                space.routes.append(route.observed(index))
            }
        }
    }
}

extension ObservedNeighbour {
    /// Whether the kernel takes the other for a new value of this one (`NLM_F_REPLACE`).
    fileprivate func isReplaced(by other: ObservedNeighbour) -> Bool {
        guard link == other.link, address == other.address, (tunnelEnd == nil) == (other.tunnelEnd == nil)
        else { return false }
        return address == nil ? mac == other.mac : isProxy == other.isProxy
    }
}

extension RouteEntry {
    func observed(_ index: UInt32) -> ObservedRoute {
        ObservedRoute(
            destination: destination, gateway: gateway, link: index, metric: metric, table: table, origin: origin,
            type: type, preferredSource: preferredSource)
    }
}

extension RuleEntry {
    fileprivate var observed: ObservedRule {
        get throws {
            guard let number = body.first, number == 2 || number == 10 else {
                throw SimulatedHost.Failure.refused("rule \(words)")
            }
            return ObservedRule(family: number == 2 ? .ipv4 : .ipv6, words: words, body: body)
        }
    }
}

extension ObservedRoute {
    func isSame(as route: RouteEntry, link index: UInt32) -> Bool {
        destination == route.destination && gateway == route.gateway && link == index && metric == route.metric
            && table == route.table && type == route.type
    }
}

extension ObservedState {
    /// As FRR would have it; what others have there stays.
    fileprivate mutating func run(_ change: RoutingChange) {
        var all = routing ?? ObservedRouting()
        switch change.place {
        case .running: all.running = Self.replacing(all.running, change.part)
        case .startup: all.startup = Self.replacing(all.startup, change.part)
        }
        routing = all
    }

    private static func replacing(_ old: RoutingConfiguration?, _ part: RoutingPart?) -> RoutingConfiguration {
        var new = old ?? RoutingConfiguration()
        if part == nil, new.isWhollyOurs { new.asn = nil }
        if let part { new.asn = part.asn }
        new.part = part
        return new
    }
}
