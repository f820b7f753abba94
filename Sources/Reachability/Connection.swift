public import Addressing
public import Model

/// Who takes part in a connection, seen from this host.
public enum Party: Hashable, Sendable {
    /// An endpoint of this host.
    case endpoint(ObjectName)
    /// This host, whatever local address of it.
    case host
    /// Neither this host nor any endpoint.
    case outside
}

/// What a connection is, for rules.
public enum ConnectionService: Hashable, Sendable {
    /// A transport protocol, to a destination port.
    case transport(PortProtocol, port: UInt16)
    /// A message of this type, ICMP or ICMPv6 by the family of the addresses.
    case icmp(type: UInt8)
    /// Any other protocol, by `IPPROTO_…`; only rules without `protocols` match it.
    case other(UInt8)
}

/// A connection that somebody may want to make, as its source sees it: before any translation.
public struct Connection: Hashable, Sendable {
    /// Who makes it.
    public var source: Party
    /// From which address.
    public var sourceAddress: IPAddress
    /// Whom it is for.
    public var destination: Party
    /// To which address; of the source's family.
    public var destinationAddress: IPAddress
    /// What it is.
    public var service: ConnectionService

    /// A connection.
    public init(
        from source: Party, _ sourceAddress: IPAddress, to destination: Party, _ destinationAddress: IPAddress,
        _ service: ConnectionService
    ) {
        self.source = source
        self.sourceAddress = sourceAddress
        self.destination = destination
        self.destinationAddress = destinationAddress
        self.service = service
    }
}
