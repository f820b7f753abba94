public import Addressing
internal import JSON
internal import Model
internal import NetlinkClient
internal import NetlinkCodec

/// What overlays of a host have learnt by BGP EVPN: entries as the kernel has them, sessions as FRR says.
public struct RoutingSurvey: Sendable {
    /// A session with a peer.
    public struct Session: Hashable, Sendable {
        /// With whom.
        public let peer: IPAddress
        /// `Established`, or how far it has come, by the names of RFC 4271, in FRR's words.
        public let state: String
        /// Whether the peer tells, and is told.
        public var isEstablished: Bool { state == "Established" }
    }

    /// A MAC on another host.
    public struct Learnt: Hashable, Sendable {
        /// The MAC.
        public let mac: MACAddress
        /// Where frames for it are sent.
        public let tunnelEnd: IPAddress
        /// Addresses for which the bridge answers with it, sorted.
        public let addresses: [IPAddress]
    }

    /// With the peers of bulkhead's group, by address; nil where FRR does not say.
    public let sessions: [Session]?
    private let ways: [UInt32: [(mac: MACAddress, end: IPAddress)]]
    private let answers: [UInt32: [MACAddress: [IPAddress]]]

    /// Asks both.
    public init(_ session: HostSession) throws {
        sessions = try? Self.sessions(session.folders)
        let connection = session.connection
        // NTF_EXT_LEARNED
        let learnt = { (entry: NeighbourMessage) in entry.flags & 0x10 != 0 }
        var ways: [UInt32: [(mac: MACAddress, end: IPAddress)]] = [:]
        for entry in try connection.neighbours(family: 7).filter(learnt) {
            if let mac = entry.mac, let end = entry.address { ways[entry.link, default: []].append((mac, end)) }
        }
        var answers: [UInt32: [MACAddress: [IPAddress]]] = [:]
        for entry in try connection.neighbours(family: 0).filter(learnt) {
            if let mac = entry.mac, let address = entry.address {
                answers[entry.link, default: [:]][mac, default: []].append(address)
            }
        }
        (self.ways, self.answers) = (ways, answers)
    }

    /// What was learnt for the overlay of a bridge and its tunnel, by index; by MAC.
    public func learnt(bridge: UInt32, tunnel: UInt32) -> [Learnt] {
        (ways[tunnel] ?? []).sorted { ($0.mac, $0.end) < ($1.mac, $1.end) }.map { mac, end in
            Learnt(mac: mac, tunnelEnd: end, addresses: (answers[bridge]?[mac] ?? []).sorted())
        }
    }

    private static func sessions(_ folders: Folders) throws -> [Session] {
        guard let shell = RoutingShell(folders) else { throw StateError("FRR: \(RoutingShell.absence)") }
        let members = Set(try RoutingReading(folders).running().part?.peers ?? [])
        let text = try shell.ask(["show bgp l2vpn evpn summary json"], "ask bgpd for its sessions")
        let peers = try JSON(parsing: Array(text.utf8))["peers"]?.object?.members ?? []
        return peers.compactMap { member -> Session? in
            guard let peer = IPAddress(member.key), members.contains(peer) else { return nil }
            return Session(peer: peer, state: member.value["state"]?.string ?? "unknown")
        }.sorted { $0.peer < $1.peer }
    }
}
