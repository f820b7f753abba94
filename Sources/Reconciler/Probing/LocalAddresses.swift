public import Addressing
internal import NetlinkClient
internal import NetlinkCodec

/// The addresses that this machine itself has, on whatever interface (`ip address`). Takes no rights.
public enum LocalAddresses {
    /// Those of the calling thread's network namespace.
    public static func read() throws -> Set<IPAddress> { try read(NetlinkConnection()) }

    /// The same, but none where the machine has no interface of these names.
    public static func read(whereOneIs names: Set<String>) throws -> Set<IPAddress> {
        let connection = try NetlinkConnection()
        guard try connection.links(counters: false).contains(where: { names.contains($0.name) }) else { return [] }
        return try read(connection)
    }

    private static func read(_ connection: NetlinkConnection) throws -> Set<IPAddress> {
        Set(try connection.addresses().map(\.address.address))
    }
}
