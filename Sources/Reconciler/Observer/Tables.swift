internal import Model
internal import NetlinkClient
internal import NetlinkCodec
internal import Planner
internal import SystemCalls

/// All tables of one namespace, each dumped once over one socket.
struct NamespaceTables: Sendable {
    var links: [ObservedLink]
    var addresses: [ObservedAddress]
    var routes: [ObservedRoute]
    var neighbours: [ObservedNeighbour]
    var rules: [ObservedRule]
    var qdiscs: [ObservedQdisc]

    /// Reads links, addresses, routes, neighbours, queueing disciplines, in compartments rules, and where there are
    /// bridges their forwarding entries. Links are those given, where they were read already. `mayMove` says of the links
    /// whether what lies on them may have to be made again elsewhere, byte for byte.
    static func read(
        _ connection: NetlinkConnection, counters: Bool, rules: Bool, links: [LinkMessage]? = nil,
        mayMove: ([ObservedLink]) -> Bool = { _ in false }
    ) throws -> NamespaceTables {
        let links = try (links ?? connection.links(counters: counters)).map { ObservedLink($0) }
            .sorted { $0.index < $1.index }
        let keepsBody = mayMove(links)
        var neighbours = try connection.neighbours(family: 0)
        if links.contains(where: { $0.kind == "bridge" }) { neighbours += try connection.neighbours(family: 7) }
        // Those of others matter only there, where they stand in the way.
        if !rules {
            let others = Set(links.filter { $0.mark == nil }.map(\.index))
            let bridges = Set(links.filter { $0.mark == nil }.compactMap(\.master))
            neighbours += try connection.proxies().filter { entry in
                (keepsBody || entry.origin == RouteEntry.bulkhead)
                    && (others.contains(entry.link) || bridges.contains(entry.link))
            }
        }
        // In a compartment all links are ours or stand for one of ours.
        let ours = Set(links.lazy.filter { rules || $0.mark != nil }.map(\.index))
        let (addresses, routes) = try settled(connection, links, ours, keepsBody)
        return NamespaceTables(
            links: links, addresses: addresses,
            routes: routes.filter(ObservedRoute.matters).map { ObservedRoute($0, keepsBody: keepsBody) },
            neighbours: neighbours.compactMap { ObservedNeighbour($0) },
            rules: rules ? try connection.rules().map { ObservedRule($0) } : [],
            qdiscs: try connection.qdiscs().map { qdisc in
                // Others' may have thousands of filters.
                let isAsked = !rules && qdisc.kind == "ingress" && ours.contains(qdisc.link)
                return ObservedQdisc(qdisc, filters: isAsked ? try connection.filters(link: qdisc.link) : [])
            })
    }

    /// Addresses, and routes. An IPv6 address is ready only when a thread of the kernel's own has come to it, which takes
    /// a while where the processors are busy: until then a new one of a loopback looks unusable, though no duplicates are
    /// looked for there, and table `local` has no route to it. A link-local one comes a little after the carrier.
    private static func settled(
        _ connection: NetlinkConnection, _ links: [ObservedLink], _ ours: Set<UInt32>, _ keepsBody: Bool
    ) throws -> (addresses: [ObservedAddress], routes: [RouteMessage]) {
        let loopback = links.first { $0.isLoopback && $0.isUp }?.index
        let local = links.filter { ours.contains($0.index) && $0.getsLinkLocal }
        var attempt = 0
        while true {
            var addresses = try connection.addresses().map { ObservedAddress($0, keepsBody: keepsBody) }
            let routes = try connection.routes()
            LocalRoutes(routes, links).mark(&addresses)
            let isSettled =
                !addresses.contains {
                    $0.isTentative ? $0.link == loopback : $0.isIPv6 && !$0.isReached && ours.contains($0.link)
                } && local.allSatisfy { link in addresses.contains { $0.link == link.index && $0.isLinkLocal } }
            attempt += 1
            if isSettled || attempt == attempts || connection.isUnsteady { return (addresses, routes) }
            Detachment.pause(milliseconds: 10)
        }
    }

    /// A second in all.
    private static let attempts = 100

    /// `hostID` is the id that the namespace has for the host's, where that was asked for.
    func namespace(
        _ reference: NamespaceRef, inode: UInt64, id: Int32?, hostID: Int32? = nil, settings: [String: String]
    ) -> ObservedNamespace {
        var space = ObservedNamespace(
            reference: reference, inode: inode, namespaceID: id, links: links, addresses: addresses, routes: routes,
            neighbours: neighbours, rules: rules, qdiscs: qdiscs, settings: settings)
        space.hostID = hostID
        return space
    }

    /// That id, where there is a link that may stand on an interface of the host: nobody else needs it.
    func hostID(_ connection: NetlinkConnection, host: Int32) throws -> Int32? {
        guard links.contains(where: { $0.kind == "macvlan" && $0.peerNamespaceID != nil }) else { return nil }
        return try connection.namespaceID(descriptor: host)
    }
}

/// Values below `/proc/sys`, as the calling thread's network namespace has them.
enum Settings {
    /// Those of the paths that exist and can be read. One that this kernel lacks is a difference, which the plan shows.
    static func read(_ paths: [SettingPath], _ tree: SettingsTree? = nil) throws(SystemError) -> [String: String] {
        guard !paths.isEmpty else { return [:] }
        var settings = KernelSettings(tree)
        var values: [String: String] = Dictionary(minimumCapacity: paths.count)
        for path in paths {
            do throws(SystemError) {
                values[path.text] = try settings.read(path)
            } catch {
                // `net.ipv4.route.flush` can only be written, `stable_secret` has no value at first, and a folder is none.
                guard [.access, .inputOutput, .isDirectory].contains(error.code) else { throw error }
            }
        }
        return values
    }
}
