/// One netlink attribute: its type without the flag bits, and its payload (`struct nlattr`).
public struct Attribute: Sendable {
    /// `nla_type & NLA_TYPE_MASK`.
    public let type: UInt16
    /// The payload, without padding.
    public let payload: ArraySlice<UInt8>

    /// Payload of exactly one byte.
    public func uint8(_ what: String) throws(WireError) -> UInt8 { UInt8(truncatingIfNeeded: try number(what, 1)) }
    /// Payload of exactly two bytes, host order.
    public func uint16(_ what: String) throws(WireError) -> UInt16 { UInt16(truncatingIfNeeded: try number(what, 2)) }
    /// Payload of exactly four bytes, host order.
    public func uint32(_ what: String) throws(WireError) -> UInt32 { UInt32(truncatingIfNeeded: try number(what, 4)) }
    /// Payload of exactly eight bytes, host order.
    public func uint64(_ what: String) throws(WireError) -> UInt64 { try number(what, 8) }
    /// Payload of exactly four bytes, host order, signed.
    public func int32(_ what: String) throws(WireError) -> Int32 { Int32(bitPattern: try uint32(what)) }
    /// Text up to the first NUL. What is no UTF-8 comes back byte by byte when it is written (`KernelText`).
    public var text: String { KernelText.text(payload.prefix { $0 != 0 }) }
    /// The attributes inside.
    public var nested: AttributeReader { AttributeReader(payload) }

    private func number(_ what: String, _ size: Int) throws(WireError) -> UInt64 {
        guard payload.count == size else {
            throw .wrongSize(what: what, expected: size, found: payload.count)
        }
        var value: UInt64 = 0
        for (place, byte) in payload.enumerated() { value |= UInt64(byte) << UInt64(8 * place) }
        return value
    }
}

/// Walks over attributes; every step goes at least four bytes forward, so it always ends.
public struct AttributeReader: Sendable {
    private var rest: ArraySlice<UInt8>

    /// Reads attributes from bytes.
    public init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

    /// The next attribute; nil at the end. Fewer than four trailing bytes are padding.
    public mutating func next() throws(WireError) -> Attribute? {
        guard rest.count >= 4 else { return nil }
        let start = rest.startIndex
        let length = Int(rest[start]) | Int(rest[start + 1]) << 8
        let type = UInt16(rest[start + 2]) | UInt16(rest[start + 3]) << 8
        guard length >= 4 else { throw .malformed(what: "attribute \(type & 0x3fff)") }
        guard length <= rest.count else { throw .truncated(what: "attribute \(type & 0x3fff)") }
        let payload = rest[(start + 4)..<(start + length)]
        rest = rest.dropFirst((length + 3) & ~3)
        return Attribute(type: type & 0x3fff, payload: payload)
    }
}

/// Reads integers of fixed structures in host order.
public struct StructReader: Sendable {
    private var rest: ArraySlice<UInt8>
    private let what: String

    /// Reads a structure of that name from the front of the bytes.
    public init(_ bytes: ArraySlice<UInt8>, _ what: String) {
        rest = bytes
        self.what = what
    }

    /// What has not been read.
    public var remainder: ArraySlice<UInt8> { rest }

    /// The next bytes as a number, lowest byte first.
    public mutating func number<Number: FixedWidthInteger>(_: Number.Type = Number.self) throws(WireError) -> Number {
        let size = Number.bitWidth / 8
        guard rest.count >= size else { throw .truncated(what: what) }
        // No number of netlink is wider.
        var value: UInt64 = 0
        for (place, byte) in rest.prefix(size).enumerated() { value |= UInt64(byte) << UInt64(8 * place) }
        rest = rest.dropFirst(size)
        return Number(truncatingIfNeeded: value)
    }
}
