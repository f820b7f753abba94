import Foundation
import TestSupport
import Testing

/// Behind a small change among many namespaces only that is read again which it may have changed, and what the kernel said
/// to have changed meanwhile.
@Suite(.enabled(if: Needs.root, Needs.rootText)) struct SmallChangeTests {
    /// So many are more than thirty-two, from where on it is listened.
    private static let count = 40

    /// A host with that many endpoints, and its manifests with other sizes for the first ones.
    private func site() throws -> (host: ScratchHost, declare: (_ changed: Int) throws -> Void) {
        let host = try ScratchHost()
        let declare = { (changed: Int) in
            let endpoints = (1...Self.count).map { number in
                Manifests.endpoint(
                    "e\(number)",
                    "addresses: [10.88.0.\(number + 10)]" + (number <= changed ? ", mtu: 1400" : ""))
            }
            try host.declare(([Manifests.web] + endpoints).joined(separator: "\n---\n"))
        }
        try declare(0)
        let applied = try host.apply("--quiet")
        try #require(applied.status == 0, "\(applied.errors)")
        return (host, declare)
    }

    private func expectInSync(_ host: ScratchHost) throws {
        #expect(try host.bulkhead("plan", "manifests").output == "In sync: nothing to do.\n")
    }

    @Test func driftOfBeforeIsRepairedAlong() throws {
        let (host, declare) = try site()
        try host.sh(
            """
            ip -n e5 address del 10.88.0.15/24 dev eth0
            ip netns exec e6 sysctl -qw net.ipv4.conf.all.forwarding=1
            echo 192.0.2.9 evil >> etc/e7/hosts
            ip link set ep-e8 down
            """)
        try declare(1)
        let applied = try host.apply("--quiet")
        #expect(applied.status == 0 && applied.errors.isEmpty, "\(applied.errors)")
        try host.sh(
            """
            ip -n e5 address show dev eth0 | grep -q 10.88.0.15/24
            [ $(ip netns exec e6 sysctl -n net.ipv4.conf.all.forwarding) = 0 ]
            ! grep evil etc/e7/hosts
            ip -n e1 link show dev eth0 | grep -q 'mtu 1400'
            """)
        try expectInSync(host)
    }

    /// Nothing is done there, and the kernel tells of it.
    @Test(arguments: [
        "ip -n e7 route del default", "ip -n e7 address add 192.0.2.9/32 dev lo", "ip -n e7 rule add lookup 7",
        "ip -n e7 link set lo down", "ip -n e7 neighbour add 10.88.0.99 lladdr 02:00:00:00:00:99 dev eth0",
        "ip -n e7 link add d0 type bridge",
    ])
    func whatChangesElsewhereMeanwhileIsSaid(_ command: String) throws {
        let (host, declare) = try site()
        try declare(1)
        let process = try host.applyStopped(before: 0)
        try host.sh(command)
        let applied = try host.resume(process)
        #expect(applied.status == 0, "\(applied.errors)")
        #expect(applied.errors.contains("e7 is changed by somebody in there"), "\(applied.errors)")
        #expect(try host.bulkhead("drift", "manifests").status == 2)
        #expect(try host.apply("--quiet").status == 0)
        try expectInSync(host)
    }

    /// The host has an end of every card, and nothing about it is anybody else's.
    @Test(arguments: ["ip link del ep-e7", "ip link set ep-e7 nomaster", "ip netns del e7; ip netns add e7"])
    func whatTheHostLosesMeanwhileIsAnError(_ command: String) throws {
        let (host, declare) = try site()
        try declare(1)
        let process = try host.applyStopped(before: 0)
        try host.sh(command)
        let applied = try host.resume(process)
        #expect(applied.status != 0)
        #expect(applied.errors.contains("e7"), "\(applied.errors)")
    }

    /// Nobody is told who writes a setting. It is for the next apply, as it would be an instant later.
    @Test func settingsThatChangeElsewhereMeanwhileAreForTheNextApply() throws {
        let (host, declare) = try site()
        try declare(1)
        let process = try host.applyStopped(before: 0)
        try host.sh("ip netns exec e7 sysctl -qw net.ipv4.conf.all.accept_redirects=1; echo evil >> etc/e8/hosts")
        let applied = try host.resume(process)
        #expect(applied.status == 0 && !applied.errors.contains("e7"), "\(applied.errors)")
        #expect(try host.bulkhead("drift", "manifests").status == 2)
        #expect(try host.apply("--quiet").status == 0)
        try expectInSync(host)
    }

    /// All is read where nobody may listen, where more is said than finds room, and where much is changed.
    @Test(arguments: ["no right", "no room", "no small change"])
    func elseAllIsReadAgain(_ why: String) throws {
        let (host, declare) = try site()
        try declare(why == "no small change" ? 6 : 1)
        let listens = why == "no right" ? ["setpriv", "--bounding-set=-net_broadcast"] : []
        let process = try host.start(
            listens + [ScratchHost.binary, "apply", "--yes", "manifests"],
            environment: ["BULKHEAD_FAULT": "stop-before:0"])
        #expect(process.waitForStop())
        if why == "no room" {
            try host.sh(
                """
                for i in $(seq 15000); do
                    echo address add 192.0.2.9/32 dev lo
                    echo address del 192.0.2.9/32 dev lo
                done | ip -n e9 -batch -
                """)
        }
        try host.sh("ip netns exec e7 sysctl -qw net.ipv4.conf.all.accept_redirects=1")
        let applied = try host.resume(process)
        #expect(applied.status == 0, "\(applied.errors)")
        #expect(applied.errors.contains("e7 is changed by somebody in there"), "\(applied.errors)")
        #expect(try host.apply("--quiet").status == 0)
        try expectInSync(host)
    }

    /// Both ends of what comes and goes, and names that lead elsewhere than before.
    @Test func endpointsComeAndGoAndMove() throws {
        let (host, _) = try site()
        func declare(_ endpoints: [String]) throws {
            try host.declare(([Manifests.web] + endpoints).joined(separator: "\n---\n"))
        }
        let all = (1...Self.count).map { Manifests.endpoint("e\($0)", "addresses: [10.88.0.\($0 + 10)]") }
        for endpoints in [
            all + [Manifests.endpoint("new", "addresses: [10.88.0.200]")],
            Array(all.dropFirst()),
            all.dropLast() + [Manifests.endpoint("e\(Self.count)", "addresses: [10.88.0.201], interface: eth7")],
            all,
        ] {
            try declare(endpoints)
            let applied = try host.apply("--quiet")
            #expect(applied.status == 0 && applied.errors.isEmpty, "\(applied.errors)")
            try expectInSync(host)
        }
        let destroyed = try host.bulkhead("destroy", "--all", "--yes")
        #expect(destroyed.status == 0, "\(destroyed.errors)")
    }
}
