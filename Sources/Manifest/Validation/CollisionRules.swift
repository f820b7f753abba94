internal import Addressing
internal import Model

extension Validator {
    /// Cards of one compartment: names, hosts, default routes.
    mutating func checkCompartmentCards() {
        for name in cards.keys.sorted() {
            let cards = cards[name] ?? []
            checkRoutes(of: cards, in: name)
            guard cards.count > 1 else { continue }
            checkPrefixes(of: cards, in: name)
            checkGateways(of: cards, in: name)
            var names: [String: ObjectName] = [:]
            var hosts: [String: ObjectName] = [:]
            var holders: [AddressFamily: ObjectName] = [:]
            for card in cards {
                let id = card.head.name
                if let interface = card.interface {
                    if let other = names.updateValue(id, forKey: interface.value.text) {
                        fail(
                            "Endpoint/\(id) and Endpoint/\(other) are both \(interface.value) in Compartment/\(name); set another `spec.interface`",
                            at: interface.at)
                    }
                } else {
                    fail(
                        "Endpoint/\(id): 'interface' is missing; it is required where a compartment has several endpoints",
                        at: card.head.at)
                }
                hosts[card.host?.value ?? ""] = id
                guard let route = card.defaultRoute, route.value, let network = networks[card.network.value]
                else { continue }
                for family in Self.families(card, network) {
                    if let other = holders.updateValue(id, forKey: family) {
                        fail(
                            "Endpoint/\(id) and Endpoint/\(other) both have the \(family.rawValue) default route of Compartment/\(name); at most one",
                            at: route.at)
                    }
                }
            }
            if hosts.count > 1, let card = cards.last {
                fail("endpoints of Compartment/\(name) are on different Hosts", at: card.host?.at ?? card.head.at)
            }
        }
    }

    /// Prefixes of overlays may overlap, but not in one compartment, whose kernel could not tell them apart.
    private mutating func checkPrefixes(of cards: [EndpointDocument], in compartment: String) {
        var taken: [(prefix: IPPrefix, network: String, card: ObjectName)] = []
        for card in cards {
            guard let network = networks[card.network.value] else { continue }
            let prefixes = network.subnets.map(\.prefix.value)
            let other = taken.first { taken in
                taken.network != network.head.name.text && prefixes.contains { $0.overlaps(taken.prefix) }
            }
            if let other {
                fail(
                    "Endpoint/\(card.head.name) and Endpoint/\(other.card) of Compartment/\(compartment) are on networks whose "
                        + "prefixes overlap (\(other.prefix) of Network/\(other.network)); put them into two compartments",
                    at: card.network.at)
            }
            taken += prefixes.map { ($0, network.head.name.text, card.head.name) }
        }
    }

    /// Explicit addresses and MACs are unique in a network.
    mutating func checkAddresses() {
        var addresses: [String: ObjectName] = [:]
        var macs: [String: ObjectName] = [:]
        for endpoint in documents.endpoints.sorted(by: { $0.head.name < $1.head.name }) {
            let network = endpoint.network.value
            for address in endpoint.addresses ?? [] {
                let key = "\(network) \(address.value)"
                if let other = addresses[key], other != endpoint.head.name {
                    fail(
                        "address \(address.value) of Endpoint/\(endpoint.head.name) is also that of Endpoint/\(other)",
                        at: address.at)
                }
                addresses[key] = endpoint.head.name
            }
            guard let mac = endpoint.mac else { continue }
            if let other = macs.updateValue(endpoint.head.name, forKey: "\(network) \(mac.value)") {
                fail("mac \(mac.value) of Endpoint/\(endpoint.head.name) is also that of Endpoint/\(other)", at: mac.at)
            }
        }
    }

    /// Names on the host side, derived ones included, are unique per host.
    mutating func checkInterfaceNames() {
        var owners: [String: (what: String, at: SourceLocation)] = [:]
        for network in documents.networks.sorted(by: { $0.head.name < $1.head.name }) {
            let what = "Network/\(network.head.name)"
            // Two that share it share the bridge's name, too, which is said.
            if network.vlan != nil, let vlan = Naming.vlan(network.head.name) {
                owners[vlan.interface.text] = (what, network.head.at)
            }
            guard !network.isMacvlan, let bridge = Naming.bridge(network.head.name),
                let tunnel = Naming.tunnel(network.head.name)
            else { continue }
            if let other = owners.updateValue((what, network.head.at), forKey: bridge.interface.text),
                other.what != what
            {
                fail(
                    "\(what) and \(other.what) would both have the bridge \(bridge.interface); rename one of them",
                    at: network.head.at)
            }
            // Two that share it share the bridge's name, too, which was said.
            if network.type.value == .overlay { owners[tunnel.interface.text] = (what, network.head.at) }
            for port in routerPorts(network) {
                guard let other = owners.updateValue((what, port.at), forKey: port.name.text) else { continue }
                fail(
                    "\(what) and \(other.what) would both have the interface \(port.name) on the host; rename one of the networks",
                    at: port.at)
            }
        }
        for endpoint in documents.endpoints.sorted(by: { $0.head.name < $1.head.name }) {
            guard endpoint.hasHostSide(on: networks[endpoint.network.value]),
                let name = endpoint.hostInterface?.value.text ?? Naming.port(endpoint.head.name)?.interface.text
            else { continue }
            let what = "Endpoint/\(endpoint.head.name)"
            let host = endpoint.host?.value ?? ""
            let place = endpoint.hostInterface?.at ?? endpoint.head.at
            let other = owners["\(host) \(name)"] ?? owners[name]
            owners["\(host) \(name)"] = (what, place)
            guard let other, other.what != what else { continue }
            fail(
                "\(what) and \(other.what) would both have the interface \(name) on the host; set `spec.hostInterface`",
                at: place)
        }
        checkShaperNames(owners)
    }

    /// The devices that limit what endpoints send.
    private mutating func checkShaperNames(_ owners: [String: (what: String, at: SourceLocation)]) {
        var owners = owners
        for endpoint in documents.endpoints.sorted(by: { $0.head.name < $1.head.name }) {
            guard let place = endpoint.bandwidth?.egress?.at, let name = Naming.shaper(endpoint.head.name)?.interface
            else { continue }
            let what = "Endpoint/\(endpoint.head.name)"
            let host = endpoint.host?.value ?? ""
            let other = owners["\(host) \(name)"] ?? owners[name.text]
            owners["\(host) \(name)"] = (what, place)
            guard let other else { continue }
            fail(
                "\(what) and \(other.what) would both have the interface \(name) on the host, which limits what \(what) "
                    + "sends; rename one of them", at: place)
        }
    }

    /// Published ports of one host, protocol and address are published once.
    mutating func checkPortMappings() {
        struct Claim {
            var owner: ObjectName
            var mapping: PortMappingDocument
            var families: [AddressFamily]
        }
        var claims: [String: [Claim]] = [:]
        for endpoint in documents.endpoints {
            guard let network = networks[endpoint.network.value] else { continue }
            let families = Self.families(endpoint, network)
            for mapping in endpoint.portMappings {
                claims["\(endpoint.host?.value ?? "") \(mapping.transport.rawValue)", default: []]
                    .append(Claim(owner: endpoint.head.name, mapping: mapping, families: families))
            }
        }
        for key in claims.keys.sorted() {
            let sorted = (claims[key] ?? []).sorted {
                ($0.mapping.hostPorts.value, $0.owner, $0.mapping.at) < (
                    $1.mapping.hostPorts.value, $1.owner, $1.mapping.at
                )
            }
            var open: [Claim] = []
            for claim in sorted {
                let ports = claim.mapping.hostPorts.value
                open.removeAll { $0.mapping.hostPorts.value.last < ports.first }
                // One side is enough: the next run would name the others.
                if let other = open.first(where: {
                    Self.overlaps($0.mapping, $0.families, claim.mapping, claim.families)
                }) {
                    fail(
                        "host port \(ports)/\(claim.mapping.transport.rawValue) of Endpoint/\(claim.owner) is also published by Endpoint/\(other.owner) (\(other.mapping.at)); "
                            + "choose another hostPort or hostAddress", at: claim.mapping.hostPorts.at,
                        about: .publishedPort)
                }
                open.append(claim)
            }
        }
    }

    /// Whether two mappings are on a common address; without an address it is on all of the endpoint's families.
    private static func overlaps(
        _ left: PortMappingDocument, _ leftFamilies: [AddressFamily], _ right: PortMappingDocument,
        _ rightFamilies: [AddressFamily]
    ) -> Bool {
        let families = [(left, leftFamilies), (right, rightFamilies)].map { mapping, families in
            mapping.hostAddress.map { [$0.value.family] } ?? families
        }
        guard families[0].contains(where: families[1].contains) else { return false }
        guard let one = left.hostAddress?.value, let other = right.hostAddress?.value else { return true }
        return one == other || one.isUnspecified || other.isUnspecified
    }
}
