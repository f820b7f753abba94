import Addressing
import TestSupport
import Testing

@testable import Manifest

/// Automatic addresses as stable matching; vectors are tested with the page that lists them.
@Suite struct AllocationTests {
    private func allocation(_ prefix: String, pool: [String] = [], reserved: [String] = [], excluded: [String] = [])
        throws -> Allocation
    {
        Allocation(
            network: "web", prefix: try #require(IPPrefix(prefix)), pool: try pool.map { try #require(IPRange($0)) },
            reserved: try reserved.map { try #require(IPRange($0)) },
            excluded: Set(try excluded.map { try #require(IPAddress($0)) }))
    }

    private func names(_ count: Int, _ seed: UInt64) -> [String] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { "e\($0)-\(generator.next() % 10_000)" }
    }

    @Test(arguments: 1...10 as ClosedRange<UInt64>) func orderPlaysNoPart(seed: UInt64) throws {
        let pool = try allocation("10.1.0.0/24", excluded: ["10.1.0.1"])
        var generator = SeededGenerator(seed: seed)
        let names = names(200, seed)
        #expect(pool.assign(names.shuffled(using: &generator)) == pool.assign(names))
    }

    @Test(arguments: 1...10 as ClosedRange<UInt64>) func staysInThePool(seed: UInt64) throws {
        let pool = try allocation(
            "10.1.0.0/24", pool: ["10.1.0.200-10.1.0.255", "10.1.0.0-10.1.0.9", "10.1.0.5-10.1.0.12"],
            reserved: ["10.1.0.2-10.1.0.4", "10.1.0.250"], excluded: ["10.1.0.1", "10.1.0.201", "10.1.0.100"])
        // 13 + 56, less .0 and .255, .1, .2 to .4, .201 and .250.
        #expect(pool.free == 61)
        let assigned = pool.assign(names(61, seed))
        #expect(Set(assigned.values).count == 61)
        let last = Set(assigned.values.map { $0.value & 0xff })
        let expected = Set(
            (5...12).map { UInt128($0) } + (200...254).filter { ![201, 250].contains($0) }.map { UInt128($0) })
        #expect(last == expected)
        #expect(pool.assign(names(62, seed)).isEmpty)
    }

    /// Which side is preferred cannot be told from outside; that nobody would rather swap, can.
    @Test(arguments: 1...10 as ClosedRange<UInt64>) func oneMoreOrLessMovesFew(seed: UInt64) throws {
        let pool = try allocation("10.1.0.0/24", excluded: ["10.1.0.1"])
        let names = names(125, seed)
        let all = pool.assign(names)
        var moved = 0
        for gone in names {
            let rest = pool.assign(names.filter { $0 != gone })
            moved += rest.count { $0.value != all[$0.key] }
        }
        #expect(Double(moved) / Double(names.count) < 1)
    }

    @Test func hugePoolsAreNotEnumerated() throws {
        for prefix in ["fd00:1::/64", "fd00::/8", "2000::/3"] {
            let pool = try allocation(prefix, reserved: ["fd00:1::/96"], excluded: ["fd00:1::1"])
            let assigned = pool.assign(names(500, 1))
            #expect(Set(assigned.values).count == 500)
            let all = try #require(IPPrefix(prefix))
            #expect(assigned.values.allSatisfy { all.contains($0) })
        }
    }

    @Test func fullPoolsAreFilled() throws {
        let pool = try allocation("10.1.0.0/20", excluded: ["10.1.0.1"])
        #expect(pool.free == 4093)
        #expect(Set(pool.assign(names(4093, 3)).values).count == 4093)
    }

    @Test(arguments: ["10.1.0.0/32", "10.1.0.0/31", "10.1.0.0/30", "fd00::/127", "fd00::/128", "0.0.0.0/0", "::/0"])
    func freeAddresses(prefix: String) throws {
        let expected: [String: UInt128] = [
            "10.1.0.0/32": 1, "10.1.0.0/31": 2, "10.1.0.0/30": 2, "fd00::/127": 2, "fd00::/128": 1,
            "0.0.0.0/0": (1 << 32) - 2, "::/0": (1 << 64) - 1,
        ]
        #expect(try allocation(prefix).free == expected[prefix])
    }
}
