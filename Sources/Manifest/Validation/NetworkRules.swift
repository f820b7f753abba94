internal import Addressing
internal import Model

extension Validator {
    /// Which types use a field of `spec`; fields that are not listed are for all.
    private static let legal: [(field: String, types: Set<NetworkType>)] = [
        ("outboundNAT", [.nat, .l2bridge]), ("inbound", [.nat]), ("peerNetworks", [.nat, .internal, .overlay]),
        ("uplink", [.transparent, .l2bridge, .l2tunnel]), ("vlan", [.transparent, .l2bridge, .l2tunnel]),
        ("attachment", [.transparent]), ("bridge", [.transparent]), ("vxlan", [.overlay]),
    ]

    /// Prefixes that no subnet may touch.
    private static let special: [(IPPrefix, String)] = [
        ("0.0.0.0/8", "this network"), ("127.0.0.0/8", "loopback"), ("224.0.0.0/4", "multicast"),
        ("255.255.255.255/32", "the broadcast address"), ("::/128", "the unspecified address"),
        ("::1/128", "loopback"), ("::ffff:0:0/96", "IPv4 in IPv6"), ("ff00::/8", "multicast"),
        ("fe80::/10", "link-local, which every interface has anyway"),
    ].compactMap { text, what in IPPrefix(text).map { ($0, what) } }

    mutating func checkNetwork(_ network: NetworkDocument) {
        let type = network.type.value
        for (field, types) in Self.legal where !types.contains(type) {
            if let place = network.head.place(field) {
                fail("'\(field)' is not used by networks of type \(type.rawValue)", at: place)
            }
        }
        if type == .private, let place = network.hostAccessAt {
            fail(
                "'hostAccess' is not used by networks of type private, which have no path to the host at all", at: place
            )
        }
        checkOverlay(network)
        for subnet in network.subnets { checkSubnet(subnet, type) }
        checkAttachment(network)
        checkMacvlan(network)
        checkMTU(network)
        checkPeers(network)
        checkNAT(network)
        checkRoutes(network.routes, network)
        for server in network.dns.map(\.options) ?? [] where server.contains(where: \.isWhitespace) {
            fail("dns: option '\(server)' must not contain white space", at: network.head.place("dns"))
        }
    }

    private mutating func checkSubnet(_ subnet: SubnetDocument, _ type: NetworkType) {
        let prefix = subnet.prefix.value
        if let (special, what) = Self.special.first(where: { $0.0.overlaps(prefix) }) {
            fail("prefix \(prefix) cannot be used for endpoints: \(special) is \(what)", at: subnet.prefix.at)
        }
        if let gateway = subnet.gateway {
            if type == .private {
                fail("'gateway' is not used by networks of type private", at: gateway.at)
            } else if !prefix.contains(gateway.value) {
                fail("gateway \(gateway.value) lies outside \(prefix)", at: gateway.at)
            } else if !prefix.isUsable(gateway.value) {
                fail("gateway \(gateway.value) is the network or broadcast address of \(prefix)", at: gateway.at)
            }
        }
        for (what, ranges) in [("pool", subnet.pool), ("reserved", subnet.reserved)] {
            for range in ranges where !(prefix.contains(range.value.first) && prefix.contains(range.value.last)) {
                fail("\(what): \(range.value) lies outside \(prefix)", at: range.at)
            }
        }
    }

    private mutating func checkMTU(_ network: NetworkDocument) {
        guard let mtu = network.mtu, mtu.value < 1280 else { return }
        if network.subnets.contains(where: { $0.prefix.value.family == .ipv6 }) {
            fail("mtu: IPv6 needs at least 1280 bytes, and the network has an IPv6 subnet", at: mtu.at)
        }
    }

    private mutating func checkPeers(_ network: NetworkDocument) {
        let name = network.head.name.text
        var seen: Set<String> = []
        for peer in network.peers {
            if !seen.insert(peer.value).inserted {
                fail("peerNetworks: '\(peer.value)' is given twice", at: peer.at)
                continue
            }
            guard peer.value != name else {
                fail("peerNetworks: a network is no peer of itself", at: peer.at)
                continue
            }
            guard let other = networks[peer.value] else {
                missing(.network, peer, among: Array(networks.keys))
                continue
            }
            if !other.peers.contains(where: { $0.value == name }) {
                fail("peerNetworks: Network/\(peer.value) does not list '\(name)' in return; add it there", at: peer.at)
            }
        }
    }

    private mutating func checkNAT(_ network: NetworkDocument) {
        guard let nat = network.outboundNAT else { return }
        checkOnePerFamily(nat.addresses, what: "outboundNAT.addresses")
        if !nat.exceptions.isEmpty && !nat.destinations.isEmpty {
            fail("outboundNAT: 'exceptions' and 'destinations' exclude one another", at: nat.at)
        }
        let present = Set(network.subnets.map(\.prefix.value.family))
        if !present.isEmpty {
            if let address = nat.addresses.first, present.isDisjoint(with: nat.addresses.map(\.value.family)) {
                fail(
                    "outboundNAT: nothing leaves by \(address.value): Network/\(network.head.name) has no subnet of its family",
                    at: address.at)
            }
            if let families = nat.families, present.isDisjoint(with: families) {
                fail(
                    "outboundNAT: nothing is translated: Network/\(network.head.name) has no subnet of a family that "
                        + "'families' lists", at: nat.at)
            }
        }
        if let families = nat.families {
            for address in nat.addresses where !families.contains(address.value.family) {
                fail("outboundNAT: \(address.value) is not of a family that 'families' lists", at: address.at)
            }
        }
    }

    mutating func checkRoutes(_ routes: [RouteDocument], _ network: NetworkDocument) {
        for route in routes {
            if route.to.value.family != route.via.value.family {
                fail(
                    "route to \(route.to.value) cannot lead via \(route.via.value) of the other family",
                    at: route.via.at)
            } else if !network.subnets.contains(where: { $0.prefix.value.contains(route.via.value) }) {
                fail("next hop \(route.via.value) lies in no subnet of Network/\(network.head.name)", at: route.via.at)
            } else if network.type.value == .l2bridge, !Self.isGateway(route.via.value, network) {
                fail(
                    "next hop \(route.via.value) is none of Network/\(network.head.name): endpoints of type l2bridge reach others "
                        + "through the host alone; give the host a route to \(route.to.value)", at: route.via.at)
            } else if Self.isConnected(route), network.subnets.contains(where: { $0.prefix.value == route.to.value }) {
                fail(
                    "route to \(route.to.value), the subnet itself: the kernel makes that one with each address",
                    at: route.to.at)
            }
        }
        var seen: Set<String> = []
        for route in routes where !seen.insert("\(route.to.value) \(route.metric.map(String.init) ?? "")").inserted {
            fail("route to \(route.to.value) is given twice with the same metric", at: route.to.at)
        }
    }

    private static func isGateway(_ address: IPAddress, _ network: NetworkDocument) -> Bool {
        network.subnets.contains { $0.gateway?.value == address }
    }

    /// Whether a route has the metric of those that the kernel makes to the subnets of addresses.
    private static func isConnected(_ route: RouteDocument) -> Bool {
        switch route.to.value.family {
        case .ipv4: (route.metric ?? 0) == 0
        // IP6_RT_PRIO_USER where none is given, and IP6_RT_PRIO_ADDRCONF.
        case .ipv6: (route.metric ?? 1024) == 256
        }
    }

    /// Prefixes of different networks must not overlap; sorted, each is compared with those that may still reach it.
    mutating func checkOverlaps() {
        let (apart, shared) = documents.networks.reduce(
            into: ([[NetworkDocument]](), [NetworkDocument]())
        ) { parts, network in
            if network.type.value == .overlay { parts.0.append([network]) } else { parts.1.append(network) }
        }
        // Every overlay is a world of its own.
        for networks in [shared] + apart { checkOverlaps(networks) }
    }

    private mutating func checkOverlaps(_ networks: [NetworkDocument]) {
        let all = networks.flatMap { network in
            network.subnets.map { (network.head.name.text, $0.prefix) }
        }.sorted { ($0.1.value, $0.0) < ($1.1.value, $1.0) }
        var open: (name: String, prefix: Located<IPPrefix>)?
        for (name, prefix) in all {
            if let other = open, other.prefix.value.overlaps(prefix.value) {
                let whose = other.name == name ? "of the same network" : "of Network/\(other.name)"
                fail(
                    "prefix \(prefix.value) overlaps \(other.prefix.value) \(whose) (\(other.prefix.at))", at: prefix.at
                )
            } else {
                open = (name, prefix)
            }
        }
    }
}
