public import NetlinkCodec
public import SystemCalls

/// Where datagrams go and come from; scripted in tests.
public protocol NetlinkTransport {
    /// Port id that replies carry.
    var port: UInt32 { get }
    /// Sends one datagram.
    func send(_ bytes: [UInt8]) throws(SystemError)
    /// Waits for one datagram.
    func receive(into buffer: inout [UInt8]) throws(SystemError) -> NetlinkSocket.Datagram
    /// Gives away what has come, so that answers to the next request find room after some were lost.
    func drain()
}

extension NetlinkSocket: NetlinkTransport {}

/// Where datagrams are received, lent to one connection after another: it has the size of the largest datagram, and to
/// make one anew for each of a thousand namespaces costs more than to read them. Used by one thread at a time.
public final class ReceiveBuffer {
    fileprivate var bytes: [UInt8] = []

    /// A buffer, which gets its size on first use.
    public init() {}
}

/// Requests and dumps over one netlink socket. Used by one thread at a time.
public final class NetlinkConnection {
    private let transport: any NetlinkTransport
    private let keepsUnsteady: Bool
    /// Whether a table changed without end while it was read, and is given as it was found at last.
    public private(set) var isUnsteady = false
    private let buffer: ReceiveBuffer
    private var sequence: UInt32 = 0
    /// Requests are put together up to this many bytes a datagram.
    private static let datagramLimit = 32_768
    /// As many answers fit into the smallest receive buffer that a socket is given: a lost one would leave open what was
    /// done (`ENOBUFS`).
    private static let requestLimit = 128
    /// How often a dump that was interrupted by changes is read again.
    private static let dumpAttempts = 8
    /// How often a single question is asked whose answer was lost.
    private static let attempts = 3

    /// A connection in the network namespace of the calling thread.
    public convenience init(buffer: ReceiveBuffer = ReceiveBuffer()) throws(SystemError) {
        self.init(try NetlinkSocket(.route), buffer: buffer)
    }

    /// A connection over any transport. What cannot be read steadily is an error, or is kept as it was found at last.
    public init(
        _ transport: any NetlinkTransport, buffer: ReceiveBuffer = ReceiveBuffer(), keepsUnsteady: Bool = false
    ) {
        self.transport = transport
        self.keepsUnsteady = keepsUnsteady
        self.buffer = buffer
    }

    /// The port id that requests go from, and that the kernel names with the changes they make.
    public var port: UInt32 { transport.port }

    /// Sends requests, as many a datagram as fit, and waits for all answers.
    ///
    /// The result holds, for each request in order, nil or the kernel's refusal. Requests that belong together (a
    /// link's creation and its mark) are given as one group and never parted.
    public func perform(_ groups: [[Request]]) throws -> [NetlinkError?] {
        var results: [NetlinkError?] = []
        var start = groups.startIndex
        while start < groups.endIndex {
            var end = start
            var size = 0
            var count = 0
            while end < groups.endIndex {
                let next = groups[end].reduce(0) { $0 + ($1.body.count + 19) & ~3 }
                if end > start && (size + next > Self.datagramLimit || count + groups[end].count > Self.requestLimit) {
                    break
                }
                size += next
                count += groups[end].count
                end += 1
            }
            results += try exchange(groups[start..<end].flatMap(\.self))
            start = end
        }
        return results
    }

    /// Sends one request and waits for its ack.
    public func perform(_ request: Request) throws {
        if let error = try exchange([request]).first ?? nil { throw error }
    }

    /// Sends one request that is answered by a message.
    public func get(_ request: Request) throws -> Message? {
        for _ in 1..<Self.attempts {
            do {
                return try getOnce(request)
            } catch let error as SystemError where error.code == .noBuffers {
                // Asking again does no harm.
                continue
            }
        }
        return try getOnce(request)
    }

    private func getOnce(_ request: Request) throws -> Message? {
        sequence &+= 1
        try transport.send(Self.encode(request, flags: [.request, .ack], sequence: sequence, port: transport.port))
        var answer: Message?
        while true {
            let datagram = try receive()
            guard datagram.sender == 0 else { continue }
            var messages = MessageReader(datagram.bytes)
            while let message = try messages.next() {
                guard message.sequence == sequence, message.port == transport.port else { continue }
                guard message.type == .error else {
                    answer = message
                    continue
                }
                let ack = try Acknowledgement(message)
                if ack.error != 0 { throw Self.error(request, ack) }
                return answer
            }
        }
    }

    /// Reads a whole table. A dump during which the table changed is read again, a bounded number of times.
    public func dump<Value>(_ request: Request, _ decode: (Message) throws -> Value?) throws -> [Value] {
        var last: [Value] = []
        for _ in 0..<(isUnsteady ? 1 : Self.dumpAttempts) {
            let (values, isWhole) = try dumpOnce(request, decode)
            if isWhole { return values }
            last = values
        }
        if keepsUnsteady {
            isUnsteady = true
            return last
        }
        throw NetlinkError(
            operation: request.operation, code: .interrupted,
            text: "the table kept changing while it was read \(Self.dumpAttempts) times; try again when it is quieter")
    }

    private func dumpOnce<Value>(_ request: Request, _ decode: (Message) throws -> Value?) throws -> (
        values: [Value], isWhole: Bool
    ) {
        sequence &+= 1
        try transport.send(
            Self.encode(request, flags: [.request, request.flags], sequence: sequence, port: transport.port))
        var values: [Value] = []
        var isInterrupted = false
        while true {
            let datagram: NetlinkSocket.Datagram
            do throws(SystemError) {
                datagram = try transport.receive(into: &buffer.bytes)
            } catch {
                // Something was lost. The rest is read all the same: a new dump would find this one still running.
                guard error.code == .noBuffers else { throw error }
                isInterrupted = true
                continue
            }
            guard datagram.sender == 0 else { continue }
            var messages = MessageReader(datagram.bytes)
            while let message = try messages.next() {
                // Answers to an earlier dump that was given up, or to another socket.
                guard message.sequence == sequence, message.port == transport.port else { continue }
                isInterrupted = isInterrupted || message.isInterrupted
                if message.type == .done || message.type == .error {
                    let ack = try Acknowledgement(message)
                    if ack.error != 0 { throw Self.error(request, ack) }
                    return (values, !isInterrupted)
                }
                if let value = try decode(message) { values.append(value) }
            }
        }
    }

    private func exchange(_ requests: [Request]) throws -> [NetlinkError?] {
        var bytes: [UInt8] = []
        let first = sequence &+ 1
        for request in requests {
            sequence &+= 1
            bytes += Self.encode(
                request, flags: [.request, .ack, request.flags], sequence: sequence, port: transport.port)
        }
        try transport.send(bytes)
        var results = [NetlinkError?](repeating: nil, count: requests.count)
        var missing = Set(requests.indices)
        while !missing.isEmpty {
            let datagram = try receive()
            guard datagram.sender == 0 else { continue }
            var messages = MessageReader(datagram.bytes)
            while let message = try messages.next() {
                let position = Int(message.sequence &- first)
                // One answer a request: a second one must not stand in for another's.
                guard message.type == .error, message.port == transport.port, missing.remove(position) != nil
                else { continue }
                let ack = try Acknowledgement(message)
                if ack.error != 0 { results[position] = Self.error(requests[position], ack) }
            }
        }
        return results
    }

    private func receive() throws(SystemError) -> NetlinkSocket.Datagram {
        do throws(SystemError) {
            return try transport.receive(into: &buffer.bytes)
        } catch {
            if error.code == .noBuffers { transport.drain() }
            throw error
        }
    }

    private static func error(_ request: Request, _ ack: Acknowledgement) -> NetlinkError {
        // −Int32.min does not exist; no kernel sends it.
        let number = ack.error == .min ? 0 : -ack.error
        return NetlinkError(
            operation: request.operation, code: Errno(rawValue: number), text: ack.text,
            attribute: ack.offset.flatMap(request.attribute(at:)))
    }

    private static func encode(_ request: Request, flags: RequestFlags, sequence: UInt32, port: UInt32) -> [UInt8] {
        var header = MessageWriter()
        header.number(UInt32(truncatingIfNeeded: request.body.count + 16))
        header.number(request.type.rawValue)
        header.number(flags.rawValue)
        header.number(sequence)
        header.number(port)
        var bytes = header.bytes
        bytes += request.body
        while bytes.count & 3 != 0 { bytes.append(0) }
        return bytes
    }
}
