internal import Addressing
internal import Firewall
internal import JSON
internal import Model

extension ImportDrafter {
    /// A bridge with cards on it: taken over where it is named and set as bulkhead's own, else one of others.
    mutating func addNetwork(_ bridge: ObservedLink) -> ImportedNetwork? {
        let members = cards.filter { $0.bridge.index == bridge.index && limits.cards[$0.link.name] == nil }
            .filter { refusal(of: $0) == nil }
        let own = ownName(bridge)
        let reason = own == nil ? nil : foreignness(bridge, members)
        guard let name = names.choose(.network, own?.text ?? bridge.name) else { return nil }
        let isOwn = own != nil && reason == nil
        let subnets = subnets(bridge, members, isOwn: isOwn)
        let type = isOwn ? type(bridge, name, subnets, members) : .transparent
        let network = ImportedNetwork(name: name, bridge: bridge, type: type, isOwn: isOwn, subnets: subnets)
        draft.documents.append(
            ImportDraft.Document(
                id: ObjectID(.network, name), origin: .bridge(bridge.name), spec: spec(network),
                comments: comments(network, reason), isAdopted: isOwn))
        return network
    }

    /// The network whose bridge has this name.
    private func ownName(_ bridge: ObservedLink) -> ObjectName? {
        (bridge.alternativeNames + [bridge.name]).lazy.filter { $0.hasPrefix("bh-") }
            .compactMap { ObjectName($0.dropFirst(3)) }.first { Naming.bridge($0)?.interface.text == bridge.name }
    }

    /// Why a bridge that is named as bulkhead's cannot be taken over.
    private func foreignness(_ bridge: ObservedLink, _ members: [ImportedCard]) -> String? {
        if let reason = limits.foreign[bridge.name] { return reason }
        if bridge.bridge?.spanningTree ?? false { return "it has spanning tree on" }
        if bridge.bridge?.vlanFiltering ?? false { return "it filters VLANs" }
        if let mask = bridge.bridge?.groupForwardMask, mask != 0 { return "it has group_fwd_mask \(mask)" }
        let known = Set(members.map(\.link.index))
        if let port = host.ports(of: bridge).filter({ !known.contains($0.index) }).map(\.name).min() {
            return "\(port) is on it, too, which no manifest here declares and an apply would take off"
        }
        let own = host.addresses(of: bridge, in: host.state.host)
        if let address = own.first(where: { !$0.isPermanent || $0.address.peer != nil }) {
            return "its address \(address.address) is not for good"
        }
        let prefixes = Set(own.map(\.address.prefix))
        if prefixes.count < own.count { return "it has several addresses in one prefix" }
        if own.isEmpty && bridge.addressGeneration != 1 {
            return "the host has no address on it but its link-local one"
        }
        if let card = members.first(where: { card in
            !own.isEmpty && permanent(card).contains { !prefixes.contains($0.prefix) }
        }) {
            return "\(card.link.name) has an address in a prefix in which the host has none"
        }
        return nil
    }

    /// Prefixes of the host's addresses on the bridge, then those of its cards; of two that overlap, the first.
    private func subnets(_ bridge: ObservedLink, _ members: [ImportedCard], isOwn: Bool) -> [ImportedNetwork.Subnet] {
        let own = host.addresses(of: bridge, in: host.state.host).map(\.address)
        var prefixes: [IPPrefix] = []
        for address in own + members.flatMap(permanent) where address.peer == nil {
            if !prefixes.contains(where: { $0.overlaps(address.prefix) }) { prefixes.append(address.prefix) }
        }
        return prefixes.sorted().map { prefix in
            let gateway = isOwn ? own.first { $0.prefix == prefix }?.address : gateway(of: prefix, members)
            return ImportedNetwork.Subnet(prefix: prefix, gateway: gateway)
        }
    }

    /// Where most default routes of the cards lead that lead into a prefix. An endpoint is no gateway of its network: routes by
    /// one are written one by one.
    private func gateway(of prefix: IPPrefix, _ members: [ImportedCard]) -> IPAddress? {
        let endpoints = Set(members.flatMap(permanent).map(\.address))
        let ways = members.flatMap(routes).filter { $0.destination.isDefault && $0.hasPlainMetric }.compactMap(
            \.gateway
        )
        .filter { prefix.contains($0) && !endpoints.contains($0) }
        return Dictionary(grouping: ways) { $0 }.mapValues(\.count)
            .min { ($1.value, $0.key) < ($0.value, $1.key) }?.key
    }

    private func type(
        _ bridge: ObservedLink, _ name: ObjectName, _ subnets: [ImportedNetwork.Subnet], _ members: [ImportedCard]
    ) -> NetworkType {
        guard subnets.contains(where: { $0.gateway != nil }) else { return .private }
        let forwards =
            bridge.setting(family: "ipv4", key: "forwarding") == "1"
            || bridge.setting(family: "ipv6", key: "force_forwarding") == "1"
        let leavesBy = members.flatMap(routes).contains { $0.destination.isDefault }
        return forwards || leavesBy || isTranslatedByUs(name) ? .nat : .internal
    }

    /// Whether the rules of the scope translate what leaves a network of that name: it was bulkhead's before.
    private func isTranslatedByUs(_ name: ObjectName) -> Bool {
        host.firewall.table(.inet)?.chains.contains { $0.name == "outbound-\(name)" } ?? false
    }

    /// Rules of others that translate what leaves these prefixes, with the families that they are for.
    private func masquerades(_ network: ImportedNetwork) -> [(rule: ForeignTranslation, families: Set<AddressFamily>)] {
        host.translations.compactMap { rule in
            guard case .masquerades(let source, let family) = rule.effect else { return nil }
            let prefixes = network.subnets.map(\.prefix).filter { prefix in
                source.map { $0.contains(prefix) } ?? (family ?? prefix.family == prefix.family)
            }
            return prefixes.isEmpty ? nil : (rule, Set(prefixes.map(\.family)))
        }
    }

    private func spec(_ network: ImportedNetwork) -> JSONObject {
        var spec: JSONObject = ["type": .string(network.type.rawValue)]
        if !network.isOwn { spec["bridge"] = ["existing": .string(network.bridge.name)] }
        let subnets = network.subnets.map { subnet -> JSON in
            var members: JSONObject = ["prefix": .string("\(subnet.prefix)")]
            if let gateway = subnet.gateway { members["gateway"] = .string("\(gateway)") }
            return .object(members)
        }
        if !subnets.isEmpty { spec["subnets"] = .array(subnets) }
        guard network.isOwn else { return spec }
        if network.bridge.mtu != 1500 { spec["mtu"] = .int(Int64(network.bridge.mtu)) }
        guard network.type == .nat, !isTranslatedByUs(network.name) else { return spec }
        let translated = masquerades(network).reduce(into: Set<AddressFamily>()) { $0.formUnion($1.families) }
        let present = Set(network.subnets.map(\.prefix.family))
        if translated.isEmpty {
            spec["inbound"] = "routed"
            spec["outboundNAT"] = ["enabled": false]
        } else if translated != present {
            spec["outboundNAT"] = ["families": .array(translated.sorted().map { .string($0.rawValue) })]
        }
        return spec
    }

    private func comments(_ network: ImportedNetwork, _ reason: String?) -> [String] {
        let name = network.bridge.name
        let own = host.addresses(of: network.bridge, in: host.state.host).map { "\($0.address)" }
        let place = own.isEmpty ? "without an address of the host" : "with the host's \(own.joined(separator: ", "))"
        var lines = ["Bridge \(name), \(place)."]
        if network.name.text != name && !name.hasPrefix("bh-") {
            lines.append("Its name is none that a manifest could have.")
        }
        guard network.isOwn else { return lines + foreignComments(network, reason) }
        if !isTranslatedByUs(network.name), network.bridge.bridge?.netfilterIPv4 != true {
            lines.append(
                "TCP connections of its endpoints that are open when it is taken over end; new ones begin at once.")
        }
        if network.type == .nat, spec(network)["inbound"] == nil, !isTranslatedByUs(network.name) {
            lines.append("From outside only published ports reach its endpoints then; `inbound: routed` lets all in.")
        }
        for (rule, _) in masquerades(network) {
            lines += ["By hand: \(rule.text)", "  bulkhead does the same; when it is applied: \(rule.removal)"]
        }
        return lines
    }

    /// What stays with its owner, and how it is handed over.
    private func foreignComments(_ network: ImportedNetwork, _ reason: String?) -> [String] {
        let name = network.bridge.name
        var lines = ["It stays its owner's: bulkhead neither changes nor deletes it, its addresses and its settings."]
        lines.append(
            "TCP connections of its endpoints that are open now end where the host does not track them yet; new ones begin at once."
        )
        if let reason { lines.append("It cannot be taken over: \(reason).") }
        if network.bridge.bridge?.spanningTree ?? false { lines.append("Its spanning tree is no part of a manifest.") }
        if network.bridge.bridge?.vlanFiltering ?? false { lines.append("Its VLANs are no part of a manifest.") }
        lines += masquerades(network).map { "By hand, and stays so: \($0.rule.text)" }
        let known = Set(cards.map(\.link.index))
        let others = host.ports(of: network.bridge).filter { !known.contains($0.index) }.map(\.name).sorted()
        if !others.isEmpty { lines.append("Other ports, which stay: \(others.joined(separator: ", "))") }
        let hasAddress = !host.addresses(of: network.bridge, in: host.state.host).isEmpty
        if reason == nil, others.isEmpty, hasAddress, network.bridge.bridge?.spanningTree != true,
            let derived = Naming.bridge(network.name), derived.alternative == nil, ownName(network.bridge) == nil
        {
            lines += [
                "To hand it over with its addresses, NAT and published ports, give it the name that bulkhead's bridge",
                "has, and import again (rules that say \(name) have to say the other name, too):",
                "  ip link set dev \(name) name \(derived.interface)",
            ]
        }
        return lines
    }
}
