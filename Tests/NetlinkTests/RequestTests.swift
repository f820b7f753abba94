import Addressing
import NetlinkCodec
import TestSupport
import Testing

/// Whole requests, byte by byte, as `linux/rtnetlink.h` and its like have them; each line is one field or attribute.
@Suite struct RequestTests {
    private let mac = MACAddress("02:00:00:00:00:0a")

    private func expect(
        _ request: Request, _ type: UInt16, _ flags: UInt16, _ text: String,
        at place: Testing.SourceLocation = #_sourceLocation
    ) {
        #expect(request.type.rawValue == type, sourceLocation: place)
        #expect(request.flags.rawValue == flags, sourceLocation: place)
        #expect(request.body == bytes(text), sourceLocation: place)
    }

    private static let noLink = "00000000 00000000 00000000 00000000 "

    @Test func aBridgeIsMade() {
        var data = BridgeData()
        (data.netfilterIPv4, data.netfilterIPv6, data.vlanFiltering) = (1, 1, 0)
        // RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL.
        expect(
            LinkRequest.createBridge(name: "bh-web", mac: mac, mtu: 1500, data: data), 16, 0x600,
            Self.noLink + """
                0b00 0300 62682d776562 00 00
                0a00 0100 02000000000a 0000
                0800 0400 dc050000
                4800 1280
                  0b00 0100 627269646765 00 00
                  3800 0280
                    0800 0500 00000000
                    0600 0900 0000 0000
                    0500 1700 00 000000
                    0500 2400 01 000000
                    0500 2500 01 000000
                    0c00 2e00 00000000 01000000
                """)
    }

    /// VLAN filtering that somebody switched on is switched off by a zero that is sent; a bridge that is made has none.
    @Test func vlanFilteringIsSwitchedOff() {
        var data = BridgeData()
        data.vlanFiltering = 0
        let off = bytes("0500 0700 00 000000")
        func sends(_ request: Request) -> Bool {
            request.body.indices.contains { request.body[$0...].starts(with: off) }
        }
        #expect(sends(LinkRequest.set(name: "bh-web", bridge: data)))
        #expect(!sends(LinkRequest.createBridge(name: "bh-web", mac: nil, mtu: 1500, data: data)))
        data.vlanFiltering = nil
        #expect(!sends(LinkRequest.set(name: "bh-web", bridge: data)))
    }

    @Test func aVethIsMadeWithItsFarEndInANamespace() {
        expect(
            LinkRequest.createVeth(
                near: .init(name: "ep-a", mac: mac, mtu: 1500), master: 7,
                far: .init(name: "eth0", mac: nil, mtu: 1400), farNamespace: 9), 16, 0x600,
            Self.noLink + """
                0900 0300 65702d61 00 000000
                0a00 0100 02000000000a 0000
                0800 0400 dc050000
                0800 0a00 07000000
                4400 1280
                  0900 0100 76657468 00 000000
                  3400 0280
                    3000 0180
                      00000000 00000000 00000000 00000000
                      0900 0300 65746830 00 000000
                      0800 0400 78050000
                      0800 1c00 09000000
                """)
    }

    /// `ip link add ep-a link-netnsid 3 link IF7 type macvlan mode bridge`; `ip link set ep-a type macvtap mode vepa`.
    @Test func aMacvlanIsMadeAndChanged() {
        expect(
            LinkRequest.createMacvlan(
                .init(name: "ep-a", mac: mac, mtu: 1500), .macvlan, lower: 7, lowerNamespace: 3,
                data: MacvlanData(mode: .bridge)),
            16, 0x600,
            Self.noLink + """
                0900 0300 65702d61 00 000000
                0a00 0100 02000000000a 0000
                0800 0400 dc050000
                0800 0500 07000000
                0800 2500 03000000
                1c00 1280
                  0c00 0100 6d6163766c616e 00
                  0c00 0280
                    0800 0100 04000000
                """)
        expect(
            LinkRequest.set(name: "ep-a", .macvtap, MacvlanData(mode: .vepa)), 16, 0,
            Self.noLink + """
                0900 0300 65702d61 00 000000
                1c00 1280
                  0c00 0100 6d616376746170 00
                  0c00 0280
                    0800 0100 02000000
                """)
    }

    /// `ip link add vx-a master bh-a type vxlan id 4096 local 192.0.2.1 dstport 4789 nolearning`, and a way through it.
    @Test func vxlanAndItsEntries() throws {
        let local = try #require(IPAddress("192.0.2.1"))
        let mac = try #require(MACAddress("02:00:00:00:00:0a"))
        expect(
            LinkRequest.createVXLAN(
                .init(name: "vx-a", mac: nil, mtu: 1450), master: 7,
                data: VXLANData(local: local, identifier: 4096, port: 4789, learning: false, limit: 0, ageing: 300)),
            16, 0x600,
            Self.noLink + """
                0900 0300 76782d61 00 000000
                0800 0400 aa050000
                0800 0a00 07000000
                4400 1280
                  0a00 0100 76786c616e 00 0000
                  3400 0280
                    0800 0100 00100000
                    0800 0400 c0000201
                    0500 0700 00 000000
                    0800 0800 2c010000
                    0800 0900 00000000
                    0600 0f00 12b5 0000
                """)
        expect(
            NeighbourMessage.add(.init(link: 5, address: nil, mac: mac, tunnelEnd: local), operation: "x"), 28, 0x500,
            """
            07 00 0000 05000000 c000 02 00
            0800 0100 c0000201
            0a00 0200 02000000000a 0000
            """)
        expect(
            NeighbourMessage.add(
                .init(link: 5, address: nil, mac: MACAddress(value: 0), tunnelEnd: local), operation: "x"),
            28, 0xc00,
            """
            07 00 0000 05000000 c000 02 00
            0800 0100 c0000201
            0a00 0200 000000000000 0000
            """)
        expect(
            NeighbourMessage.forget(local, link: 5, operation: "x"), 29, 0,
            "02 00 0000 05000000 0000 00 00 0800 0100 c0000201")
    }

    @Test func attributesOfABridgePort() {
        var port = PortData()
        (port.hairpin, port.guarded) = (true, true)
        // RTM_NEWLINK without NLM_F_CREATE.
        expect(
            LinkRequest.set(name: "ep-a", port: port), 16, 0,
            Self.noLink + """
                0900 0300 65702d61 00 000000
                7400 1280
                  0b00 0400 627269646765 00 00
                  6400 0580
                    0500 0400 01 000000
                    0500 0500 01 000000
                    0500 0600 00 000000
                    0500 0800 01 000000
                    0500 0900 01 000000
                    0500 0a00 00 000000
                    0500 1b00 01 000000
                    0500 1c00 00 000000
                    0500 1e00 01 000000
                    0500 2000 00 000000
                    0500 2100 00 000000
                    0500 2700 00 000000
                """)
    }

    @Test func aLinkIsChanged() {
        var change = LinkRequest.Change()
        (change.isUp, change.mtu, change.master, change.alias) = (true, 1400, 0, "x")
        change.addressGeneration = 1
        // RTM_SETLINK; IFF_UP in flags and in the mask.
        expect(
            LinkRequest.set(name: "a", change), 19, 0,
            """
            00000000 00000000 01000000 01000000
            0600 0300 6100 0000
            0800 0400 78050000
            0800 0a00 00000000
            0500 1400 78 000000
            1000 1a80
              0c00 0a80
                0500 0800 01 000000
            """)
        // By index, without the name.
        var down = LinkRequest.Change()
        down.isUp = false
        expect(
            LinkRequest.set(name: "a", down).addressed(toLink: 5), 19, 0, "00000000 05000000 00000000 01000000")
        expect(LinkRequest.delete(name: "a").addressed(toLink: 5), 17, 0, "00000000 05000000 00000000 00000000")
    }

    @Test func addresses() throws {
        let four = try #require(InterfaceAddress("10.88.0.1/24"))
        let six = try #require(InterfaceAddress("fd00:88::1/64"))
        // RTM_NEWADDR: IFA_LOCAL, IFA_ADDRESS, IFA_BROADCAST, IFA_FLAGS (permanent, nodad), IFA_PROTO 98.
        expect(
            AddressMessage.add(four, link: 5, operation: "x"), 20, 0x500,
            """
            02 18 0000 05000000
            0800 0200 0a580001
            0800 0100 0a580001
            0800 0400 0a5800ff
            0800 0800 82000000
            0500 0b00 62 000000
            """)
        expect(
            AddressMessage.add(six, link: 5, operation: "x"), 20, 0x500,
            """
            0a 40 0000 05000000
            1400 0200 fd000088000000000000000000000001
            1400 0100 fd000088000000000000000000000001
            0800 0800 82000000
            0500 0b00 62 000000
            """)
        expect(
            AddressMessage.remove(four, link: 5, operation: "x"), 21, 0,
            "02 18 0000 05000000 0800 0200 0a580001 0800 0100 0a580001")
    }

    /// As `ip -6 address` on link 3 tells: 192.0.2.1/24 deprecated, which IPv4 says by a flag alone; 2001:db8::1/64 for 3000
    /// and 2000 seconds, made by bulkhead on the bridge (protocol 98, nodad).
    @Test func movedAddresses() throws {
        let four = bytes(
            """
            02 18 a0 00 03000000 0800 0100 c0000201 0800 0200 c0000201
            0900 0300 6574683100 000000 0800 0800 a0000000
            1400 0600 ffffffff ffffffff 11000000 11000000
            """)
        let first = try AddressMessage.move(four, of: "eth1", to: 7, .out, operation: "x")
        expect(
            first.add, 20, 0x600,
            """
            02 18 00 00 07000000 0800 0100 c0000201 0800 0200 c0000201
            1400 0600 00000000 ffffffff 11000000 11000000
            0800 0800 80000000
            """)
        #expect(first.settle == nil)
        let six = bytes(
            """
            0a 40 02 00 03000000 1400 0100 20010db8000000000000000000000001
            1400 0600 d0070000 b80b0000 11000000 11000000
            0800 0800 02000000 0500 0b00 62 000000
            """)
        let back = try AddressMessage.move(six, of: "bh-lan", to: 7, .back, operation: "x")
        let head = """
            0a 40 00 00 07000000 1400 0100 20010db8000000000000000000000001
            1400 0600 d0070000 b80b0000 11000000 11000000
            """
        expect(back.add, 20, 0x600, head + "0800 0800 02000000")
        expect(try #require(back.settle), 20, 0x100, head + "0800 0800 00000000")
        #expect(AddressMessage.ends(six) && !AddressMessage.ends(four))
    }

    /// A route that ends in 3000 seconds says so in another attribute than it is told in; of several next hops that by link
    /// 3 is by link 7 from now on; so is a next-hop object, whose scope is told only.
    @Test func movedRoutes() throws {
        let ending = bytes(
            """
            0a 30 00 00 fe 03 00 01 00000000 1400 0100 20010db8008300000000000000000000
            0800 0400 03000000 2400 0c00 00000000 00000000 e0930400 00000000 00000000 00000000 00000000 00000000
            """)
        expect(
            RouteMessage.move(ending, from: 3, to: 7, operation: "x"), 24, 0x600,
            """
            0a 30 00 00 fe 03 00 01 00000000 1400 0100 20010db8008300000000000000000000
            0800 0400 07000000 2400 0c00 00000000 00000000 e0930400 00000000 00000000 00000000 00000000 00000000
            0800 1700 b80b0000
            """)
        #expect(RouteMessage.ends(ending))
        let several = """
            02 10 00 00 fe 03 00 01 00000000 0800 0100 0a540000
            2400 0900 1000 00 00 05000000 0800 0500 ac1e0009 1000 00 02 03000000 0800 0500 c00002fe
            """
        #expect(!RouteMessage.ends(bytes(several)))
        expect(
            RouteMessage.remove(bytes(several), named: 3, from: 7, operation: "x"), 25, 0,
            several.replacing("fe 03 00 01", with: "fe 00 00 01").replacing("02 03000000", with: "02 07000000"))
        let hop = bytes("02 fd 03 00 10000000 0800 0100 05000000 0800 0500 03000000 0800 0600 c00002fe")
        #expect(try NextHopMessage(decoding: hop[...]).link == 3)
        expect(
            try NextHopMessage.move(hop, to: 7, operation: "x"), 104, 0x500,
            "02 00 03 00 00000000 0800 0100 05000000 0800 0500 07000000 0800 0600 c00002fe")
    }

    @Test func routes() throws {
        let hop = try #require(IPAddress("10.88.0.1"))
        let all = try #require(IPPrefix("0.0.0.0/0"))
        let part = try #require(IPPrefix("fd00:77::/64"))
        func value(_ prefix: IPPrefix, _ gateway: IPAddress?, _ metric: UInt32, table: UInt32 = 254)
            -> RouteMessage.Value
        {
            .init(destination: prefix, gateway: gateway, link: 5, metric: metric, table: table, origin: 98)
        }
        // RTM_NEWROUTE: table main, protocol 98, scope universe, unicast.
        expect(
            RouteMessage.add(value(all, hop, 0), replacing: false, operation: "x"), 24, 0x600,
            """
            02 00 00 00 fe 62 00 01 00000000
            0800 0400 05000000
            0800 0500 0a580001
            0800 0f00 fe000000
            """)
        expect(
            RouteMessage.add(value(part, nil, 7), replacing: true, operation: "x"), 24, 0x500,
            """
            0a 40 00 00 fe 62 00 01 00000000
            1400 0100 fd000077000000000000000000000000
            0800 0400 05000000
            0800 0600 07000000
            0800 0f00 fe000000
            """)
        // Of any scope (RT_SCOPE_NOWHERE). A table beyond a byte is RT_TABLE_COMPAT in the header.
        expect(
            RouteMessage.remove(
                value(try #require(IPPrefix("10.9.0.0/16")), nil, 0, table: 1000), operation: "x"), 25, 0,
            """
            02 10 00 00 fc 62 ff 01 00000000
            0800 0100 0a090000
            0800 0400 05000000
            0800 0f00 e8030000
            """)
    }

    @Test func neighboursAndNamespaces() throws {
        let address = try #require(IPAddress("10.88.0.9"))
        // RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE: permanent.
        expect(
            NeighbourMessage.add(.init(link: 5, address: address, mac: mac), operation: "x"), 28, 0x500,
            "02 00 0000 05000000 8000 00 00 0800 0100 0a580009 0a00 0200 02000000000a 0000")
        // One that the host answers for: NTF_PROXY, and NDA_PROTOCOL 98.
        expect(
            NeighbourMessage.add(.init(link: 5, address: address, mac: nil, origin: 98), operation: "x"), 28, 0x500,
            "02 00 0000 05000000 8000 08 00 0800 0100 0a580009 0500 0c00 62 000000")
        // A forwarding entry: AF_BRIDGE, static, in the master.
        expect(
            NeighbourMessage.remove(.init(link: 5, address: nil, mac: mac), operation: "x"), 29, 0,
            "07 00 0000 05000000 4000 04 00 0a00 0200 02000000000a 0000")
        // RTM_NEWNSID: NETNSA_NSID, NETNSA_FD.
        expect(
            NamespaceIDMessage.set(descriptor: 9, id: 0x6000_0001, operation: "x"), 88, 0,
            "00000000 0800 0100 01000060 0800 0300 09000000")
        // NFT_MSG_GETSETELEM, NLM_F_DUMP: NFTA_SET_ELEM_LIST_TABLE, NFTA_SET_ELEM_LIST_SET.
        expect(
            SetElementMessage.dump(family: 7, table: "t", set: "ports"), 0xa0d, 0x300,
            "07000000 0600 0100 7400 0000 0a00 0200 706f72747300 0000")
        // NFT_MSG_GETGEN.
        expect(FirewallGeneration.get(), 0xa10, 0, "00000000")
        // SOCK_DIAG_BY_FAMILY, NLM_F_DUMP: AF_INET6, TCP, TCP_LISTEN and TCP_CLOSE, struct inet_diag_sockid.
        expect(
            SocketMessage.waiting(6), 20, 0x300,
            "0a06 0000 80040000" + String(repeating: " 00000000", count: 12))
        // RTM_GETNSID, NLM_F_DUMP: NETNSA_TARGET_NSID.
        expect(NamespaceIDMessage.dump(target: 7), 90, 0x300, "00000000 0800 0400 07000000")
        // RTM_GETLINK, NLM_F_DUMP: IFLA_EXT_MASK, IFLA_TARGET_NETNSID.
        expect(
            LinkRequest.dump(counters: false, target: 7), 18, 0x300,
            Self.noLink + "0800 1d00 08000000 0800 2e00 07000000")
    }

    /// As Linux 6.1 answered for python3 on [::] with IPV6_V6ONLY.
    @Test func aSocketThatIPv4PassesBy() throws {
        let head = "0a0a0000 d1090000" + String(repeating: "00000000", count: 8) + "00000000 3e000000 00000000"
        let tail = "00000000 00000000 01000000 00000000 c74e2501 0500 0800 00 000000"
        let only = try SocketMessage(decoding: bytes(head + tail + "0500 0b00 01 000000 0800 0f00 00000000")[...])
        #expect(only.isIPv6Only && only.inode == 19_222_215)
        let both = try SocketMessage(decoding: bytes(head + tail + "0500 0b00 00 000000")[...])
        #expect(!both.isIPv6Only && both.inode == 19_222_215)
        let silent = try SocketMessage(decoding: bytes(head + tail)[...])
        #expect(!silent.isIPv6Only)
    }

    /// What the kernel says is wrong is named.
    @Test func anOffsetNamesItsAttribute() throws {
        var change = LinkRequest.Change()
        (change.mtu, change.addressGeneration) = (10, 9)
        let request = LinkRequest.set(name: "bh-web", change)
        // 16 of the header, 16 of ifinfomsg, 12 of the name.
        #expect(request.attribute(at: 44) == "IFLA_MTU")
        #expect(request.attribute(at: 32) == "IFLA_IFNAME")
        #expect(request.attribute(at: 52) == "IFLA_AF_SPEC")
        #expect(request.attribute(at: 60) == "IFLA_AF_SPEC 10 8")
        for offset: UInt32 in [0, 15, 16, 31, 33, 45, 61, 68, 4000, .max] {
            #expect(request.attribute(at: offset) == nil)
        }
        let address = try #require(InterfaceAddress("10.88.0.1/24"))
        #expect(AddressMessage.add(address, link: 5, operation: "x").attribute(at: 24) == "IFA_LOCAL")
    }
}
