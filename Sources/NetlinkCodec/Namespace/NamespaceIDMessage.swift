/// The id that this namespace gave another one (`struct rtgenmsg` and `NETNSA_*`).
public struct NamespaceIDMessage: Hashable, Sendable {
    /// `NETNSA_NSID`; −1 for none.
    public var id: Int32

    /// Decodes the body of an `RTM_NEWNSID`.
    public init(decoding body: ArraySlice<UInt8>) throws(WireError) {
        id = -1
        // struct rtgenmsg is one byte, padded to four.
        var attributes = AttributeReader(body.dropFirst(4))
        while let attribute = try attributes.next() {
            if attribute.type == 1 { id = try attribute.int32("NETNSA_NSID") }
        }
    }

    /// All ids that this namespace has given out.
    public static func dump() -> Request {
        Request(.getNamespaceID, .dump, operation: "read namespace ids", body: header())
    }

    /// The id of the namespace open as a descriptor.
    public static func get(descriptor: Int32) -> Request {
        var writer = header()
        writer.attribute(3, number: descriptor)
        return Request(.getNamespaceID, operation: "read namespace id", body: writer)
    }

    /// `ip netns set NAME ID`.
    public static func set(descriptor: Int32, id: Int32, operation: String) -> Request {
        var writer = header()
        writer.attribute(1, number: id)
        writer.attribute(3, number: descriptor)
        return Request(.newNamespaceID, operation: operation, body: writer)
    }

    private static func header() -> MessageWriter {
        var writer = MessageWriter()
        writer.number(UInt32(0))
        return writer
    }
}
