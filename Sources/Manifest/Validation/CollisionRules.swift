internal import Addressing
internal import Model

extension Validator {
    /// Cards of one compartment: names, hosts, default routes.
    mutating func checkCompartmentCards() {
        let groups = Dictionary(grouping: documents.endpoints) { $0.compartment?.value ?? $0.head.name.text }
        for name in groups.keys.sorted() {
            let cards = (groups[name] ?? []).sorted { $0.head.name < $1.head.name }
            guard cards.count > 1 else { continue }
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
        for network in documents.networks {
            guard let name = Naming.bridge(network.head.name)?.interface.text else { continue }
            let what = "Network/\(network.head.name)"
            if let other = owners.updateValue((what, network.head.at), forKey: name) {
                fail(
                    "\(what) and \(other.what) would both have the bridge \(name); rename one of them",
                    at: network.head.at)
            }
        }
        for endpoint in documents.endpoints {
            guard let name = endpoint.hostInterface?.value.text ?? Naming.port(endpoint.head.name)?.interface.text
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
    }

    /// Published ports of one host, protocol and address are published once.
    mutating func checkPortMappings() {
        struct Claim {
            var owner: ObjectName
            var mapping: PortMappingDocument
        }
        var claims: [String: [Claim]] = [:]
        for endpoint in documents.endpoints {
            for mapping in endpoint.portMappings {
                claims["\(endpoint.host?.value ?? "") \(mapping.transport.rawValue)", default: []]
                    .append(Claim(owner: endpoint.head.name, mapping: mapping))
            }
        }
        for key in claims.keys.sorted() {
            let sorted = (claims[key] ?? []).sorted {
                ($0.mapping.hostPorts.value, $0.owner) < ($1.mapping.hostPorts.value, $1.owner)
            }
            var open: [Claim] = []
            for claim in sorted {
                let ports = claim.mapping.hostPorts.value
                open.removeAll { $0.mapping.hostPorts.value.last < ports.first }
                for other in open where overlaps(claim.mapping.hostAddress?.value, other.mapping.hostAddress?.value) {
                    fail(
                        "host port \(ports)/\(claim.mapping.transport.rawValue) of Endpoint/\(claim.owner) is also published by Endpoint/\(other.owner) (\(other.mapping.at)); "
                            + "choose another hostPort or hostAddress", at: claim.mapping.hostPorts.at)
                }
                open.append(claim)
            }
        }
    }

    /// Whether two host addresses of mappings mean a common one; nil is every address.
    private func overlaps(_ left: IPAddress?, _ right: IPAddress?) -> Bool {
        guard let left, let right else { return true }
        if left.family != right.family { return false }
        return left == right || left.isUnspecified || right.isUnspecified
    }
}
