internal import Addressing
internal import Model

extension Builder {
    /// What an overlay needs of the host below it. A host of which nothing is known (`--assume-empty`) is as wished.
    mutating func checkOverlays() {
        let own = Set(context.observed.host.addresses.map(\.address.address))
        let isKnown = !context.observed.host.links.isEmpty
        for network in context.desired.networks {
            guard let overlay = network.overlay else { continue }
            if isKnown, !own.contains(overlay.local) {
                fail(
                    "\(network.id): the underlay address \(overlay.local) of Host/\(context.desired.host) is on no interface "
                        + "of this host; give it to one, or change `spec.underlay.address`", at: network.metadata.source
                )
            }
            if network.mtu < 1280, network.families.contains(.ipv6) {
                fail(
                    "\(network.id): the interface with the underlay address leaves \(network.mtu) bytes, and IPv6 needs "
                        + "at least 1280; raise its MTU", at: network.metadata.source)
            }
            for endpoint in context.endpointsByNetwork[network.metadata.name] ?? [] where endpoint.mtu > network.mtu {
                fail(
                    "\(endpoint.id): mtu \(endpoint.mtu) is more than the \(network.mtu) bytes that the underlay leaves to "
                        + "\(network.id)", at: endpoint.metadata.source)
            }
        }
    }
}
