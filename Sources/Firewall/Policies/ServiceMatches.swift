internal import Addressing
internal import JSON
internal import Model

/// What a rule's protocols become.
enum ServiceMatches {
    /// One alternative a protocol; one that takes everything where the rule names none.
    static func alternatives(_ services: [PolicyService]?) -> [Alternative] {
        guard let services else { return [.anything] }
        var ports: [PortProtocol: [PortRange]?] = [:]
        var types: [AddressFamily: Set<UInt8>?] = [:]
        for service in services {
            switch service {
            case .transport(let transport, let list): ports[transport] = merge(ports[transport], list)
            case .icmp(let family, let list): types[family] = merge(types[family], list.map { Set($0) })
            }
        }
        return PortProtocol.allCases.compactMap { transport in
            ports[transport].map { Self.transport(transport, $0) }
        }
            + AddressFamily.allCases.compactMap { family in types[family].map { icmp(family, $0?.sorted()) } }
    }

    /// nil takes everything, and so does anything together with it.
    private static func merge(_ old: [PortRange]??, _ new: [PortRange]?) -> [PortRange]? {
        guard let old else { return new }
        guard let old, let new else { return nil }
        return old + new
    }

    private static func merge(_ old: Set<UInt8>??, _ new: Set<UInt8>?) -> Set<UInt8>? {
        guard let old else { return new }
        guard let old, let new else { return nil }
        return old.union(new)
    }

    private static func transport(_ transport: PortProtocol, _ ports: [PortRange]?) -> Alternative {
        let expression =
            ports.map { Nft.equal(Nft.payload(transport.rawValue, "dport"), Nft.anyOf(merged($0).map(value))) }
            ?? Nft.equal(Nft.meta("l4proto"), Nft.number(transport))
        return Alternative(transport: transport, takesTCP: transport == .tcp, expressions: [expression])
    }

    private static func icmp(_ family: AddressFamily, _ types: [UInt8]?) -> Alternative {
        let header =
            switch family {
            case .ipv4: "icmp"
            case .ipv6: "icmpv6"
            }
        let expression =
            types.map { list in
                Nft.equal(Nft.payload(header, "type"), Nft.anyOf(list.map { ICMPTypeNames.value(family, $0) }))
            } ?? Nft.equal(Nft.meta("l4proto"), Nft.icmp(family))
        return Alternative(family: family, takesTCP: false, expressions: [expression])
    }

    /// Overlapping and adjoining ranges as one, as the kernel would make them.
    static func merged(_ ranges: [PortRange]) -> [PortRange] {
        var result: [PortRange] = []
        for range in ranges.sorted(by: { ($0.first, $0.last) < ($1.first, $1.last) }) {
            if let last = result.last, Int(range.first) <= Int(last.last) + 1 {
                result[result.count - 1] = PortRange(Int(last.first), Int(max(last.last, range.last))) ?? last
            } else {
                result.append(range)
            }
        }
        return result
    }

    private static func value(_ range: PortRange) -> JSON {
        let (first, last) = (JSON.int(Int64(range.first)), JSON.int(Int64(range.last)))
        return range.count == 1 ? first : ["range": [first, last]]
    }
}

/// Names under which libnftables prints ICMP types; it takes numbers, too, but never gives them back.
enum ICMPTypeNames {
    private static let four: [UInt8: String] = [
        0: "echo-reply", 3: "destination-unreachable", 4: "source-quench", 5: "redirect", 8: "echo-request",
        9: "router-advertisement", 10: "router-solicitation", 11: "time-exceeded", 12: "parameter-problem",
        13: "timestamp-request", 14: "timestamp-reply", 15: "info-request", 16: "info-reply",
        17: "address-mask-request", 18: "address-mask-reply",
    ]
    private static let six: [UInt8: String] = [
        1: "destination-unreachable", 2: "packet-too-big", 3: "time-exceeded", 4: "parameter-problem",
        128: "echo-request", 129: "echo-reply", 130: "mld-listener-query", 131: "mld-listener-report",
        132: "mld-listener-done", 133: "nd-router-solicit", 134: "nd-router-advert", 135: "nd-neighbor-solicit",
        136: "nd-neighbor-advert", 137: "nd-redirect", 138: "router-renumbering", 141: "ind-neighbor-solicit",
        142: "ind-neighbor-advert", 143: "mld2-listener-report",
    ]

    static func value(_ family: AddressFamily, _ type: UInt8) -> JSON {
        let name =
            switch family {
            case .ipv4: four[type]
            case .ipv6: six[type]
            }
        return name.map { .string($0) } ?? .int(Int64(type))
    }
}
