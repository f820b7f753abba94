internal import Addressing
internal import JSON
internal import Model

extension Compiler {
    /// Maps from published port to endpoint: for one host address, then for all.
    static func publishedMaps(_ input: CompilerInput) -> [NamedSet] {
        AddressFamily.allCases.flatMap { family -> [NamedSet] in
            let type = family == .ipv4 ? "ipv4_addr" : "ipv6_addr"
            var all: [Element] = []
            var some: [Element] = []
            for endpoint in input.desired.endpoints {
                guard let target = endpoint.addresses.first(where: { $0.address.family == family })?.address
                else { continue }
                for mapping in endpoint.portMappings where mapping.families.contains(family) {
                    let elements = elements(mapping, to: target, comment: endpoint.id.description)
                    if mapping.hostAddress == nil { all += elements } else { some += elements }
                }
            }
            let suffix = family == .ipv4 ? "4" : "6"
            return [
                NamedSet(
                    name: "published\(suffix)", keyTypes: ["inet_proto", "inet_service"],
                    dataType: "\(type) . inet_service", elements: all),
                NamedSet(
                    name: "published\(suffix)_at", keyTypes: ["inet_proto", type, "inet_service"],
                    dataType: "\(type) . inet_service", elements: some),
            ]
        }
    }

    private static func elements(_ mapping: PortMapping, to target: IPAddress, comment: String) -> [Element] {
        (0..<mapping.hostPorts.count).map { offset in
            let port = JSON.int(Int64(mapping.hostPorts.first) + Int64(offset))
            let transport = JSON.string(mapping.transport.rawValue)
            let key =
                mapping.hostAddress.map { Nft.concat(transport, .string($0.description), port) }
                ?? Nft.concat(transport, port)
            return Element(
                key: key,
                data: Nft.concat(.string(target.description), .int(Int64(mapping.ports.first) + Int64(offset))),
                comment: comment)
        }
    }

    /// Look-ups in those maps, for packets to an address of the host.
    static func publishedRules() -> [Rule] {
        AddressFamily.allCases.flatMap { family -> [Rule] in
            let suffix = family == .ipv4 ? "4" : "6"
            let address = Nft.payload(family == .ipv4 ? "ip" : "ip6", "daddr")
            let (transport, port) = (Nft.meta("l4proto"), Nft.payload("th", "dport"))
            return [
                Rule(
                    [Nft.isForHost, Nft.translate(family, Nft.concat(transport, address, port), "published\(suffix)_at")],
                    comment: "published on one address"),
                Rule(
                    [Nft.isForHost, Nft.translate(family, Nft.concat(transport, port), "published\(suffix)")],
                    comment: "published on all addresses"),
            ]
        }
    }

    /// Which sources are replaced when packets leave.
    static func sourceRules() -> [Rule] {
        [
            Rule(
                [Nft.isTranslated, Nft.equal(Nft.concat(Nft.input, Nft.output), "@siblings"), Nft.masquerade],
                comment: "published port reached from its own network: the way back needs the gateway"),
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
                rules: [Rule([Nft.equal(Nft.output, "bh-*"), Nft.back], comment: "between networks nothing is translated")]
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
            let transports = Nft.equal(Nft.meta("l4proto"), Nft.set(["tcp", "udp"]))
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
