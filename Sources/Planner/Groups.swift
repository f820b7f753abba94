/// Things by a key that several may share.
///
/// A compartment has a handful of links, addresses and routes: to go through them is quicker than to put them in a table
/// first, and there are thousands of compartments.
struct Groups<Key: Hashable, Element> {
    private let few: [Element]
    private let many: [Key: [Element]]
    private let key: (Element) -> Key?
    /// So many are gone through.
    private static var limit: Int { 16 }

    /// What has no key is in no group.
    init(_ elements: [Element], by key: @escaping (Element) -> Key?) {
        self.key = key
        guard elements.count > Self.limit else {
            (few, many) = (elements, [:])
            return
        }
        var groups: [Key: [Element]] = [:]
        for element in elements {
            if let key = key(element) { groups[key, default: []].append(element) }
        }
        (few, many) = ([], groups)
    }

    /// Those of a key, in their order; nil where there are none.
    subscript(_ wanted: Key) -> [Element]? {
        guard many.isEmpty else { return many[wanted] }
        let found = few.filter { key($0) == wanted }
        return found.isEmpty ? nil : found
    }

    /// The first one of a key.
    func first(_ wanted: Key) -> Element? {
        many.isEmpty ? few.first { key($0) == wanted } : many[wanted]?.first
    }

    /// Keys that something has, in no order.
    var keys: Set<Key> { many.isEmpty ? Set(few.compactMap(key)) : Set(many.keys) }
}
