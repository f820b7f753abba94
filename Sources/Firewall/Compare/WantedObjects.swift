internal import Addressing
internal import JSON

/// What a wanted ruleset knows: interfaces, manifest objects, and whose every address is.
struct WantedObjects {
    private var interfaces: Set<String> = []
    private var objects: Set<String> = []
    private var addresses: [IPAddress: Set<String>] = [:]
    /// Ranges of more than one address.
    private var blocks: [(range: IPRange, object: String)] = []

    init(_ ruleset: Ruleset) { self.init(ruleset.tables.flatMap(\.sets)) }

    init(_ sets: [NamedSet]) {
        for set in sets {
            for element in set.elements {
                interfaces.formUnion(Self.interfaces(element, of: set))
                guard let object = element.comment else { continue }
                objects.insert(object)
                guard Self.isEndpoint(object) else { continue }
                for range in Self.ranges(element, of: set) {
                    if range.first == range.last {
                        addresses[range.first, default: []].insert(object)
                    } else if !blocks.contains(where: { $0.range == range && $0.object == object }) {
                        blocks.append((range, object))
                    }
                }
            }
        }
    }

    /// Whether the wanted rules decide alone about what an old element is for: its address is another endpoint's now, or
    /// it lets something pass, and its object and interfaces stay.
    func decide(_ element: Element, of set: NamedSet) -> Bool {
        guard let object = element.comment else { return false }
        if changesHands(element, of: set) { return true }
        return Self.isPermission(set) && objects.contains(object)
            && interfaces.isSuperset(of: Self.interfaces(element, of: set))
    }

    /// Whether an address in an old element of an endpoint is another endpoint's now.
    func changesHands(_ element: Element, of set: NamedSet) -> Bool {
        guard let object = element.comment, Self.isEndpoint(object) else { return false }
        return Self.ranges(element, of: set).contains { isOthers($0, than: object) }
    }

    /// Peers of rules, peers of networks, published ports, segments whose others are left alone.
    private static func isPermission(_ set: NamedSet) -> Bool {
        ["paths", "routed", "shared"].contains(set.name) || set.name.hasPrefix("group-")
            || set.name.hasPrefix("published")
    }

    private static func isEndpoint(_ object: String) -> Bool { object.hasPrefix("Endpoint/") }

    private func isOthers(_ range: IPRange, than object: String) -> Bool {
        if range.first == range.last {
            if let owners = addresses[range.first], owners.contains(where: { $0 != object }) { return true }
        } else if addresses.contains(where: { range.contains($0.key) && $0.value.contains { $0 != object } }) {
            return true
        }
        return blocks.contains { $0.object != object && $0.range.first <= range.last && range.first <= $0.range.last }
    }

    private static func interfaces(_ element: Element, of set: NamedSet) -> [String] {
        let parts = element.key["concat"]?.array ?? [element.key]
        return zip(set.keyTypes, parts).compactMap { type, part in type == "ifname" ? part.string : nil }
    }

    /// Addresses in a key, whichever part they are.
    private static func ranges(_ element: Element, of set: NamedSet) -> [IPRange] {
        let parts = element.key["concat"]?.array ?? [element.key]
        guard Claims.key(ofSet: set.name) != nil else { return parts.compactMap { Intervals.range($0) } }
        return parts.compactMap { Claims.address($0).flatMap { Intervals.range(.string($0)) } }
    }
}
