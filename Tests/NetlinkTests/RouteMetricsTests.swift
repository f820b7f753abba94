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
}
