/// The lines of a configuration of FRR, each with where it stands.
struct RoutingWalk {
    /// A line of the text.
    struct Place {
        /// As it is, without the end of the line.
        var raw: Substring
        /// What it says within the block of the default instance; nil elsewhere, and for what only structures that.
        var line: RoutingLine?
        /// Whether it lies in that block, or opens or closes it.
        var isInBlock = false
        /// Whether it opens the block.
        var opens = false
        /// Whether it is bulkhead's.
        var isOurs = false
    }

    private(set) var places: [Place] = []
    private(set) var asn: UInt32?
    private(set) var hasInstances = false

    init(_ text: some StringProtocol) {
        var family: RoutingLine.Family?
        for raw in String(text).split(separator: "\n", omittingEmptySubsequences: false) {
            let words = raw.split { $0 == " " || $0 == "\t" || $0 == "\r" }
            var place = Place(raw: Substring(raw))
            if words.starts(with: ["router", "bgp"]) {
                let number = words.count == 3 ? UInt32(words[2]) : nil
                hasInstances = hasInstances || words.count > 3
                family = number == nil ? nil : .router
                asn = number ?? asn
                place.opens = number != nil
                place.isInBlock = place.opens
            } else if let current = family {
                let isIndented = raw.first == " " || raw.first == "\t"
                let next = Self.next(words, in: current, isIndented: isIndented)
                place.isInBlock = next != nil || words == ["exit"]
                if let next, next == current, Self.says(words) {
                    place.line = RoutingLine(current, words.joined(separator: " "))
                }
                family = next
            }
            places.append(place)
        }
        mark()
    }

    /// Comments, and what closes a family that was open already.
    private static func says(_ words: [Substring]) -> Bool {
        guard let first = words.first else { return false }
        return !first.hasPrefix("!") && !first.hasPrefix("#") && first != "address-family"
            && first != "exit-address-family"
    }

    /// Where the next line stands; nil behind the block.
    private static func next(_ words: [Substring], in family: RoutingLine.Family, isIndented: Bool)
        -> RoutingLine.Family?
    {
        guard let first = words.first, !first.hasPrefix("!"), !first.hasPrefix("#") else { return family }
        switch first {
        case "address-family":
            if words.count >= 2, words[1] == "ipv4", words.count == 2 || words[2] == "unicast" { return .ipv4 }
            return words == ["address-family", "l2vpn", "evpn"] ? .evpn : .other
        case "exit-address-family": return .router
        case "exit": return family == .router ? nil : .router
        case "end": return nil
        case _: return isIndented || Self.inside.contains(String(first)) ? family : nil
        }
    }

    /// What may stand in the block without being indented, as people write it.
    private static let inside: Set<String> = [
        "neighbor", "bgp", "no", "network", "redistribute", "timers", "maximum-paths", "advertise-all-vni",
        "aggregate-address",
        "distance", "table-map", "coalesce-time", "read-quanta", "write-quanta", "vni", "exit-vni", "advertise",
    ]

    private mutating func mark() {
        for index in places.indices {
            places[index].isOurs = places[index].line.map(Self.isGroups) ?? false
        }
        let lines = places.filter(\.isOurs).compactMap(\.line)
        guard let asn, !lines.isEmpty else { return }
        let part = RoutingPart(asn: asn, lines: lines)
        for index in places.indices {
            guard let line = places[index].line else { continue }
            let isRouters = part.ownsRouter && line.family == .router && line.text.hasPrefix("bgp router-id ")
            let isTold = part.ownsAdvertising && line == RoutingLine(.evpn, RoutingPart.advertising)
            if isRouters || isTold { places[index].isOurs = true }
        }
    }

    /// Whether it is one of the settings that bulkhead gives its peer group, or makes a neighbour a member.
    private static func isGroups(_ line: RoutingLine) -> Bool {
        let words = line.text.split(separator: " ").map(String.init)
        let group = RoutingPart.group
        if words.count == 4, words[0] == "neighbor", words[2] == "peer-group", words[3] == group { return true }
        let positive = words.first == "no" ? Array(words.dropFirst()) : words
        guard positive.count >= 3, positive[0] == "neighbor", positive[1] == group else { return false }
        if positive[2] == "activate" { return true }
        return words.first != "no"
            && ["peer-group", "remote-as", "description", "update-source", "timers"].contains(positive[2])
    }
}
