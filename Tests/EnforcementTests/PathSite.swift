import Foundation
import TestSupport
import Testing

/// A host with networks between which few paths lead, and those who would say something elsewhere.
///
/// `v` talks with `peer` of a peer network, `w` with the world (`lan`), and has a published port; `x` is on a physical
/// network. `guest`, `loose`, `vpn`, `stray`, `physical` and `wide` can use addresses of others: because none are given, because
/// nothing is checked, or because the manifests say that they have others behind them. `r` is a router, too.
final class PathSite {
    static let attackers = ["guest", "loose", "vpn", "stray", "physical", "wide"]

    private static let networks = """
        apiVersion: bulkhead.dev/v1alpha1
        kind: Network
        metadata: {name: one}
        spec: {type: internal, subnets: [{prefix: 10.77.0.0/24}, {prefix: "fd00:77::/64"}], peerNetworks: [{network: two}]}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Network
        metadata: {name: two}
        spec: {type: internal, subnets: [{prefix: 10.78.0.0/24}, {prefix: "fd00:78::/64"}], peerNetworks: [{network: one}]}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Network
        metadata: {name: third}
        spec: {type: nat, subnets: [{prefix: 10.79.0.0/24}, {prefix: "fd00:79::/64"}]}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Network
        metadata: {name: out}
        spec: {type: nat, subnets: [{prefix: 10.80.0.0/24}, {prefix: "fd00:80::/64"}]}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Network
        metadata: {name: tunnels}
        spec: {type: nat, subnets: [{prefix: 10.81.0.0/24}, {prefix: "fd00:81::/64"}]}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Network
        metadata: {name: phys}
        spec: {type: transparent, uplink: {interface: eth2}, subnets: [{prefix: 198.51.100.0/24}, {prefix: "2001:db8:2::/64"}]}

        """

    /// Names, with networks and the rest of their specs.
    private static let endpoints = [
        ("v", "one", "addresses: [10.77.0.10, \"fd00:77::10\"]"),
        ("peer", "two", "addresses: [10.78.0.10, \"fd00:78::10\"]"),
        (
            "w", "out",
            "addresses: [10.80.0.10, \"fd00:80::10\"], portMappings: [{protocol: udp, hostPort: 8080, port: 7000}]"
        ),
        ("x", "phys", "addresses: [198.51.100.10, \"2001:db8:2::10\"]"),
        (
            "r", "third",
            "addresses: [10.79.0.20, \"fd00:79::20\"], allowedAddresses: [10.200.0.0/16, 172.31.0.0/24, 203.0.113.0/24]"
        ),
        ("guest", "third", "addresses: []"),
        ("loose", "third", "addresses: [10.79.0.12, \"fd00:79::12\"], antiSpoof: false"),
        ("vpn", "tunnels", "addresses: [10.81.0.13, \"fd00:81::13\"], allowedAddresses: [0.0.0.0/0, \"::/0\"]"),
        ("stray", "out", "addresses: []"),
        ("physical", "phys", "addresses: []"),
        (
            "wide", "phys",
            "addresses: [198.51.100.14], allowedAddresses: [10.76.0.0/14, 192.0.2.0/25, \"2001:db8::/120\", \"fd00::/16\"]"
        ),
    ]

    let host: ScratchHost
    let lan: ScratchHost
    private var running: [RunningProcess] = []

    init() throws {
        (host, lan) = (try ScratchHost(), try ScratchHost())
        let documents = Self.endpoints.map { name, network, rest in
            "---\napiVersion: bulkhead.dev/v1alpha1\nkind: Endpoint\nmetadata: {name: \(name)}\n"
                + "spec: {network: \(network), \(rest)}\n"
        }
        try host.write("base.yaml", Self.networks + documents.joined())
        try lan.connect(
            "eth0", ["192.0.2.1/24", "2001:db8::1/64", "192.0.2.129/24", "2001:db8::200/64"], to: host, "eth1",
            ["192.0.2.2/24", "2001:db8::2/64"])
        try lan.connect(
            "eth1", ["198.51.100.1/24", "2001:db8:2::1/64"], to: host, "eth2",
            ["198.51.100.2/24", "2001:db8:2::2/64"])
        let result = try host.bulkhead("apply", "manifests", "--yes")
        #expect(result.status == 0, "\(result.errors)")
        let plan = try host.bulkhead("plan", "manifests", "--detailed-exitcode")
        #expect(plan.status == 0, "\(plan.output)")
        try lan.sh(
            "ip route add 10.0.0.0/8 via 192.0.2.2; ip route add fd00::/16 via 2001:db8::2; "
                + "sysctl -qw net.ipv4.conf.all.rp_filter=0")
        // Cards with addresses of their own: what is said in IPv6 needs a neighbour whom the host knows.
        try host.sh(
            "ip -n guest address add 10.79.0.50/24 dev eth0; ip -n guest address add fd00:79::50/64 dev eth0 nodad; "
                + "sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.eth1.rp_filter=0; "
                + "ip -n x route replace default via 198.51.100.2; "
                + "ip -n x route replace default via 2001:db8:2::2")
    }

    deinit { for process in running { process.signal(SIGKILL) } }

    /// Where a place is: a compartment, `lan`, or the host itself.
    private func start(_ place: String?, _ command: [String], hasInput: Bool = false) throws -> RunningProcess {
        let inside = place.map { $0 == "lan" ? [] : ["ip", "netns", "exec", $0] } ?? []
        let process = try (place == "lan" ? lan : host).start(inside + command, hasInput: hasInput)
        running.append(process)
        return process
    }

    private func tool(_ name: String) -> String {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Tools/\(name).py").path
    }

    /// Answers what is asked of addresses and ports there.
    @discardableResult
    func serve(_ place: String?, _ ends: [String]) throws -> RunningProcess {
        let server = try start(place, ["python3", tool("talk"), "serve"] + ends, hasInput: true)
        #expect(try server.answer() == "ready", "\(place ?? "host")")
        return server
    }

    /// Opens connections, whose peers have to answer so.
    func open(_ place: String?, _ port: Int, _ peers: [String], answer: String = "true") throws -> RunningProcess {
        let victim = try start(place, ["python3", tool("talk"), "ask", "\(port)"] + peers, hasInput: true)
        #expect(
            try victim.answer() == peers.map { _ in answer }.joined(separator: " "), "\(place ?? "host") asked \(peers)"
        )
        return victim
    }

    /// What others would have a word in: of `v` with its peer (port 4444), of `w` and of the host with the world (4445, 4446),
    /// and of the host with `v` (4447), in either family.
    func conversations(with world: [String] = ["192.0.2.1", "2001:db8::1"]) throws -> [RunningProcess] {
        let (peer, v) = (["10.78.0.10,7000", "fd00:78::10,7000"], ["10.77.0.10,7000", "fd00:77::10,7000"])
        let outside = world.map { "\($0),7000" }
        for (place, ends) in [("peer", peer), ("lan", outside), ("v", v)] { try serve(place, ends) }
        return [
            try open("v", 4444, peer), try open("w", 4445, outside), try open(nil, 4446, outside),
            try open(nil, 4447, v),
        ]
    }

    /// The MAC of one of the host's interfaces.
    func mac(of interface: String) throws -> String {
        try host.sh("cat /sys/class/net/\(interface)/address").trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Sends frames to the host's side of the place's network, or to another MAC.
    func forge(_ place: String, _ words: [String], to mac: String? = nil) throws {
        let network = Self.endpoints.first { $0.0 == place }?.1
        let side = network.map { "bh-\($0)" } ?? "eth1"
        let mac = try mac ?? self.mac(of: side)
        let process = try start(place, ["python3", "-B", tool("forge"), "eth0", mac] + words)
        let result = try process.finish(input: nil)
        #expect(result.status == 0, "\(result.errors)")
    }
}

/// What one of the programs says that others said to it since it was asked last. What is to come may be on its way.
func expectSaid(_ process: RunningProcess, _ words: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
    var said = try process.ask("")
    let count = words.split(separator: " ").count
    for _ in 0..<100 where words != "none" {
        let heard = said.split(separator: " ").filter { $0 != "none" }
        if heard.count >= count { break }
        usleep(50_000)
        said = (heard + (try process.ask("")).split(separator: " ").filter { $0 != "none" }).sorted()
            .joined(separator: " ")
    }
    #expect(said == words, sourceLocation: sourceLocation)
}
