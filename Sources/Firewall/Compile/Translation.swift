internal import Addressing
internal import JSON
public import Model

extension Compiler {
    /// Maps from published port to endpoint: for one host address, then for all.
    static func publishedMaps(_ input: CompilerInput) -> [NamedSet] {
        AddressFamily.allCases.flatMap { family -> [NamedSet] in
            let type = family == .ipv4 ? "ipv4_addr" : "ipv6_addr"
            var all: [Published] = []
            var some: [Published] = []
            for endpoint in input.desired.endpoints {
                guard let target = endpoint.addresses.first(where: { $0.address.family == family })?.address
                else { continue }
                for mapping in endpoint.portMappings where mapping.families.contains(family) {
                    let ports = published(mapping, to: target, comment: endpoint.id.description)
                    if mapping.hostAddress == nil { all += ports } else { some += ports }
                }
            }
            let name = family == .ipv4 ? "published4" : "published6"
            return pair(name, ["inet_proto", "inet_service"], type, all)
                + pair("\(name)_at", ["inet_proto", type, "inet_service"], type, some)
        }
    }

    /// One published port: what is looked for, and where it leads.
    private struct Published {
        var key: JSON
        var address: JSON
        var port: JSON
        var comment: String
    }

    /// The map of addresses, and that of ports.
    private static func pair(_ name: String, _ keys: [String], _ type: String, _ ports: [Published]) -> [NamedSet] {
        [
            NamedSet(
                name: name, keyTypes: keys, dataType: type,
                elements: ports.map { Element(key: $0.key, data: $0.address, comment: $0.comment) }),
            NamedSet(
                name: "\(name)_port", keyTypes: keys, dataType: "inet_service",
                elements: ports.map { Element(key: $0.key, data: $0.port, comment: $0.comment) }),
        ]
    }

    private static func published(_ mapping: PortMapping, to target: IPAddress, comment: String) -> [Published] {
        (0..<mapping.hostPorts.count).map { offset in
            Published(
                key: publishedKey(mapping, Int64(mapping.hostPorts.first) + Int64(offset)),
                address: .string(target.description),
                port: .int(Int64(mapping.ports.first) + Int64(offset)), comment: comment)
        }
    }

    /// What is looked up for a port on the host.
    fileprivate static func publishedKey(_ mapping: PortMapping, _ port: Int64) -> JSON {
        let transport = Nft.number(mapping.transport)
        return mapping.hostAddress.map { Nft.concat(transport, .string($0.description), .int(port)) }
            ?? Nft.concat(transport, .int(port))
    }

    /// Look-ups in those maps, for packets to an address of the host.
    static func publishedRules() -> [Rule] {
        AddressFamily.allCases.flatMap { family -> [Rule] in
            let suffix = family == .ipv4 ? "4" : "6"
            let address = Nft.payload(family == .ipv4 ? "ip" : "ip6", "daddr")
            let (transport, port) = (Nft.meta("l4proto"), Nft.payload("th", "dport"))
            return [
                Rule(
                    [
                        Nft.isForHost,
                        Nft.translate(family, Nft.concat(transport, address, port), "published\(suffix)_at"),
                    ],
                    comment: "published on one address"),
                Rule(
                    [Nft.isForHost, Nft.translate(family, Nft.concat(transport, port), "published\(suffix)")],
                    comment: "published on all addresses"),
            ]
        }
    }

    /// Which sources are replaced when packets leave.
    static func sourceRules() -> [Rule] {
        // Frames that never leave the switch come here without an interface of entry: the source tells where from.
        AddressFamily.allCases.map { family in
            Rule(
                [
                    Nft.isTranslated,
                    Nft.equal(
                        Nft.concat(Nft.output, Nft.payload(family.protocolName, "saddr")),
                        .string("@on_segment\(family.suffix)")), Nft.masquerade,
                ], comment: "published port reached from its own network: the way back needs the gateway")
        } + [
            Rule(
                [
                    Nft.equal(Nft.payload("ip", "saddr"), Nft.loopback4), Nft.equal(Nft.output, "@bridges"),
                    Nft.masquerade,
                ], comment: "published port reached by 127.0.0.1"),
            Rule([Nft.verdicts(Nft.input, "outbound")], comment: "outboundNAT"),
        ]
    }

    static func outboundChain(_ network: Network) -> String { "outbound-\(network.metadata.name)" }

    /// One chain a network with outbound NAT.
    static func outboundChains(_ input: CompilerInput) -> [Chain] {
        input.desired.networks.compactMap { network in
            guard let nat = network.outboundNAT else { return nil }
            let families = nat.families.filter(network.families.contains)
            return Chain(
                name: outboundChain(network),
                rules: [
                    Rule(
                        [Nft.equal(Nft.output, "bh-*"), Nft.differs(Nft.output, "@shared"), Nft.back],
                        comment: "between networks nothing is translated")
                ]
                    + families.flatMap { outboundRules(nat, $0) })
        }
    }

    private static func outboundRules(_ nat: OutboundNAT, _ family: AddressFamily) -> [Rule] {
        let destination = Nft.payload(family == .ipv4 ? "ip" : "ip6", "daddr")
        let exceptions = nat.exceptions.filter { $0.family == family }
        let destinations = nat.destinations.filter { $0.family == family }
        // Destinations of the other family alone: nothing of this one is translated.
        if !nat.destinations.isEmpty && destinations.isEmpty { return [] }
        var conditions = [Nft.equal(Nft.meta("nfproto"), family == .ipv4 ? "ipv4" : "ipv6")]
        if !exceptions.isEmpty { conditions = [Nft.differs(destination, Nft.anyOf(exceptions))] }
        if !destinations.isEmpty { conditions = [Nft.equal(destination, Nft.anyOf(destinations))] }
        let address = nat.addresses.first { $0.family == family }
        var rules: [Rule] = []
        if let ports = nat.ports {
            let transports = Nft.equal(Nft.meta("l4proto"), Nft.set([Nft.number(.tcp), Nft.number(.udp)]))
            rules.append(Rule(conditions + [transports, action(address, family, ports)]))
        }
        return rules + [Rule(conditions + [action(address, family, nil)])]
    }

    private static func action(_ address: IPAddress?, _ family: AddressFamily, _ ports: PortRange?) -> JSON {
        var members: JSONObject = [:]
        if let address {
            members["family"] = Nft.name(family)
            members["addr"] = .string(address.description)
        }
        if let ports {
            let (first, last) = (JSON.int(Int64(ports.first)), JSON.int(Int64(ports.last)))
            members["port"] = ports.count == 1 ? first : ["range": [first, last]]
        }
        let body: JSON = members.members.isEmpty ? .null : .object(members)
        return address == nil ? ["masquerade": body] : ["snat": body]
    }
}

extension Ruleset {
    /// Whether a port of this mapping leads to its endpoint in these rules.
    public func publishes(_ mapping: PortMapping, _ port: UInt16, by owner: ObjectID) -> Bool {
        let key = Compiler.publishedKey(mapping, Int64(port))
        return table(.inet)?.sets.contains { set in
            set.name.hasPrefix("published")
                && set.elements.contains { $0.key == key && $0.comment == owner.description }
        } ?? false
    }

    /// The manifests without mappings of which these rules do not make every port yet.
    public func withoutNewMappings(_ desired: DesiredState) -> DesiredState {
        let published = (table(.inet)?.sets ?? []).filter { $0.name.hasPrefix("published") }.flatMap(\.elements)
        var keys: [String: Set<JSON>] = [:]
        for element in published { keys[element.comment ?? "", default: []].insert(element.key) }
        var desired = desired
        for index in desired.endpoints.indices {
            let own = keys[desired.endpoints[index].id.description] ?? []
            desired.endpoints[index].portMappings.removeAll { mapping in
                !(mapping.hostPorts.first...mapping.hostPorts.last).allSatisfy {
                    own.contains(Compiler.publishedKey(mapping, Int64($0)))
                }
            }
        }
        return desired
    }
}
