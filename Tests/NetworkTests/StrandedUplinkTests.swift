import Foundation
import TestSupport
import Testing

/// Others take the uplink away from its bridge, which has what the host had on it: it is never deleted with that.
@Suite struct StrandedUplinkTests {
    private static let gone = [
        "ip link set eth1 down; ip link set eth1 name ethx; ip link set ethx up", "ip link delete eth1",
    ]

    private func expectAddresses(_ segment: Segment, on link: String, location: SourceLocation = #_sourceLocation)
        throws
    {
        let addresses = try segment.host.sh("ip -br address show \(link)")
        #expect(
            addresses.contains(" 192.0.2.1/24 ") && addresses.contains(" 2001:db8::1/64 "), "\(addresses)",
            sourceLocation: location)
    }

    /// Nothing can move back: the bridge stays, and the revert does not say that all is as before.
    @Test(arguments: gone) func revertKeepsTheBridgeWithoutItsUplink(_ loss: String) throws {
        let segment = try Segment.withUplink()
        let result = try segment.host.bulkhead("apply", "manifests", "--yes", "--confirm-within", "1h")
        try #require(result.status == 0, "\(result.errors)")
        try segment.host.sh(loss)
        let revert = try segment.host.bulkhead("revert")
        #expect(revert.status == 3, "\(revert.output)\(revert.errors)")
        let remedy =
            loss.contains("name ethx")
            ? "bh-lan stands for ethx, so if it was renamed, give it back its name (`ip link set ethx name eth1`), or write the new one into the manifest"
            : "name another (`ip link show`)"
        for line in [
            "bh-lan has still what the host had on its uplink, and stays; `bulkhead apply` goes on from there",
            "  whether all is as before could not be checked: Network/lan: the uplink eth1 is not there; \(remedy)",
        ] { #expect(revert.errors.contains("\(line)\n"), "\(revert.errors)") }
        try expectAddresses(segment, on: "bh-lan")
        guard loss.contains("name ethx") else { return }
        // The port is known by its MAC.
        let destroy = try segment.host.bulkhead("destroy", "--all", "--yes")
        #expect(destroy.status == 0, "\(destroy.errors)")
        try expectAddresses(segment, on: "ethx")
        #expect(try segment.ping(segment.host, to: 254))
    }

    /// Neither `destroy` nor an apply without the network has a place for what the host has there.
    @Test func anUplinkThatIsOffItsBridgeKeepsItFromBeingDeleted() throws {
        let segment = try Segment.withUplink()
        let before = try HostDump(segment.host)
        try segment.apply()
        try segment.host.sh("ip link set eth1 nomaster")
        let routes = "default via 192.0.2.254, default via 2001:db8::254"
        let message =
            "error: Network/lan: deleting bh-lan would delete what the host has on it (192.0.2.1/24, 2001:db8::1/64, \(routes)), "
            + "and the interface that gets it back is not on it; put it there (`ip link set eth1 master bh-lan`), or move "
            + "what the host has to another interface\n"
        let destroy = try segment.host.bulkhead("destroy", "--all", "--yes")
        #expect(destroy.status == 1, "\(destroy.output)")
        #expect(destroy.errors.contains(message), "\(destroy.errors)")
        try expectAddresses(segment, on: "bh-lan")
        try segment.site.declare([Document.network("web", 88)])
        let apply = try segment.host.bulkhead("apply", "manifests", "--yes")
        #expect(apply.status == 1, "\(apply.output)")
        #expect(apply.errors.contains(message), "\(apply.errors)")
        try expectAddresses(segment, on: "bh-lan")
        try segment.host.sh("ip link set eth1 master bh-lan")
        try segment.destroy(to: before)
    }

    /// By hand, while the network is in force: the only error says so, and both remedies work.
    @Test func aRenamedUplinkIsRecognized() throws {
        let segment = try Segment.withUplink()
        let before = try HostDump(segment.host)
        try segment.apply()
        let applied = try HostDump(segment.host)
        let rename = { (old: String, new: String) in
            _ = try segment.host.sh("ip link set \(old) down; ip link set \(old) name \(new); ip link set \(new) up")
        }
        try rename("eth1", "ethx")
        let renamed = try HostDump(segment.host)
        for arguments in [["plan", "manifests"], ["drift", "manifests"], ["apply", "manifests", "--yes"]] {
            let result = try segment.host.run([ScratchHost.binary] + arguments)
            #expect(result.status == 1)
            let errors = result.errors.split(separator: "\n").filter { $0.contains("error: ") }
            #expect(errors.count == 1, "\(result.errors)")
            #expect(
                result.errors.contains(
                    "error: Network/lan: the uplink eth1 is not there; bh-lan stands for ethx, so if it was renamed, give it back its "
                        + "name (`ip link set ethx name eth1`), or write the new one into the manifest\n"),
                "\(result.errors)")
        }
        #expect(try HostDump(segment.host).differences(from: renamed) == [])
        try rename("ethx", "eth1")
        try segment.apply()
        #expect(try HostDump(segment.host).differences(from: applied) == [])
        try rename("eth1", "ethx")
        try segment.site.declare([
            Segment.network("lan", "uplink: {interface: ethx}"), Segment.endpoint("a", "lan", 10),
        ])
        try segment.apply()
        #expect(try segment.ping(segment.host, to: 254))
        #expect(try segment.ping(segment.lan, to: 10))
        let destroy = try segment.host.bulkhead("destroy", "--all", "--yes")
        #expect(destroy.status == 0, "\(destroy.errors)")
        try expectAddresses(segment, on: "ethx")
        _ = before
    }

    /// The kernel took along what the host had on it: said by every plan, until somebody gives it back.
    @Test func aBridgeThatSomebodyDeletedIsMissed() throws {
        let segment = try Segment.withUplink()
        let before = try HostDump(segment.host)
        try segment.apply()
        try segment.host.sh("ip link delete bh-lan")
        let warning =
            "warning: Network/lan: bh-lan was there and somebody deleted it, and with it the addresses and routes that the host had "
            + "on it, if any; neither it nor eth1 has them any more: give them to eth1 before you apply, which takes them along, or "
            + "to bh-lan afterwards\n"
        let plan = try segment.host.bulkhead("plan", "manifests")
        #expect(plan.status == 0 && (plan.output + plan.errors).contains(warning), "\(plan.output)\(plan.errors)")
        #expect(try segment.host.bulkhead("drift", "manifests").status == 2)
        try segment.host.sh(
            """
            ip address add 192.0.2.1/24 dev eth1; ip address add 2001:db8::1/64 dev eth1 nodad
            ip route add default via 192.0.2.254; ip route add default via 2001:db8::254 dev eth1
            """)
        let repaired = try segment.host.bulkhead("apply", "manifests", "--yes")
        #expect(repaired.status == 0, "\(repaired.errors)")
        #expect(!(repaired.output + repaired.errors).contains("somebody deleted it"))
        #expect(try segment.ping(segment.host, to: 254))
        #expect(try segment.ping(segment.lan, to: 10))
        try segment.destroy(to: before)
        // The same, and nobody gives it back: the network works, the host stays without.
        try segment.apply()
        try segment.host.sh("ip link delete bh-lan")
        let apply = try segment.host.bulkhead("apply", "manifests", "--yes", "--quiet")
        #expect(apply.status == 0, "\(apply.errors)")
        #expect(apply.output == "" && apply.errors.contains(warning), "\(apply.output)\(apply.errors)")
        #expect(try segment.ping(segment.lan, to: 10))
        #expect(try segment.host.bulkhead("plan", "manifests", "--detailed-exitcode").status == 0)
    }

    /// The same name, another type: what the host has is no surplus of the new network.
    @Test func aNetworkThatLosesItsUplinkKeepsTheHostConnected() throws {
        let segment = try Segment.withUplink()
        let before = try HostDump(segment.host)
        try segment.apply()
        try segment.site.declare([Document.network("lan", 88)])
        let apply = try segment.host.bulkhead("apply", "manifests", "--yes")
        #expect(apply.status == 1, "\(apply.output)")
        #expect(
            apply.errors.contains(
                "error: Network/lan: bh-lan stands for eth1 and has what the host has there (192.0.2.1/24, 2001:db8::1/64, "
                    + "default via 192.0.2.254, default via 2001:db8::254), for which a network without an uplink has no place; "
                    + "give the network another name, or apply once without it, so that eth1 gets it back\n"),
            "\(apply.errors)")
        try expectAddresses(segment, on: "bh-lan")
        try segment.site.declare([Document.network("new", 88)])
        try segment.apply()
        try expectAddresses(segment, on: "eth1")
        try segment.destroy(to: before)
    }

    /// The bridges of other networks have addresses of the manifests only.
    @Test func aBridgeOfANATNetworkIsDeletedWhateverItsMACIs() throws {
        let segment = try Segment([Document.network("web", 88)])
        let before = try HostDump(segment.host)
        try segment.apply()
        try segment.host.sh("ip link set bh-web address 02:00:00:00:00:77")
        try segment.destroy(to: before)
    }
}
