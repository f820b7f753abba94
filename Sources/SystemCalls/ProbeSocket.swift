internal import CLinuxShims
internal import Glibc

/// A socket that never blocks, for trying whether packets pass. It stays in the network namespace of the thread that
/// opened it; everything else may be done from any thread.
public final class ProbeSocket: Sendable {
    /// What is spoken.
    public enum Kind: Sendable {
        /// `SOCK_STREAM`.
        case tcp
        /// `SOCK_DGRAM`.
        case udp
        /// `SOCK_RAW` of ICMP or ICMPv6; needs `CAP_NET_RAW`.
        case ping
    }

    private let descriptor: FileDescriptor
    /// The number, valid as long as this object lives.
    public var number: Int32 { descriptor.rawValue }

    /// Opens a socket bound to 4 or 16 bytes of address and a port; 0 for one that the kernel chooses.
    public init(_ kind: Kind, address: [UInt8], port: UInt16 = 0) throws(SystemError) {
        let isIPv4 = address.count == 4
        let (type, transport): (Int32, Int32) =
            switch kind {
            case .tcp: (Int32(SOCK_STREAM.rawValue), 0)
            case .udp: (Int32(SOCK_DGRAM.rawValue), 0)
            case .ping: (Int32(SOCK_RAW.rawValue), isIPv4 ? 1 : 58)
            }
        let number = try valueOrError("open probe socket", "") {
            bulkhead_probe_socket(isIPv4 ? 4 : 6, type, transport)
        }
        descriptor = FileDescriptor(owning: number)
        _ = try valueOrError("bind probe socket", "") {
            unsafe address.withUnsafeBytes { bytes in
                unsafe bulkhead_probe_bind(number, bytes.baseAddress, bytes.count, port)
            }
        }
        if case .tcp = kind { _ = bulkhead_probe_reset_on_close(number) }
    }

    /// Begins to listen (TCP). The kernel completes connections by itself; closing resets those that nobody took.
    public func listen() throws(SystemError) {
        _ = try valueOrError("listen", "") { bulkhead_probe_listen(number) }
    }

    /// Sends one datagram back to where it came from; false where none waits.
    public func echo() -> Bool { bulkhead_probe_echo(number) >= 0 }

    /// Begins to connect; a connection under way (`EINPROGRESS`) is none yet.
    public func connect(to address: [UInt8], port: UInt16) throws(SystemError) {
        do throws(SystemError) {
            _ = try valueOrError("connect", "") {
                unsafe address.withUnsafeBytes { bytes in
                    unsafe bulkhead_probe_connect(number, bytes.baseAddress, bytes.count, port)
                }
            }
        } catch {
            guard error.code.rawValue == EINPROGRESS else { throw error }
        }
    }

    /// Sends to where it is connected.
    public func send(_ bytes: [UInt8]) throws(SystemError) {
        _ = try valueOrError("send", "") {
            unsafe bytes.withUnsafeBytes { unsafe bulkhead_probe_send(number, $0.baseAddress, $0.count) }
        }
    }

    /// One datagram that waits; nil where none does.
    public func receive() throws(SystemError) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 2048)
        do throws(SystemError) {
            let count = try valueOrError("receive", "") {
                unsafe buffer.withUnsafeMutableBytes {
                    unsafe bulkhead_probe_receive(number, $0.baseAddress, $0.count)
                }
            }
            return Array(buffer.prefix(count))
        } catch {
            guard error.code == .again else { throw error }
            return nil
        }
    }

    /// What became of connecting; nil where it succeeded.
    public func connectError() -> Errno? {
        let code = bulkhead_probe_error(number)
        return code == 0 ? nil : Errno(rawValue: code < 0 ? EBADF : code)
    }

    /// Waits until one of the sockets can be read, or written where that is asked for, or the time is over; the
    /// positions of those that can (`poll(2)`).
    public static func wait(
        _ sockets: [(socket: ProbeSocket, writes: Bool)], milliseconds: Int32
    ) throws(SystemError) -> [Int] {
        var entries = sockets.map { item in
            pollfd(fd: item.socket.number, events: Int16(item.writes ? POLLOUT : POLLIN), revents: 0)
        }
        let count = nfds_t(entries.count)
        _ = try valueOrError("poll", "") {
            unsafe entries.withUnsafeMutableBufferPointer { unsafe poll($0.baseAddress, count, milliseconds) }
        }
        return entries.indices.filter { entries[$0].revents != 0 }
    }
}

extension Host {
    /// A clock that only goes forward, in milliseconds.
    public static func milliseconds() -> Int64 { bulkhead_monotonic_milliseconds() }
}
