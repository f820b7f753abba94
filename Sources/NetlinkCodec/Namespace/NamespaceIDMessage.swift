/// The id that this namespace gave another one (`struct rtgenmsg` and `NETNSA_*`).
public struct NamespaceIDMessage: Hashable, Sendable {
    /// `NETNSA_NSID`; −1 for none.
    public var id: Int32
    /// `NETNSA_CURRENT_NSID`: the id that the reader's namespace gave the same one, where the ids of another were asked
    /// for; −1 for none.
    public var readersID: Int32

    /// Decodes the body of an `RTM_NEWNSID`.
    public init(decoding body: ArraySlice<UInt8>) throws(WireError) {
        id = -1
        readersID = -1
        // struct rtgenmsg is one byte, padded to four.
        var attributes = AttributeReader(body.dropFirst(4))
        while let attribute = try attributes.next() {
            if attribute.type == 1 { id = try attribute.int32("NETNSA_NSID") }
            if attribute.type == 5 { readersID = try attribute.int32("NETNSA_CURRENT_NSID") }
        }
    }

    /// All ids that this namespace has given out, or that another one has, by the id that this one gave that
    /// (`NETNSA_TARGET_NSID`).
    public static func dump(target: Int32? = nil) -> Request {
        var writer = header()
        if let target { writer.attribute(4, number: target) }
        return Request(.getNamespaceID, .dump, operation: "read namespace ids", body: writer)
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
