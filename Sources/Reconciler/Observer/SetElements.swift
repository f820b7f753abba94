internal import Addressing
internal import Firewall
internal import JSON
internal import NetlinkCodec

/// Elements of a set as libnftables lists them, from the kernel's bytes: what takes that most of its time where there are
/// thousands. What is not among the types that bulkhead's own sets have is left to libnftables.
struct SetElements {
    private let types: [KeyType]
    private let data: DataType?
    private let isInterval: Bool

    private enum KeyType: String {
        case interface = "ifname"
        case mac = "ether_addr"
        case ipv4 = "ipv4_addr"
        case ipv6 = "ipv6_addr"
        case transport = "inet_proto"
        case port = "inet_service"
        /// Raw bytes of a packet, as many as the key has left.
        case raw = "integer"
    }

    private enum DataType: String {
        case verdict
        case ipv4 = "ipv4_addr"
        case ipv6 = "ipv6_addr"
        case port = "inet_service"
    }

    /// What a map gives for a key; nothing in a set.
    private struct Value {
        let json: JSON?
    }

    /// For the elements of a set of that kind; nil for kinds that are not known here.
    init?(_ set: NamedSet) {
        let types = set.keyTypes.compactMap(KeyType.init)
        guard types.count == set.keyTypes.count, !types.isEmpty, !set.isLearned,
            !types.dropLast().contains(.raw), !(set.isInterval && types.contains(.raw))
        else { return nil }
        if let name = set.dataType {
            guard let type = DataType(rawValue: name) else { return nil }
            data = type
        } else {
            data = nil
        }
        (self.types, isInterval) = (types, set.isInterval)
    }

    /// In the order of their keys; nil where one is of no such kind.
    func elements(_ messages: [SetElementMessage]) -> [Element]? {
        let raw = Self.sorted(messages.flatMap(\.elements))
        if isInterval && types.count == 1 { return ranges(raw) }
        var result: [Element] = []
        result.reserveCapacity(raw.count)
        for element in raw {
            guard element.flags == 0, !element.namesObject, isInterval || element.end == nil,
                let key = key(element.key, element.end ?? element.key), let value = value(element)
            else { return nil }
            result.append(Element(key: key, data: value.json, comment: element.comment))
        }
        return result
    }

    /// Most keys differ in what fits into a number, which is compared without touching the elements.
    private static func sorted(_ raw: [SetElementMessage.Element]) -> [SetElementMessage.Element] {
        let heads = raw.map { head($0.key) }
        let order = raw.indices.sorted { left, right in
            heads[left] == heads[right] ? precedes(raw[left], raw[right]) : heads[left] < heads[right]
        }
        return order.map { raw[$0] }
    }

    /// The first sixteen bytes of a key, highest first.
    private static func head(_ key: [UInt8]) -> UInt128 {
        var head: UInt128 = 0
        for byte in key.prefix(16) { head = head << 8 | UInt128(byte) }
        return head << UInt128(8 * max(0, 16 - key.count))
    }

    /// By key; where one interval ends and the next begins, the end comes first.
    private static func precedes(_ left: SetElementMessage.Element, _ right: SetElementMessage.Element) -> Bool {
        left.key == right.key ? left.flags > right.flags : left.key.lexicographicallyPrecedes(right.key)
    }

    /// An interval of one part is two elements: where it begins, and behind its last value. Two that adjoin may
    /// share one.
    private func ranges(_ raw: [SetElementMessage.Element]) -> [Element]? {
        guard let type = types.first, type == .ipv4 || type == .ipv6 else { return nil }
        var result: [Element] = []
        var open: SetElementMessage.Element?
        for element in raw {
            guard element.flags & ~1 == 0, !element.namesObject, element.end == nil else { return nil }
            if let first = open {
                guard let key = Self.range(first.key[...], Self.before(element.key)[...]), let value = value(first)
                else {
                    return nil
                }
                result.append(Element(key: key, data: value.json, comment: first.comment))
            }
            open = element.flags & 1 == 0 ? element : nil
        }
        // One that reaches to the end of all addresses: none of ours does.
        return open == nil ? result : nil
    }

    private static func before(_ bytes: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for index in bytes.indices.reversed() {
            bytes[index] &-= 1
            if bytes[index] != 0xff { break }
        }
        return bytes
    }

    private func key(_ first: [UInt8], _ last: [UInt8]) -> JSON? {
        guard first.count == last.count else { return nil }
        if types.count == 1 { return part(types[0], first[...], last[...]) }
        var parts: [JSON] = []
        var place = 0
        for (number, type) in types.enumerated() {
            let isLast = number == types.count - 1
            let width = width(type) ?? first.count - place
            let end = place + (width + 3) & ~3
            guard width > 0, isLast ? end == first.count : end <= first.count,
                let part = part(type, first[place..<(place + width)], last[place..<(place + width)])
            else { return nil }
            parts.append(part)
            place = end
        }
        return ["concat": .array(parts)]
    }

    private func width(_ type: KeyType) -> Int? {
        switch type {
        case .interface, .ipv6: 16
        case .mac: 6
        case .ipv4: 4
        case .transport: 1
        case .port: 2
        case .raw: nil
        }
    }

    private func part(_ type: KeyType, _ first: ArraySlice<UInt8>, _ last: ArraySlice<UInt8>) -> JSON? {
        if let width = width(type), first.count != width { return nil }
        if type == .ipv4 || type == .ipv6 { return Self.range(first, last) }
        guard first == last else { return nil }
        switch type {
        case .interface: return Self.name(first).map { .string($0) }
        case .mac: return MACAddress(bytes: first).map { .string($0.description) }
        case .transport, .port: return .int(Self.number(first))
        case .raw: return Self.raw(first)
        case .ipv4, .ipv6: return nil
        }
    }

    /// A name without anything behind it, and nothing in it that would be written otherwise.
    private static func name(_ bytes: ArraySlice<UInt8>) -> String? {
        let name = bytes.prefix { $0 != 0 }
        guard !name.isEmpty, name.count < bytes.count,
            name.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != 0x22 && $0 != 0x5c }),
            bytes.dropFirst(name.count).allSatisfy({ $0 == 0 })
        else { return nil }
        return String(decoding: name, as: UTF8.self)
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> Int64 { bytes.reduce(0) { $0 << 8 | Int64($1) } }

    /// Four bytes are a number; sixteen are in hexadecimal digits, unless they are so few that they are a number, too.
    private static func raw(_ bytes: ArraySlice<UInt8>) -> JSON? {
        if bytes.count == 4 { return .int(number(bytes)) }
        guard bytes.count == 16, bytes.prefix(8).contains(where: { $0 != 0 }) else { return nil }
        let digits = bytes.flatMap { [digit($0 >> 4), digit($0 & 15)] }
        return .string("0x" + String(decoding: digits, as: UTF8.self))
    }

    private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x57 + value }

    /// An address, a prefix where the range is one, else both ends.
    private static func range(_ first: ArraySlice<UInt8>, _ last: ArraySlice<UInt8>) -> JSON? {
        guard let low = IPAddress(bytes: first) else { return nil }
        if first == last { return .string(low.description) }
        guard let high = IPAddress(bytes: last), low < high else { return nil }
        let differing = (low.value ^ high.value) &+ 1
        let length = low.family.width - differing.trailingZeroBitCount
        if length > 0, differing & (differing &- 1) == 0, low.value & (differing &- 1) == 0 {
            return ["prefix": ["addr": .string(low.description), "len": .int(Int64(length))]]
        }
        return length == 0 ? nil : ["range": [.string(low.description), .string(high.description)]]
    }

    /// Nil where it is not understood.
    private func value(_ element: SetElementMessage.Element) -> Value? {
        switch (data, element.data) {
        case (nil, nil): return Value(json: nil)
        case (.verdict, .verdict(let code, let chain)): return Self.verdict(code, chain).map { Value(json: $0) }
        case (.ipv4, .bytes(let bytes)) where bytes.count == 4: return address(bytes)
        case (.ipv6, .bytes(let bytes)) where bytes.count == 16: return address(bytes)
        case (.port, .bytes(let bytes)) where bytes.count == 2: return Value(json: .int(Self.number(bytes[...])))
        case (_, _): return nil
        }
    }

    private func address(_ bytes: [UInt8]) -> Value? {
        IPAddress(bytes: bytes[...]).map { Value(json: .string($0.description)) }
    }

    /// `NFT_JUMP` and its like.
    private static func verdict(_ code: Int32, _ chain: String?) -> JSON? {
        switch (code, chain) {
        case (1, nil): ["accept": nil]
        case (0, nil): ["drop": nil]
        case (-5, nil): ["return": nil]
        case (-3, let chain?): ["jump": ["target": .string(chain)]]
        case (-4, let chain?): ["goto": ["target": .string(chain)]]
        case (_, _): nil
        }
    }
}
