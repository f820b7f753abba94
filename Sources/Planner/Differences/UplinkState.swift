internal import Addressing
internal import Model

/// Interfaces of the host by which a family is reached, as a plan leaves them.
extension Context {
    /// Not ours, with an address of the family or with a bridge of ours that stands for them and has one, and up once the
    /// plan is carried out: uplinks of networks and what gets addresses back are set up by it.
    func uplinks(_ family: AddressFamily) -> [ObservedLink] {
        var withAddress = Set(
            observed.host.addresses.filter { $0.address.address.family == family && !$0.address.address.isLinkLocal }
                .map(\.link))
        let bridges = observed.host.links.filter { $0.mark != nil && $0.kind == "bridge" }
        for bridge in bridges where withAddress.contains(bridge.index) {
            if let port = uplinkPort(of: bridge) { withAddress.insert(port.index) }
        }
        let changed = changedStates(bridges)
        return observed.host.links.filter {
            (changed[$0.index] ?? $0.isUp) && !$0.isLoopback && !isMarked($0) && withAddress.contains($0.index)
        }.sorted { $0.name < $1.name }
    }

    /// Whether interfaces that a plan takes or gives back are up afterwards, by index.
    private func changedStates(_ bridges: [ObservedLink]) -> [UInt32: Bool] {
        let taken = Dictionary(
            desired.networks.compactMap { network in uplink(network).map { (network.bridge.text, $0.index) } },
            uniquingKeysWith: { first, _ in first })
        let wanted = Set(desired.networks.filter(\.ownsBridge).map(\.bridge.text))
        var states: [UInt32: Bool] = [:]
        for bridge in bridges {
            guard isOurs(bridge), let port = uplinkPort(of: bridge) else { continue }
            let isGivenBack =
                wanted.contains(bridge.name)
                ? taken[bridge.name].map { $0 != port.index } ?? false
                : bridge.mark.map { mayRemove($0.owner) } ?? false
            if isGivenBack { states[port.index] = isUpWhenGivenBack(port, from: bridge) }
        }
        for index in taken.values { states[index] = true }
        return states
    }

    /// Down again where it was so before bulkhead, unless the host has routes there since, which a link that is down cannot
    /// have; else a link that is down comes up for what it gets back.
    func isUpWhenGivenBack(_ uplink: ObservedLink, from bridge: ObservedLink) -> Bool {
        let cargo = movable(of: bridge)
        if observed.originals.contains(Builder.downOriginal(uplink.name)) { return !cargo.routes.isEmpty }
        return uplink.isUp || !cargo.addresses.isEmpty || !cargo.routes.isEmpty
    }

    /// The interface for which a bridge of ours stands.
    private func uplinkPort(of bridge: ObservedLink) -> ObservedLink? {
        guard bridge.mark != nil, let mac = bridge.mac else { return nil }
        return portsByBridge[bridge.index]?.first { $0.mark == nil && $0.mac == mac }
    }
}
