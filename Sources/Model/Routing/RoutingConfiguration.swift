public import Addressing

/// What a configuration of FRR says about BGP, as far as it concerns bulkhead. Nothing of what others wrote is kept: there may
/// be passwords in it.
public struct RoutingConfiguration: Hashable, Codable, Sendable {
    /// AS of the default instance; nil where there is none.
    public var asn: UInt32?
    /// What is bulkhead's.
    public var part: RoutingPart?
    /// Whether others have anything in the block of the default instance.
    public var hasOthers = false
    /// With whom others have sessions.
    public var othersPeers: [IPAddress] = []
    /// Whether others have `advertise-all-vni` there.
    public var othersAdvertise = false
    /// Whether it has `no bgp default ipv4-unicast`, so that no neighbour has to be taken out of that.
    public var deniesIPv4 = false
    /// Whether there are instances in VRFs, for which the default one has to stay.
    public var hasInstances = false
    /// Settings that others gave the peer group, without their values: they go with it.
    public var additions: [String] = []

    /// Nothing.
    public init() {}

    /// Reads a configuration: what FRR says, or a file.
    public init(_ text: some StringProtocol) {
        let walk = RoutingWalk(text)
        asn = walk.asn
        hasInstances = walk.hasInstances
        var lines: [RoutingLine] = []
        for place in walk.places {
            guard let line = place.line else { continue }
            if place.isOurs {
                lines.append(line)
                continue
            }
            hasOthers = hasOthers || !line.isAddition
            if let peer = line.peer { othersPeers.append(peer) }
            if line.isAddition { additions.append(line.text.split(separator: " ").prefix(3).joined(separator: " ")) }
            othersAdvertise = othersAdvertise || line == RoutingLine(.evpn, RoutingPart.advertising)
            deniesIPv4 = deniesIPv4 || line == RoutingLine(.router, "no bgp default ipv4-unicast")
        }
        if let asn, !lines.isEmpty { part = RoutingPart(asn: asn, lines: lines) }
    }

    /// Whether the block was made for bulkhead's part.
    var ownsRouter: Bool { part?.ownsRouter ?? false }

    /// Whether the block may go: it was made for bulkhead's part, nothing else is in it, and no other instance needs it.
    public var isWhollyOurs: Bool { ownsRouter && !hasOthers && !hasInstances }

    /// Whether this is what is wanted, in whatever order.
    public func has(_ wanted: RoutingPart?) -> Bool {
        guard let part, let wanted else { return part == nil && wanted == nil }
        return part.asn == wanted.asn && Set(part.lines) == Set(wanted.lines)
    }
}

extension RoutingLine {
    /// With whom it makes a session.
    fileprivate var peer: IPAddress? {
        let words = text.split(separator: " ")
        guard family == .router, words.count >= 4, words[0] == "neighbor",
            words[2] == "remote-as" || words[2] == "peer-group"
        else { return nil }
        return IPAddress(words[1])
    }

    /// Whether it gives the peer group something that bulkhead does not.
    var isAddition: Bool { text.hasPrefix("neighbor \(RoutingPart.group) ") }
}
