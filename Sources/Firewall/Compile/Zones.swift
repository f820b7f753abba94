internal import Addressing
internal import JSON
internal import Model

/// Every network tracks its connections in a zone of its own, so that equal addresses and fragment ids of two networks
/// are never taken for one another's. The zone is given before fragments are put together (−400, `NF_IP_PRI_CONNTRACK_DEFRAG`):
/// later, those of one network would complete datagrams of another.
enum Zones {
    /// Zones by network: a hash of scope and name, the next free one where two networks share it.
    static func assign(_ desired: DesiredState) -> [(network: Network, zone: UInt16)] {
        var taken: Set<UInt16> = []
        return desired.networks.sorted { $0.metadata.name < $1.metadata.name }.map { network in
            var zone = first(desired, network)
            // 0 is the zone of everything else.
            while zone == 0 || taken.contains(zone) { zone &+= 1 }
            taken.insert(zone)
            return (network, zone)
        }
    }

    private static func first(_ desired: DesiredState, _ network: Network) -> UInt16 {
        UInt16(truncatingIfNeeded: StableHash.hash("zone", desired.scope.text, network.metadata.name.text))
    }

    /// What stays on the switch is in the zone both ways. What goes to the host is in it on its way there only: answers
    /// may come back by another interface, where nobody knows of the zone.
    static func chain(_ desired: DesiredState) -> Chain {
        let elements = assign(desired).map { item -> JSON in
            [.string(item.network.bridge.text), .int(Int64(item.zone))]
        }
        let zone: JSON = ["map": ["key": Nft.input, "data": ["set": .array(elements)]]]
        let receiver = Nft.payload("ether", "daddr")
        func assignment(_ key: JSON) -> JSON { ["mangle": ["key": ["ct": key], "value": zone]] }
        return Chain(
            name: "zones", base: .init(type: "filter", hook: "prerouting", priority: -450),
            rules: [
                Rule(
                    [Nft.equal(receiver, "@bridge_macs"), assignment(["key": "zone", "dir": "original"])],
                    comment: "zone of the network: to the host"),
                Rule(
                    [Nft.differs(receiver, "@bridge_macs"), assignment(["key": "zone"])],
                    comment: "zone of the network: within the switch"),
            ])
    }

    /// MACs of the host's own side of every switch.
    static func macs(_ desired: DesiredState) -> NamedSet {
        NamedSet(
            name: "bridge_macs", keyTypes: ["ether_addr"],
            elements: desired.networks.map {
                Element(key: .string($0.mac.description), comment: $0.id.description)
            })
    }
}
