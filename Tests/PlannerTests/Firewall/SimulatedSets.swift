import Addressing
import Firewall
import JSON

extension SimulatedTables {
    mutating func runSet(_ verb: String, _ table: Int, _ value: JSON) throws {
        guard let name = value["name"]?.string else { throw Failure("a set without name") }
        let place = ruleset.tables[table].sets.firstIndex { $0.name == name }
        switch (verb, place) {
        case ("add", nil):
            // nft makes sets of raw bytes from an expression, and lists the types that it has.
            let raw = value["typeof"]?.string.map { _ in ["ifname", "integer"] }
            let types = raw ?? value["type"]?.array?.compactMap(\.string) ?? value["type"]?.string.map { [$0] } ?? []
            ruleset.tables[table].sets.append(
                NamedSet(
                    name: name, keyTypes: types, dataType: value["map"]?.string,
                    isInterval: value["flags"]?.array?.contains("interval") ?? false,
                    isLearned: value["flags"]?.array?.contains("timeout") ?? false))
        case ("delete", let place?):
            guard !ruleset.tables[table].uses(name) else { throw Failure("set \(name) is in use") }
            ruleset.tables[table].sets.remove(at: place)
        case (_, _): throw Failure("\(verb) set \(name)")
        }
    }

    mutating func runElement(_ verb: String, _ table: Int, _ value: JSON) throws {
        guard let name = value["name"]?.string,
            let set = ruleset.tables[table].sets.firstIndex(where: { $0.name == name }),
            let list = value["elem"]?.array
        else { throw Failure("\(verb) element: no set") }
        let isMap = ruleset.tables[table].sets[set].dataType != nil
        for item in list {
            let element = try Self.element(item, isMap: isMap)
            let there = ruleset.tables[table].sets[set].elements
            switch verb {
            case "add":
                guard !there.contains(where: { $0.key == element.key }) else {
                    throw Failure("add element \(element.key.text()) to \(name): it is there")
                }
                if let data = element.data { try ruleset.tables[table].check([data]) }
                if ruleset.tables[table].sets[set].isInterval, there.contains(where: { $0.overlaps(element) }) {
                    throw Failure("add element \(element.key.text()) to \(name): it overlaps another")
                }
                ruleset.tables[table].sets[set].elements.append(element)
            case "delete":
                guard let place = there.firstIndex(where: { $0.key == element.key && $0.data == element.data }) else {
                    throw Failure("delete element \(element.key.text()) from \(name): not there")
                }
                ruleset.tables[table].sets[set].elements.remove(at: place)
            case _: throw Failure("\(verb) element")
            }
        }
    }

    /// `KEY`, `{"elem": {"val": KEY, "comment": …}}`, or an array of that and the data of a map.
    private static func element(_ value: JSON, isMap: Bool) throws -> Element {
        let parts = isMap ? value.array ?? [] : [value]
        guard let first = parts.first, parts.count == (isMap ? 2 : 1) else {
            throw Failure("no element: \(value.text())")
        }
        let body = first["elem"]
        return Element(
            key: body?["val"] ?? first, data: isMap ? .some(parts[1]) : .none, comment: body?["comment"]?.string)
    }
}

extension Ruleset {
    /// The ruleset with all in one order and without handles, to be compared.
    var canonical: Ruleset {
        var result = self
        for table in result.tables.indices {
            result.tables[table].sets.sort { $0.name < $1.name }
            result.tables[table].chains.sort { $0.name < $1.name }
            for set in result.tables[table].sets.indices {
                result.tables[table].sets[set].elements.sort { $0.key.text() < $1.key.text() }
            }
        }
        return result
    }
}

extension Element {
    /// Whether two elements of an interval set cover an address of the last part of their keys both.
    func overlaps(_ other: Element) -> Bool {
        guard let own = extent, let others = other.extent else { return false }
        return own.rest == others.rest && own.first <= others.last && others.first <= own.last
    }

    private var extent: (rest: [JSON], first: IPAddress, last: IPAddress)? {
        var rest = key["concat"]?.array ?? [key]
        guard let end = rest.popLast() else { return nil }
        if let text = end.string, let address = IPAddress(text) { return (rest, address, address) }
        if let prefix = end["prefix"], let text = prefix["addr"]?.string, let length = prefix["len"]?.int,
            let prefix = IPPrefix("\(text)/\(length)")
        {
            return (rest, prefix.address, prefix.last)
        }
        let ends = (end["range"]?.array ?? []).compactMap(\.string).compactMap { IPAddress($0) }
        return ends.count == 2 ? (rest, ends[0], ends[1]) : nil
    }
}
