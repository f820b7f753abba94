internal import Addressing
internal import Model
internal import NetlinkCodec

extension ObservedLink {
    /// A link of the model from the kernel's message.
    init(_ message: LinkMessage) {
        self.init(
            index: message.index, name: message.name, kind: message.kind, isUp: message.isUp,
            isRunning: message.isRunning, resolvesNeighbours: message.resolvesNeighbours,
            isLoopback: message.isLoopback, mtu: Int(message.mtu), mac: message.mac, master: message.master,
            alias: message.alias, alternativeNames: message.alternativeNames.sorted(), peerIndex: message.link,
            peerNamespaceID: message.linkNamespaceID, addressGeneration: message.addressGeneration,
            bridge: message.bridge.map(BridgeOptions.init), port: message.port.map(PortOptions.init),
            forwards: message.port.map { $0.state == 3 }, vxlan: message.vxlan.map(VXLANOptions.init),
            vlan: message.vlan, tap: message.tun.flatMap(ObservedTap.init),
            macvlan: ["macvlan", "macvtap"].contains(message.kind)
                ? message.macvlan.flatMap { MacvlanMode($0.mode) } : nil,
            ipv4Settings: message.ipv4Settings,
            ipv6Settings: message.ipv6Settings,
            counters: LinkCounters(message.counters))
        if kind == "macvtap" { hearsAllGroups = message.hearsAllGroups }
    }
}

extension ObservedTap {
    /// A tap; nil for a device that takes packets without Ethernet headers.
    fileprivate init?(_ data: TunData) {
        guard data.isTap else { return nil }
        let options = TapOptions(
            owner: data.owner.map { Account(number: $0) }, group: data.group.map { Account(number: $0) },
            multiQueue: data.multiQueue)
        self.init(options: options, isPersistent: data.isPersistent)
    }
}

extension MacvlanMode {
    /// A mode; nil for one that is not known.
    fileprivate init?(_ mode: MacvlanData.Mode) {
        guard let known = Self.allCases.first(where: { $0.mode == mode }) else { return nil }
        self = known
    }

    var mode: MacvlanData.Mode {
        switch self {
        case .private: .private
        case .vepa: .vepa
        case .bridge: .bridge
        case .passthru: .passthru
        case .source: .source
        }
    }
}

extension LinkCounters {
    /// From the first eight numbers of `struct rtnl_link_stats64`.
    fileprivate init?(_ numbers: [UInt64]) {
        guard numbers.count >= 8 else { return nil }
        self.init(
            receivedPackets: numbers[0], receivedBytes: numbers[2], receivedDropped: numbers[6],
            sentPackets: numbers[1], sentBytes: numbers[3], sentDropped: numbers[7])
    }
}

extension BridgeOptions {
    init(_ data: BridgeData) {
        self.init(
            netfilterIPv4: data.netfilterIPv4 != 0, netfilterIPv6: data.netfilterIPv6 != 0,
            spanningTree: data.spanningTree != 0, multicastSnooping: data.multicastSnooping != 0,
            vlanFiltering: data.vlanFiltering.map { $0 != 0 }, groupForwardMask: data.groupForwardMask,
            linkLocalLearning: !data.noLinkLocalLearning)
    }

    var data: BridgeData {
        var data = BridgeData()
        data.netfilterIPv4 = netfilterIPv4 ? 1 : 0
        data.netfilterIPv6 = netfilterIPv6 ? 1 : 0
        data.spanningTree = spanningTree ? 1 : 0
        data.multicastSnooping = multicastSnooping ? 1 : 0
        data.vlanFiltering = vlanFiltering.map { $0 ? 1 : 0 }
        data.groupForwardMask = groupForwardMask
        data.noLinkLocalLearning = !linkLocalLearning
        return data
    }
}

extension PortOptions {
    init(_ data: PortData) {
        self.init(
            hairpin: data.hairpin, isolated: data.isolated, learning: data.learning, unicastFlood: data.unicastFlood,
            multicastFlood: data.multicastFlood, broadcastFlood: data.broadcastFlood, guarded: data.guarded,
            suppressesNeighbours: data.suppressesNeighbours, locked: data.locked,
            answersNeighbours: data.answersNeighbours, protectsRoot: data.protectsRoot,
            multicastToUnicast: data.multicastToUnicast)
    }

    var data: PortData {
        var data = PortData()
        data.hairpin = hairpin
        data.isolated = isolated
        data.learning = learning
        data.unicastFlood = unicastFlood
        data.multicastFlood = multicastFlood
        data.broadcastFlood = broadcastFlood
        data.guarded = guarded
        data.suppressesNeighbours = suppressesNeighbours
        data.locked = locked
        data.answersNeighbours = answersNeighbours
        data.protectsRoot = protectsRoot
        data.multicastToUnicast = multicastToUnicast
        return data
    }
}

extension VXLANOptions {
    init(_ data: VXLANData) {
        self.init(
            vni: data.identifier, local: data.local, port: data.port, learning: data.learning, limit: data.limit,
            ageing: data.ageing)
    }

    var data: VXLANData {
        VXLANData(
            local: local, identifier: vni, port: port, learning: learning, limit: limit, ageing: ageing)
    }
}

extension ObservedAddress {
    /// Not looked for among the local routes yet.
    init(_ message: AddressMessage, keepsBody: Bool) {
        self.init(
            link: message.link, address: message.address, isPermanent: message.isPermanent,
            isTentative: message.isTentative, isDeprecated: message.isDeprecated, origin: message.origin,
            body: keepsBody ? message.body : [])
    }
}

extension ObservedRoute {
    init(_ message: RouteMessage, keepsBody: Bool) {
        self.init(
            destination: message.destination, gateway: message.gateway, link: message.link, metric: message.metric,
            table: message.table, origin: message.origin, type: message.type,
            preferredSource: message.preferredSource,
            nextHopLinks: message.hasNextHopObject
                ? message.link.map { [$0] } ?? message.nextHopLinks : message.nextHopLinks,
            details: message.isSpecial ? RouteDetails(message) : nil, body: keepsBody ? message.body : [])
    }

    /// What the kernel keeps in table local for its own addresses, and routes it clones for single flows
    /// (`RTM_F_CLONED`), are not read into the model.
    static func matters(_ message: RouteMessage) -> Bool {
        (message.table != localTable || message.origin != kernel) && message.flags & 0x200 == 0
    }
}

extension RouteDetails {
    init(_ message: RouteMessage) {
        let words = (message.selector.isEmpty ? [] : [message.selector]) + message.specialties
        self.init(selector: message.selector, words: words.joined(separator: " "), body: message.body)
    }
}

extension ObservedNeighbour {
    /// Only what somebody set for good: permanent neighbours and proxies, static forwarding entries of bridges and
    /// permanent ones of VXLAN devices.
    init?(_ message: NeighbourMessage) {
        self.init(lasting: message)
        // NTF_EXT_LEARNED
        if message.flags & 0x10 != 0 { isExternal = true }
    }

    private init?(lasting message: NeighbourMessage) {
        let (permanent, noARP, proxy): (UInt16, UInt16, UInt8) = (0x80, 0x40, 8)
        if message.family == 7 {
            if let end = message.address {
                guard message.state & permanent != 0 else { return nil }
                self.init(link: message.link, address: nil, mac: message.mac, tunnelEnd: end)
                return
            }
            guard message.state & noARP != 0, message.state & permanent == 0 else { return nil }
            self.init(link: message.link, address: nil, mac: message.mac)
            return
        }
        guard let address = message.address else { return nil }
        if message.flags & proxy != 0 {
            self.init(
                link: message.link, address: address, mac: nil, isProxy: true,
                origin: message.origin == 0 ? nil : message.origin)
        } else {
            guard message.state & permanent != 0 else { return nil }
            self.init(link: message.link, address: address, mac: message.mac)
        }
    }
}

extension ObservedRule {
    init(_ message: RuleMessage) {
        self.init(family: message.family, words: message.words, body: message.body)
    }
}

extension ObservedQdisc {
    /// `filters` are those of the link where it is `ingress`.
    init(_ message: QdiscMessage, filters: [FilterMessage] = []) {
        let only = message.kind == "ingress" && filters.count == 1 ? filters.first?.redirect : nil
        self.init(
            link: message.link, parent: message.parent, kind: message.kind,
            bucket: message.bucket.map { TokenBucket(rate: $0.rate, burst: $0.burst, limit: $0.limit) }, redirect: only)
    }
}
