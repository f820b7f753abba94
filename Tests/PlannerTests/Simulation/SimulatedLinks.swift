import Addressing
import Firewall
import Model
import Planner

extension SimulatedHost {
    mutating func create(_ spec: LinkSpec) throws {
        let space = spec.reference.namespace
        guard var here = self[space] else { throw Failure.absent("namespace \(space)") }
        try Self.checkFree(spec.reference.name, in: here)
        var new = link(Self.freeIndex(here), spec.reference.name, in: here, isLoopback: false, isUp: false)
        new.mac = spec.mac ?? new.mac
        new.mtu = spec.mtu
        new.alias = spec.alias
        new.addressGeneration = spec.hasIPv6 ? spec.addressGeneration : nil
        if let name = spec.alternativeName {
            try Self.checkFree(name, in: here)
            new.alternativeNames = [name]
        }
        if let master = spec.master {
            guard let bridge = here.link(named: master) else { throw Failure.absent("link \(master)") }
            new.master = bridge.index
            new.port = spec.port ?? PortOptions(guarded: false)
        }
        new.isUp = spec.isUp
        guard case .veth(let peer) = spec.kind else {
            try Self.dress(&new, spec.kind, in: here)
            if case .macvlan(let lower, let mode) = spec.kind {
                guard let lower = state.host.link(named: lower) else { throw Failure.absent("link \(lower)") }
                let isTaken = ([state.host] + state.namespaces + held.values).contains { space in
                    space.links.contains { $0.kind == "macvlan" && $0.peerIndex == lower.index && $0.mac == new.mac }
                }
                // The kernel says so when it comes up.
                if isTaken { throw Failure.refused("\(lower.name) has a macvlan with that MAC") }
                (new.kind, new.macvlan, new.peerIndex, new.peerNamespaceID) = ("macvlan", mode, lower.index, 0)
            }
            here.links.append(new)
            self[space] = here
            return
        }
        guard space != peer.reference.namespace, var there = self[peer.reference.namespace] else {
            throw Failure.absent("namespace \(peer.reference.namespace)")
        }
        try Self.checkFree(peer.reference.name, in: there)
        var far = link(Self.freeIndex(there), peer.reference.name, in: there, isLoopback: false, isUp: false)
        far.kind = "veth"
        far.mac = peer.mac ?? far.mac
        far.mtu = peer.mtu
        (far.peerIndex, far.peerNamespaceID) = (new.index, 0)
        new.kind = "veth"
        (new.peerIndex, new.peerNamespaceID) = (far.index, there.namespaceID)
        there.links.append(far)
        here.links.append(new)
        self[space] = here
        self[peer.reference.namespace] = there
    }

    /// What links have that stand alone.
    private static func dress(_ new: inout ObservedLink, _ kind: LinkSpec.Kind, in here: ObservedNamespace) throws {
        switch kind {
        case .bridge(let options): (new.kind, new.bridge) = ("bridge", options)
        case .vxlan(let options): (new.kind, new.vxlan) = ("vxlan", options)
        case .ifb: new.kind = "ifb"
        case .vlan(let lower, let id):
            guard let lower = here.link(named: lower) else { throw Failure.absent("link \(lower)") }
            (new.kind, new.vlan, new.peerIndex) = ("vlan", id, lower.index)
        case .tap(let options): (new.kind, new.tap) = ("tun", ObservedTap(options: options, isPersistent: true))
        case .veth: new.kind = "veth"
        case .macvlan: break
        case .macvtap(let lower, let mode):
            guard let lower = here.link(named: lower) else { throw Failure.absent("link \(lower)") }
            (new.kind, new.macvlan, new.peerIndex) = ("macvtap", mode, lower.index)
            new.hearsAllGroups = true
        }
    }

    private static func checkFree(_ name: String, in space: ObservedNamespace) throws {
        guard !space.links.contains(where: { $0.name == name || $0.alternativeNames.contains(name) }) else {
            throw Failure.present("link \(name) in \(space.reference)")
        }
    }

    private static func freeIndex(_ space: ObservedNamespace) -> UInt32 { (space.links.map(\.index).max() ?? 0) + 1 }

    mutating func delete(_ link: LinkReference) throws {
        guard var space = self[link.namespace], let old = space.link(named: link.name) else {
            throw Failure.absent("link \(link)")
        }
        space.drop(old.index)
        self[link.namespace] = space
        if link.namespace == .host { dropMacvlans(on: old) }
        guard old.kind == "veth", let far = old.peerIndex else { return }
        let others = [state.host] + state.namespaces
        let other = others.first { other in
            other.reference != link.namespace
                && (link.namespace == .host ? other.namespaceID == old.peerNamespaceID : other.reference == .host)
        }
        guard let other else { return }
        try change(other.reference) { $0.drop(far) }
    }

    /// Macvlans go with what they stand on, and so do the chains on its hooks.
    private mutating func dropMacvlans(on lower: ObservedLink) {
        for link in state.host.links where link.kind == "macvtap" && link.peerIndex == lower.index {
            state.host.drop(link.index)
        }
        for place in state.namespaces.indices {
            let gone = state.namespaces[place].links.filter { $0.kind == "macvlan" && $0.peerIndex == lower.index }
            for link in gone { state.namespaces[place].drop(link.index) }
        }
        firewall.ruleset = firewall.ruleset.unhooked(from: [lower.name])
    }

    mutating func change(_ link: LinkReference, _ change: LinkChange) throws {
        if case .mtu(let mtu) = change { return try setMTU(mtu, of: link) }
        try withLink(link) { space, index in
            guard let place = space.links.firstIndex(where: { $0.index == index }) else { return }
            switch change {
            case .up(let isUp):
                guard space.links[place].isUp != isUp else { return }
                if !isUp { Self.takeDown(index, &space) }
                if isUp && space.links[place].isLoopback { space.addresses += Self.loopbackAddresses(index) }
                space.links[place].isUp = isUp
                Self.reconnect(index, &space)
            case .hearsAllGroups(let isOn): space.links[place].hearsAllGroups = isOn
            case .resolvesNeighbours(let isOn): space.links[place].resolvesNeighbours = isOn
            case .forwards: space.links[place].forwards = true
            case .name(let name):
                guard !space.links[place].isUp else { throw Failure.refused("\(link) is up") }
                try Self.checkFree(name, in: space)
                space.links[place].name = name
            case .mtu(let mtu): space.links[place].mtu = mtu
            case .mac(let mac): space.links[place].mac = mac
            case .master(let name): try Self.join(name, place, &space)
            case .alias(let alias): space.links[place].alias = alias.isEmpty ? nil : alias
            case .addAlternativeName(let name):
                try Self.checkFree(name, in: space)
                space.links[place].alternativeNames = (space.links[place].alternativeNames + [name]).sorted()
            case .removeAlternativeName(let name):
                try Self.removeFirst(&space.links[place].alternativeNames, name) { $0 == name }
            case .addressGeneration(let mode):
                guard IPv6Half.exists(mtu: space.links[place].mtu) else { throw Failure.refused("\(link) has no IPv6") }
                space.links[place].addressGeneration = mode
            case .macvlan(let mode), .macvtap(let mode): space.links[place].macvlan = mode
            case .bridge(var options):
                options.vlanFiltering = options.vlanFiltering ?? space.links[place].bridge?.vlanFiltering
                space.links[place].bridge = options
            case .port(let options):
                guard space.links[place].master != nil else { throw Failure.refused("\(link) is no port") }
                space.links[place].port = options
            }
        }
    }

    /// `addrconf_notify`: below 1280 all of IPv6 goes, and what comes above it is as on a new link.
    private mutating func setMTU(_ mtu: Int, of link: LinkReference) throws {
        guard let space = self[link.namespace], let old = space.link(named: link.name) else {
            throw Failure.absent("link \(link)")
        }
        let new = self.link(old.index, old.name, in: space, isLoopback: old.isLoopback)
        try withLink(link) { space, index in
            guard let place = space.links.firstIndex(where: { $0.index == index }) else { return }
            space.links[place].mtu = mtu
            let exists = IPv6Half.exists(mtu: mtu)
            guard IPv6Half.exists(mtu: old.mtu) != exists else { return }
            space.links[place].addressGeneration = exists ? new.addressGeneration : nil
            space.links[place].ipv6Settings = exists ? new.ipv6Settings : []
            space.addresses.removeAll { $0.link == index && $0.address.address.family == .ipv6 }
            space.routes.removeAll { $0.link == index && $0.destination.family == .ipv6 }
            space.neighbours.removeAll { $0.link == index && $0.address?.family == .ipv6 }
        }
    }

    private static func join(_ name: String?, _ place: Int, _ space: inout ObservedNamespace) throws {
        guard let name else {
            space.links[place].master = nil
            space.links[place].port = nil
            return
        }
        guard let bridge = space.link(named: name) else { throw Failure.absent("link \(name)") }
        guard bridge.index != space.links[place].master else { return }
        space.links[place].master = bridge.index
        space.links[place].port = PortOptions(guarded: false)
    }

    /// The kernel gives them when the loopback comes up.
    static func loopbackAddresses(_ index: UInt32) -> [ObservedAddress] {
        [("127.0.0.1", 8), ("::1", 128)].compactMap { text, length in
            IPAddress(text).flatMap { InterfaceAddress(address: $0, length: length) }.map {
                ObservedAddress(link: index, address: $0)
            }
        }
    }

    /// Routes go with a link that goes down, and addresses of IPv6; with the loopback all of them.
    private static func takeDown(_ index: UInt32, _ space: inout ObservedNamespace) {
        space.routes.removeAll { $0.link == index }
        let isLoopback = space.link(index: index)?.isLoopback ?? false
        space.addresses.removeAll { $0.link == index && (isLoopback || $0.address.address.family == .ipv6) }
    }
}
