internal import Addressing
internal import Firewall
internal import JSON
internal import Model

extension ImportDrafter {
    typealias Member = (card: ImportedCard, network: ImportedNetwork)

    /// The document of a namespace, and those of its cards.
    mutating func compartmentDocuments(_ members: [Member]) {
        guard let first = members.first?.card,
            let name = names.choose(.compartment, host.compartmentName(first) ?? first.spaceName)
        else { return }
        let members = members.sorted { $0.card.inner.name < $1.card.inner.name }
        var spec: JSONObject = [:]
        if !first.isOwned {
            spec["namespace"] = ["path": .string(first.space.reference.text)]
        } else if name.text != first.spaceName {
            spec["namespace"] = ["name": .string(first.spaceName)]
        }
        if first.isOwned, let dns = host.nameServers(first) { spec["dns"] = .object(dns) }
        let settings = members.flatMap { kept($0.card) }
        if !settings.isEmpty {
            spec["sysctls"] = .object(JSONObject(settings.map { .init(key: $0.key, value: .string($0.value)) }))
        }
        var lines = ["Namespace \(first.spaceName)."]
        if !first.isOwned { lines.append("It stays its owner's: of it, only the cards below are bulkhead's.") }
        if name.text != first.spaceName && host.compartmentName(first) == nil {
            lines.append("Its name is none that a manifest could have, or is taken.")
        }
        lines += strangers(in: first.space, beside: members)
        draft.documents.append(
            ImportDraft.Document(
                id: ObjectID(.compartment, name), origin: .namespace(first.space.reference), spec: spec, comments: lines
            ))
        for member in members { endpointDocument(member, compartment: name, isOnly: members.count == 1) }
    }

    /// Whether a namespace sends on what comes from others.
    private func isRouter(_ space: ObservedNamespace) -> Bool {
        let links = space.links.filter { !$0.isLoopback && $0.isUp }
        return links.count > 1
            && links.contains { link in
                link.setting(family: "ipv4", key: "forwarding") == "1"
                    || link.setting(family: "ipv6", key: "forwarding") == "1"
            }
    }

    /// Settings of a card that an apply would switch off and that carry traffic: forwarding of a router, and router
    /// advertisements where there is something from them.
    private func kept(_ card: ImportedCard) -> [(key: String, value: String)] {
        // As sysctl(8) writes names with dots.
        let name = card.inner.name.split(separator: ".", omittingEmptySubsequences: false).joined(separator: "/")
        var result: [(String, String)] = []
        func keep(_ family: String, _ key: String) {
            guard let value = card.inner.setting(family: family, key: key), value != "0" else { return }
            result.append(("net.\(family).conf.\(name).\(key)", value))
        }
        if isRouter(card.space) {
            keep("ipv4", "forwarding")
            keep("ipv6", "forwarding")
        }
        let isAdvertised =
            card.space.routes.contains { $0.link == card.inner.index && $0.origin == 9 }
            || host.addresses(of: card.inner, in: card.space).contains { !$0.isPermanent }
        if isAdvertised { keep("ipv6", "accept_ra") }
        return result
    }

    /// What else is in a namespace, and is nobody's manifest.
    private func strangers(in space: ObservedNamespace, beside members: [Member]) -> [String] {
        let known = Set(members.map(\.card.inner.index))
        let others = space.links.filter { !$0.isLoopback && !known.contains($0.index) && !$0.isIdleTunnel }
        return others.sorted { $0.name < $1.name }.map { "Not in a manifest: \($0.words)." }
    }

    private mutating func endpointDocument(_ member: Member, compartment: ObjectName, isOnly: Bool) {
        let (card, network) = member
        guard let name = endpointName(card) else { return }
        var spec: JSONObject = [
            "network": .string(network.name.text), "compartment": .string(compartment.text),
            "interface": .string(card.inner.name),
        ]
        if Naming.port(name)?.interface.text != card.link.name { spec["hostInterface"] = .string(card.link.name) }
        if let mac = card.inner.mac { spec["mac"] = .string("\(mac)") }
        let addresses = permanent(card)
        spec["addresses"] = .array(addresses.map { .string("\($0.address)") })
        if isRouter(card.space) { spec["antiSpoof"] = false }
        addRoutes(&spec, card, network, addresses, isOnly: isOnly)
        if card.inner.mtu != network.bridge.mtu { spec["mtu"] = .int(Int64(card.inner.mtu)) }
        if !card.link.isUp { spec["enabled"] = false }
        let published = published(card, network)
        if !published.mappings.isEmpty { spec["portMappings"] = .array(published.mappings) }
        var lines = ["Veth \(card.link.name), \(card.inner.name) in the namespace."]
        if let alias = card.link.alias, !alias.isEmpty {
            lines.append("Its alias gives way to bulkhead's mark: \(alias)")
        }
        if isRouter(card.space) {
            lines.append("Its namespace forwards, so other sources than its own are let through.")
        }
        lines += advertised(card)
        draft.documents.append(
            ImportDraft.Document(
                id: ObjectID(.endpoint, name), origin: .card(card.link.name), spec: spec,
                comments: lines + published.comments, isAdopted: true))
    }

    /// That of its host side where this is named as bulkhead's, else that of the namespace.
    private mutating func endpointName(_ card: ImportedCard) -> ObjectName? {
        let own = (card.link.alternativeNames + [card.link.name]).lazy.filter { $0.hasPrefix("ep-") }
            .compactMap { ObjectName($0.dropFirst(3)) }.first { Naming.port($0)?.interface.text == card.link.name }
        if let own { return names.choose(.endpoint, own.text) }
        let isOnly = cards.count { $0.space.reference == card.space.reference } == 1
        return names.choose(.endpoint, isOnly ? card.spaceName : "\(card.spaceName)-\(card.inner.name)")
    }

    /// Default routes as the network gives them, or else all routes one by one.
    private func addRoutes(
        _ spec: inout JSONObject, _ card: ImportedCard, _ network: ImportedNetwork, _ addresses: [InterfaceAddress],
        isOnly: Bool
    ) {
        let routes = routes(of: card)
        let defaults = routes.filter { $0.destination.isDefault && $0.hasPlainMetric }
        let given = network.gateways(addresses)
        let isGiven = !given.isEmpty && Set(defaults.compactMap(\.gateway)) == given
        if isGiven != isOnly || (!isGiven && !given.isEmpty) { spec["defaultRoute"] = .bool(isGiven) }
        if given.isEmpty && network.subnets.allSatisfy({ $0.gateway == nil }) { spec["defaultRoute"] = nil }
        let others = routes.filter { route in !(isGiven && defaults.contains(route)) }
        guard !others.isEmpty else { return }
        spec["routes"] = .array(
            others.map { route in
                var entry: JSONObject = [
                    "to": .string("\(route.destination)"), "via": .string(route.gateway.map { "\($0)" } ?? ""),
                ]
                if !route.hasPlainMetric { entry["metric"] = .int(Int64(route.metric)) }
                return .object(entry)
            })
    }

    private func advertised(_ card: ImportedCard) -> [String] {
        let learned = host.addresses(of: card.inner, in: card.space).filter { !$0.isPermanent }
        return learned.isEmpty
            ? []
            : ["By router advertisements, which it keeps: \(learned.map { "\($0.address)" }.joined(separator: ", "))"]
    }

    /// Ports that rules of others publish for a card: as mappings where its network has such, else in words.
    private func published(_ card: ImportedCard, _ network: ImportedNetwork) -> (mappings: [JSON], comments: [String]) {
        let own = permanent(card).map(\.address)
        let isMixed = Set(own.map(\.family)).count > 1
        var (mappings, lines) = ([JSON](), [String]())
        if network.isOwn && network.type == .nat && limits.unpublished[card.link.name] == nil {
            mappings = ownRules.mappings(to: own)
        }
        for rule in host.translations {
            guard case .publishes(let transport, let ports, let address, let target, let targets) = rule.effect,
                own.contains(target)
            else { continue }
            guard network.isOwn && network.type == .nat, limits.unpublished[card.link.name] == nil else {
                let reason = limits.unpublished[card.link.name].map { " (\($0))" } ?? ""
                lines += [
                    "Published by hand, and stays so\(reason): \(rule.text)",
                    "  connections that are open by it when the card is taken over end; new ones begin at once",
                ]
                continue
            }
            var mapping: JSONObject = [
                "protocol": .string(transport.rawValue), "hostPort": port(ports), "port": port(targets),
            ]
            let all = target.family == .ipv4 ? "0.0.0.0" : "::"
            if let address = address.map({ "\($0)" }) ?? (isMixed ? all : nil) {
                mapping["hostAddress"] = .string(address)
            }
            if limits.shadowing[card.link.name] != nil { mapping["allowShadow"] = true }
            if !mappings.contains(.object(mapping)) { mappings.append(.object(mapping)) }
            lines += [
                "Published by hand: \(rule.text)", "  bulkhead does the same; when it is applied: \(rule.removal)",
            ]
        }
        return (mappings, lines)
    }

    private func port(_ range: PortRange) -> JSON {
        range.count == 1 ? .int(Int64(range.first)) : .string("\(range.first)-\(range.last)")
    }
}
