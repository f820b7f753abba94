import Foundation
import TestSupport
import Testing

/// All that the host has on a bridge that stands for its uplink comes back as it is: lifetimes, several next hops, and
/// next hops that are objects. Taken, too, where it may be taken.
@Suite struct UplinkCargoTests {
    private func segment() throws -> Segment {
        let segment = try Segment.withUplink()
        try segment.addCard()
        return segment
    }

    /// Made on LINK by hand.
    private static let things = """
        ip address add 192.0.2.60/24 dev LINK valid_lft 300000 preferred_lft 200000
        ip address add 192.0.2.61/24 dev LINK preferred_lft 0
        ip address add 2001:db8::60/64 dev LINK nodad valid_lft 300000 preferred_lft 200000
        ip address add 2001:db8::61/64 dev LINK nodad preferred_lft 0
        ip route add 10.81.0.0/16 nexthop via 192.0.2.254 dev LINK weight 3 nexthop via 172.30.0.9 dev wg0
        ip route add 10.84.0.0/16 nexthop via 172.30.0.9 dev wg0 nexthop via 192.0.2.254 dev LINK
        ip -6 route add 2001:db8:81::/48 nexthop via fd00:30::9 dev wg0 nexthop via 2001:db8::254 dev LINK
        ip nexthop add id 5 via 192.0.2.254 dev LINK
        ip nexthop add id 6 via 2001:db8::254 dev LINK
        ip nexthop add id 7 via 172.30.0.9 dev wg0
        ip nexthop add id 8 group 5,2/7
        ip route add 10.80.0.0/16 nhid 5
        ip -6 route add 2001:db8:80::/48 nhid 6
        ip route add 10.85.0.0/16 nhid 8
        ip route add 10.83.0.0/16 via 192.0.2.254 src 192.0.2.60 dev LINK
        ip -6 route add 2001:db8:83::/48 via 2001:db8::254 dev LINK expires 300000
        """

    /// What is there of them, with the link by its role and lifetimes by the hour.
    private func seen(_ host: ScratchHost, on link: String) throws -> [String] {
        let text = try host.sh(
            """
            set +e; ip -o address show dev \(link) scope global
            ip route show table all | grep '^10[.]8\\|nexthop via'; ip -6 route show | grep '^2001:db8:8\\|nexthop via'
            ip nexthop show; true
            """)
        return text.split(separator: "\n").map { line in
            let words = line.split(whereSeparator: \.isWhitespace).map { word in
                // Its name is the label of IPv4 addresses, too.
                if word == link || word == "\(link)\\" { return "LINK" }
                guard let match = word.wholeMatch(of: #/(\d+)sec/#), let number = Int(match.1) else {
                    return String(word)
                }
                // They grow less while the test runs.
                if number > 290_000, number <= 300_000 { return "some 300000" }
                return number > 190_000 && number <= 200_000 ? "some 200000" : String(word)
            }
            var result = words.joined(separator: " ").replacing(#/^\d+: /#, with: "").replacing("\\ ", with: " ")
            // Told by some versions of the kernel.
            result = result.replacing("expires some 300000", with: "expires").replacing(" proto kernel", with: "")
            return result.replacing(" noprefixroute", with: "").replacing(" nodad", with: "")
        }.sorted()
    }

    /// Fewer than the things would be if some were not understood by this kernel.
    private func put(_ host: ScratchHost, on link: String) throws -> [String] {
        try host.sh("set -e\n" + Self.things.replacingOccurrences(of: "LINK", with: link))
        let seen = try seen(host, on: link)
        #expect(seen.filter { $0.contains("LINK") }.count >= 15, "\(seen)")
        return seen
    }

    @Test func comesBackAsItIs() throws {
        let segment = try segment()
        try segment.apply()
        let before = try put(segment.host, on: "bh-lan")
        let plan = try segment.host.bulkhead("plan", "manifests", "--detailed-exitcode")
        #expect(plan.status == 0, "\(plan.output)")
        let destroy = try segment.host.bulkhead("destroy", "--all", "--yes")
        try #require(destroy.status == 0, "\(destroy.errors)")
        try segment.settle()
        let after = try seen(segment.host, on: "eth1")
        #expect(after == before, "\(Set(after).symmetricDifference(before).sorted())")
        #expect(try segment.ping(segment.host, to: 254))
    }

    /// The last step of the destroy fails: all that went back to the uplink is on the bridge again.
    @Test func staysWhereGivingBackIsUndone() throws {
        let segment = try segment()
        try segment.apply()
        let before = try put(segment.host, on: "bh-lan")
        let all = try HostDump(segment.host)
        for step in 1..<40 {
            let result = try segment.host.bulkhead(
                "destroy", "--all", "--yes", environment: ["BULKHEAD_FAULT": "refuse:\(step):0"])
            guard result.status != 0 else { break }
            #expect(result.status == 1, "step \(step): \(result.errors)")
            try segment.settle()
            #expect(try seen(segment.host, on: "bh-lan") == before, "step \(step)")
            #expect(try HostDump(segment.host).differences(from: all) == [], "step \(step)")
        }
        try segment.settle()
        #expect(try seen(segment.host, on: "eth1") == before)
    }

    /// Deprecated addresses are carried to the bridge as such, and back; so is a route that ends by itself.
    @Test func deprecatedAddressesMoveAsSuch() throws {
        let segment = try segment()
        try segment.host.sh(
            """
            ip address add 192.0.2.61/24 dev eth1 preferred_lft 0
            ip address add 2001:db8::61/64 dev eth1 nodad preferred_lft 0
            ip -6 route add 2001:db8:83::/48 via 2001:db8::254 dev eth1 expires 300000
            """)
        let before = (try seen(segment.host, on: "eth1"), try HostDump(segment.host))
        try segment.apply()
        #expect(try seen(segment.host, on: "bh-lan") == before.0)
        try segment.destroy(to: before.1)
        #expect(try seen(segment.host, on: "eth1") == before.0)
        let pending = try segment.host.bulkhead("apply", "manifests", "--yes", "--confirm-within", "1h")
        #expect(pending.status == 0, "\(pending.errors)")
        let revert = try segment.host.bulkhead("revert")
        #expect(revert.status == 0, "\(revert.errors)")
        try segment.settle()
        #expect(try seen(segment.host, on: "eth1") == before.0)
        #expect(try HostDump(segment.host).differences(from: before.1) == [])
    }

    /// A second next hop through the uplink counts as much as the first.
    @Test func severalNextHopsAreNotTaken() throws {
        let segment = try segment()
        try segment.host.sh(
            "ip route add 10.84.0.0/16 nexthop via 172.30.0.9 dev wg0 nexthop via 192.0.2.254 dev eth1")
        let before = try HostDump(segment.host)
        let result = try segment.host.bulkhead("apply", "manifests", "--yes")
        #expect(result.status == 1)
        #expect(
            result.errors.contains(
                "eth1 cannot become a port of bh-lan: its route to 10.84.0.0/16 has several next hops, or one that is an object of its own"
            ), "\(result.errors)")
        #expect(try HostDump(segment.host).differences(from: before) == [])
    }

    /// Routes by another interface from an address that moves stay, which the kernel would delete (IPv4) or change (IPv6);
    /// so do IPv6 routes by the uplink itself from an address whose duplicates the kernel looks for.
    @Test func routesFromAMovedAddressStay() throws {
        let segment = try segment()
        let made = """
            ip route add 10.82.0.0/16 via 172.30.0.9 dev wg0 src 192.0.2.1
            ip route add 10.86.0.0/16 src 192.0.2.1 nexthop via 172.30.0.9 dev wg0 nexthop via 172.30.0.10 dev wg0
            ip -6 route add 2001:db8:9::/48 dev wg0 src 2001:db8::1
            """
        let remove =
            "ip route delete 10.82.0.0/16; ip route delete 10.86.0.0/16; ip -6 route delete 2001:db8:9::/48"
        let none = try HostDump(segment.host)
        try segment.host.sh("set -e\n\(made)\nip -6 route add 2001:db8:99::/48 via 2001:db8::254 src 2001:db8::1")
        let before = try HostDump(segment.host)
        let routes = "ip route show dev wg0; ip route show 10.86.0.0/16; ip -6 route show dev wg0"
        let there = try segment.host.sh(routes)
        try segment.apply()
        #expect(try segment.host.sh(routes) == there)
        try segment.destroy(to: before)
        // A step that fails behind the move.
        let count = try segment.steps().count
        let failed = try segment.host.bulkhead(
            "apply", "manifests", "--yes", environment: ["BULKHEAD_FAULT": "refuse:\(count - 1):0"])
        #expect(failed.status == 1, "\(failed.errors)")
        #expect(try HostDump(segment.host).differences(from: before) == [])
        // Made by hand while a change is pending, they outlive the revert.
        try segment.host.sh("\(remove); ip -6 route delete 2001:db8:99::/48")
        #expect(try HostDump(segment.host).differences(from: none) == [])
        let apply = try segment.host.bulkhead("apply", "manifests", "--yes", "--confirm-within", "1h")
        #expect(apply.status == 0, "\(apply.errors)")
        try segment.host.sh(made)
        let revert = try segment.host.bulkhead("revert")
        #expect(revert.status == 0, "\(revert.output)\(revert.errors)")
        try segment.settle()
        #expect(try segment.host.sh(routes) == there)
        try segment.host.sh(remove)
        #expect(try HostDump(segment.host).differences(from: none) == [])
    }

    /// Others append and prepend routes while the change is pending: the uplink's own come back, and the first is the
    /// first. What the bridge had not before goes with it.
    @Test func routesKeepTheirPlaceAmongThoseOfOthers() throws {
        let segment = try segment()
        try segment.host.sh(
            """
            ip route add 10.91.0.0/16 via 192.0.2.254; ip route add 10.92.0.0/16 via 192.0.2.254
            """)
        let none = try HostDump(segment.host)
        let apply = try segment.host.bulkhead("apply", "manifests", "--yes", "--confirm-within", "1h")
        try #require(apply.status == 0, "\(apply.errors)")
        try segment.host.sh(
            """
            ip route append default via 172.30.0.9 dev wg0; ip route prepend 10.91.0.0/16 via 172.30.0.9 dev wg0
            ip route append 10.92.0.0/16 via 192.0.2.77
            """)
        let revert = try segment.host.bulkhead("revert")
        #expect(revert.status == 0, "\(revert.output)\(revert.errors)")
        try segment.settle()
        let routes = try ["default", "10.91.0.0/16", "10.92.0.0/16"].map { try segment.host.sh("ip route show \($0)") }
        #expect(
            routes == [
                "default via 192.0.2.254 dev eth1 \ndefault via 172.30.0.9 dev wg0 \n",
                "10.91.0.0/16 via 172.30.0.9 dev wg0 \n10.91.0.0/16 via 192.0.2.254 dev eth1 \n",
                "10.92.0.0/16 via 192.0.2.254 dev eth1 \n",
            ], "\(routes)")
        try segment.host.sh(
            "ip route delete default via 172.30.0.9; ip route delete 10.91.0.0/16 via 172.30.0.9")
        #expect(try HostDump(segment.host).differences(from: none) == [])
    }

    struct Joining: Sendable, CustomStringConvertible {
        let change: String
        /// Gateways in the order of the kernel, when the uplink has its route back.
        let order: [String]
        let isNamed: Bool
        var description: String { change }
    }

    private static let (own, rival) = ("2001:db8::254", "fd00:30::9")
    private static let joining = [
        // Behind, alone in its place, and before it already.
        Joining(
            change: "ip -6 route append default via fd00:30::9 dev wg0 metric 1024", order: [rival, own], isNamed: true),
        Joining(
            change: "ip -6 route replace default via fd00:30::9 dev wg0 metric 1024", order: [rival, own],
            isNamed: true),
        Joining(
            change: "ip -6 route delete default; ip -6 route add default via fd00:30::9 dev wg0 metric 1024; "
                + "ip -6 route append default via 2001:db8::254 dev bh-lan metric 1024", order: [rival, own],
            isNamed: false),
    ]

    /// Of an IPv6 route by another gateway and the uplink's own the kernel makes one with two next hops. Nobody says that all
    /// is as before where packets go another way than they did.
    @Test(arguments: joining) func aRouteThatSharesItsPlaceIsNamed(_ item: Joining) throws {
        let segment = try segment()
        let none = try HostDump(segment.host)
        let apply = try segment.host.bulkhead("apply", "manifests", "--yes", "--confirm-within", "1h")
        try #require(apply.status == 0, "\(apply.errors)")
        try segment.host.sh(item.change)
        let revert = try segment.host.bulkhead("revert")
        let left = """
            The host could not be put back completely; this is left:
              the route default via 2001:db8::254 is back on eth1, as one of 2 next hops by which packets go, because somebody \
            put a route for the same in its place meanwhile: delete that one if you do not want it (`ip -6 route`)

            """
        #expect(revert.status == (item.isNamed ? 3 : 0), "\(revert.output)\(revert.errors)")
        #expect((revert.errors == left) == item.isNamed, "\(revert.errors)")
        try segment.settle()
        let hops = try segment.host.sh("ip -6 route show default").matches(of: #/nexthop via (\S+) dev (\S+)/#)
        #expect(hops.map { String($0.1) } == item.order, "\(hops.map(\.0))")
        #expect(Set(hops.map { String($0.2) }) == ["eth1", "wg0"], "\(hops.map(\.0))")
        try segment.host.sh("ip -6 route delete default via fd00:30::9 dev wg0")
        #expect(try HostDump(segment.host).differences(from: none) == [])
        #expect(try segment.ping(segment.host, to: 254))
    }

    /// Of IPv6 the kernel puts a new route behind those of its place, whatever it is asked: the uplink's own, which is the
    /// first, does not leave it.
    @Test func theFirstIPv6RouteStaysTheFirst() throws {
        let segment = try segment()
        try segment.host.sh(
            """
            ip -6 route add 2001:db8:92::/48 via 2001:db8::254 dev eth1 metric 5
            ip -6 route add 2001:db8:93::/48 dev eth1; ip -6 route add 2001:db8:94::/48 via 2001:db8::254 dev eth1 src 2001:db8::1
            """)
        let none = try HostDump(segment.host)
        let apply = try segment.host.bulkhead("apply", "manifests", "--yes", "--confirm-within", "1h")
        try #require(apply.status == 0, "\(apply.errors)")
        let rivals = [
            "default dev wg0 metric 1024", "2001:db8:92::/48 dev wg0 metric 5", "2001:db8:93::/48 dev wg0",
            "2001:db8:94::/48 dev wg0", "default dev lo metric 1024",
        ]
        for rival in rivals { try segment.host.sh("ip -6 route append \(rival)") }
        try segment.host.sh("ip -6 route append 2001:db8:93::/48 via fd00:30::9 dev wg0")
        let revert = try segment.host.bulkhead("revert")
        #expect(revert.status == 0, "\(revert.output)\(revert.errors)")
        try segment.settle()
        for prefix in ["default", "2001:db8:92::/48", "2001:db8:93::/48", "2001:db8:94::/48"] {
            let routes = try segment.host.sh("ip -6 route show \(prefix)").split(separator: "\n")
            #expect(routes.count == (["default", "2001:db8:93::/48"].contains(prefix) ? 3 : 2), "\(routes)")
            #expect(routes[0].contains(" dev eth1 "), "\(routes)")
        }
        #expect(try segment.ping(segment.host, to: 254))
        #expect(try segment.host.sh("ip -6 route get 2001:4860::1").contains(" dev eth1 "))
        for rival in rivals { try segment.host.sh("ip -6 route delete \(rival)") }
        try segment.host.sh("ip -6 route delete 2001:db8:93::/48 via fd00:30::9 dev wg0")
        #expect(try HostDump(segment.host).differences(from: none) == [])
    }

    /// Somebody's own route is in the place of the uplink's, and counts: nobody says that all is as before.
    @Test func aRouteThatSomebodyReplacedIsNamed() throws {
        let segment = try segment()
        let none = try HostDump(segment.host)
        let apply = try segment.host.bulkhead("apply", "manifests", "--yes", "--confirm-within", "1h")
        try #require(apply.status == 0, "\(apply.errors)")
        try segment.host.sh("ip route replace default via 172.30.0.9 dev wg0")
        let revert = try segment.host.bulkhead("revert")
        #expect(revert.status == 3, "\(revert.output)\(revert.errors)")
        #expect(
            revert.errors == """
                The host could not be put back completely; this is left:
                  the route default via 192.0.2.254 is back on eth1, behind one for the same that somebody put in its place \
                meanwhile, and that counts: delete that one if you do not want it (`ip route`)

                """, "\(revert.errors)")
        try segment.host.sh("ip route delete default via 172.30.0.9; \(Segment.settling)")
        #expect(try HostDump(segment.host).differences(from: none) == [])
    }

    /// The kernel refuses routes whose next hop cannot be looked up.
    @Test func routesThatCannotComeBackAreNamed() throws {
        let segment = try segment()
        try segment.host.sh("ip route add 10.91.0.0/16 via 192.0.2.77; ip route add 10.92.0.0/16 via 192.0.2.77")
        let apply = try segment.host.bulkhead("apply", "manifests", "--yes", "--confirm-within", "1h")
        try #require(apply.status == 0, "\(apply.errors)")
        // The first stands against planning again.
        try segment.host.sh(
            "ip route append default via 172.30.0.9 dev wg0; ip rule add priority 1 to 192.0.2.77 unreachable")
        let revert = try segment.host.bulkhead("revert")
        #expect(revert.status == 3, "\(revert.output)\(revert.errors)")
        for route in ["10.91.0.0/16 via 192.0.2.77", "10.92.0.0/16 via 192.0.2.77"] {
            let line = "  eth1 has not got back the route \(route); it comes with `ip route add \(route) dev eth1`\n"
            #expect(revert.errors.contains(line), "\(revert.errors)")
        }
        // Nothing of the host is on it any more.
        #expect(try segment.host.sh("ip -o link").contains("bh-lan") == false)
    }
}
