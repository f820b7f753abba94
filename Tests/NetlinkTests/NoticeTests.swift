import NetlinkCodec
import TestSupport
import Testing

/// What is told to those who listen: whose table, who did it, and whether it lasts.
@Suite struct NoticeTests {
    private func message(_ type: UInt16, port: UInt32 = 0, _ body: [UInt8]) throws -> Message {
        func bytes(_ value: UInt32, _ count: Int) -> [UInt8] {
            (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * UInt32($0))) }
        }
        let header =
            bytes(UInt32(16 + body.count), 4) + bytes(UInt32(type), 2) + bytes(0, 2) + bytes(0, 4) + bytes(port, 4)
        var reader = MessageReader((header + body)[...])
        return try #require(try reader.next())
    }

    /// `nft monitor` at `nft add table inet bulkhead`: the table, then the generation.
    @Test func firewall() throws {
        let name = Array("bulkhead".utf8) + [0, 0, 0, 0]
        let table = try message(0xa00, [1, 0, 0, 3] + [13, 0, 1, 0] + name)
        #expect(try FirewallNotice(decoding: table) == .changed(table: "bulkhead"))
        // NFTA_GEN_ID 3, NFTA_GEN_PROC_PID 4711, NFTA_GEN_PROC_NAME nft.
        let author: [UInt8] = [8, 0, 1, 0, 0, 0, 0, 3, 8, 0, 2, 0, 0, 0, 0x12, 0x67, 8, 0, 3, 0, 0x6e, 0x66, 0x74, 0]
        guard case .committed(let found?) = try FirewallNotice(decoding: message(0xa0f, [0, 0, 0, 3] + author)) else {
            return #expect(Bool(false))
        }
        #expect((found.thread, found.name) == (4711, "nft"))
        let old = try message(0xa0f, [0, 0, 0, 3] + author.prefix(8))
        #expect(try FirewallNotice(decoding: old) == .committed(nil))
        #expect(try FirewallNotice(decoding: message(16, [UInt8](repeating: 0, count: 16))) == nil)
        #expect(throws: WireError.truncated(what: "firewall notice")) {
            try FirewallNotice(decoding: message(0xa00, [1]))
        }
    }

    /// What the kernel learns by itself is no news, but where somebody made neighbours.
    @Test(
        arguments: [
            (state: UInt8(0x80), isNews: true), (0x40, true), (0x02, false), (0x04, false), (0x20, false),
        ]) func neighbours(_ state: UInt8, isNews: Bool) throws
    {
        let neighbour = try message(28, [2, 0, 0, 0, 7, 0, 0, 0, state, 0, 0, 0])
        #expect(try ChangeNotice.concerns(neighbour, keepers: []) == isNews)
        #expect(try ChangeNotice.concerns(neighbour, keepers: [7]))
        #expect(try ChangeNotice.concerns(neighbour, keepers: [8]) == isNews)
    }

    @Test func routesOfCaches() throws {
        let route: [UInt8] = [2, 32, 0, 0, 254, 2, 0, 1]
        #expect(try ChangeNotice.concerns(message(24, route + [0, 0, 0, 0]), keepers: []))
        #expect(!(try ChangeNotice.concerns(message(24, route + [0, 2, 0, 0]), keepers: [])))
        #expect(try ChangeNotice.concerns(message(25, route + [0, 0, 0, 0]), keepers: []))
        #expect(throws: WireError.truncated(what: "route message")) {
            try ChangeNotice.concerns(message(24, route), keepers: [])
        }
        #expect(try ChangeNotice.concerns(message(16, []), keepers: []))
    }

    @Test func anyBytesAtAll() throws {
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<20_000 {
            let body = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
                UInt8.random(in: 0...40, using: &generator)
            }
            for type: UInt16 in [0xa00, 0xa0f, 24, 28] {
                let message = try message(type, body)
                _ = try? FirewallNotice(decoding: message)
                _ = try? ChangeNotice.concerns(message, keepers: [1])
            }
        }
    }
}
