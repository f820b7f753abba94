import Foundation
import TestSupport
import Testing

/// The three hosts of an `OverlaySite`, with FRR on each; what each is told it is told alone.
final class EVPNSite {
    let site: OverlaySite
    private(set) var daemons: [String: RoutingDaemons] = [:]
    static let nodes = ["node-a", "node-b", "node-c"]

    /// `configurations` are the files that FRR starts with.
    init(_ configurations: [String: String] = [:]) throws {
        site = try OverlaySite()
        for node in Self.nodes {
            daemons[node] = try RoutingDaemons(on: try site.host(node), configuration: configurations[node] ?? "")
        }
    }

    func routing(_ node: String) throws -> RoutingDaemons { try #require(daemons[node]) }

    /// Hosts, each with the others as peers, the overlay `red`, and endpoints, for one host.
    func declare(_ documents: [String], on node: String, asn: UInt32 = 65000) throws {
        var text = ""
        for (index, name) in Self.nodes.enumerated() {
            let peers = Self.nodes.indices.filter { $0 != index }.map { OverlaySite.underlay($0 + 1, false) }
            text += """
                apiVersion: bulkhead.dev/v1alpha1
                kind: Host
                metadata: {name: \(name)}
                spec:
                  underlay: {address: \(OverlaySite.underlay(index + 1, false))}
                  evpn: {asn: \(asn), peers: [\(peers.joined(separator: ", "))]}
                ---

                """
        }
        text += """
            apiVersion: bulkhead.dev/v1alpha1
            kind: Network
            metadata: {name: red}
            spec:
              type: overlay
              vxlan: {vni: 4096, controlPlane: evpn}
              subnets: [{prefix: 10.0.0.0/24}, {prefix: "fd00::/64"}]

            """
        try site.host(node).write("fleet.yaml", text + documents.joined())
    }

    /// Endpoints `ra`, `rb`, `rc`, of which each host knows its own alone, applied.
    func deploy() throws {
        for (node, endpoint) in Self.endpoints {
            try declare([endpoint], on: node)
            try site.apply(node)
        }
        try settle()
    }

    static let endpoints = [
        ("node-a", OverlaySite.endpoint("ra", "red", "node-a", 10)),
        ("node-b", OverlaySite.endpoint("rb", "red", "node-b", 11)),
        ("node-c", OverlaySite.endpoint("rc", "red", "node-c", 12)),
    ]

    /// Waits until each has heard of the others' endpoints.
    func settle() throws {
        for node in Self.nodes {
            for (other, name, number) in [("node-a", "ra", 10), ("node-b", "rb", 11), ("node-c", "rc", 12)]
            where other != node {
                try learns(node, of: try site.mac(name, on: other), "10.0.0.\(number)", "fd00::\(number)")
            }
        }
    }

    /// Waits until a host has a way to a MAC, and its addresses.
    func learns(_ node: String, of mac: String, _ addresses: String...) throws {
        try wait(on: node, "bridge fdb show dev vx-red | grep -q '^\(mac) dst .*extern_learn'")
        for address in addresses {
            try wait(on: node, "ip neigh show dev bh-red | grep -q '^\(address) lladdr \(mac) .*proto zebra'")
        }
    }

    /// Waits until a host has no way to a MAC any more.
    func forgets(_ node: String, _ mac: String) throws {
        try wait(
            on: node,
            "! bridge fdb show | grep -q '^\(mac) ' && ! ip neigh show dev bh-red | grep -q ' lladdr \(mac) '")
    }

    /// As long as it takes; minutes are so much more than seconds that it will not come.
    private func wait(on node: String, _ condition: String) throws {
        let loop = "n=0; until \(condition); do n=$((n+1)); [ $n -lt 3000 ] || exit 1; sleep 0.1; done"
        let result = try site.host(node).run(["sh", "-c", loop])
        if result.status == 0 { return }
        let kernel = try site.host(node).run(["sh", "-c", "bridge fdb show; ip neigh"]).output
        let told = try routing(node).shell("show bgp l2vpn evpn summary", "show bgp l2vpn evpn")
        throw ScratchHost.Failure(description: "on \(node) it did not come to be that \(condition)\n\(kernel)\(told)")
    }

    /// Ids of the steps that an apply, or a destroy of all, would do.
    func steps(_ node: String, destroy: Bool = false) throws -> [String] {
        let arguments = destroy ? ["empty"] : ["manifests"]
        if destroy {
            try site.host(node).sh(
                "mkdir -p empty; sed '/^kind: Network/,$d' manifests/fleet.yaml | head -n -2 > empty/hosts.yaml")
        }
        let result = try site.host(node).run(
            [ScratchHost.binary, "plan", "--output", "json", "--host", node] + arguments)
        let document = try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any]
        return (document?["steps"] as? [[String: Any]] ?? []).compactMap { $0["id"] as? String }
    }
}
