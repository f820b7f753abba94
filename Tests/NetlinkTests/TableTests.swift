import NetlinkCodec
import Testing

/// Tables of nftables, as a kernel (Linux 6.18) tells of them.
@Suite struct TableTests {
    /// `nft add table inet t '{ flags dormant; }'`, and one that a process owns: `NFTA_TABLE_NAME`, `_FLAGS`, `_USE`,
    /// `_HANDLE`, `_OWNER`.
    @Test func flagsAndOwner() throws {
        let dormant = try TableMessage(
            decoding: bytes(
                "01 00 0002  0600 0100 7400 0000  0800 0200 00000001  0800 0300 00000000  0c00 0400 0000000000000002")[
                    ...])
        #expect(
            dormant.family == 1 && dormant.name == "t" && dormant.flags == 1 && dormant.owner == nil, "\(dormant)")
        let owned = try TableMessage(
            decoding: bytes("03 00 0002  0600 0100 6100 0000  0800 0200 00000002  0800 0700 00001234")[...])
        #expect(owned.family == 3 && owned.name == "a" && owned.flags == 2 && owned.owner == 0x1234, "\(owned)")
    }

    @Test(arguments: ["", "0100", "01000002 0600 0200 0000 0000", "01000002 ffff 0100 7400"])
    func badOnesAreErrors(_ text: String) { #expect(throws: WireError.self) { try read(text) } }

    private func read(_ text: String) throws -> TableMessage { try TableMessage(decoding: bytes(text)[...]) }

    @Test func aDumpAsksForAllFamilies() {
        let request = TableMessage.dump()
        #expect(request.type.rawValue == 0xa01 && request.flags == .dump && request.body == [0, 0, 0, 0])
    }
}
