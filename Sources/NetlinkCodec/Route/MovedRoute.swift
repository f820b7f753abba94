extension RouteMessage {
    /// `ip route add` of the very route that the kernel told of, through another link.
    public static func move(_ body: [UInt8], to link: UInt32, operation: String) -> Request {
        Request(
            .newRoute, [.create, .exclusive], operation: operation,
            body: MessageWriter(raw: RouteBody(body, link: link).bytes))
    }

    /// `ip route delete` of it.
    public static func remove(_ body: [UInt8], from link: UInt32, operation: String) -> Request {
        Request(
            .deleteRoute, operation: operation,
            body: MessageWriter(raw: RouteBody(body, link: link, isRemoved: true).bytes))
    }
}
