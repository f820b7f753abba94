/// Elements of a named set or map of nftables (`NFTA_SET_ELEM_*` of `linux/netfilter/nf_tables.h`).
public struct SetElementMessage: Hashable, Sendable {
    /// One of them.
    public struct Element: Hashable, Sendable {
        /// `NFTA_SET_ELEM_KEY`: the parts one behind the other, each filled up to four bytes where there are several.
        public var key: [UInt8] = []
        /// `NFTA_SET_ELEM_KEY_END`: where several parts are ranges, their last values.
        public var end: [UInt8]?
        /// What a map gives for it.
        public var data: Value?
        /// `NFTA_SET_ELEM_FLAGS`: `NFT_SET_ELEM_INTERVAL_END` 1, `NFT_SET_ELEM_CATCHALL` 2.
        public var flags: UInt32 = 0
        /// `NFTNL_UDATA_SET_ELEM_COMMENT` of `NFTA_SET_ELEM_USERDATA`.
        public var comment: String?
        /// Whether it names an object, such as a counter (`NFTA_SET_ELEM_OBJREF`).
        public var namesObject = false
    }

    /// What a map gives.
    public enum Value: Hashable, Sendable {
        /// `NFTA_DATA_VALUE`.
        case bytes([UInt8])
        /// `NFTA_DATA_VERDICT`: `NFTA_VERDICT_CODE`, and `NFTA_VERDICT_CHAIN` for jumps.
        case verdict(Int32, chain: String?)
    }

    /// In the kernel's order, which is that of a hash table.
    public var elements: [Element] = []

    /// `NFNL_SUBSYS_NFTABLES << 8` and `NFT_MSG_NEWSETELEM`: what a dump is made of.
    public static let new = MessageType(rawValue: 0xa0c)
    /// The same of `NFT_MSG_GETSETELEM`.
    private static let get = MessageType(rawValue: 0xa0d)

    /// Decodes the body of an `NFT_MSG_NEWSETELEM`.
    public init(decoding body: ArraySlice<UInt8>) throws(WireError) {
        guard body.count >= 4 else { throw .truncated(what: "set element message") }
        var attributes = AttributeReader(body.dropFirst(4))
        while let attribute = try attributes.next() {
            guard attribute.type == 3 else { continue }
            var list = attribute.nested
            while let element = try list.next() { elements.append(try Element(decoding: element.nested)) }
        }
    }

    /// All elements of one set; `family` as in `TableMessage`.
    public static func dump(family: UInt8, table: String, set: String) -> Request {
        var writer = MessageWriter()
        writer.number(UInt32(family))
        writer.attribute(1, text: table)
        writer.attribute(2, text: set)
        return Request(get, .dump, operation: "read elements of set \(set)", body: writer)
    }
}

extension SetElementMessage.Element {
    fileprivate init(decoding attributes: AttributeReader) throws(WireError) {
        var attributes = attributes
        while let attribute = try attributes.next() {
            switch attribute.type {
            case 1: key = try Self.bytes(attribute.nested) ?? []
            case 2: data = try Self.value(attribute.nested)
            case 3: flags = try attribute.uint32("NFTA_SET_ELEM_FLAGS").byteSwapped
            case 6: comment = Self.comment(attribute.payload)
            case 9: namesObject = true
            case 10: end = try Self.bytes(attribute.nested)
            case _: break
            }
        }
    }

    private static func bytes(_ attributes: AttributeReader) throws(WireError) -> [UInt8]? {
        var attributes = attributes
        while let attribute = try attributes.next() { if attribute.type == 1 { return Array(attribute.payload) } }
        return nil
    }

    private static func value(_ attributes: AttributeReader) throws(WireError) -> SetElementMessage.Value? {
        var attributes = attributes
        while let attribute = try attributes.next() {
            if attribute.type == 1 { return .bytes(Array(attribute.payload)) }
            guard attribute.type == 2 else { continue }
            var (code, chain): (Int32?, String?)
            var verdict = attribute.nested
            while let part = try verdict.next() {
                if part.type == 1 { code = try part.int32("NFTA_VERDICT_CODE").byteSwapped }
                if part.type == 2 { chain = part.text }
            }
            return code.map { .verdict($0, chain: chain) }
        }
        return nil
    }

    /// Type, length and value, a byte each for the first two; type 0 is a comment.
    private static func comment(_ bytes: ArraySlice<UInt8>) -> String? {
        var rest = bytes
        while rest.count >= 2 {
            let (type, length) = (rest[rest.startIndex], Int(rest[rest.startIndex + 1]))
            let value = rest.dropFirst(2)
            guard length <= value.count else { return nil }
            if type == 0 { return String(decoding: value.prefix(length).prefix { $0 != 0 }, as: UTF8.self) }
            rest = value.dropFirst(length)
        }
        return nil
    }
}

/// The number that goes up with every change of nftables in a namespace (`NFT_MSG_GETGEN`).
public enum FirewallGeneration {
    /// Asks for it.
    public static func get() -> Request {
        var writer = MessageWriter()
        writer.number(UInt32(0))
        return Request(MessageType(rawValue: 0xa10), operation: "read firewall generation", body: writer)
    }

    /// `NFTA_GEN_ID` of the body of an `NFT_MSG_NEWGEN`.
    public static func id(decoding body: ArraySlice<UInt8>) throws(WireError) -> UInt32 {
        guard body.count >= 4 else { throw .truncated(what: "generation message") }
        var attributes = AttributeReader(body.dropFirst(4))
        while let attribute = try attributes.next() {
            if attribute.type == 1 { return try attribute.uint32("NFTA_GEN_ID").byteSwapped }
        }
        throw .truncated(what: "generation message")
    }
}
