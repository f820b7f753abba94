import Addressing
import Foundation
import Model
import Testing

/// Bulkhead's part of FRR's configuration: found, compared, changed line by line, and written into a file.
@Suite struct RoutingTests {
    private static let source = SourceLocation(file: "fleet.yaml", line: 1, column: 1)

    private func evpn(asn: UInt32 = 65000, peers: [String] = ["192.0.2.2"]) throws -> EVPN {
        EVPN(
            asn: asn, local: try #require(IPv4Address("192.0.2.1")),
            peers: try peers.map { try #require(IPv4Address($0)) }, source: Self.source)
    }

    private func part(_ evpn: EVPN, beside text: String = "", rememberedIn file: String = "") throws -> RoutingPart {
        let mark = try #require(OwnershipMark("bulkhead:default/Host/node-a"))
        return RoutingPart(
            evpn, mark: mark, beside: RoutingConfiguration(text), rememberedIn: RoutingConfiguration(file))
    }

    /// As FRR 8.4 prints it.
    private static let own = """
        !
        frr version 8.4.4
        frr defaults traditional
        hostname node-a
        !
        router bgp 65000
         bgp router-id 192.0.2.1
         neighbor bulkhead peer-group
         neighbor bulkhead remote-as 65000
         neighbor bulkhead description bulkhead:default/Host/node-a +router +advertise-all-vni
         neighbor bulkhead update-source 192.0.2.1
         neighbor bulkhead timers 3 9
         neighbor bulkhead timers connect 5
         neighbor 192.0.2.2 peer-group bulkhead
         !
         address-family ipv4 unicast
          no neighbor bulkhead activate
         exit-address-family
         !
         address-family l2vpn evpn
          neighbor bulkhead activate
          advertise-all-vni
         exit-address-family
        exit
        !
        end

        """

    private static let foreign = """
        router bgp 65000
         bgp router-id 198.51.100.1
         neighbor 198.51.100.9 remote-as 65009
         neighbor 198.51.100.9 password secret
         !
         address-family ipv4 unicast
          network 203.0.113.0/24
         exit-address-family
         !
         address-family l2vpn evpn
          advertise-all-vni
         exit-address-family
        exit
        !

        """

    @Test func whatIsOursIsFound() throws {
        let found = RoutingConfiguration(Self.own)
        #expect(try found.has(part(evpn())))
        #expect(found.isWhollyOurs)
        #expect(RoutingCommands.lines(from: found, to: found.part) == [])
        #expect(RoutingCommands.lines(from: found, to: nil) == ["no router bgp 65000"])
    }

    @Test func nothingIsThere() throws {
        let lines = RoutingCommands.lines(from: RoutingConfiguration(""), to: try part(evpn()))
        #expect(
            lines == [
                "router bgp 65000", "bgp router-id 192.0.2.1", "neighbor bulkhead peer-group",
                "neighbor bulkhead remote-as 65000",
                "neighbor bulkhead description bulkhead:default/Host/node-a +router +advertise-all-vni",
                "neighbor bulkhead update-source 192.0.2.1", "neighbor bulkhead timers 3 9",
                "neighbor bulkhead timers connect 5", "neighbor 192.0.2.2 peer-group bulkhead",
                "address-family ipv4 unicast", "no neighbor bulkhead activate", "exit-address-family",
                "address-family l2vpn evpn", "neighbor bulkhead activate", "advertise-all-vni", "exit-address-family",
            ])
        #expect(RoutingCommands.lines(from: RoutingConfiguration(Self.foreign), to: nil) == [])
    }

    /// Router id and `advertise-all-vni` of others stay theirs, and nothing of theirs is kept.
    @Test func whatOthersHaveStays() throws {
        let found = RoutingConfiguration(Self.foreign)
        #expect(found.part == nil && found.asn == 65000 && found.hasOthers && found.othersAdvertise)
        let wanted = try part(evpn(), beside: Self.foreign)
        #expect(!wanted.lines.contains { $0.text.hasPrefix("bgp router-id") || $0.text == "advertise-all-vni" })
        let description = "neighbor bulkhead description bulkhead:default/Host/node-a"
        #expect(wanted.lines.contains(RoutingLine(.router, description)))
        #expect(!"\(found)".contains("secret"))

        var both = found
        both.part = wanted
        #expect(
            RoutingCommands.lines(from: both, to: nil) == [
                "router bgp 65000", "no neighbor bulkhead peer-group",
            ])
        // Others wrote into a block of ours: it stays for them.
        let mixed = RoutingConfiguration(
            Self.own.replacing(
                " neighbor bulkhead peer-group\n",
                " neighbor 198.51.100.9 remote-as 65009\n neighbor bulkhead peer-group\n"))
        #expect(
            RoutingCommands.lines(from: mixed, to: nil) == [
                "router bgp 65000", "no neighbor bulkhead peer-group", "no bgp router-id 192.0.2.1",
                "address-family l2vpn evpn", "no advertise-all-vni", "exit-address-family",
            ])
        let vrf = RoutingConfiguration(Self.own + "router bgp 65000 vrf blue\nexit\n")
        #expect(vrf.asn == 65000 && !vrf.isWhollyOurs)
        #expect(RoutingConfiguration("router bgp 65000 vrf blue\n neighbor bulkhead peer-group\nexit\n").part == nil)
    }

    /// Only lines that differ are told; a value takes the place of another without being taken away first.
    @Test func onlyWhatDiffersIsTold() throws {
        let wanted = try part(evpn())
        for (change, to, lines) in [
            (" timers 3 9", " timers 60 180", ["neighbor bulkhead timers 3 9"]),
            (" neighbor bulkhead timers connect 5\n", "", ["neighbor bulkhead timers connect 5"]),
            (
                "192.0.2.2 peer-group", "192.0.2.9 peer-group",
                ["no neighbor 192.0.2.9 peer-group bulkhead", "neighbor 192.0.2.2 peer-group bulkhead"]
            ),
            (
                "  no neighbor bulkhead activate\n", "",
                ["address-family ipv4 unicast", "no neighbor bulkhead activate", "exit-address-family"]
            ),
        ] {
            let found = RoutingConfiguration(Self.own.replacing(change, to))
            #expect(RoutingCommands.lines(from: found, to: wanted) == ["router bgp 65000"] + lines, "\(change)")
        }
        // What somebody else gave the group is theirs.
        let found = RoutingConfiguration(
            Self.own.replacing(" timers connect 5\n", " timers connect 5\n neighbor bulkhead password secret\n"))
        #expect(found.has(wanted) && found.additions == ["neighbor bulkhead password"] && found.isWhollyOurs)
        let other = try part(evpn(asn: 65001), beside: Self.own)
        let moved = RoutingCommands.lines(from: RoutingConfiguration(Self.own), to: other)
        #expect(moved.starts(with: ["no router bgp 65000", "router bgp 65001", "bgp router-id 192.0.2.1"]))
    }

    /// Somebody took the mark away: whose the block is the file still says.
    @Test func theFileRemembers() throws {
        let unmarked = Self.own.replacing(
            " neighbor bulkhead description bulkhead:default/Host/node-a +router +advertise-all-vni\n", "")
        #expect(try part(evpn(), beside: unmarked, rememberedIn: Self.own) == part(evpn()))
        #expect(try part(evpn(), beside: unmarked) != part(evpn()))
    }

    @Test(arguments: [
        "", "! mine\nhostname node-a\n", "hostname node-a", foreign, foreign + "ip route 10.0.0.0/8 blackhole\n",
    ])
    func aFileGetsItAndIsAsBefore(_ text: String) throws {
        let wanted = try part(evpn(), beside: text)
        let written = RoutingFile.replacing(text, with: wanted)
        #expect(RoutingConfiguration(written).has(wanted), "\(written)")
        #expect(written.hasPrefix(text))
        #expect(RoutingFile.replacing(written, with: wanted) == written)
        let more = try part(evpn(peers: ["192.0.2.2", "192.0.2.3"]), beside: text)
        let changed = RoutingFile.replacing(written, with: more)
        #expect(RoutingConfiguration(changed).has(more))
        let removed = RoutingFile.replacing(changed, with: nil)
        #expect(removed == text || removed == text + "\n")
    }

    /// `write memory` puts it between what others have.
    @Test func itIsTakenOutOfWhatFRRWrote() throws {
        let merged = Self.own.replacing(
            "router bgp 65000\n", "router bgp 65000\n neighbor 198.51.100.9 remote-as 65009\n"
        )
        .replacing(" timers 3 9\n", " timers 3 9\n neighbor bulkhead password secret\n")
        let removed = RoutingFile.replacing(merged, with: nil)
        #expect(RoutingConfiguration(removed).part == nil)
        #expect(removed.contains("neighbor 198.51.100.9 remote-as 65009") && !removed.contains("bulkhead"))
        // The password goes behind the group that it is for.
        let rewritten = RoutingFile.replacing(merged, with: try part(evpn()))
        let places = try ["neighbor bulkhead peer-group", "neighbor bulkhead password secret"].map {
            try #require(rewritten.range(of: $0)).lowerBound
        }
        #expect(places[0] < places[1])
    }

    /// As people write it: without indentation, without `exit`, other sections behind it.
    @Test func filesAreWrittenByPeople() {
        let found = RoutingConfiguration(
            """
            router bgp 65000
            neighbor 198.51.100.9 remote-as 65009
            address-family l2vpn evpn
            advertise-all-vni
            exit-address-family
            router ospf
             neighbor 10.0.0.1
            interface eth0
             ip ospf area 0
            """)
        #expect(found.asn == 65000 && found.othersAdvertise && found.hasOthers && found.part == nil)
    }
}

extension String {
    fileprivate func replacing(_ text: String, _ other: String) -> String {
        precondition(contains(text))
        return replacingOccurrences(of: text, with: other)
    }
}
