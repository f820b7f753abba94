extension RouteMessage {
    /// `ip route add` of the very route that the kernel told of, through another link: wherever it names the link `old`,
    /// `link` stands.
    public static func move(_ body: [UInt8], from old: UInt32, to link: UInt32, operation: String) -> Request {
        Request(
            .newRoute, [.create, .exclusive], operation: operation,
            body: MessageWriter(raw: RouteBody(body, replacing: old, with: link).bytes))
    }

    /// `ip route delete` of it.
    public static func remove(_ body: [UInt8], named old: UInt32, from link: UInt32, operation: String) -> Request {
        Request(
            .deleteRoute, operation: operation,
            body: MessageWriter(raw: RouteBody(body, replacing: old, with: link, isRemoved: true).bytes))
    }

    /// Whether it is the kernel's word of a route that ends by itself (`expires`).
    public static func ends(_ body: [UInt8]) -> Bool { RouteBody(body, replacing: 0, with: 0).ends }
}
