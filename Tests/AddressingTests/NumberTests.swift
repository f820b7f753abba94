import Addressing
import Testing

@Suite struct NumberTests {
    @Test(arguments: [("1", "1"), ("65535", "65535"), ("8000-8100", "8000-8100"), ("80-80", "80"), ("00080", "80")])
    func ports(text: String, canonical: String) throws {
        #expect(try #require(PortRange(text)).description == canonical)
    }

    @Test(arguments: [
        "", "0", "65536", "-1", "1-", "-", "90-80", "1-65536", "0-5", "http", "1-2-3", " 80", "+80", "100000", "٣",
    ])
    func refusesPorts(text: String) { #expect(PortRange(text) == nil) }

    @Test(arguments: [("1-9", false), ("1-10", true), ("15", true), ("20-30", true), ("21", false)])
    func portOverlaps(text: String, expected: Bool) throws {
        let range = try #require(PortRange(10, 20))
        let other = try #require(PortRange(text))
        #expect(range.count == 11)
        #expect(range.overlaps(other) == expected && other.overlaps(range) == expected)
    }

    @Test(
        arguments: [
            ("8Kbit", 8_000), ("100Mbit", 100_000_000), ("1Gbit", 1_000_000_000), ("64Kibit", 65_536),
            ("12MBps", 96_000_000), ("1000000bit", 1_000_000), ("1000Tbit", 1_000_000_000_000_000),
            ("1gbit", 1_000_000_000),
        ] as [(String, UInt64)])
    func rates(text: String, bits: UInt64) { #expect(BitRate(text)?.bitsPerSecond == bits) }

    @Test(arguments: [
        "", "0bit", "7999bit", "1001Tbit", "1.5Mbit", "-1Mbit", "Mbit", "100", "100MB", "1 Mbit", "1Pbit",
        "99999999999999999999bit",
    ])
    func refusesRates(text: String) { #expect(BitRate(text) == nil) }

    @Test(
        arguments: [
            ("64KiB", 65_536), ("1MB", 1_000_000), ("1500", 1500), ("1500B", 1500), ("1b", 1), ("4294967295", .max),
        ] as [(String, UInt32)])
    func sizes(text: String, bytes: UInt32) { #expect(ByteSize(text)?.bytes == bytes) }

    @Test(arguments: ["", "0", "-1", "4294967296", "1XB", "4GiB", "1.5K", "B"])
    func refusesSizes(text: String) { #expect(ByteSize(text) == nil) }

    @Test func identifiers() {
        #expect(VLANID(0) == nil && VLANID(4095) == nil && VLANID(1)?.value == 1 && VLANID(4094)?.value == 4094)
        #expect(VNI(0) == nil && VNI(1 << 24) == nil && VNI(1)?.value == 1 && VNI(0xff_ffff)?.value == 0xff_ffff)
    }

    @Test(arguments: ["02:00:00:00:00:0a", "02-00-00-00-00-0a", "02:00:00:00:00:0A"])
    func macs(text: String) throws {
        let mac = try #require(MACAddress(text))
        #expect(mac.description == "02:00:00:00:00:0a")
        #expect(mac.isLocal && !mac.isMulticast)
        #expect(mac.linkLocal.description == "fe80::ff:fe00:a")
    }

    @Test(arguments: [
        "", "02:00:00:00:00", "02:00:00:00:00:01:02", "02:00-00:00:00:01", "0200.0000.0001", "02:00:00:00:00:0g",
        "2:0:0:0:0:1", "02.00.00.00.00.01",
    ])
    func refusesMACs(text: String) { #expect(MACAddress(text) == nil) }

    @Test(arguments: ["eth0", "a", "abcdefghijklmno", "eth0.7", "br-lan", "x@y", "...", "a#b"])
    func interfaceNames(text: String) { #expect(InterfaceName(text)?.text == text) }

    @Test(arguments: [
        "", ".", "..", "abcdefghijklmnop", "@a", "a/b", "a:b", "a b", "a%d", "a\"b", "a\\b", "a*", "é", "a\n", "\u{1b}",
    ])
    func refusesInterfaceNames(text: String) { #expect(InterfaceName(text) == nil) }
}
