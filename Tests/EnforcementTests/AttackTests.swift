import Foundation
import TestSupport
import Testing

/// A compartment with every capability tries what must not pass, with raw frames of its own making.
@Suite struct AttackTests {
    private static let tool = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Tools/attack.py").path

    /// One attack, or a control that has to pass so that the rig is known to work.
    private struct Attack: Decodable {
        let name: String
        let frames: [String]
        let marker: String
        let passes: Bool
    }

    /// MACs and addresses of those who take part, read from the host.
    private func people(_ host: ScratchHost) throws -> [String: Any] {
        func mac(_ name: String) throws -> String {
            try host.sh("ip netns exec \(name) cat /sys/class/net/eth0/address 2>/dev/null || true")
        }
        var people: [String: Any] = [:]
        for (role, name, number) in [("victim", "a", 10), ("sibling", "b", 11), ("own", "m", 12)] {
            let link = try host.sh("ip -n \(name) -o link show eth0")
            let mac = link.components(separatedBy: "link/ether ").last?.prefix(17) ?? ""
            people[role] = String(mac)
            people["\(role)4"] = "10.88.0.\(number)"
            people["\(role)6"] = "fd00:88::\(number)"
            people["\(role)Local"] = Self.linkLocal(String(mac))
        }
        let link = try host.sh("ip -o link show bh-web")
        let gateway = String(link.components(separatedBy: "link/ether ").last?.prefix(17) ?? "")
        people["gateway"] = gateway
        people["gateway4"] = "10.88.0.1"
        people["gateway6"] = "fd00:88::1"
        people["gatewayLocal"] = Self.linkLocal(gateway)
        people["broadcast4"] = "10.88.0.255"
        return people
    }

    private static func linkLocal(_ mac: String) -> String {
        let bytes = mac.split(separator: ":").compactMap { UInt8($0, radix: 16) }
        guard bytes.count == 6 else { return "fe80::bad" }
        let words = [
            UInt16(bytes[0] ^ 2) << 8 | UInt16(bytes[1]), UInt16(bytes[2]) << 8 | 0xff,
            0xfe00 | UInt16(bytes[3]), UInt16(bytes[4]) << 8 | UInt16(bytes[5]),
        ]
        return "fe80::" + words.map { String($0, radix: 16) }.joined(separator: ":")
    }

    /// Sends all attacks from `m`, and gives those that the watcher saw although they may not pass, and the controls
    /// that it did not see.
    private func wrongs(
        _ kind: String, _ web: PolicyHost, people: [String: Any]? = nil, watch interface: String = "eth0",
        in namespace: String? = "a"
    ) throws -> [String] {
        let people = try JSONSerialization.data(withJSONObject: people ?? self.people(web.host))
        let crafted = try web.host.run(["python3", Self.tool, "craft", kind, String(decoding: people, as: UTF8.self)])
        let attacks = try JSONDecoder().decode([Attack].self, from: Data(crafted.output.utf8))
        #expect(!attacks.isEmpty, "\(crafted.errors)")
        let file = web.host.folder.appendingPathComponent("frames.json")
        try JSONEncoder().encode(attacks.map(\.frames)).write(to: file)
        let inside = namespace.map { ["ip", "netns", "exec", $0] } ?? []
        let watcher = try web.host.start(
            inside + ["python3", Self.tool, "sniff", interface, "3"] + attacks.map(\.marker))
        watcher.waitForOutput()
        try web.host.sh("ip netns exec m python3 \(Self.tool) send eth0 \(file.path)")
        let seen = try JSONDecoder().decode(Set<String>.self, from: Data(try watcher.finish().output.utf8))
        return attacks.filter { seen.contains($0.marker) != $0.passes }
            .map { "\($0.name): \($0.passes ? "did not pass" : "passed")" }
    }

    /// With the names in the message.
    private func expectNone(_ wrongs: [String], location: SourceLocation = #_sourceLocation) {
        #expect(wrongs == [], "\(wrongs.joined(separator: "; "))", sourceLocation: location)
    }

    /// Victim, sibling and attacker on one network.
    private func web() throws -> PolicyHost {
        let web = try PolicyHost(["a", "b", "m"])
        try web.policies([])
        try web.apply()
        return web
    }

    @Test func forgedAddressesReachNobody() throws {
        let web = try web()
        expectNone(try wrongs("spoofing", web))
        #expect(try wrongs("spoofing", web, watch: "bh-web", in: nil).filter { $0.hasSuffix(": passed") } == [])
    }

    @Test func forgedNeighbourDiscoveryReachesNobody() throws {
        let web = try web()
        expectNone(try wrongs("discovery", web))
        #expect(try wrongs("discovery", web, watch: "bh-web", in: nil).filter { $0.hasSuffix(": passed") } == [])
    }

    @Test func onlyUntaggedIPAndARPAreTakenWhateverAntiSpoofSays() throws {
        let web = try web()
        expectNone(try wrongs("frames", web))
        #expect(try wrongs("frames", web, watch: "bh-web", in: nil) == [])
        let base = web.host.folder.appendingPathComponent("manifests/base.yaml")
        let text = try String(contentsOf: base, encoding: .utf8)
        try web.host.write(
            "base.yaml", text.replacingOccurrences(of: "  type: nat", with: "  type: nat\n  antiSpoof: false"))
        try web.apply()
        expectNone(try wrongs("frames", web))
        // Without anti-spoofing the forged ones do pass: the rig sees what there is to see.
        #expect(try wrongs("spoofing", web).contains("address of a sibling: passed"))
    }

    @Test func aPolicyHoldsForEveryWayToWriteAnAddress() throws {
        let web = try web()
        try web.policies([
            (
                "a-in",
                """
                appliesTo: {endpoints: {matchLabels: {app: a}}}
                ingress:
                  default: deny
                  rules: [{action: allow, from: [{endpoints: {matchLabels: {app: m}}}], protocols: [{protocol: udp, ports: [7000]}]}]
                """
            )
        ])
        try web.apply()
        expectNone(try wrongs("policies", web))
    }

    @Test func aSendersPolicyHoldsForGroupsToo() throws {
        let web = try web()
        try web.policies([
            (
                "m-out",
                """
                appliesTo: {endpoints: {matchLabels: {app: m}}}
                egress:
                  default: deny
                  rules: [{action: allow, protocols: [{protocol: udp, ports: [7000]}]}]
                """
            )
        ])
        try web.apply()
        expectNone(try wrongs("egress", web))
        expectNone(try wrongs("egress", web, watch: "eth0", in: "b").filter { $0.hasSuffix(": passed") })
    }

    @Test func aPrivateNetworkHasNoWayToAnyAddressOfTheHost() throws {
        let web = try web()
        let base = web.host.folder.appendingPathComponent("manifests/base.yaml")
        let text = try String(contentsOf: base, encoding: .utf8)
        try web.host.write(
            "base.yaml",
            text.replacingOccurrences(of: "type: nat", with: "type: private") + """
                ---
                apiVersion: bulkhead.dev/v1alpha1
                kind: Network
                metadata: {name: other}
                spec: {type: nat, subnets: [{prefix: 10.99.0.0/24}, {prefix: "fd00:99::/64"}]}
                """)
        try web.host.sh("ip link add lan type bridge && ip address add 192.0.2.1/24 dev lan && ip link set lan up")
        try web.apply()
        var people = try people(web.host)
        people["host4"] = [
            "lan": "192.0.2.1", "other network": "10.99.0.1", "loopback": "127.0.0.1", "former gateway": "10.88.0.1",
        ]
        people["host6"] = [
            "link-local": people["gatewayLocal"] ?? "", "other network": "fd00:99::1", "loopback": "::1",
            "all nodes": "ff02::1",
        ]
        // Nothing at all comes in on the host's side of the switch, and nothing comes back.
        #expect(try wrongs("private", web, people: people, watch: "bh-web", in: nil) == [])
        let pings =
            ["192.0.2.1", "10.99.0.1", "10.88.0.1"].map { "ping -c1 -W1 \($0)" }
            + ["ping -c1 -W1 \(people["gatewayLocal"] ?? "")%eth0"]
        for ping in pings {
            let result = try web.host.run(
                ["ip", "netns", "exec", "m", "sh", "-c", "ip route add default dev eth0 2>/dev/null; \(ping)"])
            #expect(result.status != 0, "\(ping) was answered")
        }
        let neighbours = try web.host.sh("ip -n m neighbour show nud reachable")
        #expect(neighbours == "", "the host answered ARP or neighbour discovery")
    }
}
