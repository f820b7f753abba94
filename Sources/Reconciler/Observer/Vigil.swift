internal import Model
internal import NetlinkCodec
internal import SystemCalls

/// Hears, from its making on, in which namespaces anything changes (`ip monitor all-nsid`): in the host's own and in all
/// that the host gave an id, as every one of ours has. So what nothing was said of needs not be read again.
///
/// The kernel tells of links, addresses, routes, rules, neighbours and queueing disciplines, whoever changes them, and as
/// what consequence of what. It does not tell who writes settings below `/proc/sys`.
final class Vigil {
    private let socket: NetlinkSocket
    private var ids: Set<Int32> = []
    private var isDeaf = false
    private var buffer: [UInt8] = []

    /// All that is heard at a time; more than that is not worth telling apart.
    private static let limit = 20_000

    /// Begins; nil where that takes rights that this process has not (`CAP_NET_BROADCAST`).
    init?() {
        do {
            socket = try NetlinkSocket(.route, hearingEverywhere: ChangeNotice.groups + ChangeNotice.ruleGroups)
        } catch {
            return nil
        }
    }

    /// Ids of the namespaces of which something was said since the beginning; nil where anything may have changed, because
    /// more was said than there was room for. `keepers` are links that have, or had, neighbours that somebody made.
    func changed(keepers: [Int32: Set<UInt32>]) -> Set<Int32>? {
        for _ in 0..<Self.limit where !isDeaf {
            do {
                guard let (datagram, id) = try socket.heardSomewhere(into: &buffer) else { return ids }
                // Of the host itself nothing needs to be told.
                guard datagram.sender == 0, let id, !ids.contains(id) else { continue }
                var messages = MessageReader(datagram.bytes)
                while let message = try messages.next() {
                    guard try ChangeNotice.concerns(message, keepers: keepers[id] ?? []) else { continue }
                    ids.insert(id)
                }
            } catch {
                // What was lost, or cannot be read, may have been anything.
                isDeaf = true
            }
        }
        isDeaf = true
        return nil
    }
}
