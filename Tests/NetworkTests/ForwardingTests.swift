import Foundation
import TestSupport
import Testing

/// What bulkhead does to the host's own forwarding.
@Suite struct ForwardingTests {
    private let documents = [Document.network("web", 88), Document.endpoint("a", "web", 88, 10)]

    /// The host with two neighbours on two cards, `192.0.2.9` and `198.51.100.9`, who know the way to each other by it.
    private func site() throws -> (PolicyHost, near: ScratchHost, far: ScratchHost) {
        let site = try PolicyHost(documents: documents)
        let near = try site.neighbour()
        let far = try ScratchHost()
        try site.host.connect(
            "lan1", ["198.51.100.1/24", "2001:db8:1::1/64"], to: far, "lan1", ["198.51.100.9/24", "2001:db8:1::9/64"])
        for host in [site.host, far] {
            try host.sh("until ! ip -6 addr show dev lan1 | grep -q tentative; do sleep 0.05; done")
        }
        try far.sh("ip route add default via 198.51.100.1; ip route add default via 2001:db8:1::1")
        try near.sh("ip route add 198.51.100.0/24 via 192.0.2.1; ip route add 2001:db8:1::/64 via 2001:db8::1")
        return (site, near, far)
    }

    /// Expects that the neighbour gets through to the other one, or not, in each family.
    private func expectPassage(ipv4: Bool, ipv6: Bool, _ near: ScratchHost, location: SourceLocation = #_sourceLocation)
        throws
    {
        for (address, passes) in [("198.51.100.9", ipv4), ("2001:db8:1::9", ipv6)] {
            #expect(try near.ping(address, isExpected: passes) == passes, "\(address)", sourceLocation: location)
        }
    }

    private let whole = "cat /proc/sys/net/ipv4/conf/all/forwarding"

    @Test func theMachineDoesNotBecomeARouterAndAllIsPutBack() throws {
        let (site, near, far) = try site()
        try expectPassage(ipv4: false, ipv6: false, near)
        let before = try HostDump(site.host)
        try site.apply()
        #expect(try site.host.sh(whole) == "0\n")
        #expect(try site.host.sh("cat /proc/sys/net/ipv4/conf/lan0/forwarding") == "1\n")
        try expectPassage(ipv4: false, ipv6: false, near)
        // The endpoint reaches both.
        for address in ["192.0.2.9", "198.51.100.9", "2001:db8::9", "2001:db8:1::9"] {
            #expect(try site.host.ping(address, from: "a"), "\(address)")
        }
        #expect(try site.host.bulkhead("destroy", "--all", "--yes").status == 0)
        let after = try HostDump(site.host)
        #expect(after.differences(from: before) == [])
        #expect(after.changedIdentities(from: before) == [])
        withExtendedLifetime(far) {}
    }

    /// A router of one family stays one, of that family alone.
    @Test(arguments: ["ipv4", "ipv6"]) func aRouterStaysOne(_ family: String) throws {
        let (site, near, far) = try site()
        try site.host.sh("echo 1 > /proc/sys/net/\(family)/conf/all/forwarding")
        try expectPassage(ipv4: family == "ipv4", ipv6: family == "ipv6", near)
        let all = try site.host.sh(whole)
        let before = try HostDump(site.host)
        try site.apply()
        #expect(try site.host.sh(whole) == all)
        try expectPassage(ipv4: family == "ipv4", ipv6: family == "ipv6", near)
        #expect(try site.host.bulkhead("destroy", "--all", "--yes").status == 0)
        try expectPassage(ipv4: family == "ipv4", ipv6: family == "ipv6", near)
        #expect(try HostDump(site.host).differences(from: before) == [])
        withExtendedLifetime(far) {}
    }

    /// A router advertisement of 30 minutes with a prefix, sent by a raw socket.
    private static let advertise = """
        import socket, struct
        s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
        prefix = struct.pack("!BBBBIII16s", 3, 4, 64, 0xC0, 1800, 1800, 0, socket.inet_pton(socket.AF_INET6, "2001:db8:5::"))
        s.sendto(struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0) + prefix,
                 ("ff02::1", 0, 0, socket.if_nametoindex("lan0")))
        """

    @Test func aDefaultRouteThatTheHostLearntSurvives() throws {
        let site = try PolicyHost(documents: documents)
        let lan = try site.neighbour()
        try site.host.sh("echo 1 > /proc/sys/net/ipv6/conf/lan0/accept_ra")
        #expect(try lan.run(["python3", "-c", Self.advertise]).status == 0)
        try site.host.sh("until ip -6 route show default proto ra | grep -q lan0; do sleep 0.05; done")
        try site.host.sh("until ip -6 addr show dev lan0 | grep -q 2001:db8:5:; do sleep 0.05; done")
        try site.host.sh("until ! ip -6 addr show dev lan0 | grep -q tentative; do sleep 0.05; done")
        let accept = try site.host.sh("cat /proc/sys/net/ipv6/conf/lan0/accept_ra")
        func route() throws -> [Substring] {
            try site.host.sh("ip -6 route show default proto ra").split(separator: " ").prefix(5).map { $0 }
        }
        let learnt = try route()
        #expect(learnt.count == 5)
        try site.apply()
        #expect(try route() == learnt)
        // It goes on listening to its router.
        try site.host.sh("ip -6 route delete default proto ra")
        #expect(try lan.run(["python3", "-c", Self.advertise]).status == 0)
        try site.host.sh("until ip -6 route show default proto ra | grep -q lan0; do sleep 0.05; done")
        #expect(try route() == learnt)
        #expect(try site.host.bulkhead("destroy", "--all", "--yes").status == 0)
        #expect(try route() == learnt)
        #expect(try site.host.sh("cat /proc/sys/net/ipv6/conf/lan0/accept_ra") == accept)
    }
}
