import Foundation
import JSON
import TestSupport
import Testing

/// `device: macvtap`: the card of a virtual machine on an uplink. A guest of a network stack of its own opens its file
/// (`guest.py`).
@Suite struct MacvtapTests {
    private static let mac = "02:00:00:00:00:01"

    private static func vm(_ spec: String = "") -> String {
        Segment.endpoint("vm", "lan", 10, "device: macvtap, mac: \"\(mac)\"\(spec)")
    }

    private func segment(_ network: String = MacvlanTests.network()) throws -> Segment {
        try Segment(
            [network, Self.vm(), Segment.endpoint("b", "lan", 11)], addresses: ["192.0.2.1/24", "2001:db8::1/64"])
    }

    private static let tunnel = MacvlanTests.network().replacingOccurrences(
        of: "attachment: macvlan", with: "antiSpoof: true"
    ).replacingOccurrences(of: "type: transparent", with: "type: l2tunnel")

    /// A machine that has the file open, with a stack of its own in the namespace `guest`.
    private func guest(_ segment: Segment) throws -> RunningProcess {
        let tool = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Tools/guest.py")
        let guest = try segment.host.start([
            "python3", tool.path, "ep-vm", "guest", Self.mac, "192.0.2.10/24", "2001:db8::10/64", "--gateway",
            "192.0.2.254", "--gateway", "2001:db8::254", "--macvtap",
        ])
        guest.waitForOutput()
        return guest
    }

    @Test func aGuestIsOnTheWire() throws {
        let segment = try segment()
        let before = try HostDump(segment.host)
        try segment.apply()
        let link = try segment.host.sh("ip -d link show ep-vm; ip address show dev ep-vm")
        for text in ["macvtap mode bridge", Self.mac, "alias bulkhead:default/Endpoint/vm"] {
            #expect(link.contains(text), "\(text): \(link)")
        }
        // Nothing of it is on a stack of the host.
        #expect(!link.contains("inet"), "\(link)")
        let guest = try guest(segment)
        // Nobody knows the guest yet, and all ask for it by a group.
        #expect(try segment.ping(segment.lan, to: 10) && segment.ping(segment.host, "b", to: 10))
        // What the hypervisor does is no drift.
        #expect(try segment.host.bulkhead("drift", "manifests").status == 0)
        #expect(try segment.ping(segment.host, "guest", to: 254) && segment.ping(segment.host, "guest", to: 11))
        #expect(try segment.ping(segment.lan, to: 10) && segment.ping(segment.host, "b", to: 10))
        #expect(try segment.seen().contains(Self.mac))
        // Neither the host nor the guest reaches the other.
        #expect(try segment.pingsNothing(segment.host, "guest", to: 1) && segment.pingsNothing(segment.host, to: 10))
        #expect(try segment.ping(segment.host, to: 254))
        guest.signal(SIGKILL)
        try segment.host.sh("ip netns delete guest")
        try segment.destroy(to: before)
    }

    /// What a guest sends is judged on the uplink, where it cannot undo it.
    @Test func aGuestForgesNothing() throws {
        let segment = try segment()
        try segment.apply()
        let guest = try guest(segment)
        defer { guest.signal(SIGKILL) }
        #expect(try segment.ping(segment.host, "guest", to: 254))
        try segment.host.sh(
            "ip -n guest address add 192.0.2.77/24 dev eth0; ip -n guest address add 2001:db8::77/64 dev eth0 nodad")
        for (source, target) in [("192.0.2.77", "192.0.2.254"), ("2001:db8::77", "2001:db8::254")] {
            for target in [target, target.replacingOccurrences(of: "254", with: "11")] {
                let forged = ["ip", "netns", "exec", "guest", "ping", "-c2", "-i0.3", "-W1", "-I", source, target]
                #expect(try segment.host.run(forged).status != 0, "\(source) → \(target)")
            }
        }
        try segment.host.sh(
            "ip -n guest address del 192.0.2.77/24 dev eth0; ip -n guest address del 2001:db8::77/64 dev eth0")
        #expect(try segment.ping(segment.host, "guest", to: 254))
        // Another MAC, and tagged frames.
        try segment.forget()
        try segment.host.sh(
            "ip -n guest link set eth0 down; ip -n guest link set eth0 address 02:00:00:00:00:66; ip -n guest link set eth0 up"
        )
        #expect(
            try segment.host.run(["ip", "netns", "exec", "guest", "ping", "-c2", "-W1", "192.0.2.254"]).status != 0)
        #expect(!(try segment.seen().contains("02:00:00:00:00:66")))
        let rules = try segment.host.sh("nft list table netdev bulkhead")
        #expect(rules.contains(#/packets [1-9][0-9]* bytes [0-9]+ drop comment "antiSpoof: MAC"/#), "\(rules)")
    }

    /// Nobody has its file open yet: then the kernel would give the host what comes for it.
    @Test func theHostHearsNothingByIt() throws {
        let segment = try segment()
        try segment.apply()
        func asks(_ mac: String) throws -> Bool {
            try segment.lan.sh("ip neigh replace 192.0.2.1 lladdr \(mac) dev eth0 nud permanent")
            return try segment.lan.run(["ping", "-c2", "-i0.3", "-W1", "192.0.2.1"]).status == 0
        }
        let own = try segment.host.sh("cat /sys/class/net/eth1/address").trimmingCharacters(in: .newlines)
        #expect(try asks(own))
        #expect(!(try asks(Self.mac)))
        // It came that far, and no further.
        let heard = try segment.host.sh("nft list chain inet bulkhead prerouting")
        #expect(heard.contains(#/packets [1-9][0-9]* bytes [0-9]+ drop comment "past the switch"/#), "\(heard)")
    }

    @Test func quarantineIsTheHosts() throws {
        let segment = try segment()
        try segment.apply()
        let guest = try guest(segment)
        defer { guest.signal(SIGKILL) }
        #expect(try segment.ping(segment.host, "guest", to: 254))
        try segment.site.declare([
            MacvlanTests.network(), Self.vm(", enabled: false"), Segment.endpoint("b", "lan", 11),
        ])
        try segment.apply()
        #expect(try segment.pingsNothing(segment.host, "guest", to: 254) && segment.pingsNothing(segment.lan, to: 10))
        #expect(try segment.pingsNothing(segment.host, "b", to: 10) && segment.ping(segment.lan, to: 11))
        #expect(try segment.host.bulkhead("show", "endpoint/vm").output.contains("disabled"))
        try segment.site.declare([MacvlanTests.network(), Self.vm(), Segment.endpoint("b", "lan", 11)])
        try segment.apply()
        #expect(try segment.ping(segment.host, "guest", to: 254) && segment.ping(segment.lan, to: 10))
    }

    /// On a tunnel what goes to a sibling comes back from the wire alone, which may stop it.
    @Test func onATunnelTheSwitchDecides() throws {
        let segment = try segment(Self.tunnel)
        try segment.apply()
        #expect(try segment.host.sh("ip -d link show ep-vm").contains("macvtap mode vepa"))
        let guest = try guest(segment)
        defer { guest.signal(SIGKILL) }
        #expect(try segment.ping(segment.host, "guest", to: 254) && segment.pingsNothing(segment.host, "guest", to: 11))
        try segment.wire.sh("bridge link set dev h1 hairpin on")
        try segment.host.sh("for name in guest b; do ip -n $name neigh flush all; done")
        #expect(try segment.ping(segment.host, "guest", to: 11) && segment.ping(segment.host, "b", to: 10))
    }

    /// With `intraNetwork: deny` the kernel gives nothing from one to another.
    @Test func isolationChangesInPlace() throws {
        let segment = try segment()
        try segment.apply()
        let index = try segment.host.sh("cat /sys/class/net/ep-vm/ifindex")
        let guest = try guest(segment)
        defer { guest.signal(SIGKILL) }
        try segment.site.declare([
            MacvlanTests.network("isolation: {intraNetwork: deny}"), Self.vm(", mtu: 1400"),
            Segment.endpoint("b", "lan", 11),
        ])
        try segment.apply()
        #expect(
            try segment.pingsNothing(segment.host, "guest", to: 11) && segment.pingsNothing(segment.host, "b", to: 10))
        #expect(try segment.ping(segment.host, "guest", to: 254))
        #expect(try segment.host.sh("ip -d link show ep-vm").contains("mtu 1400"))
        // A hypervisor keeps the file that it has open.
        #expect(try segment.host.sh("cat /sys/class/net/ep-vm/ifindex") == index)
    }

    @Test(arguments: [
        "ip link set ep-vm down", "ip link set ep-vm allmulticast off", "ip link set ep-vm type macvtap mode private",
        "ip link set ep-vm mtu 1300",
        "ip link set ep-vm address 02:00:00:00:00:77", "ip link set ep-vm alias ''; ip link delete ep-vm",
        "ip link delete ep-vm", "ip link property add dev ep-vm altname y0", "nft delete table netdev bulkhead",
        "nft delete table inet bulkhead", "nft delete table arp bulkhead",
        "nft flush set netdev bulkhead cards-lan",
        "ip link delete ep-vm; ip link add other type veth peer name far; ip link add link other name ep-vm type macvtap mode bridge; ip link set ep-vm alias bulkhead:default/Endpoint/vm",
    ])
    func driftIsSeenAndRepaired(_ command: String) throws {
        let segment = try segment()
        try segment.apply()
        let before = try HostDump(segment.host)
        try segment.host.sh(command)
        let drift = try segment.host.bulkhead("drift", "manifests")
        #expect(drift.status == 2, "\(drift.output)\(drift.errors)")
        try segment.apply()
        try segment.host.sh("ip link delete other 2> /dev/null || true")
        #expect(try HostDump(segment.host).differences(from: before) == [])
        let guest = try guest(segment)
        defer { guest.signal(SIGKILL) }
        #expect(try segment.ping(segment.lan, to: 10))
    }

    /// One MAC is on an uplink once: the card of one kind goes before that of the other comes, and what fails is undone.
    @Test func cardsBecomeMacvtapsAndTheOtherWayRound() throws {
        let segment = try Segment([MacvlanTests.network()], addresses: ["192.0.2.1/24", "2001:db8::1/64"])
        let before = try HostDump(segment.host)
        let nic = Segment.endpoint("vm", "lan", 10, "mac: \"\(Self.mac)\"")
        let nat = Document.network("inside", 88)
        let tap = Document.endpoint("vm", "inside", 88, 10, "device: tap")
        let steps: [(String, [String])] = [
            ("macvtap", [Self.vm()]), ("macvlan", [nic]), ("macvtap again", [Self.vm()]), ("tap", [nat, tap]),
            ("macvtap for tap", [nat, Self.vm()]), ("veth", [nat, Document.endpoint("vm", "inside", 88, 10)]),
            ("macvtap for veth", [nat, Self.vm()]),
            ("by another name", [nat, Self.vm(", hostInterface: vm0")]),
        ]
        for (what, documents) in steps {
            let last = try HostDump(segment.host)
            try segment.site.declare([MacvlanTests.network()] + documents)
            // Every third write is refused, until there are no more.
            var number = 0
            while true {
                let failed = try segment.host.bulkhead(
                    "apply", "manifests", "--yes", environment: ["BULKHEAD_FAULT": "refuse:\(number)"])
                if failed.status == 0 { break }
                #expect(failed.status == 1, "\(what) \(number): \(failed.output)\(failed.errors)")
                #expect(try HostDump(segment.host).differences(from: last) == [], "\(what) \(number)")
                number += 3
            }
            #expect(number > 0, "\(what)")
            try segment.apply()
            #expect(try segment.host.bulkhead("plan", "manifests", "--detailed-exitcode").status == 0, "\(what)")
        }
        #expect(try segment.host.sh("ip -d link show vm0").contains("macvtap"))
        try segment.destroy(to: before)
    }

    @Test func showSaysHowAMachineGetsIt() throws {
        let segment = try segment()
        try segment.apply()
        let index = try segment.host.sh("cat /sys/class/net/ep-vm/ifindex").trimmingCharacters(in: .newlines)
        let output = try segment.host.bulkhead("show", "endpoint/vm", "--output", "json").output
        for text in [
            "\"device\": \"macvtap\"", "\"hostInterface\": \"ep-vm\"", "\"network\": \"lan\"",
            "\"file\": \"/dev/tap\(index)\"", "\"redirection\": \"3<>/dev/tap\(index)\"", "tap,id=vm,fd=3",
            "virtio-net-pci,netdev=vm,mac=\(Self.mac),host_mtu=1500", "192.0.2.10/24",
        ] {
            #expect(output.contains(text), "\(text): \(output)")
        }
        #expect(try segment.host.bulkhead("show", "network/lan").output.contains("macvlan"))
        let refused = try segment.host.bulkhead("exec", "endpoint/vm", "--", "true")
        #expect(
            refused.errors.contains(
                "endpoint 'vm' is the card of a virtual machine (macvtap ep-vm) and in no compartment"),
            "\(refused.errors)")
        // Its uplink is no port of a bridge meanwhile.
        try segment.site.declare([
            MacvlanTests.network().replacingOccurrences(of: "attachment: macvlan", with: "attachment: bridge"),
            Segment.endpoint("b", "lan", 11),
        ])
        let plan = try segment.host.bulkhead("plan", "manifests")
        #expect(plan.status == 1 && plan.errors.contains("eth1 carries the macv"), "\(plan.output)\(plan.errors)")
    }
}
