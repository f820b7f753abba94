internal import Addressing
internal import Firewall
internal import Model

extension Builder {
    /// Somebody deleted a bridge that stood for an uplink: the kernel took along what the host had on it. It is made again,
    /// but nobody knows that, and the plan must not look as if all were well.
    mutating func warnOfLostBridges(_ live: Ruleset) {
        for network in context.desired.networks where network.ownsBridge {
            guard let uplink = context.uplink(network), uplink.master == nil,
                context.hostLinks[network.bridge.text] == nil, wasInForce(network, live),
                context.movable(of: uplink).words.isEmpty
            else { continue }
            let (bridge, name) = (network.bridge, uplink.name.terminalSafe)
            warn(
                "\(network.id): \(bridge) was there and somebody deleted it, and with it the addresses and routes that the host had on "
                    + "it, if any; neither it nor \(name) has them any more: give them to \(name) before you apply, which takes "
                    + "them along, or to \(bridge) afterwards", at: network.metadata.source)
        }
    }

    /// Whether cards or rules say so.
    private func wasInForce(_ network: Network, _ live: Ruleset) -> Bool {
        let cards = (context.endpointsByNetwork[network.metadata.name] ?? []).contains { endpoint in
            context.hostLinks[endpoint.hostInterface.text]?.mark?.owner == endpoint.id
        }
        return cards
            || live.tables.contains { table in
                table.sets.contains { set in set.elements.contains { $0.comment == network.id.description } }
            }
    }
}
