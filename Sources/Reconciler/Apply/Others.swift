internal import Model
internal import NetlinkClient
internal import NetlinkCodec
internal import SystemCalls

/// An ear in a namespace for what other processes ask the kernel to change there.
struct Others {
    private let socket: NetlinkSocket
    /// Port of the socket by which this process asks for changes there.
    private let own: UInt32

    /// Begins to listen.
    init(_ session: HostSession, _ reference: NamespaceRef, _ space: OpenNamespace) throws {
        socket = try session.workers[0].run(in: space.descriptor.rawValue) {
            try NetlinkSocket(.route, hearing: Self.groups)
        }
        own = try session.connection(in: reference).port
    }

    /// Kinds of changes that were told since, until there is silence for a moment.
    func hear() -> Set<MessageType> {
        var heard: Set<MessageType> = []
        for _ in 0..<Self.messages {
            guard let datagram = try? socket.hear(milliseconds: Self.pause) else { break }
            heard.formUnion(types(datagram))
        }
        return heard
    }

    /// Kinds of changes that another process asked for. The kernel itself has things to do after one of ours.
    private func types(_ datagram: NetlinkSocket.Datagram) -> Set<MessageType> {
        var messages = MessageReader(datagram.bytes)
        var types: Set<MessageType> = []
        while let message = try? messages.next() {
            if message.port != 0 && message.port != own { types.insert(message.type) }
        }
        return types
    }

    /// `RTNLGRP_LINK`, `IPV4_IFADDR`, `IPV4_ROUTE`, `IPV4_RULE`, `IPV6_IFADDR`, `IPV6_ROUTE`, `IPV6_RULE`
    /// (`linux/rtnetlink.h`).
    private static let groups: [Int32] = [1, 5, 7, 8, 9, 11, 19]
    /// Milliseconds without a word, and how many messages are listened to each time.
    private static let (pause, messages) = (Int32(20), 200)
}
