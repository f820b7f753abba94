internal import Addressing
internal import JSON
public import Model

extension Compiler {
    /// The scope whose table has that name; nil where it is none of bulkhead's.
    public static func scope(ofTable name: String) -> ObjectName? {
        if name == "bulkhead" { return ObjectName("default") }
        return name.hasPrefix("bulkhead-") ? ObjectName(name.dropFirst("bulkhead-".count)) : nil
    }

    /// Sets that say what a scope has of what all share: prefixes, and published ports.
    static let prefixSets = AddressFamily.allCases.map { "on_segment\($0.suffix)" }
    static let portMaps = AddressFamily.allCases.flatMap { ["published\($0.suffix)", "published\($0.suffix)_at"] }
}

extension TableHeading {
    /// The scope that it is of, where it tells what that has; nil for tables of others.
    public var scope: ObjectName? { family == .inet ? Compiler.scope(ofTable: name) : nil }
}

extension OtherScope {
    /// What these sets of its table say.
    init(_ scope: ObjectName, _ sets: [NamedSet]) {
        self.init(scope: scope)
        for set in sets {
            if Compiler.prefixSets.contains(set.name) { prefixes += set.elements.compactMap(Prefix.init) }
            guard Compiler.portMaps.contains(set.name) else { continue }
            let family: AddressFamily = set.name.hasPrefix("published4") ? .ipv4 : .ipv6
            ports += set.elements.compactMap { Port($0, family) }
        }
    }
}

extension OtherScope.Prefix {
    /// `"bh-web" . 10.88.0.0/24`.
    fileprivate init?(_ element: Element) {
        guard let parts = element.key["concat"]?.array, parts.count == 2, let bridge = parts[0].string else {
            return nil
        }
        let address = (parts[1]["prefix"]?["addr"] ?? parts[1]).string.flatMap { IPAddress($0) }
        guard let address else { return nil }
        let length = parts[1]["prefix"]?["len"]?.int.flatMap(Int.init(exactly:)) ?? address.family.width
        guard let prefix = IPPrefix(address: address, length: length) else { return nil }
        self.init(prefix: prefix, bridge: bridge, owner: element.comment)
    }
}

extension OtherScope.Port {
    /// `tcp . 8080`, or `tcp . 192.0.2.1 . 8080`.
    fileprivate init?(_ element: Element, _ family: AddressFamily) {
        guard let parts = element.key["concat"]?.array, parts.count == 2 || parts.count == 3,
            let number = parts[0].int, let port = parts[parts.count - 1].int.flatMap(UInt16.init(exactly:)),
            let transport = PortProtocol.allCases.first(where: { Int64($0.number) == number })
        else { return nil }
        var address: IPAddress?
        if parts.count == 3 {
            guard let text = parts[1].string, let value = IPAddress(text) else { return nil }
            address = value
        }
        self.init(transport: transport, family: family, address: address, port: port, owner: element.comment)
    }
}
