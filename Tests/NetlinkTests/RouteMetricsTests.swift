import Addressing
import NetlinkCodec
import Testing

/// Metrics of routes in the words of `ip route`, and what has none.
@Suite struct RouteMetricsTests {
    /// A default route of IPv6 with these attributes of `RTA_METRICS`.
    private func route(_ metrics: String) throws -> RouteMessage {
        let nested = bytes(metrics)
        let length = UInt8(nested.count + 4)
        let message = bytes("0a 00 00 00 fe 03 00 01 00000000") + [length, 0, 8, 0] + nested
        return try #require(try RouteMessage(decoding: message[...]))
    }

    @Test func knownOnesAreWords() throws {
        // RTAX_LOCK of RTAX_MTU; RTAX_MTU, RTAX_HOPLIMIT; RTAX_CC_ALGO.
        let route = try route("0800 0100 04000000  0800 0200 78050000  0800 0a00 40000000  0a00 1000 637562696300 0000")
        #expect(route.specialties == ["mtu lock 1400 hoplimit 64 congctl cubic"])
        #expect(route.isCommand)
    }

    /// Of any size, before and behind known ones; a feature that is not RTAX_FEATURE_ECN; a name that is none.
    @Test(
        arguments: [
            "0800 0200 78050000  0500 6300 07 000000", "0400 1200  0800 0200 78050000", "0c00 2100 0000000000000000",
            "0800 0c00 03000000", "0800 1000 3b696400", "",
        ])
    func othersHaveNoWords(_ metrics: String) throws {
        let route = try route(metrics)
        #expect(route.specialties == ["metrics"])
        #expect(!route.isCommand)
    }

    @Test(arguments: ["0600 0200 7805 0000", "0800 0200 7805", "0300 0200"])
    func knownOnesOfAnotherSizeAreErrors(_ metrics: String) {
        #expect(throws: WireError.self) { try route(metrics) }
    }

    /// `ip -6 route add default nexthop via fd00::1 dev 3 nexthop dev 4`.
    @Test func nextHopsHaveGateways() throws {
        let hops = "1c00 00 00 03000000 1400 0500 fd000000000000000000000000000001  0800 00 00 04000000"
        let message = bytes("0a 00 00 00 fe 03 00 01 00000000  2800 0900 \(hops)")
        let route = try #require(try RouteMessage(decoding: message[...]))
        #expect(route.nextHopLinks == [3, 4])
        #expect(route.nextHops.map { $0.gateway?.description } == ["fd00::1", nil])
        // One that says it is longer than what holds it.
        let long = bytes("0a 00 00 00 fe 03 00 01 00000000  0c00 0900 0900 00 00 04000000")
        #expect(throws: WireError.self) { try RouteMessage(decoding: long[...]) }
    }
}
