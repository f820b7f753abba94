/// Why a document does not hold the value that it should hold.
public struct DocumentError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Where in the document, `steps[3].operations[0]`; empty for its top.
    public let path: String
    /// What is wrong there.
    public let reason: String

    /// `steps[3].phase: a whole number is needed`.
    public var description: String { path.isEmpty ? reason : "\(path): \(reason)" }
}

extension JSON {
    /// The value that this document holds, by its `Decodable` conformance. Strict: a member that the value does not
    /// know, a number out of its range and a value of another type are errors.
    public func decode<Value: Decodable>(_ type: Value.Type) throws(DocumentError) -> Value {
        do {
            return try DecodingNode(self, path: []).unbox(type)
        } catch DecodingError.dataCorrupted(let context) {
            throw DocumentError(path: Self.text(context.codingPath), reason: context.debugDescription)
        } catch DecodingError.keyNotFound(let key, let context) {
            throw DocumentError(path: Self.text(context.codingPath), reason: "'\(key.stringValue)' is missing")
        } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context) {
            throw DocumentError(path: Self.text(context.codingPath), reason: context.debugDescription)
        } catch {
            throw DocumentError(path: "", reason: "\(error)")
        }
    }

    private static func text(_ path: [any CodingKey]) -> String {
        path.reduce("") { text, key in
            if let index = key.intValue { return "\(text)[\(index)]" }
            return text.isEmpty ? key.stringValue : "\(text).\(key.stringValue)"
        }
    }
}

private struct Index: CodingKey {
    let position: Int
    var stringValue: String { String(position) }
    var intValue: Int? { position }
    init(_ position: Int) { self.position = position }
    init?(stringValue: String) { nil }
    init?(intValue: Int) { position = intValue }
}

/// A place in a document that is read, and which of its members were asked for.
private final class DecodingNode: Decoder {
    let value: JSON
    let codingPath: [any CodingKey]
    let userInfo: [CodingUserInfoKey: Any] = [:]
    private var known: Set<String> = []
    private var nested: [DecodingNode] = []

    init(_ value: JSON, path: [any CodingKey]) {
        self.value = value
        codingPath = path
    }

    func unbox<Value: Decodable>(_ type: Value.Type) throws -> Value {
        if let json = value as? Value { return json }
        let result = try Value(from: self)
        try checkMembers()
        return result
    }

    /// No member may be left that nobody asked for.
    private func checkMembers() throws {
        if case .object(let object) = value, let key = object.members.first(where: { !known.contains($0.key) })?.key {
            throw corrupted("'\(key)' is unknown here")
        }
        for node in nested { try node.checkMembers() }
    }

    func corrupted(_ reason: String) -> DecodingError {
        .dataCorrupted(.init(codingPath: codingPath, debugDescription: reason))
    }

    func object() throws -> JSONObject {
        guard case .object(let object) = value else { throw corrupted("an object is needed") }
        return object
    }

    func array() throws -> [JSON] {
        guard case .array(let array) = value else { throw corrupted("a list is needed") }
        return array
    }

    func member(_ key: any CodingKey) throws -> DecodingNode {
        guard let member = try object()[key.stringValue] else {
            throw DecodingError.keyNotFound(key, .init(codingPath: codingPath, debugDescription: ""))
        }
        known.insert(key.stringValue)
        return DecodingNode(member, path: codingPath + [key])
    }

    func nest(_ node: DecodingNode) -> DecodingNode {
        nested.append(node)
        return node
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(KeyedDecoding<Key>(node: self, object: try object()))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer { ListDecoding(node: self, array: try array()) }
    func singleValueContainer() -> any SingleValueDecodingContainer { ValueDecoding(node: self) }
}

private struct KeyedDecoding<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let node: DecodingNode
    let object: JSONObject
    var codingPath: [any CodingKey] { node.codingPath }
    var allKeys: [Key] { object.members.compactMap { Key(stringValue: $0.key) } }

    func contains(_ key: Key) -> Bool { object[key.stringValue] != nil }
    func decodeNil(forKey key: Key) throws -> Bool { try node.member(key).value == .null }
    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        try node.member(key).unbox(type)
    }

    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type, forKey key: Key) throws
        -> KeyedDecodingContainer<Nested>
    { try node.nest(node.member(key)).container(keyedBy: type) }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try node.nest(node.member(key)).unkeyedContainer()
    }
    func superDecoder() -> any Decoder { node }
    func superDecoder(forKey key: Key) throws -> any Decoder { try node.nest(node.member(key)) }
}

private struct ListDecoding: UnkeyedDecodingContainer {
    let node: DecodingNode
    let array: [JSON]
    var codingPath: [any CodingKey] { node.codingPath }
    var count: Int? { array.count }
    var isAtEnd: Bool { currentIndex >= array.count }
    var currentIndex = 0

    private mutating func next() throws -> DecodingNode {
        guard !isAtEnd else { throw node.corrupted("the list is too short") }
        defer { currentIndex += 1 }
        return DecodingNode(array[currentIndex], path: codingPath + [Index(currentIndex)])
    }

    mutating func decodeNil() throws -> Bool {
        guard !isAtEnd, array[currentIndex] == .null else { return false }
        currentIndex += 1
        return true
    }
    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try next().unbox(type) }

    mutating func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) throws
        -> KeyedDecodingContainer<Nested>
    { try node.nest(next()).container(keyedBy: type) }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try node.nest(next()).unkeyedContainer()
    }
    mutating func superDecoder() throws -> any Decoder { try node.nest(next()) }
}

private struct ValueDecoding: SingleValueDecodingContainer {
    let node: DecodingNode
    var codingPath: [any CodingKey] { node.codingPath }

    func decodeNil() -> Bool { node.value == .null }
    func decode(_ type: Bool.Type) throws -> Bool {
        guard let value = node.value.bool else { throw node.corrupted("true or false is needed") }
        return value
    }
    func decode(_ type: String.Type) throws -> String {
        guard let value = node.value.string else { throw node.corrupted("a text is needed") }
        return value
    }
    func decode(_ type: Double.Type) throws -> Double {
        switch node.value {
        case .double(let value): value
        case .int(let value): Double(value)
        case .null, .bool, .string, .array, .object: throw node.corrupted("a number is needed")
        }
    }
    func decode(_ type: Float.Type) throws -> Float { Float(try decode(Double.self)) }
    func decode(_ type: Int.Type) throws -> Int { try whole() }
    func decode(_ type: Int8.Type) throws -> Int8 { try whole() }
    func decode(_ type: Int16.Type) throws -> Int16 { try whole() }
    func decode(_ type: Int32.Type) throws -> Int32 { try whole() }
    func decode(_ type: Int64.Type) throws -> Int64 { try whole() }
    func decode(_ type: UInt.Type) throws -> UInt { try whole() }
    func decode(_ type: UInt8.Type) throws -> UInt8 { try whole() }
    func decode(_ type: UInt16.Type) throws -> UInt16 { try whole() }
    func decode(_ type: UInt32.Type) throws -> UInt32 { try whole() }
    func decode(_ type: UInt64.Type) throws -> UInt64 { try whole() }
    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try node.unbox(type) }

    private func whole<Number: FixedWidthInteger>() throws -> Number {
        guard let value = node.value.int else { throw node.corrupted("a whole number is needed") }
        guard let number = Number(exactly: value) else {
            throw node.corrupted("\(value) is not within \(Number.min)…\(Number.max)")
        }
        return number
    }
}
