/// A socket of IPv6 that waits for others (`struct inet_diag_msg` of `linux/inet_diag.h`, `ss -6 -l`).
public struct SocketMessage: Hashable, Sendable {
    /// `idiag_inode`, as `/proc/net/tcp6` has it.
    public var inode: UInt32
    /// `INET_DIAG_SKV6ONLY`: IPv4 passes it by; false where the kernel does not say.
    public var isIPv6Only: Bool

    /// `SOCK_DIAG_BY_FAMILY`: the request, and each answer.
    public static let type = MessageType(rawValue: 20)
    /// `sizeof(struct inet_diag_msg)`, and where the inode stands in it.
    private static let (length, inode) = (72, 68)

    /// Decodes the body of an answer.
    public init(decoding body: ArraySlice<UInt8>) throws(WireError) {
        guard body.count >= Self.length else { throw .truncated(what: "inet_diag_msg") }
        let start = body.startIndex + Self.inode
        inode = body[start..<start + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
        isIPv6Only = false
        var attributes = AttributeReader(body.dropFirst(Self.length))
        while let attribute = try attributes.next() {
            if attribute.type == 11 { isIPv6Only = try attribute.uint8("INET_DIAG_SKV6ONLY") != 0 }
        }
    }

    /// All that listen (TCP), or have no peer (UDP), of IPv6 (`struct inet_diag_req_v2`, `ss -6 -l -t`).
    ///
    /// - Parameter transport: `IPPROTO_TCP` or `IPPROTO_UDP`.
    public static func waiting(_ transport: UInt8) -> Request {
        var writer = MessageWriter()
        // AF_INET6, the protocol, no extensions, padding.
        for byte: UInt8 in [10, transport, 0, 0] { writer.number(byte) }
        // 1 << TCP_LISTEN | 1 << TCP_CLOSE, which UDP sockets without a peer are in.
        writer.number(UInt32(1 << 10 | 1 << 7))
        // struct inet_diag_sockid: any.
        for _ in 0..<12 { writer.number(UInt32(0)) }
        return Request(type, .dump, operation: "read sockets", body: writer)
    }
}
