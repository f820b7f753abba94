internal import Addressing
internal import Model

extension Builder {
    /// A bridge that stood for an interface is not deleted with what the host has on it where that interface is not there
    /// to get it back.
    mutating func keepStranded(_ bridge: ObservedLink, _ mark: OwnershipMark) {
        guard bridge.kind == "bridge", context.stoodForUplink(bridge, mark) else { return }
        let cargo = context.movable(of: bridge)
        guard !cargo.words.isEmpty else { return }
        let name = bridge.name.terminalSafe
        let lost = context.observed.host.links.first { $0.mac == bridge.mac && $0.mark == nil && !$0.isDerived }
        fail(
            "\(mark.owner): deleting \(name) would delete what the host has on it (\(cargo.words)), and the interface that gets it "
                + "back is not on it; put it there (`ip link set \(lost?.name.shellWord ?? "IF") master \(bridge.name.shellWord)`), or move "
                + "what the host has to another interface", at: nil)
    }

    /// A bridge that stands for an interface from this plan on, and was a switch of its own before: what is on it is the old
    /// network's. Left there, it would count as the host's, and go to the interface with all that is when that is given back.
    mutating func clearOwn(_ network: Network, _ spec: LinkSpec, _ bridge: ObservedLink) {
        guard context.uplink(network) != nil, context.observed.host.uplinkPort(of: bridge) == nil,
            let mark = bridge.mark, !context.stoodForUplink(bridge, mark)
        else { return }
        let source = network.metadata.source
        compareAddresses([], on: spec.reference, present: bridge, owner: network.id, source: source)
        compareRoutes([], addresses: [], on: spec.reference, present: bridge, owner: network.id, source: source)
    }

    /// Those steps: undone after the interface has left again, which takes along all that is on the bridge by then.
    func clearings(of bridge: LinkReference, _ network: Network) -> [String] {
        steps.filter { step in
            step.action == .delete && step.owner == network.id && step.namespace == bridge.namespace
                && (step.kind == .address || step.kind == .route)
        }.map(\.id)
    }

    /// Whether the bridge of a network that has no uplink any more has still what the host had there, which would be
    /// surplus on it; then the plan says so.
    mutating func standsForAnother(_ bridge: ObservedLink, _ network: Network) -> Bool {
        guard context.uplink(network) == nil, let uplink = context.observed.host.uplinkPort(of: bridge) else {
            return false
        }
        let cargo = context.movable(of: bridge)
        guard !cargo.words.isEmpty else { return false }
        let (name, port) = (bridge.name.terminalSafe, uplink.name.terminalSafe)
        let place = network.isRouted ? "of type l2bridge" : network.vlan == nil ? "without an uplink" : "on a VLAN"
        fail(
            "\(network.id): \(name) stands for \(port) and has what the host has there (\(cargo.words)), for which a network "
                + "\(place) has no place; give the network another name, or apply once without it, so that \(port) gets it "
                + "back", at: network.metadata.source)
        return true
    }
}

extension Context {
    /// Whether a bridge of ours has MAC and settings of an interface. Those of other networks have a MAC of their own, which
    /// depends on the name of the host, and settings that are never an interface's.
    fileprivate func stoodForUplink(_ bridge: ObservedLink, _ mark: OwnershipMark) -> Bool {
        guard bridge.mac != Naming.bridgeMAC(network: mark.owner.name, host: desired.host) else { return false }
        let own4 = [("accept_redirects", "0"), ("accept_source_route", "0"), ("promote_secondaries", "1")]
        let own6 = ["accept_dad", "accept_ra", "accept_redirects"]
        return own4.contains { bridge.setting(family: "ipv4", key: $0.0) != $0.1 }
            || (observed.features.ipv6 && own6.contains { bridge.setting(family: "ipv6", key: $0) != "0" })
    }
}
