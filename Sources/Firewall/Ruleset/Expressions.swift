internal import Addressing
internal import JSON
internal import Model

/// Expressions and statements of `libnftables-json(5)`, in the form in which libnftables prints them.
enum Nft {
    static func meta(_ key: String) -> JSON { ["meta": ["key": .string(key)]] }
    static func payload(_ name: String, _ field: String) -> JSON {
        ["payload": ["protocol": .string(name), "field": .string(field)]]
    }
    static func raw(_ base: String, _ offset: Int64, _ length: Int64) -> JSON {
        ["payload": ["base": .string(base), "offset": .int(offset), "len": .int(length)]]
    }
    static func concat(_ parts: JSON...) -> JSON { ["concat": .array(parts)] }
    static func set(_ values: [JSON]) -> JSON { ["set": .array(values)] }

    /// A right-hand side of one value, or of several.
    static func anyOf(_ values: [JSON]) -> JSON { values.count == 1 ? values[0] : set(values) }

    static func equal(_ left: JSON, _ right: JSON) -> JSON { match("==", left, right) }
    static func differs(_ left: JSON, _ right: JSON) -> JSON { match("!=", left, right) }
    static func below(_ left: JSON, _ right: JSON) -> JSON { match("<", left, right) }
    static func contains(_ left: JSON, _ right: JSON) -> JSON { match("in", left, right) }
    private static func match(_ operation: String, _ left: JSON, _ right: JSON) -> JSON {
        ["match": ["op": .string(operation), "left": left, "right": right]]
    }

    static let input = meta("iifname")
    static let output = meta("oifname")
    /// By which interface, and from which MAC: for packets that came in as frames alone.
    static let sender = concat(input, payload("ether", "saddr"))
    /// By which interface, and to which MAC.
    static let addressee = concat(input, payload("ether", "daddr"))
    /// From one interface to another.
    static let way = concat(input, output)
    /// To which MAC a bridged frame is; what the host sends itself has no frame yet.
    static let receiver = concat(output, payload("ether", "daddr"))
    /// A frame that the host made itself came in by no interface.
    static let isFromHost = equal(meta("iif"), "0")
    static let isFromCard = differs(meta("iif"), "0")
    /// One that the host takes itself leaves by no interface.
    static let isForHostItself = equal(meta("oif"), "0")
    static let counter: JSON = ["counter": nil]
    static let accept: JSON = ["accept": nil]
    static let drop: JSON = ["drop": nil]
    static let back: JSON = ["return": nil]
    static let masquerade: JSON = ["masquerade": nil]
    static let isTranslated = contains(["ct": ["key": "status"]], "dnat")
    static let isForHost = equal(["fib": ["result": "type", "flags": ["daddr"]]], "local")
    /// A packet of a connection whose first packet passed every hook: also of one that nobody has answered yet.
    static let isKnown = contains(["ct": ["key": "status"]], "confirmed")
    static let isUnknown = differs(["&": [["ct": ["key": "status"]], "confirmed"]], "confirmed")
    static let isEstablished = contains(["ct": ["key": "state"]], "established")
    /// Whether it goes as the first packet of its connection did (`original`), or back (`reply`).
    static func isDirection(_ name: String) -> JSON { equal(["ct": ["key": "direction"]], .string(name)) }
    static let isRelated = contains(["ct": ["key": "state"]], "related")
    /// ICMPv6 that a segment needs, whoever may talk to whom: solicitations and advertisements, and, to groups alone, what
    /// is said of listeners.
    static let discoveryTypes: [JSON] = [
        "nd-router-solicit", "nd-router-advert", "nd-neighbor-solicit", "nd-neighbor-advert",
    ]
    static let listenerTypes: [JSON] = [
        "mld-listener-query", "mld-listener-report", "mld-listener-done", "mld2-listener-report",
    ]
    /// Errors that quote the packet they are about; those of IPv6 have numbers below that of the echo request.
    static let errors4: [JSON] = ["destination-unreachable", "source-quench", "time-exceeded", "parameter-problem"]
    static let linkLocal6: JSON = ["prefix": ["addr": "fe80::", "len": 10]]
    static let groups6: JSON = ["prefix": ["addr": "ff00::", "len": 8]]
    /// What the routing tables say of the destination.
    static let addressType: JSON = ["fib": ["result": "type", "flags": ["daddr"]]]
    static let loopback4: JSON = ["prefix": ["addr": "127.0.0.0", "len": 8]]

    static func jump(_ chain: String) -> JSON { ["jump": ["target": .string(chain)]] }
    static func goto(_ chain: String) -> JSON { ["goto": ["target": .string(chain)]] }
    /// `reject with tcp reset`.
    static let reset: JSON = ["reject": ["type": "tcp reset"]]
    /// `reject with icmpx admin-prohibited`.
    static let refuse: JSON = ["reject": ["type": "icmpx", "expr": "admin-prohibited"]]
    static func verdicts(_ key: JSON, _ map: String) -> JSON { ["vmap": ["key": key, "data": .string("@\(map)")]] }
    /// Writes the key into a set, or that it is used.
    static func learn(_ key: JSON, _ set: String) -> JSON {
        ["set": ["op": "update", "elem": key, "set": .string("@\(set)")]]
    }
    /// Address and port come from a map each, because libnftables 1.0.6 takes no map with two values in JSON.
    static func translate(_ family: AddressFamily, _ key: JSON, _ map: String) -> JSON {
        func value(_ name: String) -> JSON { ["map": ["key": key, "data": .string("@\(name)")]] }
        return ["dnat": ["family": name(family), "addr": value(map), "port": value("\(map)_port")]]
    }

    /// `IPPROTO_…`. A name would be looked up in /etc/protocols, which small systems have not.
    static func number(_ transport: PortProtocol) -> JSON { .int(Int64(transport.number)) }
    /// `IPPROTO_ICMP` or `IPPROTO_ICMPV6`.
    static func icmp(_ family: AddressFamily) -> JSON {
        switch family {
        case .ipv4: 1
        case .ipv6: 58
        }
    }

    static func name(_ family: AddressFamily) -> JSON {
        switch family {
        case .ipv4: "ip"
        case .ipv6: "ip6"
        }
    }

    /// A prefix as libnftables prints it: an address alone where it is one.
    static func prefix(_ prefix: IPPrefix) -> JSON {
        if prefix.length == prefix.family.width { return .string(prefix.address.description) }
        return ["prefix": ["addr": .string(prefix.address.description), "len": .int(Int64(prefix.length))]]
    }

    /// Prefixes as one right-hand side: overlapping and adjoining ones become one, as the kernel would make them.
    static func anyOf(_ prefixes: [IPPrefix]) -> JSON {
        var ranges: [IPRange] = []
        for range in prefixes.map(\.range).sorted() {
            if let last = ranges.last, last.last.value == .max || range.first.value <= last.last.value + 1 {
                ranges[ranges.count - 1] = IPRange(last.first, max(last.last, range.last)) ?? last
            } else {
                ranges.append(range)
            }
        }
        let values = ranges.map { range -> JSON in
            for length in 0...range.first.family.width {
                let candidate = IPPrefix(containing: range.first, length: length)
                if candidate.range == range { return Self.prefix(candidate) }
            }
            return ["range": [.string(range.first.description), .string(range.last.description)]]
        }
        return values.count == 1 ? values[0] : set(values)
    }

    /// An IPv6 address as libnftables prints a raw 128-bit value.
    static func hexadecimal(_ value: UInt128) -> JSON {
        let digits = String(value, radix: 16)
        return .string("0x" + String(repeating: "0", count: 32 - digits.count) + digits)
    }
}
