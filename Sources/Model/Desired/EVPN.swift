public import Addressing

/// The part of a host in BGP EVPN (RFC 7432, RFC 8365), by which its overlays learn what endpoints other hosts have.
///
/// FRR speaks it. A host's overlays have one control plane, all of them: FRR tells of every VXLAN device that it finds.
public struct EVPN: Hashable, Sendable {
    /// The host's own AS, 1…4294967295; its peers are in the same.
    public var asn: UInt32
    /// Where sessions and tunnels begin: the host's underlay address. FRR knows tunnels over IPv4 only.
    public var local: IPv4Address
    /// Route reflectors or other hosts, by address.
    public var peers: [IPv4Address]
    /// Where the manifest says so.
    public var source: SourceLocation

    /// A part.
    public init(asn: UInt32, local: IPv4Address, peers: [IPv4Address], source: SourceLocation) {
        self.asn = asn
        self.local = local
        self.peers = peers
        self.source = source
    }
}
