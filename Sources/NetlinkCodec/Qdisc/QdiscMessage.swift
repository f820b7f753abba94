/// A queueing discipline (`struct tcmsg` and `TCA_*`, `linux/rtnetlink.h`; `tc qdisc`).
public struct QdiscMessage: Hashable, Sendable {
    /// `tcm_ifindex`.
    public let link: UInt32
    /// `tcm_handle`; 0 for those that the kernel gives every link.
    public let handle: UInt32
    /// `tcm_parent`: `TC_H_ROOT` (0xffffffff), `TC_H_INGRESS` (0xfffffff1), or a class.
    public let parent: UInt32
    /// `TCA_KIND`: `htb`, `clsact` …
    public let kind: String

    /// Decodes the body of an `RTM_NEWQDISC`.
    public init(decoding body: ArraySlice<UInt8>) throws(WireError) {
        var header = StructReader(body, "qdisc message")
        _ = try header.number(UInt32.self)
        link = try header.number()
        handle = try header.number()
        parent = try header.number()
        _ = try header.number(UInt32.self)
        var kind = ""
        var attributes = AttributeReader(header.remainder)
        while let attribute = try attributes.next() {
            if attribute.type == 1 { kind = attribute.text }
        }
        self.kind = kind
    }

    /// `tc qdisc show`.
    public static func dump() -> Request {
        Request(.getQdisc, .dump, operation: "read queueing disciplines", body: header(link: 0, handle: 0, parent: 0))
    }

    /// `tc qdisc delete dev LINK parent PARENT`, with all classes and filters in it.
    public static func remove(link: UInt32, parent: UInt32, operation: String) -> Request {
        Request(.deleteQdisc, operation: operation, body: header(link: link, handle: 0, parent: parent))
    }

    private static func header(link: UInt32, handle: UInt32, parent: UInt32) -> MessageWriter {
        var writer = MessageWriter()
        writer.number(UInt32(0))
        writer.number(link)
        writer.number(handle)
        writer.number(parent)
        writer.number(UInt32(0))
        return writer
    }
}
