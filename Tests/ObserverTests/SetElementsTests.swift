import Firewall
import JSON
import NetlinkCodec
import Testing

@testable import Reconciler

/// Elements of sets, from bytes that Linux 6.18 told of them, as nft 1.0.6 lists them.
@Suite struct SetElementsTests {
    private func message(_ text: String) throws -> SetElementMessage {
        let digits = Array(text.filter { $0.isHexDigit })
        let bytes = stride(from: 0, to: digits.count, by: 2).compactMap {
            UInt8(String(digits[$0...($0 + 1)]), radix: 16)
        }
        return try SetElementMessage(decoding: bytes[...])
    }

    private func read(_ types: [String], data: String? = nil, isInterval: Bool = false, _ text: String) throws
        -> [Element]?
    {
        let set = NamedSet(name: "s", keyTypes: types, dataType: data, isInterval: isInterval)
        return SetElements(set)?.elements([try message(text)])
    }

    /// `nfgen_family` and table `t`, set `s`, elements.
    private let head = "01000002 06000100 74000000 06000200 73000000"
    private let web = "65702d7765622d31 0000000000000000"
    private let comment = "15000600 000f 456e64706f696e742f7765622d3100 000000"

    @Test func partsStandOneBehindTheOther() throws {
        let text = "\(head) 4000 0300 3c00 0100 2000 0100 1c00 0100 \(web) 02000000000a 0000 \(comment)"
        let element = Element(
            key: ["concat": ["ep-web-1", "02:00:00:00:00:0a"]], data: nil, comment: "Endpoint/web-1")
        #expect(try read(["ifname", "ether_addr"], text) == [element])
        // Other types than the bytes are of.
        #expect(try read(["ifname", "ipv4_addr"], text) == nil)
        #expect(try read(["ifname"], text) == nil)
        #expect(try read(["ifname", "ether_addr"], data: "verdict", text) == nil)
        #expect(try read(["ifname", "mark"], text) == nil)
    }

    @Test func mapsGiveVerdictsAndAddresses() throws {
        let jump = """
            \(head) 5000 0300 4c00 0100 1800 0100 1400 0100 \(web) 1800 0200 1400 0200 0800 0100 fffffffd
            0600 0200 6300 0000 \(comment)
            """
        let element = Element(key: "ep-web-1", data: ["jump": ["target": "c"]], comment: "Endpoint/web-1")
        #expect(try read(["ifname"], data: "verdict", jump) == [element])
        #expect(try read(["ifname"], jump) == nil)
        let published = """
            \(head) 3c00 0300 3800 0100 1000 0100 0c00 0100 06000000 1f900000 0c00 0200 0800 0100 0a580002 \(comment)
            """
        #expect(
            try read(["inet_proto", "inet_service"], data: "ipv4_addr", published) == [
                Element(key: ["concat": [6, 8080]], data: "10.88.0.2", comment: "Endpoint/web-1")
            ])
        #expect(try read(["inet_proto", "inet_service"], data: "inet_service", published) == nil)
    }

    @Test func rawBytesAreNumbersOrDigits() throws {
        func claim(_ bytes: String, _ length: String) throws -> [Element]? {
            let text = "\(head) \(length)00 0300 2c00 0100 2800 0100 2400 0100 \(web) \(bytes)"
            return try read(["ifname", "integer"], text)
        }
        #expect(
            try claim("fe80000000000000 000000000000000a", "30") == [
                Element(key: ["concat": ["ep-web-1", "0xfe80000000000000000000000000000a"]], data: nil, comment: nil)
            ])
        // So few that nft may write them otherwise.
        #expect(try claim("0000000000000000 000000000000000a", "30") == nil)
    }

    @Test func rangesOfAPartArePrefixes() throws {
        let key = "1c00 0100 1800 0100 62682d776562 00000000000000000000 0a580000"
        let end = "1c00 0a00 1800 0100 62682d776562 00000000000000000000"
        let text = "\(head) 4000 0300 3c00 0100 \(key) \(end)"
        func element(_ value: JSON) -> [Element] {
            [Element(key: ["concat": ["bh-web", value]], data: nil, comment: nil)]
        }
        let types = ["ifname", "ipv4_addr"]
        #expect(
            try read(types, isInterval: true, text + "0a5800ff")
                == element(["prefix": ["addr": "10.88.0.0", "len": 24]]))
        #expect(try read(types, isInterval: true, text + "0a580002") == element(["range": ["10.88.0.0", "10.88.0.2"]]))
        #expect(try read(types, isInterval: true, text + "0a580000") == element("10.88.0.0"))
        // The wrong way round, and in a set that has no ranges.
        #expect(try read(types, isInterval: true, text + "0a570000") == nil)
        #expect(try read(types, text + "0a5800ff") == nil)
    }

    /// `{ 10.88.0.255 comment "Network/web", 10.88.1.0/24, 224.0.0.0/4 comment "all" }`: one begins where another ends.
    @Test func intervalsBeginAndEnd() throws {
        let ends = """
            1800 0100 0c00 0100 0800 0100 f0000000 0800 0300 00000001
            1c00 0100 0c00 0100 0800 0100 e0000000 0a00 0600 0004 616c6c00 0000
            1800 0100 0c00 0100 0800 0100 0a580200 0800 0300 00000001
            1000 0100 0c00 0100 0800 0100 0a580100
            1800 0100 0c00 0100 0800 0100 0a580100 0800 0300 00000001
            """
        let first = "2400 0100 0c00 0100 0800 0100 0a5800ff 1200 0600 000c 4e6574776f726b2f77656200 0000"
        let null = "1800 0100 0c00 0100 0800 0100 00000000 0800 0300 00000001"
        #expect(
            try read(["ipv4_addr"], isInterval: true, "\(head) b400 0300 \(ends) \(first) \(null)") == [
                Element(key: "10.88.0.255", data: nil, comment: "Network/web"),
                Element(key: ["prefix": ["addr": "10.88.1.0", "len": 24]], data: nil, comment: nil),
                Element(key: ["prefix": ["addr": "224.0.0.0", "len": 4]], data: nil, comment: "all"),
            ])
        // One without an end.
        let open = "1000 0100 0c00 0100 0800 0100 0a580100"
        #expect(try read(["ipv4_addr"], isInterval: true, "\(head) 1400 0300 \(open)") == nil)
        // A catch-all.
        let all = "0c00 0100 0800 0300 00000002"
        #expect(try read(["ipv4_addr"], "\(head) 1000 0300 \(all)") == nil)
    }
}
