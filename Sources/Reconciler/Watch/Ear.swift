internal import Model
internal import NetlinkCodec
internal import SystemCalls

/// What listens to the kernel in one network namespace.
struct Ear {
    /// Inode of the namespace.
    let inode: UInt64
    let socket: NetlinkSocket
    /// The process by whose file the namespace was found; nil where it is bound somewhere. The socket would keep the
    /// namespace from going with it.
    let process: ProcessEnd?
    /// Links on which there are, or were, neighbours that somebody made.
    var keepers: Set<UInt32> = []

    /// All that one ear hears at a time; the rest is heard at the next.
    private static let limit = 20_000

    /// Takes in what has come.
    func hear(_ notices: inout Notices, at place: Notices.Place, _ buffer: inout [UInt8]) {
        Self.hear(socket, &notices, at: place, &buffer) { message, notices in
            guard (try? ChangeNotice.concerns(message, keepers: keepers)) ?? true else { return }
            notices.places.insert(place)
            notices.known.add(port: message.port, in: inode)
        }
    }

    /// The same of a socket that hears of nftables. `isOurs` is whether the transaction under way has to do with our tables:
    /// its end, which names who asked for it, may be heard later.
    static func hearFirewall(
        _ socket: NetlinkSocket, _ isOurs: inout Bool, _ notices: inout Notices, _ buffer: inout [UInt8]
    ) {
        hear(socket, &notices, at: .firewall, &buffer) { message, notices in
            switch try? FirewallNotice(decoding: message) {
            case .changed(let table):
                if table == "bulkhead" || table.hasPrefix("bulkhead-") { isOurs = true }
            case .committed(let author):
                if isOurs, let author { notices.known.add(author) }
                isOurs = false
            case nil: break
            }
            if isOurs { notices.places.insert(.firewall) }
        }
    }

    /// What cannot be read may have been anything.
    private static func hear(
        _ socket: NetlinkSocket, _ notices: inout Notices, at place: Notices.Place, _ buffer: inout [UInt8],
        _ body: (Message, inout Notices) -> Void
    ) {
        for _ in 0..<limit {
            do {
                guard let datagram = try socket.heard(into: &buffer) else { return }
                guard datagram.sender == 0 else { continue }
                var messages = MessageReader(datagram.bytes)
                while let message = try messages.next() {
                    notices.count += 1
                    body(message, &notices)
                }
            } catch {
                notices.wereLost = true
                notices.places.insert(place)
                let isFull = (error as? SystemError)?.code == .noBuffers
                guard isFull || error is WireError else { return }
            }
        }
        notices.places.insert(place)
    }
}
