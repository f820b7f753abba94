internal import Addressing
internal import Model

extension Builder {
    /// What stands against routing a network to a physical one: addresses that the host itself has, or needs of others. It
    /// would answer for them where it must not, or lose its way to them.
    mutating func checkRouted(_ network: Network, _ uplink: ObservedLink) {
        guard network.isRouted else { return }
        let owners = context.addressOwners(besides: network)
        for endpoint in context.endpointsByNetwork[network.metadata.name] ?? [] {
            for address in endpoint.addresses.map(\.address) {
                guard let owner = owners[address] else { continue }
                fail(
                    "\(endpoint.id): \(address) is \(owner); give the endpoint another address, or reserve this one in the subnet "
                        + "(`reserved`)", at: endpoint.metadata.source)
            }
        }
        for subnet in network.subnets {
            guard let gateway = subnet.gateway, !gateway.isLinkLocal, let owner = owners[gateway] else { continue }
            fail(
                "\(network.id): the gateway \(gateway) is \(owner); on an l2bridge the host has it for the endpoints alone: leave "
                    + "'gateway' out, and they have one of the link", at: subnet.source)
        }
        warnOfOtherWays(network, uplink)
    }

    /// Endpoints go where the host does, but by the uplink alone.
    private mutating func warnOfOtherWays(_ network: Network, _ uplink: ObservedLink) {
        let defaults = context.observed.host.routes.filter {
            $0.destination.isDefault && $0.type == 1 && $0.table == 254
                && network.families.contains($0.destination.family)
        }
        for family in network.families {
            let own = defaults.filter { $0.destination.family == family }
                .min { ($0.metric, $0.link ?? 0) < ($1.metric, $1.link ?? 0) }
            guard let index = own?.link, index != uplink.index, let name = context.hostLinkNames[index] else {
                continue
            }
            warn(
                "\(network.id): the host's \(family.rawValue) default route leads by \(name.terminalSafe), and endpoints of an l2bridge go by "
                    + "\(uplink.name.terminalSafe) alone: they reach what the host has routes to there, and nothing else",
                at: network.metadata.source)
        }
    }
}

extension Context {
    /// Whose addresses those are that no endpoint of a network may have, in words: the host's, and next hops of its routes.
    fileprivate func addressOwners(besides network: Network) -> [IPAddress: String] {
        var owners: [IPAddress: String] = [:]
        let own = hostLinks[network.bridge.text].flatMap { isOurs($0) ? $0.index : nil }
        for route in observed.host.routes where route.link != own {
            guard let hop = route.gateway else { continue }
            let target = route.destination.isDefault ? "default" : "\(route.destination)"
            owners[hop] = "the next hop of the host's route to \(target)"
        }
        for address in observed.host.addresses where address.link != own {
            let link = hostLinkNames[address.link] ?? "?"
            owners[address.address.address] = "the host's own, on \(link.terminalSafe)"
        }
        return owners
    }
}
