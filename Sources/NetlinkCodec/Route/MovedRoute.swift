extension RouteMessage {
    /// How a route comes among those of its prefix, table and metric, of which the first counts.
    public enum Arrival: Hashable, Sendable {
        /// It is the only one (`ip route add`).
        case alone
        /// It goes before the others (`ip route prepend`). Of IPv6 the kernel puts it behind them all the same.
        case first
        /// It takes the place of the first of its kind, with a gateway or without (`ip route replace`), as which it was there
        /// by another link until then.
        case instead
        /// It goes behind them (`ip route append`).
        case last

        fileprivate var flags: RequestFlags {
            switch self {
            case .alone: [.create, .exclusive]
            case .first: .create
            case .instead: [.create, .replace]
            case .last: [.create, .append]
            }
        }
    }

    /// `ip route add` of the very route that the kernel told of, through another link: wherever it names the link `old`,
    /// `link` stands.
    public static func move(
        _ body: [UInt8], from old: UInt32, to link: UInt32, _ arrival: Arrival = .alone, operation: String
    ) -> Request {
        Request(
            .newRoute, arrival.flags, operation: operation,
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
