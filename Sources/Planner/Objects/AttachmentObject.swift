internal import Addressing
internal import Firewall
public import Model

/// Finds the interfaces that join networks to physical ones.
struct AttachmentSearch {
    private let observed: ObservedState
    private let byName: [String: ObservedLink]
    private let byIndex: [UInt32: ObservedLink]

    init(_ observed: ObservedState) {
        self.observed = observed
        let links = observed.host.links
        byName = Dictionary(links.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        byIndex = Dictionary(links.map { ($0.index, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// What came of looking for one.
    enum Outcome {
        case found(ObservedLink)
        /// Why there is none, and what to do.
        case missing(String)

        /// The interface.
        var link: ObservedLink? {
            switch self {
            case .found(let link): link
            case .missing: nil
            }
        }
    }

    /// The interface behind a network; nil for one that is joined to nothing.
    func find(_ network: Network) -> Outcome? {
        switch network.attachment {
        case nil: return nil
        case .existingBridge: return bridge(network)
        case .uplinkPort(let uplink): return observed.isAssumed ? .found(assumed(uplink)) : self.uplink(uplink, network)
        case .macvlan(let ground): return observed.isAssumed ? .found(assumed(ground.uplink)) : stem(ground, network)
        case .vlan(let vlan): return observed.isAssumed ? .found(assumed(vlan.uplink)) : carrier(vlan, network)
        case .routed(let uplink): return observed.isAssumed ? .found(assumed(uplink)) : way(uplink, network)
        }
    }

    private func bridge(_ network: Network) -> Outcome {
        let name = network.bridge.text
        if observed.isAssumed { return .found(ObservedLink(index: 0, name: name, kind: "bridge")) }
        guard let link = byName[name] else {
            return .missing(
                "the bridge \(name) is not there; `bridge: {existing}` names one that somebody else makes, so make it first "
                    + "(`ip link add \(name.shellWord) type bridge`), or name another")
        }
        guard link.kind == "bridge" else {
            return .missing("\(name) is no bridge; `bridge: {existing}` must name one")
        }
        if let mark = link.mark {
            return .missing(
                "\(name) is the bridge of \(mark.owner) of scope \(mark.scope); `bridge: {existing}` is for bridges of others"
            )
        }
        var intended = link
        intended.mtu = observed.undraggedMTU(of: link)
        return .found(intended)
    }

    private func uplink(_ uplink: Uplink, _ network: Network) -> Outcome {
        switch uplink.selector {
        case .interface(let name):
            guard let link = byName[name.text] else {
                if let bridge = byName[network.bridge.text], let port = observed.host.uplinkPort(of: bridge) {
                    let other = port.name.terminalSafe
                    return .missing(
                        "the uplink \(name) is not there; \(network.bridge) stands for \(other), so if it was renamed, give it back "
                            + "its name (`ip link set \(port.name.shellWord) name \(name.text.shellWord)`), or write the new one into the manifest"
                    )
                }
                return .missing("the uplink \(name) is not there; name another (`ip link show`)")
            }
            return usable(link)
        case .mac(let mac):
            let found = observed.host.links.filter { $0.mac == mac && $0.mark == nil && !$0.isDerived }
            guard let first = found.first else {
                return .missing("no interface has the MAC \(mac) (`ip link show`)")
            }
            guard found.count == 1 else {
                let names = found.map(\.name.terminalSafe).sorted().joined(separator: ", ")
                return .missing("the MAC \(mac) is that of \(names); choose one with 'interface'")
            }
            return usable(first)
        case .defaultRoute:
            guard let link = defaultRouteLink() else {
                return .missing("the host has no default route; say which interface it is with 'interface' or 'mac'")
            }
            return usable(link)
        }
    }

    /// The interface of a VLAN, which has to be up: the kernel sets no VLAN up before.
    private func carrier(_ vlan: VLAN, _ network: Network) -> Outcome {
        let outcome = uplink(vlan.uplink, network)
        guard case .found(let link) = outcome else { return outcome }
        let name = link.name.terminalSafe
        if !(observed.features.vlans ?? true) {
            return .missing(
                "this kernel has no VLANs; load the module (`modprobe 8021q`), boot one with CONFIG_VLAN_8021Q, or leave 'vlan' out"
            )
        }
        if !link.isUp {
            return .missing("the uplink \(name) is down, and its VLANs with it; set it up (`ip link set \(name) up`)")
        }
        let other = observed.host.links.first {
            $0.kind == "vlan" && $0.lower == link.index && $0.vlan == vlan.id && $0.mark == nil
        }
        if let other {
            return .missing(
                "VLAN \(vlan.id) of \(name) is \(other.name.terminalSafe), which is not bulkhead's; delete it "
                    + "(`ip link delete \(other.name.terminalSafe)`), or use it: `uplink: {interface: \(other.name.terminalSafe)}` "
                    + "without 'vlan'")
        }
        return outcome
    }

    /// The interface of macvlans, or that of the VLAN that they stand on.
    private func stem(_ ground: Ground, _ network: Network) -> Outcome {
        let outcome: Outcome
        switch ground {
        case .uplink(let uplink): outcome = self.uplink(uplink, network)
        case .vlan(let vlan): outcome = carrier(vlan, network)
        }
        guard case .found(let link) = outcome else { return outcome }
        if !(observed.features.macvlans ?? true) {
            return .missing(
                "this kernel has no macvlans; load the module (`modprobe macvlan`), boot one with CONFIG_MACVLAN, or use "
                    + network.bridgeWords)
        }
        guard let vlan = ground.vlan else { return stem(link) ?? outcome }
        return byName[vlan.device.text].flatMap(strangers(on:)) ?? outcome
    }

    /// Why an interface takes no macvlans: it stays the host's, and takes nothing else that wants it for itself.
    private func stem(_ link: ObservedLink) -> Outcome? {
        let (name, word) = (link.name.terminalSafe, link.name.shellWord)
        if let index = link.master, let master = byIndex[index] {
            let bridge = master.name.terminalSafe
            let cure =
                master.mark.map { "apply once without \($0.owner), so that the host gets it back" }
                ?? "take it off (`ip link set \(word) nomaster`)"
            return .missing(
                "\(name) belongs to \(bridge), and the kernel makes no macvlans on such an interface; use another uplink, or \(cure)"
            )
        }
        if !link.isUp {
            return .missing(
                "the uplink \(name) is down, and its macvlans with it; set it up (`ip link set \(word) up`)")
        }
        return strangers(on: link)
    }

    /// Macvlans of others, which endpoints would meet.
    private func strangers(on link: ObservedLink) -> Outcome? {
        let others = observed.host.links.filter {
            $0.lower == link.index && $0.mark == nil && ["macvlan", "macvtap", "ipvlan", "ipvtap"].contains($0.kind)
        }
        guard let other = others.min(by: { $0.name < $1.name }) else { return nil }
        return .missing(
            "\(link.name.terminalSafe) carries the \(other.kind) \(other.name.terminalSafe), which is not bulkhead's; endpoints would meet it, and "
                + "what it sends would be dropped as forged: delete it (`ip link delete \(other.name.shellWord)`), or use another "
                + "uplink")
    }

    /// The interface by which the host is on the physical network itself: it answers for endpoints there.
    private func way(_ uplink: Uplink, _ network: Network) -> Outcome {
        let outcome = self.uplink(uplink, network)
        guard case .found(let link) = outcome else { return outcome }
        let name = link.name.terminalSafe
        if let master = link.master.flatMap({ byIndex[$0] }) {
            return .missing(
                "the uplink \(name) is a port of \(master.name.terminalSafe), and the host answers for nobody by a port; name an "
                    + "interface that is none, or take it off (`ip link set \(link.name.shellWord) nomaster`)")
        }
        if !link.isUp {
            return .missing("the uplink \(name) is down; set it up (`ip link set \(link.name.shellWord) up`)")
        }
        return outcome
    }

    private func usable(_ link: ObservedLink) -> Outcome {
        let name = link.name.terminalSafe
        if link.isLoopback { return .missing("\(name) is the loopback, which leads to no physical network") }
        if let mark = link.mark {
            return .missing(
                "\(name) is a \(link.kind.terminalSafe) of \(mark.owner) of scope \(mark.scope), and no uplink")
        }
        if link.kind == "bridge" {
            return .missing(
                "\(name) is a bridge, which cannot be a port of another one; use `bridge: {existing: \(name)}`")
        }
        return .found(link)
    }

    /// The link of the default route: IPv4 first, the lowest metric. Where it is a bridge of ours, its uplink.
    private func defaultRouteLink() -> ObservedLink? {
        for family in AddressFamily.allCases {
            let best = observed.host.routes.filter { route in
                route.destination.isDefault && route.destination.family == family && route.type == 1
                    && route.table == 254 && route.link != nil
            }.min { ($0.metric, $0.link ?? 0) < ($1.metric, $1.link ?? 0) }
            guard let index = best?.link, let link = byIndex[index] else { continue }
            return link.mark == nil ? link : observed.host.uplinkPort(of: link) ?? link
        }
        return nil
    }

    /// Where nobody looked, the interface is as it usually is.
    private func assumed(_ uplink: Uplink) -> ObservedLink {
        switch uplink.selector {
        case .interface(let name): ObservedLink(index: 0, name: name.text)
        case .mac(let mac): ObservedLink(index: 0, name: "uplink", mac: mac)
        case .defaultRoute: ObservedLink(index: 0, name: "uplink")
        }
    }
}

extension ObservedLink {
    /// Whether it lies on another link of the host and has its MAC from there.
    var isDerived: Bool { ["bridge", "vlan", "macvlan", "macvtap", "ipvlan", "ipvtap"].contains(kind) }
}

extension ObservedState {
    /// The MTU that somebody else's bridge has but for what was done to cards of ours.
    ///
    /// A bridge whose MTU nobody set follows its smallest port (`br_mtu_auto_adjust`). Where that is a card of ours which
    /// somebody made smaller, the bridge has only been dragged along, and the other cards must not follow. That it was
    /// made smaller is known by other cards of ours, or by its other end.
    fileprivate func undraggedMTU(of bridge: ObservedLink) -> Int {
        let ports = host.links.filter { $0.master == bridge.index }
        let own = ports.filter { $0.mark != nil }
        guard own.contains(where: { $0.mtu == bridge.mtu }) else { return bridge.mtu }
        let limit = ports.filter { $0.mark == nil }.map(\.mtu).min()
        let spaces = Dictionary(
            namespaces.compactMap { space in space.namespaceID.map { ($0, space) } },
            uniquingKeysWith: { first, _ in first })
        // An endpoint may have a larger MTU than its network.
        let ends = own.compactMap { port in
            port.peerNamespaceID.flatMap { spaces[$0] }.flatMap { port.peerIndex.flatMap($0.link(index:)) }?.mtu
        }.filter { $0 <= limit ?? bridge.mtu }
        let intended = (own.map(\.mtu) + ends).max() ?? bridge.mtu
        return max(bridge.mtu, min(intended, limit ?? intended))
    }
}

extension ObservedNamespace {
    /// The interface for which a bridge of ours stands: the port whose MAC it has. Other bridges of ours have one of
    /// their own.
    func uplinkPort(of bridge: ObservedLink) -> ObservedLink? {
        guard bridge.mark != nil, bridge.kind == "bridge", let mac = bridge.mac else { return nil }
        return links.first { $0.master == bridge.index && $0.mark == nil && $0.mac == mac }
    }
}

extension Context {
    /// The interface that is the port of a network's own bridge.
    func uplink(_ network: Network) -> ObservedLink? {
        switch network.attachment {
        case nil, .existingBridge, .vlan, .macvlan, .routed: nil
        case .uplinkPort: attached[network.metadata.name]
        }
    }

    /// The interfaces of macvlans, by network.
    func macvlanUplinks() -> [ObjectName: HostFacts.Uplink] {
        Dictionary(
            desired.networks.filter(\.isMacvlan).compactMap { network in
                grounds[network.metadata.name].map {
                    (
                        network.metadata.name,
                        HostFacts.Uplink(name: $0.name, mac: $0.mac, isEndpointsAlone: network.vlan != nil)
                    )
                }
            }, uniquingKeysWith: { first, _ in first })
    }

    /// Settings of a bridge that stands for an interface: those of the interface, as they are and as this plan leaves
    /// them.
    func uplinkSettings(_ network: Network, _ uplink: ObservedLink) -> [(path: String, value: String)] {
        let restored = restoredOriginals().map { ($0.path, $0.value) }
        let changed = Dictionary(
            restored + sharedSettings().map { ($0.path, $0.value) }, uniquingKeysWith: { _, last in last })
        return DeviceSetting.restored.compactMap { setting in
            guard setting.family == "ipv4" || observed.features.ipv6,
                let value = changed["net/\(setting.family)/conf/\(uplink.name)/\(setting.key)"]
                    ?? uplink.setting(family: setting.family, key: setting.key)
            else { return nil }
            return ("net/\(setting.family)/conf/\(network.bridge)/\(setting.key)", value)
        }
    }

    /// Bridges of other scopes that stand for an interface of the host.
    func otherShared() -> [String] {
        observed.host.links.filter { link in
            link.mark.map { $0.scope != desired.scope } ?? false && observed.host.uplinkPort(of: link) != nil
        }.map(\.name).sorted()
    }

    /// The uplinks of networks that have their own bridge, by network.
    func uplinkPorts() -> [ObjectName: String] {
        Dictionary(
            desired.networks.compactMap { network in
                (network.portVLAN?.device.text ?? uplink(network)?.name).map { (network.metadata.name, $0) }
            }, uniquingKeysWith: { first, _ in first })
    }

    /// The interface by which the host is on the physical network that it routes a network to, by network.
    func routedUplinks() -> [ObjectName: String] {
        Dictionary(
            desired.networks.filter(\.isRouted).compactMap { network in
                attached[network.metadata.name].map { (network.metadata.name, $0.name) }
            }, uniquingKeysWith: { first, _ in first })
    }

    /// Their MACs, which the networks' bridges have; that of a VLAN has its own.
    func uplinkMACs() -> [ObjectName: MACAddress] {
        Dictionary(
            desired.networks.compactMap { network in
                (network.portVLAN == nil ? uplink(network)?.mac : network.mac).map { (network.metadata.name, $0) }
            }, uniquingKeysWith: { first, _ in first })
    }
}

extension Reads {
    /// Whether what lies on the host's links may have to be made again elsewhere: an uplink is taken or given back.
    public static func mayMove(_ desired: DesiredState, _ links: [ObservedLink]) -> Bool {
        let isWanted = desired.networks.contains { network in
            switch network.attachment {
            case nil, .existingBridge, .vlan, .macvlan, .routed: false
            case .uplinkPort: true
            }
        }
        if isWanted { return true }
        let bridges = Set(links.filter { $0.mark != nil && $0.kind == "bridge" }.map(\.index))
        return !bridges.isEmpty && links.contains { $0.mark == nil && $0.master.map(bridges.contains) ?? false }
    }
}
