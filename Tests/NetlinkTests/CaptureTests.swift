import Addressing
import Foundation
import NetlinkCodec
import Testing

/// What a kernel (Linux 6.18) answered to dumps, decoded to whole values. `Tests/Fixtures/netlink/capture.py` made the
/// files, and says what they are of.
@Suite struct CaptureTests {
    private func bodies(_ name: String, _ type: MessageType) throws -> [ArraySlice<UInt8>] {
        let place = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
            "../Fixtures/netlink/\(name).hex")
        return try String(contentsOf: place, encoding: .utf8).split(separator: "\n").map { line in
            var reader = MessageReader(bytes(line)[...])
            let message = try #require(try reader.next())
            #expect(message.type == type)
            #expect(try reader.next() == nil)
            return message.body
        }
    }

    /// A link without the two long arrays, which are looked at by themselves.
    private func plainLinks() throws -> [LinkMessage] {
        try bodies("links", .newLink).map { body in
            var link = try LinkMessage(decoding: body)
            // Forwarding on the host is off, rp_filter and promote_secondaries are as the machine has them.
            #expect(link.ipv4Settings.count >= 32 && link.ipv4Settings[0] == 0)
            // 64 hops, and no forwarding.
            #expect(link.ipv6Settings.count >= 58 && link.ipv6Settings[0] == 0 && link.ipv6Settings[1] == 64)
            #expect(link.counters.count == 8)
            (link.ipv4Settings, link.ipv6Settings, link.counters) = ([], [], [])
            return link
        }
    }

    private func link(_ index: UInt32, _ name: String, _ mac: String, _ kind: String, _ flags: UInt32)
        -> LinkMessage
    {
        var link = LinkMessage()
        (link.index, link.name, link.mac, link.kind, link.flags) = (index, name, MACAddress(mac), kind, flags)
        link.mtu = 1500
        link.addressGeneration = 1
        return link
    }

    @Test func links() throws {
        var loopback = link(1, "lo", "00:00:00:00:00:00", "", 65609)
        (loopback.mtu, loopback.addressGeneration) = (65536, 0)
        var bridge = link(10, "br0", "02:00:00:00:00:10", "bridge", 4099)
        var data = BridgeData()
        (data.spanningTree, data.groupForwardMask, data.netfilterIPv4, data.vlanFiltering) = (1, 8, 1, 0)
        bridge.bridge = data
        var port = link(11, "ep0", "02:00:00:00:00:11", "veth", 4099)
        (port.master, port.link, port.linkNamespaceID, port.addressGeneration) = (10, 21, 5, 0)
        port.alias = "bulkhead:default/Endpoint/ep0"
        port.alternativeNames = ["ep-a-long-name-of-an-endpoint"]
        var options = PortData()
        (options.hairpin, options.guarded, options.isolated, options.learning) = (true, true, true, false)
        (options.unicastFlood, options.multicastFlood, options.broadcastFlood) = (false, false, false)
        port.port = options
        var near = link(12, "lan0", "02:00:00:00:00:12", "veth", 69699)
        near.link = 13
        var far = link(13, "lan1", "02:00:00:00:00:13", "veth", 69699)
        far.link = 12
        var other = link(14, "mac0", "02:00:00:00:00:14", "macvlan", 4098)
        (other.link, other.addressGeneration, other.macvlan) = (12, 0, MacvlanData(mode: .private))
        let expected = [loopback, bridge, port, near, far, other]
        let found = try plainLinks()
        for (link, wanted) in zip(found, expected) { #expect(link == wanted) }
        #expect(found.count == expected.count)
        #expect(loopback.isUp && loopback.isLoopback && near.isUp && !other.isUp && !near.isLoopback)
    }

    @Test func addresses() throws {
        let found = try bodies("addresses", .newAddress).map { body in
            let message = try #require(try AddressMessage(decoding: body))
            return "\(message.link) \(message.address) \(message.isPermanent) \(message.isTentative) \(message.origin)"
        }
        #expect(
            found == [
                // Of a peer address it is the own end.
                "1 127.0.0.1/8 true false 0", "12 10.9.0.1/24 true false 0",
                "12 10.9.0.2 peer 10.9.0.3/32 true false 0",
                "1 ::1/128 true false 1", "12 fd00:9::2/64 false false 0", "12 fd00:9::1/64 true false 0",
            ])
    }

    @Test func routes() throws {
        let found = try bodies("routes", .newRoute).map { body in
            let message = try #require(try RouteMessage(decoding: body))
            let links = message.link.map { [$0] } ?? message.nextHopLinks
            #expect(message.flags == 0)
            return "\(message.destination) via \(message.gateway.map { "\($0)" } ?? "-") dev \(links) metric "
                + "\(message.metric) table \(message.table) proto \(message.origin) type \(message.type) src "
                + "\(message.preferredSource.map { "\($0)" } ?? "-")"
        }
        #expect(found.count == 19)
        let main = found.filter { !$0.contains("table 255") }
        #expect(
            main == [
                "172.18.0.0/16 via - dev [] metric 0 table 1000 proto 3 type 6 src -",
                "0.0.0.0/0 via 10.9.0.8 dev [12] metric 0 table 254 proto 4 type 1 src -",
                "10.9.0.0/24 via - dev [12] metric 0 table 254 proto 2 type 1 src 10.9.0.1",
                "10.9.0.3/32 via - dev [12] metric 0 table 254 proto 2 type 1 src 10.9.0.2",
                "172.16.0.0/16 via 10.9.0.9 dev [12] metric 50 table 254 proto 98 type 1 src -",
                "172.17.0.0/16 via - dev [12, 10] metric 0 table 254 proto 3 type 1 src -",
                "fd00:9::/64 via - dev [12] metric 256 table 254 proto 2 type 1 src -",
                "fd00:77::/64 via fd00:9::9 dev [12] metric 7 table 254 proto 98 type 1 src -",
            ])
        #expect(found.contains("10.9.0.255/32 via - dev [12] metric 0 table 255 proto 2 type 3 src 10.9.0.1"))
        #expect(found.contains("ff00::/8 via - dev [13] metric 256 table 255 proto 2 type 5 src -"))
    }

    @Test func neighbours() throws {
        let found = try bodies("neighbours", .newNeighbour).map { body in
            let message = try NeighbourMessage(decoding: body)
            return "\(message.link) family \(message.family) state \(message.state) flags \(message.flags) "
                + "\(message.address.map { "\($0)" } ?? "-") \(message.mac.map { "\($0)" } ?? "-")"
                + (message.origin == 0 ? "" : " proto \(message.origin)")
        }
        #expect(found.count == 19)
        #expect(
            found.filter { !$0.contains("33:33:") && !$0.contains("01:00:5e:") } == [
                "12 family 2 state 128 flags 0 10.9.0.20 02:00:00:00:00:20",
                "12 family 10 state 128 flags 0 fd00:9::20 02:00:00:00:00:20",
                "12 family 2 state 0 flags 8 10.9.0.30 -",
                "12 family 2 state 0 flags 8 10.9.0.31 - proto 98",
                "10 family 7 state 128 flags 0 - 02:00:00:00:00:10",
                // What `bridge fdb add … master static` made.
                "11 family 7 state 64 flags 0 - 02:00:00:00:00:44",
                "11 family 7 state 128 flags 0 - 02:00:00:00:00:11",
            ])
        #expect(found.contains("10 family 7 state 128 flags 2 - 33:33:00:00:00:01"))
    }

    @Test func qdiscs() throws {
        let found = try bodies("qdiscs", .newQdisc).map { try QdiscMessage(decoding: $0) }.filter { $0.handle != 0 }
            .sorted { ($0.link, $0.kind) < ($1.link, $1.kind) }
        #expect(found.map { "\($0.link) \($0.kind)" } == ["11 ingress", "11 tbf", "12 tbf", "15 tbf"])
        #expect(found.map(\.parent) == [QdiscMessage.ingressParent] + Array(repeating: QdiscMessage.root, count: 3))
        // Of a burst the kernel keeps the time, in ticks of 64 ns. One with a peak rate is none of ours.
        #expect(
            found.map(\.bucket) == [
                nil, TokenBucketData(rate: 10_000_000_000, burst: 209_714_560, limit: 314_572_800), nil,
                TokenBucketData(rate: 12_500_000, burst: 250_000, limit: 875_000),
            ])
    }

    @Test func taps() throws {
        let found = try bodies("taps", .newLink).map { try LinkMessage(decoding: $0) }.sorted { $0.name < $1.name }
        #expect(found.map(\.name) == ["tap0", "tap1", "tun0"])
        #expect(found.allSatisfy { $0.kind == "tun" && $0.tun?.isPersistent == true })
        #expect(found.map(\.tun?.owner) == [7, nil, 7] && found.map(\.tun?.group) == [8, nil, nil])
        #expect(found.map(\.tun?.isTap) == [true, true, false])
        #expect(found.map(\.tun?.multiQueue) == [true, false, false])
    }

    @Test func filters() throws {
        let found = try bodies("filters", .newFilter).compactMap { try FilterMessage(decoding: $0) }
        // All of every protocol; of one protocol; what matches something; a copy.
        #expect(found.map(\.redirect) == [15, nil, nil, nil])
        #expect(found.allSatisfy { $0.link == 11 })
    }
}

/// Bytes of hexadecimal digits; spaces are passed over.
func bytes(_ text: some StringProtocol) -> [UInt8] {
    let digits = Array(text.filter { !$0.isWhitespace })
    return stride(from: 0, to: digits.count - 1, by: 2).compactMap { UInt8(String(digits[$0...($0 + 1)]), radix: 16) }
}
