internal import NetlinkClient
internal import NetlinkCodec
internal import SystemCalls

/// An empty network namespace of our own, from which the host is looked at where it has many namespaces.
///
/// Of a cable's other end the kernel says which id the asker's namespace gave the one that it is in, and goes through all
/// ids that this has until it comes to it. Those of the host are marks, far apart: among a thousand every cable takes
/// five hundred steps from one to the next. Here the namespaces are counted, which makes the steps short, and one list
/// tells which number is which of the host's ids. Nobody else sees this namespace; it goes with its descriptor, and serves
/// as long as the session: what was counted is not counted again.
final class Lookout {
    /// The namespace. Nothing is in it but a loopback.
    let namespace: SharedDescriptor
    private let connection: NetlinkConnection
    /// Those that were counted, by name.
    private var places: [String: Place] = [:]
    private var hostIDs: [Int32: Int32] = [:]
    private var next = host

    /// A namespace that was counted.
    private struct Place {
        let inode: UInt64
        /// That which the host gave it.
        let id: Int32?
    }

    /// Fewer namespaces are found as fast without.
    static let minimum = 32
    /// What the host has for a number.
    private static let host: Int32 = 0
    /// The first number of those that come later: out of reach of the numbers that the kernel gives to namespaces that were
    /// not counted, which are the lowest.
    private static let later: Int32 = 1 << 20

    /// Nil where the kernel gives none: then everything is asked of the host. To be made before the workers begin, who may
    /// be at work while namespaces are counted.
    init?(_ session: HostSession) {
        do {
            namespace = try session.freshNamespace()
            let socket = try session.workers[0].run(in: namespace.rawValue) { try NetlinkSocket(.route) }
            connection = NetlinkConnection(socket, buffer: session.buffer)
        } catch {
            return nil
        }
    }

    /// The ids of namespaces.
    struct Numbering {
        /// Those that the host gave, by number in the lookout.
        fileprivate let hostIDs: [Int32: Int32]
        /// The same by name of the namespace.
        let ids: [String: Int32]
    }

    /// Counts the namespaces that were not counted yet; nil where the kernel does not let.
    func count(_ session: HostSession, _ spaces: [String: OpenNamespace]) -> Numbering? {
        let names = spaces.filter { places[$0]?.inode != $1.inode }.keys.sorted()
        do {
            let isFirst = next == Self.host
            let first = isFirst ? next + 1 : next
            next = isFirst ? Self.later : next + Int32(names.count)
            try Self.count(
                (isFirst ? [session.hostNamespace] : []) + names.compactMap { spaces[$0]?.descriptor },
                from: isFirst ? Self.host : first, connection)
            if isFirst { hostIDs = Self.table(try connection.namespaceIDs(of: Self.host)) }
            for (number, name) in zip(first..., names) {
                guard let space = spaces[name] else { continue }
                // The list may be too long for the kernel, and one that is bound to two names has the first one's number.
                let id =
                    try space.id ?? hostIDs[number]
                    ?? session.connection.namespaceID(descriptor: space.descriptor.rawValue)
                hostIDs[number] = id
                places[name] = Place(inode: space.inode, id: id)
            }
            return Numbering(hostIDs: hostIDs, ids: places.compactMapValues(\.id).filter { spaces[$0.key] != nil })
        } catch {
            return nil
        }
    }

    /// Gives each namespace a number.
    private static func count(
        _ namespaces: [SharedDescriptor], from first: Int32, _ connection: NetlinkConnection
    ) throws {
        let requests = zip(first..., namespaces).map {
            NamespaceIDMessage.set(descriptor: $1.rawValue, id: $0, operation: "count namespaces")
        }
        for case let refusal? in try connection.perform(requests.map { [$0] }) where refusal.code != .exists {
            throw refusal
        }
    }

    /// The host's links, with other ids of namespaces than the host's; nil where the kernel does not tell.
    func plainLinks() -> [LinkMessage]? { try? connection.links(counters: false, target: Self.host) }

    private static func table(_ messages: [NamespaceIDMessage]) -> [Int32: Int32] {
        Dictionary(
            messages.filter { $0.readersID >= 0 && $0.id >= 0 }.map { ($0.readersID, $0.id) },
            uniquingKeysWith: { first, _ in first })
    }

    /// The host's links (`ip -d link show`), as the host itself would be told of them; nil where one leads into a
    /// namespace whose id is not known here.
    func links(_ numbering: Numbering, counters: Bool) -> [LinkMessage]? {
        guard var links = try? connection.links(counters: counters, target: Self.host) else { return nil }
        var hostIDs = numbering.hostIDs
        if links.contains(where: { $0.linkNamespaceID.map { hostIDs[$0] == nil } ?? false }) {
            // A namespace that was not counted has got a number by the question.
            guard let messages = try? connection.namespaceIDs(of: Self.host) else { return nil }
            hostIDs.merge(Self.table(messages)) { first, _ in first }
        }
        for index in links.indices {
            guard let number = links[index].linkNamespaceID else { continue }
            guard let id = hostIDs[number] else { return nil }
            links[index].linkNamespaceID = id
        }
        return links
    }
}
