import Addressing
import Testing

@Suite struct PrefixTests {
    @Test(arguments: [
        "10.0.0.0", "10.0.0.1/24", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/08", "10.0.0.0/", "/8",
        "10.0.0.0/8/8", "10.0.0.0/1000", "fd00::/129", "fd00::1/64", "fd00::/064", "10.0.0.0/8 ", "::/", "0.0.0.0/00",
    ])
    func refuses(text: String) { #expect(IPPrefix(text) == nil) }

    @Test(arguments: [
        ("10.0.0.0/24", "10.0.0.1", "10.0.0.255"), ("10.0.0.0/31", "10.0.0.0", "10.0.0.1"),
        ("10.0.0.7/32", "10.0.0.7", "10.0.0.7"), ("0.0.0.0/0", "0.0.0.1", "255.255.255.255"),
        ("fd00::/64", "fd00::1", "fd00::ffff:ffff:ffff:ffff"), ("fd00::/127", "fd00::", "fd00::1"),
        ("::/0", "::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), ("fd00::5/128", "fd00::5", "fd00::5"),
    ])
    func bounds(text: String, first: String, last: String) throws {
        let prefix = try #require(IPPrefix(text))
        #expect(prefix.description == text)
        #expect(prefix.firstUsable.description == first)
        #expect(prefix.last.description == last)
        #expect(prefix.isUsable(prefix.firstUsable))
    }

    @Test(arguments: [
        ("10.0.0.0/24", "10.0.0.0", false), ("10.0.0.0/24", "10.0.0.255", false), ("10.0.0.0/24", "10.0.0.254", true),
        ("10.0.0.0/24", "10.0.1.1", false), ("10.0.0.0/31", "10.0.0.0", true), ("10.0.0.0/31", "10.0.0.1", true),
        ("fd00::/64", "fd00::", false), ("fd00::/64", "fd00::ffff:ffff:ffff:ffff", true),
        ("fd00::/64", "10.0.0.1", false),
    ])
    func usable(text: String, address: String, isUsable: Bool) throws {
        let prefix = try #require(IPPrefix(text))
        #expect(prefix.isUsable(try #require(IPAddress(address))) == isUsable)
    }

    @Test(arguments: [
        ("10.0.0.0/8", "10.1.0.0/16", true), ("10.1.0.0/16", "10.0.0.0/8", true), ("10.0.0.0/9", "10.128.0.0/9", false),
        ("0.0.0.0/0", "::/0", false), ("fd00::/8", "fd00::1/128", true), ("10.0.0.0/8", "10.0.0.0/8", true),
    ])
    func overlaps(one: String, other: String, expected: Bool) throws {
        let (left, right) = (try #require(IPPrefix(one)), try #require(IPPrefix(other)))
        #expect(left.overlaps(right) == expected)
        #expect(right.overlaps(left) == expected)
        #expect((left.contains(right) || right.contains(left)) == expected)
    }

    @Test(arguments: [
        ("10.0.0.1-10.0.0.9", "10.0.0.1-10.0.0.9"), ("10.0.0.1", "10.0.0.1"), ("10.0.0.0/30", "10.0.0.0-10.0.0.3"),
        ("10.0.0.1-10.0.0.1", "10.0.0.1"), ("fd00::1-fd00::ff", "fd00::1-fd00::ff"),
    ])
    func ranges(text: String, canonical: String) throws {
        #expect(try #require(IPRange(text)).description == canonical)
    }

    @Test(arguments: [
        "10.0.0.9-10.0.0.1", "10.0.0.1-fd00::1", "10.0.0.1-", "-10.0.0.1", "1-2", "10.0.0.1-10.0.0.2-10.0.0.3", "",
    ])
    func refusesRanges(text: String) { #expect(IPRange(text) == nil) }
}
