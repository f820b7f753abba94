public import Addressing

/// What is bulkhead's in FRR's configuration: in the block `router bgp ASN` the peer group `bulkhead`, its members, and what
/// the mark in the group's description says that bulkhead put beside it.
public struct RoutingPart: Hashable, Codable, Sendable {
    /// The block it stands in.
    public var asn: UInt32
    /// Its lines in the order in which FRR takes them.
    public var lines: [RoutingLine]

    /// A part.
    public init(asn: UInt32, lines: [RoutingLine]) {
        self.asn = asn
        self.lines = lines
    }

    /// Name of the peer group.
    public static let group = "bulkhead"
    /// Behind the mark: the block itself was made for it, with its router id.
    static let routerWord = "+router"
    /// Behind the mark: `advertise-all-vni` was.
    static let advertiseWord = "+advertise-all-vni"
    static let advertising = "advertise-all-vni"

    /// The part that a host needs beside what others have there.
    ///
    /// Keepalives every 3 s, so that a host that died is noticed within 9 s; and 5 s until a lost session is tried again,
    /// where the defaults are minutes.
    ///
    /// What the mark said of whose the block is, where somebody took the mark away, is `rememberedIn` the other configuration.
    public init(
        _ evpn: EVPN, mark: OwnershipMark, beside found: RoutingConfiguration, rememberedIn other: RoutingConfiguration
    ) {
        let ownsRouter = found.asn == nil || found.ownsRouter || (found.part?.mark == nil && other.ownsRouter)
        let ownsAdvertising = found.part?.mark == nil && other.part?.ownsAdvertising ?? false
        let advertises = !found.othersAdvertise || ownsAdvertising
        let words = [mark.text] + (ownsRouter ? [Self.routerWord] : []) + (advertises ? [Self.advertiseWord] : [])
        let group = "neighbor \(Self.group)"
        asn = evpn.asn
        lines =
            (ownsRouter ? [RoutingLine(.router, "bgp router-id \(evpn.local)")] : [])
            + [
                RoutingLine(.router, "\(group) peer-group"), RoutingLine(.router, "\(group) remote-as \(evpn.asn)"),
                RoutingLine(.router, "\(group) description \(words.joined(separator: " "))"),
                RoutingLine(.router, "\(group) update-source \(evpn.local)"),
                RoutingLine(.router, "\(group) timers 3 9"), RoutingLine(.router, "\(group) timers connect 5"),
            ] + evpn.peers.map { RoutingLine(.router, "neighbor \($0) peer-group \(Self.group)") }
            + (found.deniesIPv4 ? [] : [RoutingLine(.ipv4, "no \(group) activate")])
            + [RoutingLine(.evpn, "\(group) activate")]
            + (advertises ? [RoutingLine(.evpn, Self.advertising)] : [])
    }

    /// Members of the group, in the order of the lines.
    public var peers: [IPAddress] {
        lines.compactMap { line in
            let words = line.text.split(separator: " ")
            guard line.family == .router, words.count == 4, words[2] == "peer-group" else { return nil }
            return IPAddress(words[1])
        }
    }

    /// What the description says; nil where there is none, or it is nobody's mark.
    public var mark: OwnershipMark? {
        descriptionWords.first.flatMap { OwnershipMark($0) }
    }

    /// Whether the block was made for it.
    var ownsRouter: Bool { descriptionWords.contains(Self.routerWord) }
    /// Whether it is by this part that the host tells of its VXLAN devices.
    var ownsAdvertising: Bool { descriptionWords.contains(Self.advertiseWord) }

    private var descriptionWords: [String] {
        let prefix = "neighbor \(Self.group) description "
        return lines.first { $0.text.hasPrefix(prefix) }?.text.dropFirst(prefix.count).split(separator: " ")
            .map(String.init) ?? []
    }

    /// As it stands in a file: the block, whole, with what others gave the peer group.
    func text(adding additions: [RoutingLine]) -> String {
        let all = (lines + additions).map { ($0.family, $0.text) }
        return RoutingCommands.opening(asn) + "\n" + RoutingCommands.placed(all).map { " \($0)\n" }.joined()
            + "exit\n"
    }
}
