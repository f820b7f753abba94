import Foundation
import TestSupport
import Testing

/// Bulkhead's part of FRR's configuration beside what others have there, with real daemons.
@Suite(.enabled(if: RoutingDaemons.areThere, Comment(rawValue: RoutingDaemons.reason))) struct EVPNRoutingTests {
    private static let foreign = """
        hostname node-a
        router bgp 65000
         bgp router-id 198.51.100.1
         no bgp ebgp-requires-policy
         neighbor 192.0.2.9 remote-as 65009
         neighbor 192.0.2.9 password secret
         address-family ipv4 unicast
          network 203.0.113.0/24
         exit-address-family
        exit
        route-map mine permit 10
         set metric 5
        exit

        """

    /// `kill -9` of `bgpd`: the others take back what it told, and it has its part from its file when it is back.
    @Test func aDaemonThatIsKilledRecovers() throws {
        let evpn = try EVPNSite()
        try evpn.deploy()
        let site = evpn.site
        let mac = try site.mac("rb", on: "node-b")
        let daemon = try evpn.routing("node-b")
        try daemon.kill("bgpd")
        for node in ["node-a", "node-c"] { try evpn.forgets(node, mac) }
        let refused = try site.host("node-b").bulkhead("plan", "--host", "node-b", "manifests")
        #expect(refused.status == 1)
        let files = RoutingDaemons.files(of: try site.host("node-b")).path
        #expect(
            refused.errors.contains(
                "fleet.yaml:13:3: error: Host/node-b: evpn needs FRR: bgpd does not answer in /run/frr; set `bgpd=yes` in "
                    + "\(files)/daemons and start it (`systemctl restart frr`)"), "\(refused.errors)")
        // The other two are not concerned.
        try site.expectPing(true, "ra", on: "node-a", "10.0.0.12")

        try daemon.start("bgpd")
        try daemon.boot()
        try evpn.settle()
        try site.expectPing(true, "ra", on: "node-a", "10.0.0.11")
        let plan = try site.plan("node-b")
        #expect(plan.contains("In sync"), "\(plan)")
    }

    @Test func sessionsAndEntriesAreShown() throws {
        let evpn = try EVPNSite()
        try evpn.deploy()
        let (host, site) = (try evpn.site.host("node-a"), evpn.site)
        let (b, c) = (try site.mac("rb", on: "node-b"), try site.mac("rc", on: "node-c"))
        func local(_ name: String, _ node: String) throws -> String {
            let words = try site.host(node).sh("ip -n \(name) -6 -o address show dev eth0 scope link")
                .split { $0 == " " || $0 == "/" }
            return String(try #require(words.firstIndex(of: "inet6").map { words[$0 + 1] }))
        }
        // Each address is told of by itself.
        try evpn.learns("node-a", of: b, try local("rb", "node-b"))
        try evpn.learns("node-a", of: c, try local("rc", "node-c"))
        let text = try host.bulkhead("show", "network/red").output
        let lines = text.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
        #expect(lines.contains("health ok"), "\(text)")
        #expect(lines.contains("sessions 192.0.2.2 Established") && lines.contains("sessions 192.0.2.3 Established"))
        for (mac, host, number, name, node) in [(b, 2, 11, "rb", "node-b"), (c, 3, 12, "rc", "node-c")] {
            let line = "learnt \(mac) 192.0.2.\(host) 10.0.0.\(number) fd00::\(number) \(try local(name, node))"
            #expect(lines.contains(line), "\(line) not in \(text)")
        }
        try evpn.routing("node-c").kill("bgpd")
        try evpn.forgets("node-a", c)
        let shown = try host.bulkhead("show", "network/red", "--output", "json").output
        let document = try #require(try JSONSerialization.jsonObject(with: Data(shown.utf8)) as? [String: Any])
        let sessions = try #require(document["sessions"] as? [[String: String]])
        #expect(sessions.map { $0["peer"] } == ["192.0.2.2", "192.0.2.3"])
        #expect(sessions[0]["state"] == "Established" && sessions[1]["state"] != "Established")
        #expect((document["learnt"] as? [[String: Any]])?.map { $0["mac"] as? String } == [b])
        #expect((document["health"] as? String)?.hasPrefix("the session with 192.0.2.3 is ") ?? false)
        try evpn.routing("node-a").kill("bgpd")
        let silent = try host.bulkhead("show", "network/red").output
        #expect(silent.contains("bgpd does not say which sessions it has"), "\(silent)")
    }

    /// A change that nobody confirms, and one that leaves an overlay, or is another scope's.
    @Test func itGoesWithWhatItIsFor() throws {
        let evpn = try EVPNSite()
        let (host, daemon) = (try evpn.site.host("node-a"), try evpn.routing("node-a"))
        let (running, before) = (try daemon.configuration(), try HostDump(host))
        try evpn.declare([EVPNSite.endpoints[0].1], on: "node-a")
        let pending = try host.bulkhead(
            "apply", "--yes", "--confirm-within", "600s", "--host", "node-a", "manifests")
        #expect(pending.status == 0, "\(pending.errors)")
        #expect(try daemon.file().contains("neighbor bulkhead peer-group"))
        #expect(try host.bulkhead("revert").status == 0)
        #expect(try daemon.configuration() == running)
        #expect(try daemon.file() == "")
        #expect(try HostDump(host).differences(from: before) == [])

        try evpn.site.apply("node-a")
        let with = try daemon.configuration()
        let other = try host.bulkhead("plan", "--scope", "other", "--host", "node-a", "manifests")
        #expect(other.status == 1)
        #expect(
            other.errors.contains(
                "error: Host/node-a: the peer group 'bulkhead' in FRR's configuration is of scope default; one scope of a host "
                    + "may have overlays on evpn"), "\(other.errors)")
        // What is not pruned stays whole, and what stays keeps its sessions.
        try evpn.declare([], on: "node-a")
        try host.sh("sed '/^kind: Network/,$d' manifests/fleet.yaml | head -n -2 > hosts.yaml")
        let kept = try host.bulkhead("apply", "--yes", "--no-prune", "--host", "node-a", "hosts.yaml")
        #expect(kept.status == 0, "\(kept.errors)")
        #expect(try daemon.configuration() == with)
        let gone = try host.bulkhead("apply", "--yes", "--host", "node-a", "hosts.yaml")
        #expect(gone.status == 0, "\(gone.errors)")
        #expect(try daemon.configuration() == running)
        #expect(try HostDump(host).differences(from: before) == [])
        // `destroy PATH` takes it with the last overlay.
        try evpn.site.apply("node-a")
        #expect(try host.bulkhead("destroy", "--yes", "--host", "node-a", "manifests").status == 0)
        #expect(try daemon.configuration() == running)
        #expect(try daemon.file() == "")
    }

    @Test func whatOthersConfiguredStays() throws {
        let evpn = try EVPNSite(["node-a": Self.foreign])
        let daemon = try evpn.routing("node-a")
        let (running, file) = (try daemon.configuration(), try daemon.file())
        #expect(running.contains("neighbor 192.0.2.9 password secret"))
        try evpn.deploy()
        let site = evpn.site
        try site.expectPing(true, "ra", on: "node-a", "10.0.0.11")
        let with = try daemon.configuration()
        for line in running.split(separator: "\n") { #expect(with.contains(line)) }
        #expect(try daemon.file().hasPrefix(file))
        let status = try site.host("node-a").sh(
            "stat -c '%U %G %a' \(RoutingDaemons.files(of: site.host("node-a")).path)/frr.conf")
        #expect(status == "frr frr 640\n")

        // Somebody saves, and adds to the group.
        try daemon.shell("configure terminal", "router bgp 65000", "neighbor bulkhead ttl-security hops 2")
        try daemon.shell("write memory")
        #expect(try site.plan("node-a").contains("In sync"))

        let result = try site.host("node-a").bulkhead("destroy", "--all", "--yes", "--host", "node-a")
        #expect(result.status == 0, "\(result.errors)")
        #expect(
            result.output.contains("`neighbor bulkhead ttl-security` that somebody gave bulkhead's peer group in FRR"))
        #expect(try daemon.configuration() == running)
        #expect(try !daemon.file().contains("bulkhead"))
        #expect(try daemon.file().contains("neighbor 192.0.2.9 password secret"))
    }

    @Test func whatSomebodyDoesToItIsDrift() throws {
        let evpn = try EVPNSite()
        try evpn.deploy()
        let site = evpn.site
        let host = try site.host("node-a")
        let daemon = try evpn.routing("node-a")
        let (running, file) = (try daemon.configuration(), try daemon.file())
        let block = ["configure terminal", "router bgp 65000"]
        let changes = [
            ["no neighbor 192.0.2.2 peer-group bulkhead"], ["neighbor 192.0.2.9 peer-group bulkhead"],
            ["neighbor bulkhead timers 60 180", "no neighbor bulkhead timers connect"],
            ["no neighbor bulkhead description"], ["no neighbor bulkhead peer-group"],
            ["address-family l2vpn evpn", "no advertise-all-vni"],
            ["address-family l2vpn evpn", "no neighbor bulkhead activate"],
            ["address-family ipv4 unicast", "neighbor bulkhead activate"], ["no bgp router-id"],
        ]
        for change in changes {
            let words = (block + change).flatMap { ["-c", $0] }
            let told = try host.run(["vtysh"] + words)
            try #require(told.status == 0, "\(change): \(told.output)")
            let drift = try host.bulkhead("drift", "--host", "node-a", "manifests")
            #expect(drift.status == 2, "\(change): \(drift.output)\(drift.errors)")
            #expect(drift.output.contains("configure bgpd: router bgp 65000; "), "\(change): \(drift.output)")
            try site.apply("node-a")
            #expect(try daemon.configuration() == running, "\(change)")
        }
        let path = RoutingDaemons.files(of: host).path + "/frr.conf"
        try host.sh("sed -i '/timers connect/d' \(path)")
        let drift = try host.bulkhead("drift", "--host", "node-a", "manifests")
        #expect(drift.status == 2 && drift.output.contains("write bulkhead's part of \(path)"), "\(drift.output)")
        try site.apply("node-a")
        #expect(try daemon.file() == file)
        try evpn.settle()

        // What BGP tells of is looked for on the bridge.
        let mac = try site.mac("ra", on: "node-a")
        for change in [
            "ip neigh del 10.0.0.10 dev bh-red", "ip neigh add 10.0.0.77 lladdr \(mac) dev bh-red nud permanent",
        ] {
            try host.sh(change)
            #expect(try host.bulkhead("drift", "--host", "node-a", "manifests").status == 2, "\(change)")
            try site.apply("node-a")
        }
        try evpn.settle()
        let entries = try host.sh("ip neigh show dev bh-red nud permanent")
        #expect(entries.contains("10.0.0.10 lladdr \(mac)") && !entries.contains("10.0.0.77"))
    }

    @Test func anotherASIsAConflict() throws {
        let evpn = try EVPNSite(["node-a": "router bgp 64999\nexit\n"])
        try evpn.declare([EVPNSite.endpoints[0].1], on: "node-a")
        let host = try evpn.site.host("node-a")
        let result = try host.bulkhead("apply", "--yes", "--host", "node-a", "manifests")
        #expect(result.status == 1)
        #expect(
            result.errors.contains(
                "fleet.yaml:6:3: error: Host/node-a: FRR on this host is of AS 64999 already: what is in `router bgp 64999` is "
                    + "not bulkhead's, and a host has one such block; give its number to `evpn.asn`, or remove it"),
            "\(result.errors)")
        try host.sh("! ip link show bh-red 2>/dev/null")
        // Its own is replaced.
        try evpn.routing("node-a").shell("configure terminal", "no router bgp 64999")
        try evpn.site.apply("node-a")
        try evpn.declare([EVPNSite.endpoints[0].1], on: "node-a", asn: 65010)
        try evpn.site.apply("node-a")
        let configuration = try evpn.routing("node-a").configuration()
        #expect(configuration.contains("router bgp 65010\n") && !configuration.contains("65000"))
    }

    /// The last operation of a plan fails when both configurations were changed already: they are put back.
    @Test func anApplyThatFailsPutsTheConfigurationBack() throws {
        let evpn = try EVPNSite(["node-a": Self.foreign])
        let (host, daemon) = (try evpn.site.host("node-a"), try evpn.routing("node-a"))
        let (running, file, before) = (try daemon.configuration(), try daemon.file(), try HostDump(host))
        try evpn.declare([EVPNSite.endpoints[0].1], on: "node-a")
        let steps = try evpn.steps("node-a")
        let last = try #require(steps.indices.last)
        let configured = try #require(steps.firstIndex(of: "routing/bgpd"))
        let written = try #require(steps.firstIndex(of: "routing/file"))
        #expect(configured < last && written < last)
        for (fault, isWritten) in [
            ("refuse:\(last)", true), ("refuse:\(written)", false), ("refuse:\(configured)", false),
        ] {
            let result = try host.bulkhead(
                "apply", "--yes", "--host", "node-a", "manifests", environment: ["BULKHEAD_FAULT": fault])
            #expect(result.status == 1, "\(fault): \(result.output)\(result.errors)")
            #expect(try daemon.configuration() == running, "\(fault)")
            #expect(try daemon.file() == file, "\(fault) \(isWritten)")
            #expect(try HostDump(host).differences(from: before) == [], "\(fault)")
        }
        // So of one that takes all away.
        try evpn.site.apply("node-a")
        let (whole, wholeFile) = (try daemon.configuration(), try daemon.file())
        let end = try evpn.steps("node-a", destroy: true).count - 1
        let result = try host.bulkhead(
            "apply", "--yes", "--host", "node-a", "empty", environment: ["BULKHEAD_FAULT": "refuse:\(end)"])
        #expect(end > 5 && result.status == 1, "\(result.output)\(result.errors)")
        #expect(result.errors.contains("injected fault"), "\(result.errors)")
        #expect(try daemon.configuration() == whole)
        #expect(try daemon.file() == wholeFile)
        try evpn.site.apply("node-a")
    }

    /// FRR itself refuses a line: nothing is left, and what it said is said.
    @Test func whatFRRRefusesIsSaid() throws {
        let evpn = try EVPNSite(["node-a": Self.foreign])
        let (host, daemon) = (try evpn.site.host("node-a"), try evpn.routing("node-a"))
        let running = try daemon.configuration()
        try evpn.declare([EVPNSite.endpoints[0].1], on: "node-a")
        try host.sh("ip address add 192.0.2.3/32 dev lo")
        let result = try host.bulkhead("apply", "--yes", "--host", "node-a", "manifests")
        #expect(result.status == 1, "\(result.output)")
        #expect(
            result.errors.contains("configure bgpd: FRR says: % Can not configure the local system as neighbor"),
            "\(result.errors)")
        #expect(try daemon.configuration() == running)

        // It would let a session of others be taken over.
        try daemon.shell("configure terminal", "router bgp 65000", "neighbor 192.0.2.2 remote-as 65009")
        let refused = try host.bulkhead("plan", "--host", "node-a", "manifests")
        #expect(refused.status == 1)
        #expect(
            refused.errors.contains(
                "fleet.yaml:6:3: error: Host/node-a: FRR on this host has a session with 192.0.2.2 that is not bulkhead's; "
                    + "remove it (`no neighbor 192.0.2.2`), or take the address out of `evpn.peers`"),
            "\(refused.errors)")
    }
}
