internal import Addressing

/// Bytes of pings and of the datagrams that are echoed.
enum EchoMessage {
    /// What a UDP probe sends.
    static func token(_ serial: UInt16) -> [UInt8] {
        Array("bulkhead".utf8) + [UInt8(serial >> 8), UInt8(serial & 255)]
    }

    /// An ICMP echo request, with its checksum; the kernel fills in that of ICMPv6.
    static func request(_ family: AddressFamily, _ serial: UInt16) -> [UInt8] {
        let (high, low) = (UInt8(serial >> 8), UInt8(serial & 255))
        var bytes: [UInt8] = [family == .ipv4 ? 8 : 128, 0, 0, 0, high, low, 0, 1] + token(serial)
        guard family == .ipv4 else { return bytes }
        let sum = checksum(bytes)
        bytes[2] = UInt8(sum >> 8)
        bytes[3] = UInt8(sum & 255)
        return bytes
    }

    /// Whether what came in answers the probe: the token, or an echo reply with its serial.
    static func isAnswer(_ bytes: [UInt8], to probe: Probe, _ serial: UInt16) -> Bool {
        switch probe.kind {
        case .tcp: return false
        case .udp: return bytes == token(serial)
        case .ping:
            // An IPv4 raw socket shows the IP header, an IPv6 one does not.
            let isIPv4 = probe.destination.family == .ipv4
            let header = isIPv4 ? Int(bytes.first ?? 0) & 15 * 4 : 0
            guard bytes.count >= header + 8 else { return false }
            let message = bytes[header...]
            return message[header] == (isIPv4 ? 0 : 129) && Array(message.dropFirst(8)) == token(serial)
        }
    }

    /// The Internet checksum (RFC 1071) of an even number of bytes.
    static func checksum(_ bytes: [UInt8]) -> UInt16 {
        var sum: UInt32 = 0
        for place in stride(from: 0, to: bytes.count - 1, by: 2) {
            sum += UInt32(bytes[place]) << 8 | UInt32(bytes[place + 1])
        }
        while sum > 0xffff { sum = sum >> 16 + sum & 0xffff }
        return ~UInt16(sum)
    }
}
