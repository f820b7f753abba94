internal import NetlinkClient
internal import NetlinkCodec

/// Many links of the host deleted at once: they are put into a group that nobody else uses, which is then deleted.
///
/// One by one the kernel waits for each link until nobody can be looking at it any more, some ten milliseconds.
struct GroupDeletion {
    private let connection: NetlinkConnection
    private let group: UInt32

    /// So many in a row are worth it.
    static let minimum = 4

    /// Chooses the group.
    init(_ connection: NetlinkConnection) throws {
        let taken = Set(try connection.links(counters: false).map(\.group))
        var group = UInt32.random(in: 0x0100_0000...0x7fff_ffff)
        while taken.contains(group) { group += 1 }
        self.connection = connection
        self.group = group
    }

    /// Deletes them; nil for each that went. Either all that are there go, or none.
    func run(_ names: [String]) throws -> [NetlinkError?] {
        var results = try connection.perform(names.map { [LinkRequest.set(name: $0, groupToDelete: group)] })
        let chosen = names.indices.filter { results[$0] == nil }
        guard !chosen.isEmpty else { return results }
        guard let error = try connection.perform([[LinkRequest.delete(group: group)]])[0] else { return results }
        _ = try connection.perform(chosen.map { [LinkRequest.set(name: names[$0], groupToDelete: 0)] })
        for index in chosen {
            results[index] = NetlinkError(operation: "delete link \(names[index])", code: error.code, text: error.text)
        }
        return results
    }
}
