import Foundation
import TestSupport
import Testing

/// Overlays with gateways on three hosts: `red` and `green` are peers of `blue` and not of one another; `other` and `twin`
/// are peers, with the prefixes of `red` and `blue`.
struct GatewaySite {
    let overlays: OverlaySite

    /// What a network has beside type, identifier and subnets, by its name.
    init(ipv6: Bool = false, mtu: Int = 1500) throws { overlays = try OverlaySite(ipv6: ipv6, mtu: mtu) }

    /// An overlay with gateways in `10.N.0.0/24` and `fd0N::/64`.
    static func network(_ name: String, _ vni: Int, _ number: Int, peers: [String], _ spec: String = "") -> String {
        let list = peers.map { "{network: \($0)}" }.joined(separator: ", ")
        return """
            ---
            apiVersion: bulkhead.dev/v1alpha1
            kind: Network
            metadata: {name: \(name)}
            spec:
              type: overlay
              vxlan: {vni: \(vni)}
              subnets: [{prefix: 10.\(number).0.0/24, gateway: 10.\(number).0.1}, {prefix: "fd0\(number)::/64", gateway: "fd0\(number)::1"}]
              peerNetworks: [\(list)]
            \(spec.isEmpty ? "" : "  \(spec)\n")
            """
    }

    /// An endpoint with `10.N.0.M` and `fd0N::M`, labelled with its name.
    static func endpoint(
        _ name: String, _ network: String, _ node: String, _ number: Int, _ host: Int, _ spec: String = ""
    ) -> String {
        """
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Endpoint
        metadata: {name: \(name), labels: {app: \(name)}}
        spec: {network: \(network), host: \(node), addresses: [10.\(number).0.\(host), "fd0\(number)::\(host)"]\(spec.isEmpty ? "" : ", \(spec)")}

        """
    }

    static func networks(red: String = "", blue: String = "") -> [String] {
        [
            network("red", 4001, 1, peers: ["blue"], red),
            network("blue", 4002, 2, peers: ["red", "green"], blue),
            network("green", 4003, 3, peers: ["blue"]), network("other", 4004, 1, peers: ["twin"]),
            network("twin", 4005, 2, peers: ["other"]),
        ]
    }

    static let endpoints = [
        endpoint("ra", "red", "node-a", 1, 10), endpoint("rb", "red", "node-b", 1, 11),
        endpoint("ba", "blue", "node-a", 2, 20), endpoint("bb", "blue", "node-b", 2, 21),
        endpoint("gb", "green", "node-b", 3, 30), endpoint("oa", "other", "node-a", 1, 10),
        endpoint("tb", "twin", "node-b", 2, 21), endpoint("tc", "twin", "node-c", 2, 22),
    ]

    /// Writes the manifests and applies them on all hosts.
    func start(_ documents: [String] = GatewaySite.networks() + GatewaySite.endpoints) throws {
        try overlays.write(documents)
        try overlays.apply("node-a", "node-b", "node-c")
    }

    /// Expects an answer to a ping of both families, or none: `10.N.0.M` and `fd0N::M`.
    func expect(
        _ isAnswered: Bool, _ endpoint: String, on node: String, _ number: Int, _ host: Int,
        location: SourceLocation = #_sourceLocation
    ) throws {
        for address in ["10.\(number).0.\(host)", "fd0\(number)::\(host)"] {
            try overlays.expectPing(isAnswered, endpoint, on: node, address, location: location)
        }
    }

    /// How many bytes of a stream arrive at `target`, port 8080.
    func stream(from endpoint: String, on node: String, to target: String, on other: String, _ address: String) throws
        -> String
    {
        let server = try overlays.host(other).start(
            ["ip", "netns", "exec", target, "python3", "-c", Self.server, address], hasInput: false)
        server.waitForOutput()
        let client = try overlays.host(node).run(
            ["ip", "netns", "exec", endpoint, "python3", "-c", Self.client, address])
        try #require(client.status == 0, "\(client.errors)")
        return try server.finish().output
    }

    private static let server = """
        import socket, sys
        s = socket.create_server((sys.argv[1], 8080), family=socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET)
        print('listening', flush=True)
        c, peer = s.accept()
        count = 0
        while data := c.recv(65536): count += len(data)
        print(peer[0], count, flush=True)
        """
    private static let client = """
        import socket, sys
        s = socket.create_connection((sys.argv[1], 8080))
        s.sendall(b'x' * 1000000)
        s.shutdown(socket.SHUT_WR)
        s.recv(1)
        """
}
