extension JSON {
    /// The document of a value, by its `Encodable` conformance. Members stand in the order in which they are encoded;
    /// what is nil is left out.
    public init(encoding value: some Encodable) throws {
        let node = EncodingNode(path: [])
        try node.box(value)
        self = node.json
    }
}

/// A place in the document under construction.
private final class EncodingNode: Encoder {
    let codingPath: [any CodingKey]
    let userInfo: [CodingUserInfoKey: Any] = [:]
    /// What stands here: a value, a list, or else an object.
    var value: JSON?
    private(set) var list: [EncodingNode]?
    private var members: [(key: String, node: EncodingNode)] = []

    init(path: [any CodingKey]) { codingPath = path }

    var json: JSON {
        if let value { return value }
        if let list { return .array(list.map(\.json)) }
        return .object(JSONObject(members.map { .init(key: $0.key, value: $0.node.json) }))
    }

    func box(_ value: some Encodable) throws {
        if let value = value as? JSON { self.value = value } else { try value.encode(to: self) }
    }

    func member(_ key: any CodingKey) -> EncodingNode {
        let node = EncodingNode(path: codingPath + [key])
        members.append((key.stringValue, node))
        return node
    }

    func element() -> EncodingNode {
        let node = EncodingNode(path: codingPath)
        list?.append(node)
        return node
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        KeyedEncodingContainer(KeyedEncoding<Key>(node: self))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        list = []
        return ListEncoding(node: self)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { ValueEncoding(node: self) }
}

private struct KeyedEncoding<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let node: EncodingNode
    var codingPath: [any CodingKey] { node.codingPath }

    func encodeNil(forKey key: Key) { node.member(key).value = .null }
    func encode(_ value: some Encodable, forKey key: Key) throws { try node.member(key).box(value) }

    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type, forKey key: Key)
        -> KeyedEncodingContainer<Nested>
    { node.member(key).container(keyedBy: type) }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        node.member(key).unkeyedContainer()
    }
    func superEncoder() -> any Encoder { node }
    func superEncoder(forKey key: Key) -> any Encoder { node.member(key) }
}

private struct ListEncoding: UnkeyedEncodingContainer {
    let node: EncodingNode
    var codingPath: [any CodingKey] { node.codingPath }
    var count: Int { node.list?.count ?? 0 }

    func encodeNil() { node.element().value = .null }
    func encode(_ value: some Encodable) throws { try node.element().box(value) }

    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
        node.element().container(keyedBy: type)
    }
    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { node.element().unkeyedContainer() }
    func superEncoder() -> any Encoder { node.element() }
}

private struct ValueEncoding: SingleValueEncodingContainer {
    let node: EncodingNode
    var codingPath: [any CodingKey] { node.codingPath }

    func encodeNil() { node.value = .null }
    func encode(_ value: Bool) { node.value = .bool(value) }
    func encode(_ value: String) { node.value = .string(value) }
    func encode(_ value: Double) { node.value = .double(value) }
    func encode(_ value: Float) { node.value = .double(Double(value)) }
    func encode(_ value: Int) throws { try whole(value) }
    func encode(_ value: Int8) throws { try whole(value) }
    func encode(_ value: Int16) throws { try whole(value) }
    func encode(_ value: Int32) throws { try whole(value) }
    func encode(_ value: Int64) throws { try whole(value) }
    func encode(_ value: UInt) throws { try whole(value) }
    func encode(_ value: UInt8) throws { try whole(value) }
    func encode(_ value: UInt16) throws { try whole(value) }
    func encode(_ value: UInt32) throws { try whole(value) }
    func encode(_ value: UInt64) throws { try whole(value) }
    func encode(_ value: some Encodable) throws { try node.box(value) }

    private func whole(_ value: some BinaryInteger) throws {
        guard let number = Int64(exactly: value) else {
            throw EncodingError.invalidValue(
                value, .init(codingPath: codingPath, debugDescription: "\(value) does not fit into 64 bits"))
        }
        node.value = .int(number)
    }
}

/// A JSON value within a value that is encoded stands there as it is.
extension JSON: Codable {
    /// Only into a document of `JSON(encoding:)`, which takes the value as it is.
    public func encode(to encoder: any Encoder) throws {
        throw EncodingError.invalidValue(
            self, .init(codingPath: encoder.codingPath, debugDescription: "JSON values are encoded by JSON(encoding:)"))
    }

    /// Only from a document, by `decode(_:)`, which gives the value as it is.
    public init(from decoder: any Decoder) throws {
        throw DecodingError.dataCorrupted(
            .init(codingPath: decoder.codingPath, debugDescription: "JSON values are decoded by JSON.decode(_:)"))
    }
}
