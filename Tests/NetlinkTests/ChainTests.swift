import NetlinkCodec
import TestSupport
import Testing

/// Chains as Linux 6.18 tells of them (`nft list chains netdev`):
///
/// ```
/// table netdev bulkhead {
///     chain entry { type filter hook ingress devices = { eth1, eth2 } priority -10; }
///     chain exit { type filter hook egress device eth1 priority 5; policy drop; }
///     chain plain { }
/// }
/// table inet bulkhead { chain forward { type filter hook forward priority 0; } }
/// ```
@Suite struct ChainTests {
    private func chain(_ text: String) throws -> ChainMessage { try ChainMessage(decoding: bytes(text)[...]) }

    @Test func ofSeveralDevices() throws {
        let found = try chain(
            """
            05000002 0d000100 62756c6b68656164 00000000 0a000300 656e747279000000 0c000200 0000000000000001
            30000400 08000100 00000000 08000200 fffffff6
              1c000400 09000100 6574683200000000 09000100 6574683100000000
            08000500 00000001 0b000700 66696c7465720000 08000a00 00000001 08000600 00000000
            """)
        #expect(found.family == 5 && found.table == "bulkhead" && found.name == "entry")
        #expect(found.devices == ["eth1", "eth2"])
    }

    /// The kernel says the only one twice.
    @Test func ofOneDevice() throws {
        let found = try chain(
            """
            05000002 0d000100 62756c6b68656164 00000000 09000300 6578697400000000 0c000200 0000000000000002
            30000400 08000100 00000001 08000200 00000005
              10000400 09000100 6574683100000000 09000300 6574683100000000
            08000500 00000000 0b000700 66696c7465720000 08000a00 00000001 08000600 00000000
            """)
        #expect(found.name == "exit" && found.devices == ["eth1"])
    }

    @Test func ofNone() throws {
        let plain = try chain(
            "05000002 0d000100 62756c6b68656164 00000000 0a000300 706c61696e000000 0c000200 0000000000000003")
        #expect(plain.name == "plain" && plain.devices == [])
        let hooked = try chain(
            """
            01000002 0d000100 62756c6b68656164 00000000 0c000300 666f727761726400 0c000200 0000000000000001
            14000400 08000100 00000002 08000200 00000000
            """)
        #expect(hooked.family == 1 && hooked.name == "forward" && hooked.devices == [])
    }

    @Test func whatIsCutShortIsAnError() {
        #expect(throws: WireError.self) { try ChainMessage(decoding: [5, 0, 0]) }
        #expect(throws: WireError.self) { try ChainMessage(decoding: bytes("05000002 ff000100 6200")[...]) }
    }

    /// `NFT_MSG_GETCHAIN`, `NLM_F_DUMP`.
    @Test func areAskedForByFamily() {
        let request = ChainMessage.dump(family: 5)
        #expect(request.type.rawValue == 0xa04 && request.flags.rawValue == 0x300)
        #expect(request.body == [5, 0, 0, 0])
    }
}
