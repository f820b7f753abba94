internal import Model
internal import NetlinkClient
internal import SystemCalls

/// All tables of one namespace, each dumped once over one socket.
struct NamespaceTables: Sendable {
    var links: [ObservedLink]
    var addresses: [ObservedAddress]
    var routes: [ObservedRoute]
    var neighbours: [ObservedNeighbour]

    /// Reads links, addresses, routes, neighbours, and where there are bridges their forwarding entries.
    static func read(_ connection: NetlinkConnection, counters: Bool) throws -> NamespaceTables {
        let links = try connection.links(counters: counters).map { ObservedLink($0) }.sorted { $0.index < $1.index }
        var neighbours = try connection.neighbours(family: 0)
        if links.contains(where: { $0.kind == "bridge" }) { neighbours += try connection.neighbours(family: 7) }
        return NamespaceTables(
            links: links, addresses: try connection.addresses().map { ObservedAddress($0) },
            routes: try connection.routes().filter(ObservedRoute.matters).map { ObservedRoute($0) },
            neighbours: neighbours.compactMap { ObservedNeighbour($0) })
    }

    func namespace(_ reference: NamespaceRef, inode: UInt64, id: Int32?, settings: [String: String])
        -> ObservedNamespace
    {
        ObservedNamespace(
            reference: reference, inode: inode, namespaceID: id, links: links, addresses: addresses, routes: routes,
            neighbours: neighbours, settings: settings)
    }
}

/// Values below `/proc/sys`, as the calling thread's network namespace has them.
enum Settings {
    /// Those of the paths that exist, without the newline at their end.
    static func read(_ paths: [String]) throws(SystemError) -> [String: String] {
        var values: [String: String] = [:]
        for path in paths {
            do throws(SystemError) {
                let text = try Files.readText("/proc/sys/\(path)", limit: 4096)
                values[path] = text.hasSuffix("\n") ? String(text.dropLast()) : text
            } catch {
                // A setting that this kernel lacks is a difference, which the plan shows.
                if error.code != .noEntry { throw error }
            }
        }
        return values
    }
}
