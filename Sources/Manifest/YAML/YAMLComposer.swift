internal import Model

/// Builds nodes from events: anchors, aliases, merge keys, duplicate keys, bounds.
struct YAMLComposer: ~Copyable {
    private let source: YAMLEventSource
    private var anchors: [String: (node: YAMLNode, size: Int)] = [:]
    private var aliased = 0
    /// What is wrong without making the rest unreadable.
    private(set) var problems: [YAMLError] = []

    init(_ bytes: [UInt8]) { source = YAMLEventSource(bytes) }

    /// The root of the next document; nil at the end of the file. Empty documents are passed over.
    mutating func nextDocument() throws(YAMLError) -> YAMLNode? {
        while true {
            let (event, _) = try source.next()
            switch event {
            case .streamEnd: return nil
            case .documentStart:
                anchors = [:]
                let (first, position) = try source.next()
                let root = try compose(first, position, depth: 0).node
                _ = try source.next()
                if !root.isNull { return root }
            case _: continue
            }
        }
    }

    private mutating func compose(
        _ event: YAMLEventSource.Event, _ position: YAMLNode.Position, depth: Int
    ) throws(YAMLError) -> (node: YAMLNode, size: Int) {
        guard depth <= YAMLLimits.depth else {
            throw YAMLError(message: "more than \(YAMLLimits.depth) levels of nesting", position: position)
        }
        switch event {
        case .scalar(let text, let isPlain, let anchor, let tag):
            // The tag of a plain string says what quotes would say.
            let plain = isPlain && tag != "tag:yaml.org,2002:str"
            check(tag, position)
            return keep(YAMLNode(content: .scalar(text, isPlain: plain), position: position), 1, anchor)
        case .alias(let name):
            guard let target = anchors[name] else {
                throw YAMLError(message: "alias *\(name) has no anchor before it", position: position)
            }
            aliased += target.size
            guard aliased <= YAMLLimits.aliasedNodes else {
                throw YAMLError(
                    message: "aliases expand to more than \(YAMLLimits.aliasedNodes) nodes", position: position)
            }
            return target
        case .sequenceStart(let anchor, let tag):
            check(tag, position)
            return try sequence(anchor, position, depth)
        case .mappingStart(let anchor, let tag):
            check(tag, position)
            return try mapping(anchor, position, depth)
        case .streamEnd, .documentStart, .documentEnd, .sequenceEnd, .mappingEnd, .other:
            throw YAMLError(message: "this is not YAML: unexpected end", position: position)
        }
    }

    private mutating func sequence(_ anchor: String?, _ position: YAMLNode.Position, _ depth: Int) throws(YAMLError)
        -> (node: YAMLNode, size: Int)
    {
        var items: [YAMLNode] = []
        var size = 1
        while true {
            let (event, place) = try source.next()
            if case .sequenceEnd = event { break }
            let item = try compose(event, place, depth: depth + 1)
            items.append(item.node)
            size += item.size
        }
        return keep(YAMLNode(content: .sequence(items), position: position), size, anchor)
    }

    private mutating func mapping(_ anchor: String?, _ position: YAMLNode.Position, _ depth: Int) throws(YAMLError)
        -> (node: YAMLNode, size: Int)
    {
        var entries: [YAMLNode.Entry] = []
        var merged: [YAMLNode] = []
        var lines: [String: Int32] = [:]
        var size = 1
        while true {
            let (event, place) = try source.next()
            if case .mappingEnd = event { break }
            let key = try compose(event, place, depth: depth + 1)
            let (valueEvent, valuePlace) = try source.next()
            let value = try compose(valueEvent, valuePlace, depth: depth + 1)
            size += key.size + value.size
            guard case .scalar(let text, let isPlain) = key.node.content else {
                problems.append(YAMLError(message: "a key must be a string", position: place))
                continue
            }
            if text == "<<" && isPlain {
                merged += mergeSources(value.node)
                continue
            }
            if let line = lines[text] {
                problems.append(
                    YAMLError(message: "key '\(text)' is given twice; the first is in line \(line)", position: place))
                continue
            }
            lines[text] = place.line
            entries.append(YAMLNode.Entry(key: text, keyPosition: place, value: value.node))
        }
        for source in merged {
            for entry in source.entries where lines[entry.key] == nil {
                lines[entry.key] = entry.keyPosition.line
                entries.append(entry)
            }
        }
        return keep(YAMLNode(content: .mapping(entries), position: position), size, anchor)
    }

    /// What `<<` takes in: a mapping, or a list of mappings of which earlier ones win.
    private mutating func mergeSources(_ node: YAMLNode) -> [YAMLNode] {
        switch node.content {
        case .mapping: return [node]
        case .sequence(let items):
            for item in items {
                if case .mapping = item.content { continue }
                problems.append(
                    YAMLError(message: "'<<' takes mappings only, found \(item.typeName)", position: item.position))
            }
            return items
        case .scalar:
            problems.append(
                YAMLError(
                    message: "'<<' takes a mapping, or a list of them, found \(node.typeName)", position: node.position)
            )
            return []
        }
    }

    private mutating func keep(_ node: YAMLNode, _ size: Int, _ anchor: String?) -> (node: YAMLNode, size: Int) {
        if let anchor { anchors[anchor] = (node, size) }
        return (node, size)
    }

    private mutating func check(_ tag: String?, _ position: YAMLNode.Position) {
        guard let tag else { return }
        let known = ["str", "int", "bool", "null", "float", "seq", "map"].map { "tag:yaml.org,2002:\($0)" }
        guard tag == "!" || known.contains(tag) else {
            problems.append(YAMLError(message: "tag \(tag) is unknown; manifests need none", position: position))
            return
        }
    }
}
