import Addressing
import TestSupport
import Testing

@Suite struct AddressTests {
    @Test(
        arguments: [
            ("0.0.0.0", 0), ("10.0.0.1", 0x0a00_0001), ("255.255.255.255", 0xffff_ffff), ("1.2.3.4", 0x0102_0304),
        ] as [(String, UInt32)])
    func readsIPv4(text: String, value: UInt32) throws {
        let address = try #require(IPv4Address(text))
        #expect(address.value == value)
        #expect(address.description == text)
        #expect(IPAddress(bytes: address.bytes) == .v4(address))
    }

    @Test(arguments: [
        "", ".", "1.2.3", "1.2.3.", ".1.2.3", "1..2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.04", "1.2.3.00",
        "1.2.3.4 ", " 1.2.3.4", "+1.2.3.4", "1.2.3.-4", "0x1.2.3.4", "1.2.3.4\n", "１.2.3.4", "1,2,3,4", "1.2.3.1000",
    ])
    func refusesIPv4(text: String) { #expect(IPv4Address(text) == nil) }

    /// RFC 5952, section by section, and what `inet_ntop(3)` does.
    @Test(arguments: [
        ("::", "::"), ("::1", "::1"), ("1::", "1::"), ("0:0:0:0:0:0:0:0", "::"), ("2001:0db8::0001", "2001:db8::1"),
        ("2001:db8:0:0:0:0:2:1", "2001:db8::2:1"), ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
        ("2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"), ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),
        ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("2001:DB8::ABCD", "2001:db8::abcd"),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.1"), ("::ffff:c000:201", "::ffff:192.0.2.1"),
        ("64:ff9b::192.0.2.1", "64:ff9b::c000:201"), ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
        ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"), ("0:0:1::", "0:0:1::"), ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"),
    ])
    func readsIPv6(text: String, canonical: String) throws {
        let address = try #require(IPv6Address(text))
        #expect(address.description == canonical)
        #expect(IPv6Address(canonical) == address)
        #expect(IPAddress(bytes: address.bytes) == .v6(address))
    }

    @Test(arguments: [
        "", ":", ":::", "::1::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "12345::", "g::",
        "::1:2:3:4:5:6:7:8", "fe80::1%eth0", "1:", ":1", "1:2:3:4:5:6:7:", "::1.2.3", "1.2.3.4::", "::1.2.3.4:5",
        "[::1]", "::1 ", "::ffff:01.2.3.4", "1:2:3:4:5:6:7:1.2.3.4",
    ])
    func refusesIPv6(text: String) { #expect(IPv6Address(text) == nil) }

    @Test(arguments: 1...20 as ClosedRange<UInt64>) func survivesText(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<100 {
            let four = IPv4Address(value: UInt32.random(in: 0...(.max), using: &generator))
            #expect(IPv4Address(four.description) == four)
            // Groups of zeros are what is hard.
            let groups = (0..<8).map { _ in
                generator.chance(50) ? 0 : UInt128(UInt16.random(in: 0...(.max), using: &generator))
            }
            let six = IPv6Address(value: groups.reduce(0) { $0 << 16 | $1 })
            #expect(IPv6Address(six.description) == six)
            #expect(IPv6Address(six.description.uppercased()) == six)
            let mac = MACAddress(value: generator.next())
            #expect(MACAddress(mac.description) == mac && MACAddress(bytes: mac.bytes) == mac)
            for address in [IPAddress.v4(four), .v6(six)] {
                let length = Int.random(in: 0...address.family.width, using: &generator)
                let prefix = IPPrefix(containing: address, length: length)
                #expect(IPPrefix(prefix.description) == prefix)
                #expect(prefix.contains(address) && prefix.contains(prefix.last) && prefix.range.contains(address))
                #expect(
                    IPRange(prefix.range.description) == prefix.range && IPRange(prefix.description) == prefix.range)
            }
        }
    }

    /// What is read from arbitrary text is written in a form that is read as the same.
    @Test(arguments: 1...20 as ClosedRange<UInt64>) func readsOnlyWhatItMeans(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let letters = Array("0123456789abcdfF:::../-")
        var read = 0
        for _ in 0..<2000 {
            let text = String((0..<Int.random(in: 2...12, using: &generator)).map { _ in generator.pick(letters) })
            guard let range = IPRange(text) else { continue }
            read += 1
            #expect(IPRange(range.description) == range)
            #expect(range.first <= range.last)
        }
        #expect(read > 0)
    }

    @Test(arguments: [
        ("127.0.0.1", "loopback"), ("127.255.0.1", "loopback"), ("::1", "loopback"), ("169.254.1.1", "link-local"),
        ("fe80::1", "link-local"), ("febf::1", "link-local"), ("fec0::1", ""), ("224.0.0.1", "multicast"),
        ("239.255.255.255", "multicast"), ("ff02::1", "multicast"), ("240.0.0.1", ""), ("0.0.0.0", "unspecified"),
        ("::", "unspecified"), ("10.0.0.1", ""), ("2001:db8::1", ""),
    ])
    func kinds(text: String, kind: String) throws {
        let address = try #require(IPAddress(text))
        let kinds = [
            (address.isLoopback, "loopback"), (address.isLinkLocal, "link-local"), (address.isMulticast, "multicast"),
            (address.isUnspecified, "unspecified"),
        ]
        #expect(kinds.filter(\.0).map(\.1).joined() == kind)
    }

    @Test func order() throws {
        let texts = ["0.0.0.0", "9.0.0.0", "10.0.0.0", "255.255.255.255", "::", "::1", "2001:db8::", "fe80::1"]
        let addresses = try texts.map { try #require(IPAddress($0)) }
        #expect(addresses.reversed().sorted() == addresses)
    }
}
