import Foundation
import TestSupport
import Testing

/// Which source a neighbour on the LAN sees, by the settings of `outboundNAT`.
@Suite struct OutboundTests {
    private let lan = (four: "192.0.2.9", six: "2001:db8::9")
    private let other = (four: "192.0.2.10", six: "2001:db8::a")
    private let host = (four: "192.0.2.1", six: "2001:db8::1")
    private let own = (four: "10.88.0.10", six: "fd00:88::10")

    /// Host and neighbour with a second address each; servers listen on all of the neighbour's.
    private func site(_ outbound: String) throws -> (PolicyHost, ScratchHost, [RunningProcess]) {
        let web = try PolicyHost(["a"], network: "  outboundNAT: {\(outbound)}")
        let neighbour = try web.neighbour()
        // Deprecated: nothing chooses it as a source by itself.
        try web.host.sh("ip addr add 192.0.2.7/24 dev lan0; ip addr add 2001:db8::7/64 dev lan0 nodad preferred_lft 0")
        try neighbour.sh("ip addr add \(other.four)/24 dev lan0; ip addr add \(other.six)/64 dev lan0 nodad")
        try web.apply()
        let servers = try [lan.four, lan.six, other.four, other.six].map { try neighbour.serve("serve-ends", $0, "80") }
        return (web, neighbour, servers)
    }

    /// Expects the source that each of these destinations sees, over TCP, UDP.
    private func expect(
        _ outbound: String, _ sources: [(destination: String, source: String)],
        location: SourceLocation = #_sourceLocation
    ) throws {
        let (web, neighbour, servers) = try site(outbound)
        defer { for server in servers { server.signal(SIGKILL) } }
        for (destination, source) in sources {
            for transport in ["tcp", "udp"] {
                #expect(
                    try web.ends("a", transport, destination, 80).first == source, "\(transport) to \(destination)",
                    sourceLocation: location)
            }
        }
        withExtendedLifetime(neighbour) {}
    }

    @Test func switchedOffItKeepsTheSource() throws {
        try expect("enabled: false", [(lan.four, own.four), (lan.six, own.six)])
    }

    @Test func givenAddressesAreUsed() throws {
        try expect(
            "addresses: [192.0.2.7, \"2001:db8::7\"]", [(lan.four, "192.0.2.7"), (lan.six, "2001:db8::7")])
    }

    @Test func anAddressOfOneFamilyLeavesTheOtherToTheInterface() throws {
        try expect("addresses: [192.0.2.7]", [(lan.four, "192.0.2.7"), (lan.six, host.six)])
    }

    @Test func anAddressThatIsNotOnTheHostIsWarnedOf() throws {
        let web = try PolicyHost(["a"], network: "  outboundNAT: {addresses: [198.51.100.7]}")
        let plan = try web.host.bulkhead("plan", "manifests", "--output", "json")
        #expect(plan.status == 0)
        #expect(
            plan.output.contains(
                "Network/web: outbound address 198.51.100.7 is not on this host, so answers will not come back"))
        try web.host.sh("ip link add lan0 type bridge; ip address add 198.51.100.7/24 dev lan0")
        #expect(try !web.host.bulkhead("plan", "manifests", "--output", "json").output.contains("outbound address"))
    }

    @Test func exceptionsSeeTheEndpointItself() throws {
        try expect(
            "exceptions: [192.0.2.9/32, \"2001:db8::9/128\"]",
            [(lan.four, own.four), (lan.six, own.six), (other.four, host.four), (other.six, host.six)])
    }

    @Test func onlyDestinationsAreTranslated() throws {
        try expect(
            "destinations: [192.0.2.9/32, \"2001:db8::9/128\"]",
            [(lan.four, host.four), (lan.six, host.six), (other.four, own.four), (other.six, own.six)])
    }

    @Test func destinationsOfOneFamilyLeaveTheOtherAlone() throws {
        try expect("destinations: [192.0.2.0/24]", [(lan.four, host.four), (lan.six, own.six)])
    }

    @Test(arguments: ["ipv4", "ipv6"]) func onlyTheFamiliesNamedAreTranslated(_ family: String) throws {
        try expect(
            "families: [\(family)]",
            [
                (lan.four, family == "ipv4" ? host.four : own.four),
                (lan.six, family == "ipv6" ? host.six : own.six),
            ])
    }

    /// A range so small that the client's own port is not in it by chance.
    @Test(arguments: ["", ", addresses: [192.0.2.7, \"2001:db8::7\"]"]) func sourcePortsLieInTheRange(_ more: String)
        throws
    {
        let (web, neighbour, servers) = try site("ports: 20000-20009\(more)")
        defer { for server in servers { server.signal(SIGKILL) } }
        for destination in [lan.four, lan.six, other.four, other.six] {
            for transport in ["tcp", "udp"] {
                let ends = try web.ends("a", transport, destination, 80)
                let port = try #require(ends.dropFirst().first.flatMap { Int($0) })
                #expect((20000...20009).contains(port), "\(transport) to \(destination)")
            }
        }
        // What has no ports is translated all the same.
        #expect(try web.host.ping(lan.four, from: "a"))
        withExtendedLifetime(neighbour) {}
    }
}
