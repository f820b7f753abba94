import Addressing
import NetlinkCodec
import TestSupport
import Testing

/// Bytes that no kernel should send end in an error or in what could be read of them, never in a trap or a loop.
@Suite struct MalformedTests {
    /// `length`, `type`, payload, as they stand; nothing is padded or corrected.
    private static func attribute(_ length: UInt16, _ type: UInt16, _ payload: [UInt8]) -> [UInt8] {
        [UInt8(length & 0xff), UInt8(length >> 8), UInt8(type & 0xff), UInt8(type >> 8)] + payload
    }

    @Test func attributesOfImpossibleLengths() throws {
        for length: UInt16 in [0, 1, 3] {
            var reader = AttributeReader(Self.attribute(length, 7, [1, 2, 3, 4])[...])
            #expect(throws: WireError.malformed(what: "attribute 7")) { try reader.next() }
        }
        for length: UInt16 in [9, 100, 65535] {
            var reader = AttributeReader(Self.attribute(length, 7, [1, 2, 3, 4])[...])
            #expect(throws: WireError.truncated(what: "attribute 7")) { try reader.next() }
        }
        // Fewer bytes than a header are padding.
        var rest = AttributeReader([1, 2, 3])
        #expect(try rest.next() == nil)
    }

    @Test func attributesInsideOthersCannotReachOut() throws {
        let inner = Self.attribute(40, 1, [9, 9, 9, 9])
        let outer = Self.attribute(UInt16(4 + inner.count), 0x8002, inner) + Self.attribute(8, 3, [1, 2, 3, 4])
        var reader = AttributeReader(outer[...])
        let first = try reader.next()
        // The flag of nesting is no part of the type.
        #expect(first?.type == 2)
        var nested = try #require(first).nested
        #expect(throws: WireError.truncated(what: "attribute 1")) { try nested.next() }
        #expect(try reader.next()?.uint32("three") == 0x0403_0201)
        #expect(try reader.next() == nil)
    }

    @Test func numbersOfAnotherWidth() throws {
        var reader = AttributeReader(Self.attribute(6, 4, [1, 2])[...])
        let value = try #require(try reader.next())
        #expect(throws: WireError.wrongSize(what: "IFLA_MTU", expected: 4, found: 2)) { try value.uint32("IFLA_MTU") }
        #expect(try value.uint16("two") == 0x0201)
    }

    @Test func textsWithoutAnEndAndWithBytesThatAreNoText() throws {
        var reader = AttributeReader(Self.attribute(8, 3, [0x61, 0x62, 0xff, 0x63])[...])
        #expect(try reader.next()?.text == "ab\u{10ffff}c")
    }

    /// What somebody called a link, and what the kernel is told to delete, are the same bytes.
    @Test(
        arguments: [
            [0x61, 0x62, 0xff, 0x63], [0xff, 0xfe], [0xc3, 0xa4], [0xc3, 0xa4, 0x80], [0x65, 0xcc, 0x81],
            [0x78, 0xf4, 0x8f, 0xbe, 0x81], [0xf4, 0x8f, 0xbf, 0xbf], [0xed, 0xa0, 0x80], [0x7f, 0x01],
        ] as [[UInt8]])
    func namesGoBackAsTheyCame(_ name: [UInt8]) throws {
        var reader = AttributeReader(Self.attribute(UInt16(4 + name.count), 3, name)[...])
        let text = try #require(try reader.next()?.text)
        var body = LinkRequest.delete(name: text).body
        body.removeFirst(16)
        #expect(Array(body.dropFirst(4).prefix(name.count + 1)) == name + [0], "\(text)")
    }

    @Test func messagesOfImpossibleLengths() throws {
        func message(_ length: UInt32) -> [UInt8] {
            (0..<4).map { UInt8(truncatingIfNeeded: length >> (8 * UInt32($0))) } + [UInt8](repeating: 0, count: 16)
        }
        for length: UInt32 in [0, 15] {
            var reader = MessageReader(message(length)[...])
            #expect(throws: WireError.malformed(what: "message")) { try reader.next() }
        }
        for length: UInt32 in [21, 65535, .max] {
            var reader = MessageReader(message(length)[...])
            #expect(throws: WireError.truncated(what: "message")) { try reader.next() }
        }
    }

    /// The short run of what `make fuzz` does at length.
    @Test(arguments: 1...8) func randomBytesNeverTrap(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var read = 0
        for _ in 0..<3000 {
            let count = Int.random(in: 0...300, using: &random)
            var bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            // Lengths that fit now and then, so that more than the first header is read.
            for place in stride(from: 16, to: max(16, count - 4), by: 12) where random.chance(60) {
                bytes[place] = UInt8(min(255, Int.random(in: 4...16, using: &random)))
                bytes[place + 1] = 0
                bytes[place + 3] = 0
            }
            let body = bytes[...]
            read += (try? LinkMessage(decoding: body)) == nil ? 0 : 1
            read += (try? AddressMessage(decoding: body)) == nil ? 0 : 1
            read += (try? RouteMessage(decoding: body)) == nil ? 0 : 1
            read += (try? NeighbourMessage(decoding: body)) == nil ? 0 : 1
            read += (try? NamespaceIDMessage(decoding: body)) == nil ? 0 : 1
            read += (try? ConntrackMessage(decoding: body)) == nil ? 0 : 1
            read += (try? TableMessage(decoding: body)) == nil ? 0 : 1
            read += (try? SetElementMessage(decoding: body)) == nil ? 0 : 1
            read += (try? FirewallGeneration.id(decoding: body)) == nil ? 0 : 1
            read += (try? SocketMessage(decoding: body)) == nil ? 0 : 1
            read += (try? NextHopMessage(decoding: body)) == nil ? 0 : 1
            read += (try? QdiscMessage(decoding: body)) == nil ? 0 : 1
            read += ((try? FilterMessage(decoding: body)) ?? nil) == nil ? 0 : 1
            _ = try? NextHopMessage.move(bytes, to: 7, operation: "x")
            _ = try? AddressMessage.move(bytes, of: "eth1", to: 7, .back, operation: "x")
            _ = (AddressMessage.ends(bytes), RouteMessage.ends(bytes))
            _ = RouteMessage.move(bytes, from: 3, to: 7, operation: "x")
            var messages = MessageReader(body)
            while let message = try? messages.next() { _ = try? Acknowledgement(message) }
        }
        // Some of it is well formed: the decoders were not stopped at the door.
        #expect(read > 0)
    }

    @Test(arguments: 1...4) func whatIsWrittenIsReadBack(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<500 {
            let payload = (0..<Int.random(in: 0...40, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            let type = UInt16.random(in: 1...0x3fff, using: &random)
            let number = UInt32.random(in: 0...UInt32.max, using: &random)
            var writer = MessageWriter()
            writer.attribute(type, payload)
            writer.nest(5) { $0.attribute(6, number: number) }
            #expect(writer.bytes.count % 4 == 0)
            var reader = AttributeReader(writer.bytes[...])
            let first = try #require(try reader.next())
            #expect(first.type == type && Array(first.payload) == payload)
            var nested = try #require(try reader.next()).nested
            #expect(try nested.next()?.uint32("six") == number)
            #expect(try reader.next() == nil)
        }
    }
}
