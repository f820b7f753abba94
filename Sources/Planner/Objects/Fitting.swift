internal import Addressing
internal import Model

extension DesiredState {
    /// With what only the host itself knows: the MTU that the interface below leaves to an overlay, or that of the
    /// interface that joins a network to a physical one.
    func fitted(to observed: ObservedState) -> DesiredState {
        var state = self
        let isAttached = networks.contains { $0.hasAutomaticMTU && $0.attachment != nil }
        let search = isAttached ? AttachmentSearch(observed) : nil
        var sizes: [ObjectName: Int] = [:]
        for index in state.networks.indices where state.networks[index].hasAutomaticMTU {
            let network = state.networks[index]
            let left = network.overlay.flatMap { observed.host.mtu(leftTo: $0) }
            guard let mtu = left ?? search?.find(network)?.link?.mtu else { continue }
            state.networks[index].mtu = mtu
            sizes[network.metadata.name] = mtu
        }
        for index in state.endpoints.indices where state.endpoints[index].hasAutomaticMTU {
            if let mtu = sizes[state.endpoints[index].network] { state.endpoints[index].mtu = mtu }
        }
        return state
    }
}

extension ObservedNamespace {
    /// What the interface with the underlay address leaves.
    fileprivate func mtu(leftTo overlay: Overlay) -> Int? {
        addresses.first { $0.address.address == overlay.local }.flatMap { link(index: $0.link)?.mtu }
            .map { max(68, $0 - Overlay.overhead(overlay.local.family)) }
    }
}

extension Endpoint {
    /// Its MAC and those that it may send from, too.
    var macs: [MACAddress] { Set([mac] + allowedMACs).sorted() }
}

extension ObservedNeighbour {
    func entry(on link: LinkReference) -> NeighbourEntry {
        NeighbourEntry(link: link, address: address, mac: mac, tunnelEnd: tunnelEnd, origin: origin)
    }
}
