import Foundation
import TestSupport
import Testing

/// A host whose card `eth1` leads to a physical switch, a host of its own, and behind that a machine on the LAN,
/// `192.0.2.254` and `2001:db8::254`.
final class Segment {
    let site: PolicyHost
    /// The switch: bridge `sw`, with port `h1` to the host and `l1` to the machine.
    let wire: ScratchHost
    let lan: ScratchHost
    var host: ScratchHost { site.host }

    /// `addresses` are the host's on `eth1`, with default routes by the machine on the LAN where there are any.
    init(_ documents: [String], addresses: [String] = []) throws {
        site = try PolicyHost(documents: documents)
        wire = try ScratchHost()
        lan = try ScratchHost()
        try site.host.connect("eth1", addresses, to: wire, "h1", [])
        try lan.connect("eth0", ["192.0.2.254/24", "2001:db8::254/64"], to: wire, "l1", [])
        try wire.sh("ip link add sw type bridge; ip link set sw up; for p in h1 l1; do ip link set $p master sw; done")
        for family in Set(addresses.map { $0.contains(":") }) {
            try host.sh("ip route add default via \(family ? "2001:db8::254" : "192.0.2.254") dev eth1")
        }
        // Its own link-local address is checked for duplicates first.
        for one in [host, lan] { try one.sh(Self.settling) }
    }

    /// The host's card is the uplink of network `lan`, with addresses of the host of both families and endpoint `a`.
    static func withUplink() throws -> Segment {
        try Segment(
            [network("lan", "uplink: {interface: eth1}"), endpoint("a", "lan", 10)],
            addresses: ["192.0.2.1/24", "2001:db8::1/64"])
    }

    /// Waits until every address was checked for duplicates.
    static let settling = "while ip -6 addr show | grep -q tentative; do sleep 0.05; done"

    func settle() throws { try host.sh(Self.settling) }

    /// Another card of the host, `wg0`, on which are 172.30.0.0/24 and fd00:30::/64.
    func addCard() throws {
        try host.sh(
            "ip link add wg0 type veth peer name wg1; ip link set wg0 up; ip link set wg1 up; "
                + "ip address add 172.30.0.1/24 dev wg0; ip -6 address add fd00:30::1/64 dev wg0 nodad; \(Self.settling)"
        )
    }

    /// The steps that the manifests call for now, by their ids.
    func steps() throws -> [String] {
        let plan = try host.bulkhead("plan", "manifests", "--output", "json").output
        return plan.matches(of: #/"id": "([^"]+)"/#).map { String($0.1) }
    }

    static func network(_ name: String, _ spec: String) -> String {
        """
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Network
        metadata: {name: \(name)}
        spec: {type: transparent, subnets: [{prefix: 192.0.2.0/24, gateway: 192.0.2.254}, {prefix: "2001:db8::/64", gateway: "2001:db8::254"}], \(spec)}

        """
    }

    static func endpoint(_ name: String, _ network: String, _ number: Int, _ spec: String = "") -> String {
        """
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Endpoint
        metadata: {name: \(name), labels: {app: \(name)}}
        spec: {network: \(network), addresses: [192.0.2.\(number), "2001:db8::\(number)"]\(spec.isEmpty ? "" : ", \(spec)")}

        """
    }

    /// MACs that the switch has seen at the host's port.
    func seen() throws -> Set<String> {
        let lines = try wire.sh("bridge fdb show br sw dev h1").split(separator: "\n")
        return Set(
            lines.filter { !$0.contains("permanent") }.compactMap { $0.split(separator: " ").first.map(String.init) })
    }

    func forget() throws {
        try wire.sh("bridge fdb flush dev h1 2>/dev/null || true; ip link set h1 down; ip link set h1 up")
        // A thread of the kernel tells both ends of the carrier.
        try wire.sh("until bridge link show dev h1 | grep -q 'state forwarding'; do sleep 0.05; done")
        try host.sh("until ip link show dev eth1 | grep -q 'state UP'; do sleep 0.05; done")
    }

    func mac(_ namespace: String, _ link: String = "eth0") throws -> String {
        try host.sh("ip -n \(namespace) link show \(link)").split(separator: "\n")[1].split(separator: " ")[1]
            .description
    }

    /// Both families, from a host or an endpoint of it. A card that was set up carries packets a second later, when the
    /// kernel has told its bridge, and one that is sent before is lost: they are sent until one is answered, but for a
    /// shorter time than a bridge needs that waits for loops.
    func ping(_ who: ScratchHost, _ namespace: String? = nil, to number: Int) throws -> Bool {
        let prefix = namespace.map { ["ip", "netns", "exec", $0] } ?? []
        return try ["192.0.2.\(number)", "2001:db8::\(number)"].allSatisfy { address in
            // Where nobody answered for an address in three seconds, ping waits no longer: a busy machine takes more.
            try (0..<3).contains { _ in try who.run(prefix + ["ping", "-c1", "-w15", address]).status == 0 }
        }
    }

    func pingsNothing(_ who: ScratchHost, _ namespace: String? = nil, to number: Int) throws -> Bool {
        let prefix = namespace.map { ["ip", "netns", "exec", $0] } ?? []
        return try ["192.0.2.\(number)", "2001:db8::\(number)"].allSatisfy { address in
            try who.run(prefix + ["ping", "-c1", "-W1", address]).status != 0
        }
    }

    func apply() throws { try site.apply() }

    /// Destroys all, and expects the host as it was.
    func destroy(to before: HostDump, location: SourceLocation = #_sourceLocation) throws {
        let result = try host.bulkhead("destroy", "--all", "--yes")
        try #require(result.status == 0, "\(result.errors)", sourceLocation: location)
        try settle()
        #expect(try HostDump(host).differences(from: before) == [], sourceLocation: location)
    }

    /// A connection from one machine to an echo server of another; `ask` says whether it lives.
    func talk(_ from: ScratchHost, to address: String, _ port: Int) throws -> RunningProcess {
        let client = try from.start(
            ["python3", PolicyHost.probe, "talk-tcp", address, "\(port)", "9", "60"], hasInput: true)
        client.waitForOutput()
        return client
    }
}
