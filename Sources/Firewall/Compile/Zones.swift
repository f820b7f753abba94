internal import Addressing
internal import JSON
public import Model

/// Which network a tracked connection is of.
public struct TrackingZones: Sendable {
    private let networks: [UInt16: ObjectName]

    /// The zones of a desired state.
    public init(_ desired: DesiredState) {
        networks = Dictionary(
            Zones.assign(desired).filter { !$0.network.isShared }.flatMap { zones in
                [zones.switched, zones.routed].map { ($0, zones.network.metadata.name) }
            }, uniquingKeysWith: { first, _ in first })
    }

    /// The network that gives its packets this zone (`CTA_ZONE`, `CTA_TUPLE_ZONE`); nil where none does, and where others
    /// share its segment.
    public func network(_ zone: UInt16) -> ObjectName? { networks[zone] }
}

/// Every network tracks its connections in a zone of its own, so that equal addresses and fragment ids of two networks
/// are never taken for one another's. The zone is given before fragments are put together (−400, `NF_IP_PRI_CONNTRACK_DEFRAG`):
/// later, those of one network would complete datagrams of another.
///
/// On a segment that endpoints share with others and with the host itself, only what an endpoint sends, and what passes
/// between it and anybody but the host, is in zones of the segment: a packet that a router brings from one segment to
/// another is looked at on each, and an endpoint says nothing as one who began a connection elsewhere. All else there is in
/// the zone of everything else, so that connections of the host and of others are known as before; so is everything on a
/// bridge of somebody else, whose MAC, by which a frame goes to the host, may change at any time.
enum Zones {
    /// A network's zones. What stays on the switch and what goes to the host have one
    /// each: a connection that was let through on the one way must not be known on the other, where other bounds and
    /// policies hold.
    struct Pair {
        let network: Network
        let switched: UInt16
        let routed: UInt16
    }

    /// Zones by network: hashes of scope and name, the next free one where two share it.
    static func assign(_ desired: DesiredState) -> [Pair] {
        // 0 is the zone of everything else.
        var taken: Set<UInt16> = [0]
        func take(_ use: String, _ network: Network) -> UInt16 {
            var zone = UInt16(
                truncatingIfNeeded: StableHash.hash(use, desired.scope.text, network.metadata.name.text))
            while taken.contains(zone) { zone &+= 1 }
            taken.insert(zone)
            return zone
        }
        return desired.networks.sorted { $0.metadata.name < $1.metadata.name }.map {
            Pair(network: $0, switched: take("zone", $0), routed: take("zone-routed", $0))
        }
    }

    /// What stays on the switch is in its zone both ways. What goes to the host is in its own on its way there only:
    /// answers may come back by another interface, where nobody knows of the zone. A frame for the host's side of
    /// another switch does not leave this one.
    /// What stays untracked has none.
    static func chain(_ desired: DesiredState, besides untracked: [Rule]) -> Chain {
        let all = assign(desired)
        let base = Chain.Base(type: "filter", hook: "prerouting", priority: -450)
        return Chain(
            name: "zones", base: base,
            rules: untracked + switched(all.filter { !$0.network.isShared })
                + shared(all.filter { $0.network.isShared && $0.network.ownsBridge }))
    }

    private static func map(_ zones: [Pair], _ zone: (Pair) -> UInt16) -> JSON {
        let elements = zones.map { item -> JSON in
            [.string(item.network.bridge.text), .int(Int64(zone(item)))]
        }
        return ["map": ["key": Nft.input, "data": ["set": .array(elements)]]]
    }

    private static func set(_ key: JSON, _ value: JSON) -> JSON { ["mangle": ["key": key, "value": value]] }

    private static func toHost(_ zones: [Pair]) -> JSON {
        set(["ct": ["key": "zone", "dir": "original"]], map(zones, \.routed))
    }

    private static func switched(_ zones: [Pair]) -> [Rule] {
        // A map without elements is none.
        guard !zones.isEmpty else { return [] }
        return [
            Rule(
                [Nft.equal(Nft.addressee, "@host_sides"), toHost(zones)], comment: "zone of the network: to the host"),
            Rule(
                [Nft.differs(Nft.addressee, "@host_sides"), set(["ct": ["key": "zone"]], map(zones, \.switched))],
                comment: "zone of the network: within the switch"),
        ]
    }

    private static func shared(_ zones: [Pair]) -> [Rule] {
        guard !zones.isEmpty else { return [] }
        let zone = set(["ct": ["key": "zone"]], map(zones, \.switched))
        return [
            Rule(
                [Nft.equal(Nft.sender, "@members"), Nft.differs(Nft.addressee, "@shared_sides"), zone],
                comment: "zone of the segment: from an endpoint"),
            Rule(
                [Nft.equal(Nft.sender, "@members"), Nft.equal(Nft.addressee, "@shared_sides"), toHost(zones)],
                comment: "zone of the segment: from an endpoint to the host"),
            Rule([Nft.equal(Nft.addressee, "@members"), zone], comment: "zone of the segment: to an endpoint"),
        ]
    }

    /// The host's own side of every switch, by bridge and MAC.
    static func hostSides(_ desired: DesiredState) -> NamedSet {
        NamedSet(
            name: "host_sides", keyTypes: ["ifname", "ether_addr"],
            elements: desired.networks.filter { !$0.isShared }.map {
                Element(
                    key: Nft.concat(.string($0.bridge.text), .string($0.mac.description)), comment: $0.id.description)
            })
    }
}
