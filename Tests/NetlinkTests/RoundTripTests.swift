import Addressing
import NetlinkCodec
import TestSupport
import Testing

/// What requests say is what the decoders of answers read: the kernel has one format for both.
@Suite struct RoundTripTests {
    private func address(_ random: inout SeededGenerator) throws -> InterfaceAddress {
        let family: AddressFamily = random.chance(50) ? .ipv4 : .ipv6
        let bytes = (0..<(family.width / 8)).map { _ in UInt8.random(in: 0...255, using: &random) }
        let address = try #require(IPAddress(bytes: bytes))
        return try #require(
            InterfaceAddress(address: address, length: Int.random(in: 0...family.width, using: &random)))
    }

    private func mac(_ random: inout SeededGenerator) throws -> MACAddress {
        try #require(MACAddress(bytes: (0..<6).map { _ in UInt8.random(in: 0...255, using: &random) }))
    }

    @Test(arguments: UInt64(1)...4) func addressesRoutesNeighbours(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<300 {
            let link = UInt32.random(in: 1...UInt32.max, using: &random)
            let own = try address(&random)
            let added = AddressMessage.add(own, link: link, operation: "x")
            let read = try #require(try AddressMessage(decoding: added.body[...]))
            #expect(read.address == own && read.link == link && read.origin == 98)
            #expect(read.isPermanent && !read.isTentative)

            let route = RouteMessage.Value(
                destination: try address(&random).prefix,
                gateway: random.chance(60) ? try address(&random).address : nil,
                link: link, metric: random.chance(50) ? 0 : .random(in: 1...UInt32.max, using: &random),
                table: random.pick([254, 77, 1000, .max]), origin: .random(in: 0...255, using: &random))
            let back = try #require(
                try RouteMessage(decoding: RouteMessage.add(route, replacing: true, operation: "x").body[...]))
            #expect(back.destination == route.destination && back.gateway == route.gateway && back.link == link)
            #expect(back.metric == route.metric && back.table == route.table && back.origin == route.origin)
            #expect(back.type == 1 && back.nextHopLinks == [] && back.preferredSource == nil)

            let peer = random.chance(70) ? try address(&random).address : nil
            let card = peer == nil || random.chance(70) ? try mac(&random) : nil
            let origin =
                peer != nil && card == nil && random.chance(50) ? UInt8.random(in: 1...255, using: &random) : nil
            let entry = try NeighbourMessage(
                decoding: NeighbourMessage.add(
                    .init(link: link, address: peer, mac: card, origin: origin), operation: "x"
                ).body[...])
            #expect(entry.origin == origin ?? 0)
            #expect(entry.link == link && entry.address == peer && entry.mac == card)
            #expect(entry.family == peer?.family.number ?? 7 && (entry.flags & 8 != 0) == (card == nil))

            let id = Int32.random(in: 0...Int32.max, using: &random)
            let marked = NamespaceIDMessage.set(descriptor: 3, id: id, operation: "x")
            #expect(try NamespaceIDMessage(decoding: marked.body[...]).id == id)
        }
    }

    @Test(arguments: MacvlanData.Kind.allCases) func macvlans(kind: MacvlanData.Kind) throws {
        var random = SeededGenerator(seed: 5)
        for mode in [MacvlanData.Mode.private, .vepa, .bridge, .passthru, .source] {
            let (lower, card) = (UInt32.random(in: 1...UInt32.max, using: &random), try mac(&random))
            let made = LinkRequest.createMacvlan(
                .init(name: "ep-a", mac: card, mtu: 1400), kind, lower: lower, lowerNamespace: 7,
                data: MacvlanData(mode: mode))
            let link = try LinkMessage(decoding: made.body[...])
            #expect(link.kind == kind.rawValue && link.macvlan == MacvlanData(mode: mode))
            #expect(
                link.link == lower && link.linkNamespaceID == 7 && link.mac == card && link.mtu == 1400
                    && link.name == "ep-a")
            let changed = LinkRequest.set(name: "ep-a", kind, MacvlanData(mode: mode))
            #expect(try LinkMessage(decoding: changed.body[...]).macvlan == MacvlanData(mode: mode))
        }
    }

    /// The kernel says the burst of a bucket as a time, requests as bytes: it is in the captures.
    @Test(arguments: UInt64(1)...4) func limits(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<300 {
            let link = UInt32.random(in: 1...UInt32.max, using: &random)
            let data = TokenBucketData(
                rate: UInt64.random(in: 1000...(1 << UInt64.random(in: 10...47, using: &random)), using: &random),
                burst: .random(in: 1...UInt32.max, using: &random), limit: .random(in: 1...UInt32.max, using: &random))
            let bucket = try QdiscMessage(decoding: QdiscMessage.bucket(link: link, data, operation: "x").body[...])
            #expect(bucket.link == link && bucket.parent == QdiscMessage.root && bucket.kind == "tbf")
            #expect(bucket.bucket?.rate == data.rate && bucket.bucket?.limit == data.limit)
            let ingress = try QdiscMessage(decoding: QdiscMessage.ingress(link: link, operation: "x").body[...])
            #expect(ingress.link == link && ingress.parent == QdiscMessage.ingressParent && ingress.kind == "ingress")
        }
    }

    @Test(arguments: UInt64(1)...4) func links(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<300 {
            let name =
                "if"
                + (0..<Int.random(in: 0...13, using: &random)).map { _ in random.pick(["a", "z", "0", "-"]) }.joined()
            var change = LinkRequest.Change()
            if random.chance(50) { change.mtu = .random(in: 68...65535, using: &random) }
            if random.chance(50) { change.mac = try mac(&random) }
            if random.chance(50) { change.master = .random(in: 0...UInt32.max, using: &random) }
            if random.chance(50) { change.alias = random.pick(["x", "bulkhead:default/Network/web", "äöü"]) }
            if random.chance(50) { change.addressGeneration = .random(in: 0...3, using: &random) }
            if random.chance(50) { change.isUp = random.chance(50) }
            let read = try LinkMessage(decoding: LinkRequest.set(name: name, change).body[...])
            #expect(read.name == name && read.mac == change.mac && Int(read.mtu) == change.mtu ?? 0)
            #expect(read.master == change.master && read.alias == change.alias)
            #expect(read.addressGeneration == change.addressGeneration && read.isUp == change.isUp ?? false)

            var bridge = BridgeData()
            bridge.spanningTree = .random(in: 0...UInt32.max, using: &random)
            bridge.vlanFiltering = random.chance(50) ? .random(in: 0...1, using: &random) : nil
            bridge.groupForwardMask = .random(in: 0...UInt16.max, using: &random)
            bridge.noLinkLocalLearning = .random(using: &random)
            bridge.multicastSnooping = .random(in: 0...1, using: &random)
            bridge.netfilterIPv4 = .random(in: 0...1, using: &random)
            bridge.netfilterIPv6 = .random(in: 0...1, using: &random)
            let changed = try LinkMessage(decoding: LinkRequest.set(name: name, bridge: bridge).body[...])
            #expect(changed.bridge == bridge && changed.kind == "bridge")

            var port = PortData()
            (port.hairpin, port.guarded, port.learning) = (random.chance(50), random.chance(50), random.chance(50))
            (port.unicastFlood, port.multicastFlood) = (random.chance(50), random.chance(50))
            (port.broadcastFlood, port.isolated) = (random.chance(50), random.chance(50))
            #expect(try LinkMessage(decoding: LinkRequest.set(name: name, port: port).body[...]).port == port)
        }
    }

    /// For each kind of message: what is cut off anywhere, or has an attribute of a wrong width, is an error, and what
    /// has attributes that nobody knows is not.
    @Test(arguments: ["link", "address", "route", "neighbour", "namespace id"]) func malformed(kind: String) throws {
        let (body, header, broken) = try sample(kind)
        try decode(kind, body[...])
        for length in 0..<header where kind != "namespace id" {
            #expect(throws: WireError.truncated(what: "\(kind) message"), "\(length)") {
                try decode(kind, body[..<length])
            }
        }
        for length in (header + 4)..<body.count {
            // Between two attributes it may end; then what is missing is missing, and nothing else.
            do throws(WireError) {
                try decode(kind, body[..<length])
            } catch {
                guard case .truncated = error else {
                    Issue.record("\(kind) cut to \(length): \(error)")
                    continue
                }
            }
        }
        var unknown = MessageWriter()
        unknown.attribute(0x3ff0, [1, 2, 3])
        try decode(kind, (body + unknown.bytes)[...])
        if let broken {
            var wrong = MessageWriter()
            wrong.attribute(broken, [1, 2, 3])
            #expect(throws: WireError.self) { try decode(kind, (body + wrong.bytes)[...]) }
        }
        #expect(throws: WireError.self) { try decode(kind, (body + [2, 0, 1, 0])[...]) }
    }

    /// A request of that kind, how long its structure is, and an attribute that must have a width.
    private func sample(_ kind: String) throws -> (body: [UInt8], header: Int, broken: UInt16?) {
        let address = try #require(InterfaceAddress("10.88.0.1/24"))
        switch kind {
        case "link":
            var change = LinkRequest.Change()
            (change.mtu, change.alias, change.addressGeneration) = (1500, "alias", 1)
            return (LinkRequest.set(name: "bh-web", change).body, 16, 4)
        case "address": return (AddressMessage.add(address, link: 5, operation: "x").body, 8, 8)
        case "route":
            let value = RouteMessage.Value(
                destination: address.prefix, gateway: address.address, link: 5, metric: 7, table: 254, origin: 98)
            return (RouteMessage.add(value, replacing: false, operation: "x").body, 12, 6)
        case "neighbour":
            return (
                NeighbourMessage.add(.init(link: 5, address: address.address, mac: nil), operation: "x").body, 12, nil
            )
        case _: return (NamespaceIDMessage.set(descriptor: 3, id: 7, operation: "x").body, 4, 1)
        }
    }

    private func decode(_ kind: String, _ body: ArraySlice<UInt8>) throws(WireError) {
        switch kind {
        case "link": _ = try LinkMessage(decoding: body)
        case "address": _ = try AddressMessage(decoding: body)
        case "route": _ = try RouteMessage(decoding: body)
        case "neighbour": _ = try NeighbourMessage(decoding: body)
        case _: _ = try NamespaceIDMessage(decoding: body)
        }
    }
}
