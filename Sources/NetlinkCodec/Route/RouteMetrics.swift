/// Metrics of a route (`RTA_METRICS`, `RTAX_*`).
enum RouteMetrics {
    /// As `ip route add` takes them (`mtu lock 1400 initcwnd 20`); nil where it takes no word for one of them.
    static func words(_ metrics: Attribute) throws(WireError) -> String? {
        var values: [(type: UInt16, text: String)] = []
        var locked: UInt32 = 0
        var attributes = metrics.nested
        while let attribute = try attributes.next() {
            switch attribute.type {
            // RTAX_LOCK: a bit for each that the kernel may not adapt.
            case 1: locked = try attribute.uint32("RTAX_LOCK")
            // RTAX_FEATURES: 1 is RTAX_FEATURE_ECN.
            case 12:
                guard try attribute.uint32("RTAX_FEATURES") == 1 else { return nil }
                values.append((12, "ecn"))
            // RTAX_CC_ALGO: a name.
            case 16:
                let name = attribute.text
                guard !name.isEmpty, name.utf8.allSatisfy(isOfName) else { return nil }
                values.append((16, name))
            // What a later kernel says may have any size.
            case let type:
                guard names[type] != nil else { return nil }
                values.append((type, String(try attribute.uint32("RTAX \(type)"))))
            }
        }
        var words: [String] = []
        for (type, text) in values {
            guard let name = names[type] else { return nil }
            let isLocked = type < 32 && locked & 1 << UInt32(type) != 0
            words.append("\(name)\(isLocked ? " lock" : "") \(text)")
        }
        return words.isEmpty ? nil : words.joined(separator: " ")
    }

    private static let names: [UInt16: String] = [
        2: "mtu", 3: "window", 4: "rtt", 5: "rttvar", 6: "ssthresh", 7: "cwnd", 8: "advmss", 9: "reordering",
        10: "hoplimit", 11: "initcwnd", 12: "features", 13: "rto_min", 14: "initrwnd", 15: "quickack", 16: "congctl",
        17: "fastopen_no_cookie",
    ]

    private static func isOfName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"),
            UInt8(ascii: "-"):
            true
        case _: false
        }
    }
}
