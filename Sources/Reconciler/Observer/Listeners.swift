internal import Addressing
internal import Model
internal import NetlinkClient
internal import NetlinkCodec
internal import SystemCalls

/// Sockets of the host that wait for others, from `/proc/net` (`proc(5)`).
enum Listeners {
    /// Those on one of the ports; their processes are looked up, which is slow, only where there are some.
    static func read(on ports: Set<UInt16>) throws -> [Listener] {
        guard !ports.isEmpty else { return [] }
        var found: [(listener: Listener, inode: String)] = []
        for (file, transport) in [("tcp", PortProtocol.tcp), ("tcp6", .tcp), ("udp", .udp), ("udp6", .udp)] {
            guard let text = try? Files.readText("/proc/net/\(file)", limit: 64 << 20) else { continue }
            for line in text.split(separator: "\n").dropFirst() {
                if let entry = parse(line, transport), ports.contains(entry.listener.port) { found.append(entry) }
            }
        }
        guard !found.isEmpty else { return [] }
        let owners = processes(of: Set(found.map(\.inode)))
        let all = found.contains { $0.listener.address.isUnspecified && $0.listener.address.family == .ipv6 }
        let only = all ? ipv6Only() : []
        return found.map { entry in
            var listener = entry.listener
            if only.contains(entry.inode) { listener.isIPv6Only = true }
            listener.process = owners[entry.inode]
            return listener
        }.sorted { ($0.transport, $0.port, $0.address) < ($1.transport, $1.port, $1.address) }
    }

    /// Inodes of sockets that IPv4 passes by, which `/proc/net` does not tell. A kernel that does not know either
    /// (`CONFIG_INET_DIAG`) leaves all of them in the way.
    private static func ipv6Only() -> Set<String> {
        guard let socket = try? NetlinkSocket(.socketDiagnostics) else { return [] }
        let connection = NetlinkConnection(socket)
        let sockets = [PortProtocol.tcp, .udp].flatMap { transport in
            (try? connection.dump(SocketMessage.waiting(transport.number)) { message in
                message.type == SocketMessage.type ? try SocketMessage(decoding: message.body) : nil
            }) ?? []
        }
        return Set(sockets.filter(\.isIPv6Only).map { String($0.inode) })
    }

    /// `sl local_address rem_address st … inode`: listening TCP (0A), or unconnected UDP (07).
    static func parse(_ line: Substring, _ transport: PortProtocol) -> (listener: Listener, inode: String)? {
        let fields = line.split(separator: " ")
        guard fields.count > 9 else { return nil }
        guard fields[3] == (transport == .tcp ? "0A" : "07") else { return nil }
        let parts = fields[1].split(separator: ":")
        guard parts.count == 2, let port = UInt16(parts[1], radix: 16), port != 0, let address = address(parts[0])
        else { return nil }
        return (Listener(transport: transport, address: address, port: port), String(fields[9]))
    }

    /// Words of four bytes in the machine's order; bulkhead runs on little-endian machines.
    private static func address(_ text: Substring) -> IPAddress? {
        guard text.utf8.count == 8 || text.utf8.count == 32 else { return nil }
        var bytes: [UInt8] = []
        var rest = text
        while !rest.isEmpty {
            guard let word = UInt32(rest.prefix(8), radix: 16) else { return nil }
            for shift: UInt32 in [0, 8, 16, 24] { bytes.append(UInt8(truncatingIfNeeded: word >> shift)) }
            rest = rest.dropFirst(8)
        }
        return IPAddress(bytes: bytes[...])
    }

    /// `NAME (pid N)` by inode of the socket, for processes that may be looked into.
    private static func processes(of inodes: Set<String>) -> [String: String] {
        var owners: [String: String] = [:]
        for process in ((try? Files.list("/proc")) ?? []).compactMap({ Int32($0) }) {
            for descriptor in (try? Files.list("/proc/\(process)/fd")) ?? [] {
                guard let target = try? Files.linkTarget("/proc/\(process)/fd/\(descriptor)"),
                    target.hasPrefix("socket:["), target.hasSuffix("]")
                else { continue }
                let inode = String(target.dropFirst(8).dropLast())
                guard inodes.contains(inode), owners[inode] == nil else { continue }
                let name = (try? Files.readText("/proc/\(process)/comm")) ?? "?"
                owners[inode] = "\(name.prefix { $0 != "\n" }) (pid \(process))"
            }
        }
        return owners
    }
}
