/// A filter of a queueing discipline (`struct tcmsg` and `TCA_*`; `tc filter`), as far as bulkhead makes and knows any.
public struct FilterMessage: Hashable, Sendable {
    /// `tcm_ifindex`.
    public let link: UInt32
    /// Index of the device to which it redirects every frame of every protocol, and does nothing else; nil for all others.
    public let redirect: UInt32?

    private enum Number {
        static let kind: UInt16 = 1
        static let options: UInt16 = 2
        static let selector: UInt16 = 5
        static let actions: UInt16 = 7
        static let mirrored: UInt16 = 2
    }

    /// Decodes the body of an `RTM_NEWTFILTER`; nil where it speaks of a hash table, or of a priority, and no filter.
    public init?(decoding body: ArraySlice<UInt8>) throws(WireError) {
        var header = StructReader(body, "filter message")
        _ = try header.number(UInt32.self)
        link = try header.number()
        let handle = try header.number(UInt32.self)
        _ = try header.number(UInt32.self)
        let information = try header.number(UInt32.self)
        var kind = ""
        var target: UInt32?
        var attributes = AttributeReader(header.remainder)
        while let attribute = try attributes.next() {
            switch attribute.type {
            case Number.kind: kind = attribute.text
            case Number.options: target = try Self.target(attribute.nested)
            case _: break
            }
        }
        // A handle of u32 without a node is that of a table.
        guard kind != "u32" || handle & 0xfff != 0 else { return nil }
        if kind != "u32", handle == 0 { return nil }
        redirect = kind == "u32" && information & 0xffff == Self.allProtocols ? target : nil
    }

    /// Where a filter with these options redirects all.
    private static func target(_ options: AttributeReader) throws(WireError) -> UInt32? {
        var options = options
        var (matchesAll, target): (Bool, UInt32?) = (false, nil)
        while let option = try options.next() {
            switch option.type {
            case Number.selector: matchesAll = try Self.matchesAll(option.payload)
            case Number.actions:
                var actions = option.nested
                guard let action = try actions.next(), try actions.next() == nil else { return nil }
                target = try Self.target(ofAction: action.nested)
            case _: break
            }
        }
        return matchesAll ? target : nil
    }

    /// `struct tc_u32_sel` with one `struct tc_u32_key` that has an empty mask.
    private static func matchesAll(_ bytes: ArraySlice<UInt8>) throws(WireError) -> Bool {
        var reader = StructReader(bytes, "tc_u32_sel")
        let flags = try reader.number(UInt8.self)
        _ = try reader.number(UInt8.self)
        let count = try reader.number(UInt8.self)
        for _ in 0..<13 { _ = try reader.number(UInt8.self) }
        guard flags & terminal != 0, count == 1 else { return false }
        return try reader.number(UInt32.self) == 0
    }

    private static func target(ofAction attributes: AttributeReader) throws(WireError) -> UInt32? {
        var attributes = attributes
        var (kind, target): (String, UInt32?) = ("", nil)
        while let attribute = try attributes.next() {
            switch attribute.type {
            case Number.kind: kind = attribute.text
            case Number.options:
                var options = attribute.nested
                while let option = try options.next() {
                    if option.type == Number.mirrored { target = try Self.target(ofMirrored: option.payload) }
                }
            case _: break
            }
        }
        return kind == "mirred" ? target : nil
    }

    /// `struct tc_mirred`.
    private static func target(ofMirrored bytes: ArraySlice<UInt8>) throws(WireError) -> UInt32? {
        var reader = StructReader(bytes, "tc_mirred")
        for _ in 0..<2 { _ = try reader.number(UInt32.self) }
        let action = try reader.number(UInt32.self)
        for _ in 0..<2 { _ = try reader.number(UInt32.self) }
        let kind = try reader.number(UInt32.self)
        let index = try reader.number(UInt32.self)
        return action == stolen && kind == redirection ? index : nil
    }

    /// `tc filter show dev LINK parent ffff:`.
    public static func dump(link: UInt32) -> Request {
        Request(
            .getFilter, .dump, operation: "read filters",
            body: QdiscMessage.header(link: link, handle: 0, parent: QdiscMessage.ingress))
    }

    /// `tc filter add dev LINK parent ffff: protocol all prio 1 u32 match u32 0 0 action mirred egress redirect dev TARGET`.
    public static func redirect(link: UInt32, to target: UInt32, operation: String) -> Request {
        var writer = QdiscMessage.header(
            link: link, handle: 0, parent: QdiscMessage.ingress, information: 1 << 16 | allProtocols)
        writer.attribute(Number.kind, text: "u32")
        writer.nest(Number.options) { options in
            var selector = MessageWriter()
            for byte in [terminal, 0, 1, 0] { selector.number(byte) }
            // Offsets and hash mask, then one key: mask, value, offset, offset mask.
            for _ in 0..<7 { selector.number(UInt32(0)) }
            options.attribute(Number.selector, selector.bytes)
            options.nest(Number.actions) { actions in
                actions.nest(1) { action in
                    action.attribute(Number.kind, text: "mirred")
                    action.nest(Number.options) { options in
                        var mirrored = MessageWriter()
                        for number in [0, 0, stolen, 0, 0, redirection, target] { mirrored.number(number) }
                        options.attribute(Number.mirrored, mirrored.bytes)
                    }
                }
            }
        }
        return Request(.newFilter, [.create, .exclusive], operation: operation, body: writer)
    }

    /// `ETH_P_ALL` in network order, as in `tcm_info`.
    private static let allProtocols = UInt32(UInt16(3).bigEndian)
    /// `TC_U32_TERMINAL`.
    private static let terminal: UInt8 = 1
    /// `TC_ACT_STOLEN`.
    private static let stolen: UInt32 = 4
    /// `TCA_EGRESS_REDIR`.
    private static let redirection: UInt32 = 1
}
