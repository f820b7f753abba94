internal import Addressing
internal import Model

extension DesiredState {
    /// With what only the host itself knows: the MTU that the interface below leaves to an overlay.
    func fitted(to host: ObservedNamespace) -> DesiredState {
        var state = self
        var sizes: [ObjectName: Int] = [:]
        for index in state.networks.indices where state.networks[index].hasAutomaticMTU {
            guard let overlay = state.networks[index].overlay, let mtu = host.mtu(of: overlay.local) else { continue }
            state.networks[index].mtu = max(68, mtu - Overlay.overhead(overlay.local.family))
            sizes[state.networks[index].metadata.name] = state.networks[index].mtu
        }
        for index in state.endpoints.indices where state.endpoints[index].hasAutomaticMTU {
            if let mtu = sizes[state.endpoints[index].network] { state.endpoints[index].mtu = mtu }
        }
        return state
    }
}

extension ObservedNamespace {
    /// MTU of the interface that has the address.
    fileprivate func mtu(of address: IPAddress) -> Int? {
        addresses.first { $0.address.address == address }.flatMap { link(index: $0.link)?.mtu }
    }
}

extension Endpoint {
    /// Its MAC and those that it may send from, too.
    var macs: [MACAddress] { Set([mac] + allowedMACs).sorted() }
}

extension ObservedNeighbour {
    func entry(on link: LinkReference) -> NeighbourEntry {
        NeighbourEntry(link: link, address: address, mac: mac, tunnelEnd: tunnelEnd)
    }
}
