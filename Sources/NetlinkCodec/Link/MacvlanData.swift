/// Attributes of a macvlan or macvtap (`IFLA_MACVLAN_*`).
public struct MacvlanData: Hashable, Sendable {
    /// Where frames from one child of an interface to another go (`enum macvlan_mode`).
    public struct Mode: RawRepresentable, Hashable, Sendable {
        /// The kernel's number.
        public let rawValue: UInt32
        /// A mode by its number.
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        /// Nowhere, not even by way of the wire.
        public static let `private` = Mode(rawValue: 1)
        /// Out on the wire, as all others; the switch there sends them back, or does not.
        public static let vepa = Mode(rawValue: 2)
        /// Straight to the other child.
        public static let bridge = Mode(rawValue: 4)
        /// There is only one child, which has the interface for itself.
        public static let passthru = Mode(rawValue: 8)
        /// As `private`, and only from MACs that are listed.
        public static let source = Mode(rawValue: 16)
    }

    /// Kinds of links that have these attributes.
    public enum Kind: String, Hashable, CaseIterable, Sendable {
        /// A card in a stack.
        case macvlan
        /// A card behind `/dev/tapINDEX`, for a hypervisor.
        case macvtap
    }

    /// `IFLA_MACVLAN_MODE`.
    public var mode = Mode.vepa

    private enum Number {
        static let mode: UInt16 = 1
    }

    /// Attributes.
    public init(mode: Mode) { self.mode = mode }

    init(decoding attributes: AttributeReader) throws(WireError) {
        var attributes = attributes
        while let attribute = try attributes.next() {
            guard attribute.type == Number.mode else { continue }
            mode = Mode(rawValue: try attribute.uint32("IFLA_MACVLAN_MODE"))
        }
    }

    func write(to writer: inout MessageWriter) { writer.attribute(Number.mode, number: mode.rawValue) }
}

extension LinkRequest {
    /// `ip link add NAME link-netnsid ID link LOWER type macvlan mode …`, down; `lowerNamespace` is the id that this namespace
    /// gave the one of the interface below, nil where that is in this one.
    ///
    /// Kernels before 6.14 make it in the namespace below and move it, so that the name must be free there, too: one that gets its
    /// own afterwards has that as its title.
    public static func createMacvlan(
        _ end: VethEnd, _ kind: MacvlanData.Kind, lower: UInt32, lowerNamespace: Int32?, data: MacvlanData,
        title: String? = nil
    ) -> Request {
        var writer = header(index: 0, flags: 0, change: 0)
        write(end, to: &writer)
        writer.attribute(LinkAttribute.link, number: lower)
        if let lowerNamespace { writer.attribute(LinkAttribute.linkNamespaceID, number: lowerNamespace) }
        writer.nest(LinkAttribute.info) { info in
            info.attribute(LinkAttribute.Info.kind, text: kind.rawValue)
            info.nest(LinkAttribute.Info.data) { data.write(to: &$0) }
        }
        return Request(
            .newLink, [.create, .exclusive], operation: "create \(kind.rawValue) \(title ?? end.name)", body: writer)
    }

    /// `ip link set NAME type macvlan mode …`; children that are up stay so.
    public static func set(name: String, _ kind: MacvlanData.Kind, _ data: MacvlanData) -> Request {
        var writer = header(index: 0, flags: 0, change: 0)
        writer.attribute(LinkAttribute.name, text: name)
        writer.nest(LinkAttribute.info) { info in
            info.attribute(LinkAttribute.Info.kind, text: kind.rawValue)
            info.nest(LinkAttribute.Info.data) { data.write(to: &$0) }
        }
        return Request(.newLink, operation: "change \(kind.rawValue) \(name)", body: writer)
    }
}
