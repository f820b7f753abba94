import Foundation
import TestSupport
import Testing

/// Raw frames of its own making, sent from inside a compartment with every capability, and who sees them.
struct AttackRig {
    private static let tool = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Tools/attack.py").path

    /// One attack, or a control that has to pass so that the rig is known to work.
    struct Attack: Decodable {
        let name: String
        let frames: [String]
        let marker: String
        let passes: Bool
    }

    let host: ScratchHost

    init(_ host: ScratchHost) { self.host = host }

    init(_ web: PolicyHost) { self.init(web.host) }

    /// A network `web` of the prefixes that `people` knows, and its endpoints `a`, `b` and `m`; `m` may have no address.
    static func documents(_ network: String, addresses: Bool = true) -> String {
        let gateways = "{prefix: 10.88.0.0/24, gateway: 10.88.0.1}, {prefix: \"fd00:88::/64\", gateway: \"fd00:88::1\"}"
        let endpoints = ["a", "b", "m"].enumerated().map { number, name in
            let own = !addresses && name == "m" ? "" : "10.88.0.\(10 + number), \"fd00:88::\(10 + number)\""
            return """
                ---
                apiVersion: bulkhead.dev/v1alpha1
                kind: Endpoint
                metadata: {name: \(name), labels: {app: \(name)}}
                spec: {network: web, addresses: [\(own)]}

                """
        }
        return """
            ---
            apiVersion: bulkhead.dev/v1alpha1
            kind: Network
            metadata: {name: web}
            spec: {\(network), subnets: [\(gateways)]}

            """ + endpoints.joined()
    }

    /// MACs and addresses of those who take part, read from the host: the victim `a`, the sibling `b`, and whose frames
    /// they are.
    func people(own: String = "m", victim: String = "a", sibling: String = "b", bridge: String = "bh-web") throws
        -> [String: Any]
    {
        var people: [String: Any] = [:]
        for (role, name) in [("victim", victim), ("sibling", sibling), ("own", own)] {
            let link = try host.sh("ip -n \(name) -o link show eth0")
            let mac = String(link.components(separatedBy: "link/ether ").last?.prefix(17) ?? "")
            let number = 10 + ["a": 0, "b": 1, "m": 2][name, default: 3]
            people[role] = mac
            people["\(role)4"] = "10.88.0.\(number)"
            people["\(role)6"] = "fd00:88::\(number)"
            people["\(role)Local"] = Self.linkLocal(mac)
        }
        let link = try host.sh("ip -o link show \(bridge)")
        let gateway = String(link.components(separatedBy: "link/ether ").last?.prefix(17) ?? "")
        people["gateway"] = gateway
        people["gateway4"] = "10.88.0.1"
        people["gateway6"] = "fd00:88::1"
        people["gatewayLocal"] = Self.linkLocal(gateway)
        people["broadcast4"] = "10.88.0.255"
        return people
    }

    /// Makes an endpoint use a link-local address of its own choice.
    func use(_ address: String, by name: String) throws {
        try host.sh(
            "ip -n \(name) address add \(address)/64 dev eth0 nodad; "
                + "ip netns exec \(name) ping -c1 -W1 -I \(address)%eth0 ff02::1%eth0 || true")
    }

    /// The link-local address that follows from a MAC.
    static func linkLocal(_ mac: String) -> String {
        let bytes = mac.prefix(17).split(separator: ":").compactMap { UInt8($0, radix: 16) }
        guard bytes.count == 6 else {
            Issue.record("no MAC: \(mac)")
            return "fe80::1"
        }
        let words = [
            UInt16(bytes[0] ^ 2) << 8 | UInt16(bytes[1]), UInt16(bytes[2]) << 8 | 0xff,
            0xfe00 | UInt16(bytes[3]), UInt16(bytes[4]) << 8 | UInt16(bytes[5]),
        ]
        return "fe80::" + words.map { String($0, radix: 16) }.joined(separator: ":")
    }

    /// All attacks of a kind.
    func craft(_ kind: String, _ people: [String: Any]) throws -> [Attack] {
        let people = try JSONSerialization.data(withJSONObject: people)
        let crafted = try host.run(["python3", Self.tool, "craft", kind, String(decoding: people, as: UTF8.self)])
        let attacks = try JSONDecoder().decode([Attack].self, from: Data(crafted.output.utf8))
        #expect(!attacks.isEmpty, "\(crafted.errors)")
        return attacks
    }

    /// Sends the frames of all attacks, and gives the names of those that the watcher saw.
    func seen(
        _ attacks: [Attack], from sender: String = "m", watch interface: String = "eth0", in namespace: String? = "a"
    ) throws -> Set<String> {
        let watcher = try watch(attacks, interface, in: namespace)
        try send(attacks, from: sender)
        return try names(attacks, watcher)
    }

    /// Sends the frames of all attacks.
    func send(_ attacks: [Attack], from sender: String? = "m") throws {
        let file = host.folder.appendingPathComponent("frames-\(UUID().uuidString).json")
        try JSONEncoder().encode(attacks.map(\.frames)).write(to: file)
        let inside = sender.map { "ip netns exec \($0) " } ?? ""
        try host.sh("\(inside)python3 \(Self.tool) send eth0 \(file.path)")
    }

    /// Starts to watch for the markers of attacks.
    func watch(_ attacks: [Attack], _ interface: String, in namespace: String?) throws -> RunningProcess {
        let inside = namespace.map { ["ip", "netns", "exec", $0] } ?? []
        return try watch(inside + ["python3", Self.tool, "sniff", interface], attacks)
    }

    /// The same for datagrams to a UDP port of the host.
    func listen(_ attacks: [Attack], port: Int) throws -> RunningProcess {
        try watch(["python3", Self.tool, "listen", "\(port)"], attacks)
    }

    /// The same of an endpoint.
    func listen(_ attacks: [Attack], port: String, in namespace: String) throws -> RunningProcess {
        try watch(["ip", "netns", "exec", namespace, "python3", Self.tool, "listen", port], attacks)
    }

    private func watch(_ command: [String], _ attacks: [Attack]) throws -> RunningProcess {
        let watcher = try host.start(command + attacks.map(\.marker), hasInput: true)
        watcher.waitForOutput()
        return watcher
    }

    /// Ends a watcher when what was sent has had the time to arrive: what it has seen.
    func names(_ attacks: [Attack], _ watcher: RunningProcess) throws -> Set<String> {
        try watcher.tell("enough")
        let seen = try JSONDecoder().decode(Set<String>.self, from: Data(try watcher.finish().output.utf8))
        return Set(attacks.filter { seen.contains($0.marker) }.map(\.name))
    }

    /// Sends all attacks from `m`, and gives those that the watcher saw although they may not pass, and the controls
    /// that it did not see.
    func wrongs(
        _ kind: String, people: [String: Any]? = nil, watch interface: String = "eth0", in namespace: String? = "a"
    ) throws -> [String] {
        let attacks = try craft(kind, people ?? self.people())
        let seen = try seen(attacks, watch: interface, in: namespace)
        return attacks.filter { seen.contains($0.name) != $0.passes }
            .map { "\($0.name): \($0.passes ? "did not pass" : "passed")" }
    }

    /// The same as a sibling, the host on its bridge and a machine of the LAN see it: the last two only what is for all, so
    /// that controls are the sibling's alone.
    func wrongs(
        _ attacks: [Attack], bridge: String, outside: (name: String, host: ScratchHost)
    ) throws -> [String] {
        let watchers = [
            ("a", try watch(attacks, "eth0", in: "a")), ("host", try watch(attacks, bridge, in: nil)),
            (outside.name, try Self(outside.host).watch(attacks, "eth0", in: nil)),
        ]
        try send(attacks)
        return try watchers.flatMap { name, watcher -> [String] in
            let seen = try names(attacks, watcher)
            return attacks.filter {
                name == "a" ? seen.contains($0.name) != $0.passes : seen.contains($0.name) && !$0.passes
            }
            .map { "\(name): \($0.name): \($0.passes ? "did not pass" : "passed")" }
        }
    }
}

/// With the names in the message.
func expectNone(_ wrongs: some Collection<String>, location: SourceLocation = #_sourceLocation) {
    #expect(wrongs.isEmpty, "\(wrongs.sorted().joined(separator: "; "))", sourceLocation: location)
}
