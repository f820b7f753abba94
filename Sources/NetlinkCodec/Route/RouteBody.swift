/// A route that the kernel told of, as a request: what `ip route flush` and `ip route restore` send back.
///
/// Four things cannot go back as they came: the state of the route in `rtm_flags`; beside `RTA_NH_ID` what the
/// next-hop object says, which the kernel tells but does not take; the index of a link that was made anew; and how long it
/// lasts, which the kernel tells in RTA_CACHEINFO and takes in RTA_EXPIRES.
struct RouteBody {
    private(set) var bytes: [UInt8]
    /// Whether it ends by itself.
    private(set) var ends = false

    /// The body for a link that has this index now; it is told with that of the first next hop.
    init(_ body: [UInt8], link: UInt32, isRemoved: Bool = false) {
        let old = body.count < Self.headerSize ? nil : Self.link(in: Self.attributes(body), body)
        self.init(body, replacing: old, with: link, isRemoved: isRemoved)
    }

    /// The body with one index for another.
    init(_ body: [UInt8], replacing old: UInt32?, with link: UInt32, isRemoved: Bool = false) {
        bytes = body
        guard body.count >= Self.headerSize else { return }
        let attributes = Self.attributes(body)
        let hasObject = attributes.contains { $0.type == 30 }
        // RTNH_F_ONLINK is all that is asked for; the others tell of states.
        var header = Array(body[..<Self.headerSize])
        header.replaceSubrange(8..<Self.headerSize, with: [header[8] & 4, 0, 0, 0])
        // Each of several IPv6 next hops was added with a protocol of its own, of which the first one's is told; none
        // stands for any.
        if isRemoved, attributes.contains(where: { $0.type == 9 }) { header[5] = 0 }
        // A route by an object that drops is told as a blackhole, and is one of any type and scope where it is kept.
        if hasObject { (header[6], header[7]) = isRemoved ? (255, 0) : (header[6], 1) }
        bytes = header
        for attribute in attributes where !(hasObject && Self.ofObject.contains(attribute.type)) {
            let start = bytes.count
            bytes += body[attribute.range]
            switch attribute.type {
            case 4 where Self.number(body, attribute.range.lowerBound + 4) == old: write(link, at: start + 4)
            case 9: replaceHops(old, link, from: start + 4)
            case _: break
            }
        }
        guard let seconds = Self.secondsLeft(attributes, body) else { return }
        ends = true
        if !isRemoved { appendNumber(seconds, as: 23) }
    }

    /// `rta_expires` of RTA_CACHEINFO, in hundredths of a second (USER_HZ); 0 for good.
    private static func secondsLeft(_ attributes: [(type: UInt16, range: Range<Int>)], _ body: [UInt8]) -> UInt32? {
        guard let cache = attributes.first(where: { $0.type == 12 }),
            let ticks = number(body, cache.range.lowerBound + 12), ticks > 0, ticks <= UInt32(Int32.max)
        else { return nil }
        return max(1, (ticks + 50) / 100)
    }

    private mutating func appendNumber(_ number: UInt32, as type: UInt16) {
        bytes += [8, 0, UInt8(truncatingIfNeeded: type), UInt8(truncatingIfNeeded: type >> 8), 0, 0, 0, 0]
        write(number, at: bytes.count - 4)
    }

    /// `struct rtmsg`.
    private static let headerSize = 12
    /// RTA_OIF, RTA_GATEWAY, RTA_MULTIPATH, RTA_VIA, RTA_ENCAP_TYPE, RTA_ENCAP.
    private static let ofObject: Set<UInt16> = [4, 5, 9, 18, 21, 22]

    private static func attributes(_ body: [UInt8]) -> [(type: UInt16, range: Range<Int>)] {
        var result: [(type: UInt16, range: Range<Int>)] = []
        var place = headerSize
        while place + 4 <= body.count {
            let length = max(Int(body[place]) | Int(body[place + 1]) << 8, 4)
            let end = min(place + (length + 3) & ~3, body.count)
            result.append(((UInt16(body[place + 2]) | UInt16(body[place + 3]) << 8) & 0x3fff, place..<end))
            place = end
        }
        return result
    }

    /// The link that the route was told with: RTA_OIF, or that of the first of several next hops.
    private static func link(in attributes: [(type: UInt16, range: Range<Int>)], _ body: [UInt8]) -> UInt32? {
        for (type, range) in attributes {
            if type == 4 { return number(body, range.lowerBound + 4) }
            if type == 9 { return number(body, range.lowerBound + 8) }
        }
        return nil
    }

    private static func number(_ bytes: [UInt8], _ place: Int) -> UInt32? {
        guard place + 4 <= bytes.count else { return nil }
        return (0..<4).reduce(0) { $0 | UInt32(bytes[place + $1]) << (8 * UInt32($1)) }
    }

    private mutating func write(_ number: UInt32, at place: Int) {
        guard place + 4 <= bytes.count else { return }
        for byte in 0..<4 { bytes[place + byte] = UInt8(truncatingIfNeeded: number >> (8 * UInt32(byte))) }
    }

    /// `struct rtnexthop`: length, flags, which tell of states but for RTNH_F_ONLINK, hops, link.
    private mutating func replaceHops(_ old: UInt32?, _ link: UInt32, from start: Int) {
        var place = start
        while place + 8 <= bytes.count {
            let length = Int(bytes[place]) | Int(bytes[place + 1]) << 8
            guard length >= 8 else { return }
            bytes[place + 2] &= 4
            if Self.number(bytes, place + 4) == old { write(link, at: place + 4) }
            place += (length + 3) & ~3
        }
    }
}
