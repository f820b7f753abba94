import Foundation
import TestSupport
import Testing

/// Three hosts and a stranger on one physical switch, whose namespace sees what passes.
final class OverlaySite {
    /// A VXLAN datagram on the wire.
    struct Datagram: Decodable, Hashable {
        let from: String
        let to: String
        let flags: Int
        let vni: Int
        let inner_from: String
        let inner_to: String
        let type: String
        let size: Int
        let icmpv6: Int?
    }

    /// A frame that somebody puts into a tunnel by hand.
    struct Forgery: Encodable {
        var end: String
        var vni = 4096
        var from_mac: String
        var to_mac: String
        var from: String
        var to: String
        var marker: String
        var arp = false
    }

    static let tool = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Tools/vxlan.py").path

    let physical: ScratchHost
    let hosts: [String: ScratchHost]
    let isIPv6: Bool

    /// `node-a`, `node-b`, `node-c`, with underlay addresses ending in 1, 2, 3; `stranger` ends in 9.
    init(ipv6: Bool = false, mtu: Int = 1500) throws {
        isIPv6 = ipv6
        physical = try ScratchHost()
        try physical.sh("ip link add br0 type bridge mcast_snooping 0; ip link set br0 mtu \(mtu) up")
        var hosts: [String: ScratchHost] = [:]
        for (name, number) in [("node-a", 1), ("node-b", 2), ("node-c", 3), ("stranger", 9)] {
            let host = try ScratchHost()
            let address = Self.underlay(number, ipv6)
            try host.connect("eth0", [address + (ipv6 ? "/64" : "/24")], to: physical, "port\(number)", [])
            try physical.sh("ip link set port\(number) mtu \(mtu) master br0")
            try host.sh("ip link set eth0 mtu \(mtu)")
            hosts[name] = host
        }
        self.hosts = hosts
    }

    static func underlay(_ number: Int, _ ipv6: Bool) -> String { ipv6 ? "2001:db8::\(number)" : "192.0.2.\(number)" }

    func host(_ name: String) throws -> ScratchHost { try #require(hosts[name]) }

    /// The three hosts, and what else is given.
    func write(_ documents: [String]) throws {
        let hosts = [("node-a", 1), ("node-b", 2), ("node-c", 3)].map { name, number in
            """
            ---
            apiVersion: bulkhead.dev/v1alpha1
            kind: Host
            metadata: {name: \(name), labels: {pair: "\(number < 3)"}}
            spec: {underlay: {address: "\(Self.underlay(number, isIPv6))"}}

            """
        }
        for host in self.hosts.values { try host.write("fleet.yaml", (hosts + documents).joined()) }
    }

    /// Hosts, an overlay `red` on all three, `blue` with the same prefix on the first two, and what else is given.
    func declare(_ documents: [String], red: String = "") throws {
        let networks = """
            ---
            apiVersion: bulkhead.dev/v1alpha1
            kind: Network
            metadata: {name: red}
            spec: {type: overlay, vxlan: {vni: 4096}, subnets: [{prefix: 10.0.0.0/24}, {prefix: "fd00::/64"}]\(red)}
            ---
            apiVersion: bulkhead.dev/v1alpha1
            kind: Network
            metadata: {name: blue}
            spec: {type: overlay, vxlan: {vni: 4097}, subnets: [{prefix: 10.0.0.0/24}], hostSelector: {matchLabels: {pair: "true"}}}

            """
        try write([networks] + documents)
    }

    /// An endpoint `NAME` on `node-LETTER`, with `10.0.0.N` and on `red` `fd00::N`, labelled with its name.
    static func endpoint(_ name: String, _ network: String, _ node: String, _ number: Int, _ spec: String = "")
        -> String
    {
        let addresses = network == "red" ? "[10.0.0.\(number), \"fd00::\(number)\"]" : "[10.0.0.\(number)]"
        return """
            ---
            apiVersion: bulkhead.dev/v1alpha1
            kind: Endpoint
            metadata: {name: \(name), labels: {app: \(name)}}
            spec: {network: \(network), host: \(node), addresses: \(addresses)\(spec.isEmpty ? "" : ", \(spec)")}

            """
    }

    /// Applies on these hosts; each is in sync afterwards.
    func apply(_ names: String..., location: SourceLocation = #_sourceLocation) throws {
        for name in names {
            let result = try host(name).bulkhead("apply", "--yes", "--host", name, "manifests")
            try #require(result.status == 0, "\(name): \(result.errors)", sourceLocation: location)
            let plan = try host(name).bulkhead("plan", "--detailed-exitcode", "--host", name, "manifests")
            #expect(plan.status == 0, "\(name): \(plan.output)\(plan.errors)", sourceLocation: location)
        }
    }

    func plan(_ name: String) throws -> String {
        let result = try host(name).bulkhead("plan", "--host", name, "manifests")
        try #require(result.status == 0, "\(result.errors)")
        return result.output
    }

    /// Expects an answer to a ping, or none. The macro hides from closures that it throws.
    func expectPing(
        _ isAnswered: Bool, _ endpoint: String, on node: String, _ address: String, _ options: String...,
        location: SourceLocation = #_sourceLocation
    ) throws {
        let found = try host(node).ping(address, from: endpoint, options, isExpected: isAnswered)
        #expect(found == isAnswered, "\(endpoint) to \(address)", sourceLocation: location)
    }

    func mac(_ endpoint: String, on node: String) throws -> String {
        let link = try host(node).sh("ip -n \(endpoint) -o link show eth0")
        return String(link.components(separatedBy: "link/ether ").last?.prefix(17) ?? "")
    }

    /// What passes the switch while something happens.
    func wire(while body: () throws -> Void) throws -> [Datagram] {
        let watcher = try physical.start(["python3", Self.tool, "wire"], hasInput: true)
        watcher.waitForOutput()
        try body()
        return try JSONDecoder().decode([Datagram].self, from: Data(try watcher.ask("").utf8))
    }

    /// Markers of frames that came in at an endpoint's card while something was done.
    func arrivals(at endpoint: String, on node: String, while body: () throws -> Void) throws -> [String] {
        let watcher = try host(node).start(
            ["ip", "netns", "exec", endpoint, "python3", Self.tool, "watch", "eth0"], hasInput: true)
        watcher.waitForOutput()
        try body()
        let seen = try JSONDecoder().decode([String].self, from: Data(try watcher.ask("").utf8))
        // The endpoint asks for the addresses of those who sent to it, and the bridge answers.
        return seen.filter { !$0.hasPrefix("arp-") || $0.hasPrefix("arp-10.0.0.99-") }
    }

    /// Sends frames themselves by the card of an endpoint.
    func send(_ frames: [Forgery], from node: String, in endpoint: String) throws {
        let text = String(decoding: try JSONEncoder().encode(frames), as: UTF8.self)
        let result = try host(node).run(["ip", "netns", "exec", endpoint, "python3", Self.tool, "frames", text])
        try #require(result.status == 0, "\(result.errors)")
    }

    /// Sends by an ordinary socket of a host, or of a compartment on it.
    func forge(_ frames: [Forgery], from node: String, in endpoint: String? = nil) throws {
        let text = String(decoding: try JSONEncoder().encode(frames), as: UTF8.self)
        let inside = endpoint.map { ["ip", "netns", "exec", $0] } ?? []
        let result = try host(node).run(inside + ["python3", Self.tool, "send", text])
        try #require(result.status == 0, "\(result.errors)")
    }
}

extension ScratchHost {
    /// Prints `refused` where a compartment is told that nobody listens on a UDP port of an address.
    func askClosedPort(of address: String, from compartment: String) throws -> Result {
        let question = """
            import socket, sys
            s = socket.socket(socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
            s.connect((sys.argv[1], 9)); s.settimeout(1)
            for _ in range(10):
                try: s.send(b'?'); s.recv(9)
                except ConnectionRefusedError: print('refused'); break
                except TimeoutError: pass
            """
        return try run(["ip", "netns", "exec", compartment, "python3", "-c", question, address])
    }
}
