internal import Addressing
internal import Model

/// What separates a link from its specification: changes, the changes that undo them, and words for both.
struct LinkDifference {
    var changes: [LinkChange] = []
    var inverse: [LinkChange] = []
    var before: [Property] = []
    var after: [Property] = []
    /// Whether a change interrupts traffic for a moment.
    var isDisruptive = false

    var isEmpty: Bool { changes.isEmpty }
    /// Whether the IPv6 half goes with the MTU.
    var losesIPv6 = false
    /// Whether nothing passes any more afterwards.
    var switchesOff: Bool { changes.contains(.up(false)) && !changes.contains(.up(true)) }
    /// `mtu 1500 → 1400, state down → up`.
    var words: String {
        zip(before, after).map {
            "\($0.name) \($0.value.isEmpty ? "none" : $0.value) → \($1.value.isEmpty ? "none" : $1.value)"
        }
        .joined(separator: ", ")
    }

    mutating func note<Value: Equatable>(
        _ name: String, _ old: Value, _ new: Value, disruptive: Bool = false, words: (Value) -> String,
        change: (Value) -> LinkChange
    ) {
        guard old != new else { return }
        changes.append(change(new))
        // Undone in reverse order.
        inverse.insert(change(old), at: 0)
        before.append(Property(name, words(old)))
        after.append(Property(name, words(new)))
        isDisruptive = isDisruptive || disruptive
    }

    /// Compares a link of the host with its specification. A port that has a carrier takes part in its bridge as long
    /// as that is up (`isBridgeUp`).
    init(_ link: ObservedLink, _ spec: LinkSpec, masterName: String?, isBridgeUp: Bool = false, isUp: Bool) {
        note("alias", link.alias ?? "", spec.alias, words: { $0 }, change: { .alias($0) })
        compareAlternativeNames(link, spec.alternativeName)
        note("mtu", link.mtu, spec.mtu, words: { String($0) }, change: { .mtu($0) })
        if let mac = spec.mac, let old = link.mac {
            note("mac", old, mac, disruptive: true, words: { $0.description }, change: { .mac($0) })
        }
        note("bridge", masterName, spec.master, disruptive: true, words: { $0 ?? "" }, change: { .master($0) })
        noteAddressGeneration(link, spec)
        if case .bridge(let options) = spec.kind, let old = link.bridge {
            // A kernel without VLAN filtering refuses even "off", so it is written only where it changes.
            let filters = old.vlanFiltering != options.vlanFiltering
            note(
                "bridge options", old, options, words: { $0.words },
                change: { .bridge(filters ? $0 : $0.withoutVLANFiltering) })
        }
        // The port's attributes are the bridge's: a card that joins one gets them all.
        if let port = spec.port {
            let old = masterName == spec.master ? link.port : nil
            if let old {
                note("port options", old, port, words: { $0.words }, change: { .port($0) })
            } else {
                changes.append(.port(port))
                if let previous = link.port, masterName != nil { inverse.append(.port(previous)) }
            }
        }
        // On an ifb nobody is asked for; the kernel makes it so.
        if spec.kind != .ifb { noteNeighbours(link) }
        if isBridgeUp, link.isRunning, masterName == spec.master, isUp, link.forwards == false {
            // The kernel takes the old state, too, but nobody wants it back.
            changes.append(.forwards)
            before.append(Property("port state", "blocked"))
            after.append(Property("port state", "forwarding"))
        }
        note("state", link.isUp, isUp, disruptive: link.isUp, words: { $0 ? "up" : "down" }, change: { .up($0) })
        // An IPv6 half that comes while the link is up makes itself a link-local address at once.
        if spec.addressGeneration == Self.noAddresses, link.isUp, isUp {
            if link.regainsIPv6(mtu: spec.mtu) {
                changes = [.up(false)] + changes + [.up(true)]
                // Where one of these is refused in the middle the link is down.
                inverse.append(.up(true))
                isDisruptive = true
            }
            if losesIPv6 { inverse = [.up(false)] + inverse + [.up(true)] }
        }
    }

    /// `IN6_ADDR_GEN_MODE_NONE`.
    private static let noAddresses: UInt8 = 1

    private mutating func noteAddressGeneration(_ link: ObservedLink, _ spec: LinkSpec) {
        let words = { (mode: UInt8) in mode == 0 ? "eui64" : mode == 1 ? "none" : "\(mode)" }
        guard spec.hasIPv6 else { return noteLoss(link, mtu: spec.mtu) }
        if let old = link.addressGeneration {
            note("addr_gen_mode", old, spec.addressGeneration, words: words, change: { .addressGeneration($0) })
        } else if link.regainsIPv6(mtu: spec.mtu) {
            changes.append(.addressGeneration(spec.addressGeneration))
            before.append(Property("addr_gen_mode", "unset"))
            after.append(Property("addr_gen_mode", words(spec.addressGeneration)))
        }
    }

    /// Below 1280 the mode goes with the rest of IPv6, and comes back by the way back alone.
    private mutating func noteLoss(_ link: ObservedLink, mtu: Int) {
        guard link.losesIPv6(mtu: mtu), let old = link.addressGeneration else { return }
        losesIPv6 = true
        inverse.append(.addressGeneration(old))
    }

    private mutating func noteNeighbours(_ link: ObservedLink) {
        note(
            "arp", link.resolvesNeighbours, true, words: { $0 ? "on" : "off" }, change: { .resolvesNeighbours($0) })
    }

    /// Compares the inner end of a card, which is a port of nothing in there (`masterName`) and has no other name.
    init(inner link: ObservedLink, _ spec: PeerSpec, masterName: String?) {
        note("alias", link.alias ?? "", "", words: { $0 }, change: { .alias($0) })
        compareInner(link, mac: spec.mac, mtu: spec.mtu, masterName: masterName)
    }

    /// What cards in compartments have in common; `others` are those of its kind.
    mutating func compareInner(
        _ link: ObservedLink, mac: MACAddress?, mtu: Int, masterName: String?,
        others: (inout LinkDifference) -> Void = { _ in }
    ) {
        compareAlternativeNames(link, nil)
        note("bridge", masterName, nil, disruptive: true, words: { $0 ?? "" }, change: { .master($0) })
        note("mtu", link.mtu, mtu, words: { String($0) }, change: { .mtu($0) })
        if let mac, let old = link.mac {
            note("mac", old, mac, disruptive: true, words: { $0.description }, change: { .mac($0) })
        }
        others(&self)
        noteLoss(link, mtu: mtu)
        noteNeighbours(link)
        note("state", link.isUp, true, words: { $0 ? "up" : "down" }, change: { .up($0) })
    }

    private mutating func compareAlternativeNames(_ link: ObservedLink, _ wanted: String?) {
        for name in link.alternativeNames where name != wanted {
            noteName(name, "", change: .removeAlternativeName(name), undo: .addAlternativeName(name))
        }
        guard let name = wanted, !link.alternativeNames.contains(name) else { return }
        noteName("", name, change: .addAlternativeName(name), undo: .removeAlternativeName(name))
    }

    private mutating func noteName(_ old: String, _ new: String, change: LinkChange, undo: LinkChange) {
        changes.append(change)
        inverse.insert(undo, at: 0)
        before.append(Property("alternative name", old))
        after.append(Property("alternative name", new))
    }
}

extension BridgeOptions {
    /// Leaves VLAN filtering as it is.
    fileprivate var withoutVLANFiltering: BridgeOptions {
        var options = self
        options.vlanFiltering = nil
        return options
    }

    var words: String {
        func word(_ value: Bool) -> String { value ? "1" : "0" }
        return "nf_call_iptables \(word(netfilterIPv4)) nf_call_ip6tables \(word(netfilterIPv6)) "
            + "stp \(word(spanningTree)) mcast_snooping \(word(multicastSnooping)) "
            + "vlan_filtering \(word(vlanFiltering ?? false)) group_fwd_mask \(groupForwardMask) "
            + "no_linklocal_learn \(word(!linkLocalLearning))"
    }
}

extension PortOptions {
    var words: String {
        func word(_ value: Bool) -> String { value ? "on" : "off" }
        return "hairpin \(word(hairpin)) isolated \(word(isolated)) learning \(word(learning)) "
            + "flood \(word(unicastFlood)) mcast_flood \(word(multicastFlood)) bcast_flood \(word(broadcastFlood)) "
            + (["guard \(word(guarded))"] + rare.filter(\.isOn).map { "\($0.name) on" }).joined(separator: " ")
    }

    /// What is off on nearly all ports.
    private var rare: [(name: String, isOn: Bool)] {
        [
            ("neigh_suppress", suppressesNeighbours), ("locked", locked), ("proxy_arp", answersNeighbours),
            ("root_block", protectsRoot), ("mcast_to_unicast", multicastToUnicast),
        ]
    }
}
