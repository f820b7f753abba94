internal import Addressing
internal import Model

extension StateBuilder {
    /// What the cards of one compartment make of each other, and of its settings; this needs the automatic addresses, too.
    mutating func checkCards() {
        let groups = Dictionary(grouping: documents.endpoints.filter { $0.compartmentName != nil }) {
            "\($0.host?.value ?? "") \(compartmentName($0))"
        }
        let compartments = Dictionary(
            documents.compartments.map { ($0.head.name.text, $0) }, uniquingKeysWith: { first, _ in first })
        for key in groups.keys.sorted() {
            let cards = (groups[key] ?? []).sorted { $0.head.name < $1.head.name }
            guard let first = cards.first else { continue }
            if let compartment = compartments[compartmentName(first)] { checkIPv6(compartment, cards) }
            guard cards.count > 1 || cards.contains(where: { $0.defaultRoute?.value == false }) else { continue }
            checkWaysBack(cards)
            checkTwins(cards)
        }
    }

    /// A card whose IPv6 is switched off takes no address of it.
    private mutating func checkIPv6(_ compartment: CompartmentDocument, _ cards: [EndpointDocument]) {
        guard !compartment.sysctls.isEmpty else { return }
        var settings: [String: (key: String, value: String, at: SourceLocation)] = [:]
        for (key, value, place) in compartment.sysctls {
            if let path = Validator.sysctlPath(key) { settings[path] = (key, value, place) }
        }
        var told: Set<String> = []
        for card in cards {
            let interface = card.interface?.value.text ?? "eth0"
            guard let address = (addresses[card.head.name] ?? []).first(where: { $0.address.family == .ipv6 }) else {
                continue
            }
            // What is said of the card itself counts; else it takes the default, and `all` is written to it.
            let own = settings["net/ipv6/conf/\(interface)/disable_ipv6"]
            let others = ["all", "default"].compactMap { settings["net/ipv6/conf/\($0)/disable_ipv6"] }
            let setting = (own.map { [$0] } ?? others).first { Int($0.value) != 0 }
            guard let setting, told.insert(setting.key).inserted else { continue }
            diagnostics.append(
                Diagnostic(
                    .error,
                    "sysctls: '\(setting.key)' switches IPv6 off on \(interface), where Endpoint/\(card.head.name) has "
                        + "\(address.address); leave the setting out, or give the endpoint 'addresses' of IPv4 only",
                    at: setting.at))
        }
    }

    /// Who comes by a published port from beyond the network is answered by the default route, so by another card where
    /// this one has none; what leaves there with the address of this one counts as forged.
    private mutating func checkWaysBack(_ cards: [EndpointDocument]) {
        for card in cards {
            let lacking = AddressFamily.allCases.filter { family in
                card.portMappings.contains { reaches($0, card, family) } && !hasWayOut(card, family, cards)
            }
            guard let family = lacking.first,
                let mapping = card.portMappings.first(where: { reaches($0, card, family) })
            else { continue }
            let other = cards.first { $0.head.name != card.head.name && hasWayOut($0, family, cards) }
            let which = lacking.count == 1 && families(card).count == 2 ? " of \(family.word)" : ""
            var (whose, cure) = ("there is no default route\(which)", "set 'defaultRoute: true'")
            if let name = other?.head.name {
                whose = "Endpoint/\(name) has the default route\(which)"
                cure = "publish it on Endpoint/\(name), or set 'defaultRoute: true' here instead of there"
            }
            diagnostics.append(
                Diagnostic(
                    .warning,
                    "portMappings: clients beyond Network/\(card.network.value) get no answer from Endpoint/\(card.head.name)"
                        + "\(which.isEmpty ? "" : " by \(family.word)"): in Compartment/\(compartmentName(card)) \(whose); "
                        + cure, at: mapping.at))
        }
    }

    private func families(_ card: EndpointDocument) -> Set<AddressFamily> {
        Set((addresses[card.head.name] ?? []).map(\.address.family))
    }

    /// Whether a published port has clients from elsewhere: one on the loopback is the host's own.
    private func reaches(_ mapping: PortMappingDocument, _ card: EndpointDocument, _ family: AddressFamily) -> Bool {
        guard families(card).contains(family) else { return false }
        guard let address = mapping.hostAddress?.value else { return true }
        return address.family == family && !address.isLoopback
    }

    /// Whether the card has a default route of that family, or routes that somebody chose for it.
    private func hasWayOut(_ card: EndpointDocument, _ family: AddressFamily, _ cards: [EndpointDocument]) -> Bool {
        guard let network = networks[card.network.value] else { return true }
        if (card.routes + network.routes).contains(where: { $0.to.value.family == family }) { return true }
        return (card.defaultRoute?.value ?? (cards.count == 1)) && Validator.givesDefaultRoute(network)
            && families(card).contains(family)
    }

    /// Of two cards in one subnet the kernel answers by the first, whichever of the addresses was asked for.
    private mutating func checkTwins(_ cards: [EndpointDocument]) {
        for (position, card) in cards.enumerated() {
            guard let network = networks[card.network.value] else { continue }
            let prefixes = Set((addresses[card.head.name] ?? []).map(\.prefix))
            let twin = cards[..<position].first { other in
                other.network.value == card.network.value
                    && (addresses[other.head.name] ?? []).contains { prefixes.contains($0.prefix) }
            }
            guard let twin, isGuarded(card, network) || isGuarded(twin, network) else { continue }
            let shared = (addresses[twin.head.name] ?? []).map(\.prefix).filter(prefixes.contains)
            diagnostics.append(
                Diagnostic(
                    .warning,
                    "Endpoint/\(card.head.name) and Endpoint/\(twin.head.name) are two cards of Compartment/"
                        + "\(compartmentName(card)) in \(shared.map(\.description).joined(separator: " and ")): answers of both "
                        + "leave by one of them, and what bears the other's address is dropped as forged; give one endpoint both "
                        + "'addresses'", at: card.head.at))
        }
    }

    private func isGuarded(_ card: EndpointDocument, _ network: NetworkDocument) -> Bool {
        card.antiSpoof ?? network.antiSpoof
    }
}

extension AddressFamily {
    fileprivate var word: String {
        switch self {
        case .ipv4: "IPv4"
        case .ipv6: "IPv6"
        }
    }
}
