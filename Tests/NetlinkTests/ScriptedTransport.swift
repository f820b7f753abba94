import NetlinkClient
import NetlinkCodec
import SystemCalls

/// A kernel by script: what it answers to each datagram is written beforehand, with the sequence number of the first
/// request in it as 0.
final class ScriptedTransport: NetlinkTransport {
    /// One thing that comes back.
    enum Answer {
        /// A datagram of messages.
        case datagram([Reply], sender: UInt32 = 0)
        /// What `recv` fails with.
        case failure(Errno)
    }

    /// A message: its type, the request it answers, and what is in it.
    struct Reply {
        var type: MessageType
        var request: UInt32
        var flags: UInt16 = 0
        var port: UInt32 = 77
        var body: [UInt8] = []

        /// `NLMSG_ERROR` with that error number, 0 for an ack.
        static func ack(_ request: UInt32, error: Int32 = 0, port: UInt32 = 77) -> Reply {
            var writer = MessageWriter()
            writer.number(-error)
            for _ in 0..<4 { writer.number(UInt32(0)) }
            return Reply(type: .error, request: request, port: port, body: writer.bytes)
        }

        /// An `RTM_NEWNSID` that stands for any row of a table.
        static func row(_ value: UInt32, request: UInt32 = 0, flags: UInt16 = 2, port: UInt32 = 77) -> Reply {
            var writer = MessageWriter()
            writer.number(value)
            return Reply(type: .newNamespaceID, request: request, flags: flags, port: port, body: writer.bytes)
        }

        /// `NLMSG_DONE`.
        static func done(_ request: UInt32 = 0) -> Reply {
            Reply(type: .done, request: request, flags: 2, body: [0, 0, 0, 0])
        }
    }

    let port: UInt32 = 77
    private var script: [[Answer]]
    private var waiting: [Answer] = []
    private var first: UInt32 = 0
    private(set) var sent = 0

    /// Answers by datagram that is sent.
    init(_ script: [[Answer]]) { self.script = script }

    func send(_ bytes: [UInt8]) throws(SystemError) {
        sent += 1
        first = UInt32(bytes[8]) | UInt32(bytes[9]) << 8
        waiting = script.isEmpty ? [] : script.removeFirst()
    }

    func drain() { waiting = [] }

    func receive(into buffer: inout [UInt8]) throws(SystemError) -> NetlinkSocket.Datagram {
        guard !waiting.isEmpty else { throw SystemError("receive from netlink", "", .again) }
        switch waiting.removeFirst() {
        case .failure(let code): throw SystemError("receive from netlink", "", code)
        case .datagram(let replies, let sender):
            var writer = MessageWriter()
            for reply in replies {
                writer.number(UInt32(16 + reply.body.count))
                writer.number(reply.type.rawValue)
                writer.number(reply.flags)
                writer.number(first &+ reply.request)
                writer.number(reply.port)
                for byte in reply.body { writer.number(byte) }
            }
            return NetlinkSocket.Datagram(bytes: writer.bytes[...], sender: sender)
        }
    }
}
