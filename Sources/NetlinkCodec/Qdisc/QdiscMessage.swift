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
    /// What a plain `tbf` lets through; nil for all others.
    public let bucket: TokenBucketData?

    /// Decodes the body of an `RTM_NEWQDISC`.
    public init(decoding body: ArraySlice<UInt8>) throws(WireError) {
        var header = StructReader(body, "qdisc message")
        _ = try header.number(UInt32.self)
        link = try header.number()
        handle = try header.number()
        parent = try header.number()
        _ = try header.number(UInt32.self)
        var kind = ""
        var options: AttributeReader?
        var attributes = AttributeReader(header.remainder)
        while let attribute = try attributes.next() {
            switch attribute.type {
            case Number.kind: kind = attribute.text
            case Number.options: options = attribute.nested
            case _: break
            }
        }
        self.kind = kind
        bucket =
            kind == "tbf"
            ? try options.flatMap { options throws(WireError) in try TokenBucketData(decoding: options) } : nil
    }

    /// `tc qdisc show`.
    public static func dump() -> Request {
        Request(.getQdisc, .dump, operation: "read queueing disciplines", body: header(link: 0, handle: 0, parent: 0))
    }

    /// `tc qdisc delete dev LINK parent PARENT`, with all classes and filters in it.
    public static func remove(link: UInt32, parent: UInt32, operation: String) -> Request {
        Request(.deleteQdisc, operation: operation, body: header(link: link, handle: 0, parent: parent))
    }

    /// `tc qdisc replace dev LINK root tbf …`: what is at the root is changed, or gives way, at once.
    public static func bucket(link: UInt32, _ data: TokenBucketData, operation: String) -> Request {
        var writer = header(link: link, handle: 0, parent: root)
        writer.attribute(Number.kind, text: "tbf")
        writer.nest(Number.options) { data.write(to: &$0) }
        return Request(.newQdisc, [.create, .replace], operation: operation, body: writer)
    }

    /// `tc qdisc add dev LINK ingress`.
    public static func ingress(link: UInt32, operation: String) -> Request {
        var writer = header(link: link, handle: ingress, parent: ingressParent)
        writer.attribute(Number.kind, text: "ingress")
        return Request(.newQdisc, [.create, .exclusive], operation: operation, body: writer)
    }

    /// `TC_H_ROOT`.
    public static let root: UInt32 = 0xffff_ffff
    /// `TC_H_INGRESS`, the parent of `ingress` and `clsact`.
    public static let ingressParent: UInt32 = 0xffff_fff1
    /// `ffff:`, the handle of `ingress`.
    static let ingress: UInt32 = 0xffff_0000

    private enum Number {
        static let kind: UInt16 = 1
        static let options: UInt16 = 2
    }

    static func header(link: UInt32, handle: UInt32, parent: UInt32, information: UInt32 = 0) -> MessageWriter {
        var writer = MessageWriter()
        writer.number(UInt32(0))
        writer.number(link)
        writer.number(handle)
        writer.number(parent)
        writer.number(information)
        return writer
    }
}
