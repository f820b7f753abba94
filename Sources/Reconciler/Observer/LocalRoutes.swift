internal import Addressing
internal import Model
internal import NetlinkCodec

/// The routes of table `local`, by which the kernel takes packets for its own (`ip route show table local`).
///
/// It makes one for each address of an interface that is up. Without it, packets to the address go nowhere, or to
/// somebody else, though the address is there.
struct LocalRoutes {
    private struct Place: Hashable {
        let link: UInt32
        let destination: IPPrefix
    }

    private let places: Set<Place>
    /// Interfaces whose addresses must have one. Those of a VRF have them in its table; a master of any kind is taken for
    /// one, as ports have no addresses.
    private let links: Set<UInt32>
    /// All of whose IPv4 subnet is the host's own (`local 127.0.0.0/8 dev lo`).
    private let loopback: UInt32?

    init(_ routes: [RouteMessage], _ links: [ObservedLink]) {
        let locals = routes.lazy.filter { $0.table == ObservedRoute.localTable && $0.type == ObservedRoute.localType }
        places = Set(locals.compactMap { route in route.link.map { Place(link: $0, destination: route.destination) } })
        loopback = links.first(where: \.isLoopback)?.index
        self.links = Set(links.lazy.filter { $0.isUp && $0.master == nil }.map(\.index))
    }

    /// Notes of addresses that nothing leads to. One whose duplicates are still looked for gets its route afterwards.
    func mark(_ addresses: inout [ObservedAddress]) {
        for index in addresses.indices {
            let address = addresses[index]
            guard links.contains(address.link), !address.isTentative else { continue }
            addresses[index].isReached = destinations(address).allSatisfy {
                places.contains(Place(link: address.link, destination: $0))
            }
        }
    }

    private func destinations(_ address: ObservedAddress) -> [IPPrefix] {
        let own = IPPrefix(host: address.address.address)
        guard address.link == loopback, own.address.family == .ipv4, address.address.length < 32 else { return [own] }
        return [own, address.address.prefix]
    }
}

extension ObservedAddress {
    /// Whether it is one of IPv6, whose route the kernel makes later than the address.
    var isIPv6: Bool { address.address.family == .ipv6 }
    /// `fe80::…`, as the kernel gives one to an interface.
    var isLinkLocal: Bool { isIPv6 && address.address.isLinkLocal }
}

extension ObservedLink {
    /// Whether it is a card or a bridge that the kernel gives a link-local address when it has a carrier.
    var getsLinkLocal: Bool {
        ["veth", "bridge"].contains(kind) && isUp && isRunning && master == nil && addressGeneration == 0
            && setting(family: "ipv6", key: "disable_ipv6") == "0"
    }
}
