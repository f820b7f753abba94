import Foundation
import TestSupport
import Testing

/// Frames that a bridge does not forward, but hands to the host as come in by the port itself.
@Suite struct PortTests {
    private func heard(_ web: PolicyHost, _ attacks: [AttackRig.Attack]) throws -> Set<String> {
        let rig = AttackRig(web)
        let listener = try rig.listen(attacks, port: 7000)
        _ = try rig.seen(attacks, watch: "lo", in: nil)
        return try rig.names(attacks, listener)
    }

    @Test(arguments: ["type: private", "type: nat\n  isolation: {hostAccess: deny}", "type: nat"])
    func aPortIsNoWayToTheHost(_ type: String) throws {
        let web = try PolicyHost(["a", "b", "m"])
        let base = web.host.folder.appendingPathComponent("manifests/base.yaml")
        let text = try String(contentsOf: base, encoding: .utf8)
        try web.host.write("base.yaml", text.replacingOccurrences(of: "type: nat", with: type))
        try web.host.sh("ip link add lan type bridge && ip address add 192.0.2.1/24 dev lan && ip link set lan up")
        try web.apply()
        let rig = AttackRig(web)
        var people = try rig.people()
        people["hosts"] = ["192.0.2.1", "10.88.0.1", "fd00:88::1", people["gatewayLocal"] ?? ""]
        #expect(try heard(web, rig.craft("past", people)) == [])
        // To the switch's own MAC: heard where the host may be spoken to at all.
        var control = people
        control["victim"] = people["gateway"]
        control["victim4"] = "192.0.2.1"
        let plain = try rig.craft("spoofing", control).filter { $0.name == "control udp4" }
        #expect(try heard(web, plain).count == (type == "type: nat" ? 1 : 0))
    }

    @Test func aPortAnswersNoARP() throws {
        let web = try PolicyHost(["a", "b", "m"])
        try web.host.sh("ip link add lan type bridge && ip address add 192.0.2.1/24 dev lan && ip link set lan up")
        try web.apply()
        let rig = AttackRig(web)
        let own = try rig.people()["own"] as? String ?? ""
        func mac(_ text: String) -> String { text.filter { $0 != ":" } }
        // Who has 192.0.2.1? Tell 10.88.0.12; sent to the MAC of link-local protocols, then to all.
        let ask = { (target: String) in
            "\(target)\(mac(own))08060001080006040001\(mac(own))0a58000c000000000000c0000201"
        }
        // An answer: operation 2, some MAC, 192.0.2.1, told to 10.88.0.12.
        let answer = "c0000201\(mac(own))0a58000c"
        for (target, isAnswered) in [("0180c200000e", false), ("0180c2000003", false), ("ffffffffffff", true)] {
            let attack = AttackRig.Attack(name: target, frames: [ask(target)], marker: answer, passes: isAnswered)
            let watcher = try rig.watch([attack], "eth0", in: "m")
            _ = try rig.seen([attack], watch: "lo", in: nil)
            #expect(try rig.names([attack], watcher).isEmpty != isAnswered, "\(target)")
        }
    }

    /// A port has a MAC of its own, which the host takes for one of its own.
    @Test func whatGoesToTheMACOfAPortReachesNobody() throws {
        let web = try PolicyHost(["a", "b", "m"], network: "  isolation: {hostAccess: deny}")
        try web.host.write(
            "other.yaml",
            """
            apiVersion: bulkhead.dev/v1alpha1
            kind: Network
            metadata: {name: other}
            spec: {type: internal, subnets: [{prefix: 10.99.0.0/24}, {prefix: "fd00:99::/64"}]}
            ---
            apiVersion: bulkhead.dev/v1alpha1
            kind: Endpoint
            metadata: {name: v}
            spec: {network: other, addresses: [10.99.0.10, "fd00:99::10"]}
            """)
        try web.apply()
        let rig = AttackRig(web)
        var people = try rig.people()
        people["port"] = try web.host.sh("cat /sys/class/net/ep-m/address")
            .trimmingCharacters(in: .whitespacesAndNewlines)
        people["hosts"] = ["10.88.0.1", "fd00:88::1", "10.99.0.1", "fd00:99::1"]
        #expect(try heard(web, rig.craft("port", people)) == [])
        people["hosts"] = ["10.99.0.10", "fd00:99::10"]
        let across = try rig.craft("port", people)
        #expect(try rig.seen(across, in: "v") == [])
        // The rig sees what there is to see: by the switch's own MAC, where the host may be spoken to.
        let base = web.host.folder.appendingPathComponent("manifests/base.yaml")
        let text = try String(contentsOf: base, encoding: .utf8)
        try web.host.write("base.yaml", text.replacingOccurrences(of: "hostAccess: deny", with: "hostAccess: allow"))
        try web.apply()
        people["hosts"] = ["10.88.0.1", "fd00:88::1"]
        people["port"] = people["gateway"]
        #expect(try heard(web, rig.craft("port", people)).count == 2)
    }

    /// The bridge learns from frames to link-local protocols before any rule has seen them, unless it is told not to.
    @Test func noFrameTellsTheSwitchOfAMACThatIsNotTheSenders() throws {
        let web = try PolicyHost(["a", "b", "m"])
        try web.apply()
        let rig = AttackRig(web)
        func stolen() throws -> [String] {
            let attacks = try rig.craft("learn", rig.people())
            _ = try rig.seen(attacks, watch: "lo", in: nil)
            let victim = try rig.people()["victim"] as? String ?? "?"
            return try web.host.sh("bridge fdb show br bh-web").split(separator: "\n").map(String.init)
                .filter { $0.contains("dev ep-m") && ($0.hasPrefix(victim) || $0.hasPrefix("02:de:ad")) }
        }
        #expect(try stolen() == [])
        // What makes it so is compared, and put back; without it the rig sees what there is to see.
        try web.host.sh("ip link set bh-web type bridge no_linklocal_learn 0")
        #expect(try stolen() != [])
        let drift = try web.host.bulkhead("drift", "manifests")
        #expect(drift.status == 2 && drift.output.contains("no_linklocal_learn 0 → "), "\(drift.output)")
        try web.host.sh("bridge fdb flush dev ep-m dynamic 2>/dev/null || ip link set ep-m type bridge_slave fdb_flush")
        try web.apply()
        #expect(try stolen() == [])
    }
}
