internal import Addressing
internal import Model

/// The link-local IPv6 address that the kernel gives an interface, once, when it comes up or IPv6 is switched on there
/// (`addr_gen_mode eui64`): what is to be there, and what a MAC before has left behind.
struct LinkLocal {
    /// To be there; nil where the kernel gives none, or will when a change of the plan is made.
    var wanted: InterfaceAddress?
    /// There, of a MAC that the link loses: the kernel makes no other by itself.
    var stale: InterfaceAddress?

    /// None that anybody answers for.
    init() {}

    /// That of a link with this MAC and MTU, and an addr_gen_mode of 0, where IPv6 stays switched on.
    init(_ link: ObservedLink, mac: MACAddress?, mtu: Int) {
        // As long as it has no carrier it has none.
        guard link.isUp, link.isRunning, link.master == nil, IPv6Half.exists(mtu: link.mtu), IPv6Half.exists(mtu: mtu),
            link.setting(family: "ipv6", key: "disable_ipv6") == "0", let old = link.mac
        else { return }
        wanted = (mac ?? old).localAddress
        if let mac, mac != old { stale = old.localAddress }
    }
}

extension MACAddress {
    fileprivate var localAddress: InterfaceAddress? { InterfaceAddress(address: .v6(linkLocal), length: 64) }
}

extension Context {
    /// That of a network's bridge; none without a place on the switch. On one that stands for an interface it is the
    /// host's.
    func bridgeLocal(_ network: Network, _ link: ObservedLink, _ spec: LinkSpec) -> LinkLocal {
        guard observed.features.ipv6, network.hasHostSide, !network.isShared else { return LinkLocal() }
        return LinkLocal(link, mac: spec.mac, mtu: spec.mtu)
    }

    /// That of a card inside its compartment, whose namespace says whether there is one.
    func cardLocal(_ endpoint: Endpoint, in compartment: Compartment, _ link: ObservedLink) -> LinkLocal {
        guard observed.features.ipv6, link.addressGeneration == 0 else { return LinkLocal() }
        let path = "net/ipv6/conf/\(link.name)/disable_ipv6"
        let wanted =
            compartment.sysctls.first { $0.path == path }?.value
            ?? cardSettings(endpoint, in: compartment).first { $0.path == path }?.value
        guard wanted ?? "0" == "0" else { return LinkLocal() }
        return LinkLocal(link, mac: endpoint.mac, mtu: endpoint.mtu)
    }
}
