internal import CLinuxShims
internal import Glibc

/// A netlink socket. It stays in the network namespace of the thread that opened it.
public final class NetlinkSocket: Sendable {
    /// `NETLINK_ROUTE` and others.
    public enum Family: Int32, Sendable {
        /// Links, addresses, routes.
        case route = 0
        /// Sockets.
        case socketDiagnostics = 4
        /// nftables, conntrack.
        case netfilter = 12
    }

    /// One datagram from the kernel.
    public struct Datagram: Sendable {
        /// The messages.
        public let bytes: ArraySlice<UInt8>
        /// Port id of the sender; 0 is the kernel.
        public let sender: UInt32

        /// A datagram.
        public init(bytes: ArraySlice<UInt8>, sender: UInt32) {
            self.bytes = bytes
            self.sender = sender
        }
    }

    private let descriptor: FileDescriptor
    /// Our port id, chosen by the kernel; replies carry it.
    public let port: UInt32

    /// Opens a socket with extended acks and, where the kernel has it, strict checking.
    public init(_ family: Family) throws(SystemError) {
        var port: UInt32 = 0
        let number = try valueOrError("open netlink socket", "") {
            unsafe bulkhead_netlink_open(family.rawValue, &port)
        }
        descriptor = FileDescriptor(owning: number)
        self.port = port
        // NETLINK_EXT_ACK 11, NETLINK_CAP_ACK 10, NETLINK_GET_STRICT_CHK 12; old kernels lack some, nothing depends
        // on them but the quality of errors and the size of dumps.
        for option: Int32 in [11, 10, 12] { _ = bulkhead_netlink_option(number, option, 1) }
        bulkhead_socket_buffers(number, 4 << 20, 4 << 20)
        // A kernel that does not answer at all must not hang a timer's run for ever.
        _ = bulkhead_receive_timeout(number, 30_000)
    }

    /// Gives the sockets of a library, which are among the calling thread's first descriptors, as much room for one message
    /// as an ordinary user may have (`net.core.wmem_max`). Root's libnftables takes what it needs.
    public static func enlargeNftables(descriptors: Int) {
        bulkhead_nftables_send_buffers(Int32(clamping: descriptors), 64 << 20)
    }

    /// Opens a socket that also hears of changes (`RTNLGRP_*`, `NFNLGRP_*`), with room for so many bytes of them.
    public convenience init(
        _ family: Family, hearing groups: [Int32], room: Int32 = 4 << 20
    ) throws(SystemError) {
        try self.init(family)
        let number = descriptor.rawValue
        bulkhead_socket_buffers(number, room, 64 << 10)
        // NETLINK_ADD_MEMBERSHIP.
        for group in groups {
            _ = try valueOrError("hear netlink group \(group)", "") { bulkhead_netlink_option(number, 1, group) }
        }
    }

    /// Opens a socket that hears of changes in its own namespace and in all that this has given an id
    /// (`NETLINK_LISTEN_ALL_NSID`), which takes `CAP_NET_BROADCAST`.
    public convenience init(
        _ family: Family, hearingEverywhere groups: [Int32], room: Int32 = 4 << 20
    ) throws(SystemError) {
        try self.init(family, hearing: groups, room: room)
        _ = try valueOrError("hear all network namespaces", "") { bulkhead_netlink_option(descriptor.rawValue, 8, 1) }
    }

    /// The descriptor's number, to wait for it together with others (`Readiness`).
    public var number: Int32 { descriptor.rawValue }

    /// What has come already; nil where nothing has. `ENOBUFS` where something was lost before it was read.
    public func heard(into buffer: inout [UInt8]) throws(SystemError) -> Datagram? {
        var state = pollfd(fd: descriptor.rawValue, events: Int16(POLLIN), revents: 0)
        guard unsafe poll(&state, 1, 0) > 0 else { return nil }
        return try receive(into: &buffer)
    }

    /// The same, with the id of the namespace that it came from; nil for the socket's own.
    public func heardSomewhere(
        into buffer: inout [UInt8]
    ) throws(SystemError) -> (datagram: Datagram, namespaceID: Int32?)? {
        var state = pollfd(fd: descriptor.rawValue, events: Int16(POLLIN), revents: 0)
        guard unsafe poll(&state, 1, 0) > 0 else { return nil }
        var space: Int32 = -1
        let datagram = try receive(into: &buffer, from: &space)
        return (datagram, space < 0 ? nil : space)
    }

    /// What has come, or comes within that time; empty where nothing does.
    public func hear(milliseconds: Int32) throws(SystemError) -> Datagram? {
        var state = pollfd(fd: descriptor.rawValue, events: Int16(POLLIN), revents: 0)
        guard unsafe poll(&state, 1, milliseconds) > 0 else { return nil }
        var buffer: [UInt8] = []
        return try receive(into: &buffer)
    }

    /// Sends one datagram of any number of messages.
    public func send(_ bytes: [UInt8]) throws(SystemError) {
        _ = try valueOrError("send to netlink", "") {
            unsafe bytes.withUnsafeBytes { unsafe bulkhead_netlink_send(descriptor.rawValue, $0.baseAddress, $0.count) }
        }
    }

    /// Reads all that has come, and gives it away (`poll(2)` without waiting). Once an answer found no room the kernel
    /// drops all that follow, until the last of those before it was read.
    public func drain() {
        var buffer: [UInt8] = []
        // A table may come in many parts, but not without end.
        for _ in 0..<100_000 {
            var state = pollfd(fd: descriptor.rawValue, events: Int16(POLLIN), revents: 0)
            guard unsafe poll(&state, 1, 0) > 0 else { return }
            _ = try? receive(into: &buffer)
        }
    }

    /// Waits for one datagram; one larger than the buffer of 256 KiB, which no kernel sends, is `EMSGSIZE`.
    public func receive(into buffer: inout [UInt8]) throws(SystemError) -> Datagram {
        var space: Int32 = -1
        return try receive(into: &buffer, from: &space)
    }

    private func receive(into buffer: inout [UInt8], from space: inout Int32) throws(SystemError) -> Datagram {
        if buffer.count < 262_144 { buffer = [UInt8](repeating: 0, count: 262_144) }
        var sender: UInt32 = 0
        let count = try valueOrError("receive from netlink", "") {
            unsafe buffer.withUnsafeMutableBytes {
                unsafe bulkhead_netlink_hear(descriptor.rawValue, $0.baseAddress, $0.count, &sender, &space)
            }
        }
        guard count <= buffer.count else {
            throw SystemError("receive from netlink", "", Errno(rawValue: EMSGSIZE))
        }
        return Datagram(bytes: buffer[..<count], sender: sender)
    }
}
