import Foundation
import TestSupport
import Testing

/// A card that gets another MAC in place.
@Suite(.enabled(if: Needs.root, Needs.rootText)) struct AnnouncementTests {
    private static let network = """
        apiVersion: bulkhead.dev/v1alpha1
        kind: Network
        metadata: {name: web}
        spec: {type: nat, subnets: [{prefix: 10.88.0.0/24}, {prefix: "fd00:88::/64"}]}
        """

    private func declare(_ host: ScratchHost, mac: String) throws {
        try host.declare(
            Self.network, Manifests.endpoint("a", "addresses: [10.88.0.10, \"fd00:88::10\"], mac: \"\(mac)\""),
            Manifests.endpoint("b", "addresses: [10.88.0.11, \"fd00:88::11\"]"))
    }

    /// Its neighbours know at once: they would send to the old one for up to a minute.
    @Test func itIsToldToNeighbours() throws {
        let host = try ScratchHost()
        try declare(host, mac: "02:00:00:00:00:0a")
        #expect(try host.apply("--quiet").status == 0)
        let ways = ["", "ip netns exec b "].flatMap { place in ["10.88.0.10", "fd00:88::10"].map { (place, $0) } }
        for (place, address) in ways { try host.sh("\(place)ping -q -c 2 -i 0.2 -W 60 \(address)") }
        try declare(host, mac: "02:00:00:00:00:0b")
        let apply = try host.apply("--quiet")
        #expect(apply.status == 0, "\(apply.errors)")
        for (place, address) in ways {
            let words = try host.sh("\(place)ip neighbour show \(address)")
            #expect(words.contains("02:00:00:00:00:0b"), "\(place)\(words)")
            try host.sh("\(place)ping -q -c 1 -W 60 \(address)")
        }
        let settings = "net/ipv4/conf/eth0/arp_notify /proc/sys/net/ipv6/conf/eth0/ndisc_notify"
        #expect(try host.sh("ip netns exec a cat /proc/sys/\(settings)") == "0\n0\n")
        #expect(try host.bulkhead("drift", "manifests").status == 0)
    }

    /// A run that is killed between switching them on and off leaves these on: the next one finds them.
    @Test func whatAKilledRunLeftOnIsSwitchedOff() throws {
        let host = try ScratchHost()
        try declare(host, mac: "02:00:00:00:00:0a")
        #expect(try host.apply("--quiet").status == 0)
        let before = try HostDump(host)
        try host.sh("ip netns exec a sysctl -q net.ipv4.conf.eth0.arp_notify=1 net.ipv6.conf.eth0.ndisc_notify=1")
        try host.sh("sysctl -q net.ipv4.conf.bh-web.arp_notify=1")
        #expect(try host.bulkhead("drift", "manifests").status == 2)
        #expect(try host.apply("--quiet").status == 0)
        #expect(try HostDump(host).differences(from: before) == [])
    }

    /// Where the host has them on for all new interfaces, as next to keepalived, they are so on bulkhead's.
    @Test func whatTheHostGivesAllInterfacesStays() throws {
        let host = try ScratchHost()
        try host.sh("sysctl -q net.ipv4.conf.default.arp_notify=1 net.ipv6.conf.default.ndisc_notify=1")
        try declare(host, mac: "02:00:00:00:00:0a")
        let apply = try host.apply("--quiet")
        #expect(apply.status == 0, "\(apply.errors)")
        #expect(try host.sh("sysctl -n net.ipv4.conf.bh-web.arp_notify net.ipv6.conf.bh-web.ndisc_notify") == "1\n1\n")
        #expect(try host.bulkhead("drift", "manifests").status == 0)
    }

    /// The same where whoever made the namespace did it later than the loopback.
    @Test func whatAnAdoptedNamespaceGivesItsInterfacesStays() throws {
        let host = try ScratchHost()
        try host.sh(
            "ip netns add a; ip -n a link set lo up; ip netns exec a sysctl -q net.ipv4.conf.default.arp_notify=1")
        try host.declare(
            Self.network, Manifests.endpoint("a"),
            "apiVersion: bulkhead.dev/v1alpha1\nkind: Compartment\nmetadata: {name: a}\n"
                + "spec: {namespace: {path: \(try host.sh("readlink -f /run/netns/a").trimmingCharacters(in: .newlines))}}"
        )
        let apply = try host.apply("--quiet")
        #expect(apply.status == 0, "\(apply.errors)")
        #expect(try host.sh("ip netns exec a sysctl -n net.ipv4.conf.eth0.arp_notify") == "1\n")
        #expect(try host.bulkhead("drift", "manifests").status == 0)
    }
}
