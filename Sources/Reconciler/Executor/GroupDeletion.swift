internal import NetlinkClient
internal import NetlinkCodec

/// Many links of the host deleted at once: they are put into a group that nobody else uses, which is then deleted.
///
/// One by one the kernel waits for each link until nobody can be looking at it any more, some ten milliseconds.
struct GroupDeletion {
    /// A link by its name, for errors, and by its index where that is known, else 0.
    struct Target {
        let name: String
        let index: UInt32
    }

    private let connection: NetlinkConnection
    private let group: UInt32

    /// So many in a row are worth it.
    static let minimum = 4

    /// Chooses the group, in which none of these links is.
    init(_ connection: NetlinkConnection, besides links: [LinkMessage]) {
        let taken = Set(links.map(\.group))
        var group = UInt32.random(in: 0x0100_0000...0x7fff_ffff)
        while taken.contains(group) { group += 1 }
        self.connection = connection
        self.group = group
    }

    /// Deletes them; nil for each that went. Either all that are there go, or none.
    func run(_ links: [Target]) throws -> [NetlinkError?] {
        var results = try connection.perform(links.map { [Self.put($0, into: group)] })
        let chosen = links.indices.filter { results[$0] == nil }
        guard !chosen.isEmpty else { return results }
        guard let error = try connection.perform([[LinkRequest.delete(group: group)]])[0] else { return results }
        _ = try connection.perform(chosen.map { [Self.put(links[$0], into: 0)] })
        for index in chosen {
            results[index] = NetlinkError(
                operation: "delete link \(links[index].name)", code: error.code, text: error.text)
        }
        return results
    }

    /// Takes a link out of the group that a process put it into that died before it deleted the group.
    static func spare(_ name: String, _ index: UInt32, _ connection: NetlinkConnection) throws {
        _ = try connection.perform([[put(Target(name: name, index: index), into: 0)]])
    }

    private static func put(_ link: Target, into group: UInt32) -> Request {
        let request = LinkRequest.set(name: link.name, groupToDelete: group)
        return link.index == 0 ? request : request.addressed(toLink: link.index)
    }
}
