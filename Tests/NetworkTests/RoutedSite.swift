import Foundation
import TestSupport
import Testing

/// A `Segment` whose host routes a network of type `l2bridge` to it: `lan`, with its endpoints in the segment's own
/// prefixes.
enum Routed {
    static let addresses = ["192.0.2.1/24", "2001:db8::1/64"]

    static func network(_ spec: String = "", subnets: String = subnets) -> String {
        """
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Network
        metadata: {name: lan}
        spec: {type: l2bridge, uplink: {interface: eth1}, subnets: [\(subnets)]\(spec.isEmpty ? "" : ", \(spec)")}

        """
    }

    static let subnets = "{prefix: 192.0.2.0/24}, {prefix: \"2001:db8::/64\"}"

    /// Endpoints `a` and `b`.
    static func documents(_ spec: String = "") -> [String] {
        [network(spec), Segment.endpoint("a", "lan", 10), Segment.endpoint("b", "lan", 11)]
    }

    static func segment(_ documents: [String]) throws -> Segment {
        let segment = try Segment(documents, addresses: addresses)
        try segment.settle()
        return segment
    }

    /// A second host on the same switch, with endpoint `c`.
    static func secondHost(on segment: Segment) throws -> PolicyHost {
        let second = try PolicyHost(documents: [network(), Segment.endpoint("c", "lan", 20)])
        try second.host.connect("eth1", ["192.0.2.2/24", "2001:db8::2/64"], to: segment.wire, "h2", [])
        try segment.wire.sh("ip link set h2 master sw")
        try second.host.sh(
            "ip route add default via 192.0.2.254; ip route add default via 2001:db8::254; \(Segment.settling)")
        return second
    }
}

extension Segment {
    /// The MAC of the host's card.
    func uplinkMAC() throws -> String {
        let line = try host.sh("ip -o link show eth1")
        return String(line.components(separatedBy: "link/ether ").last?.prefix(17) ?? "")
    }

    /// What a machine on the LAN takes for the MAC of an address.
    func neighbour(_ address: String) throws -> String? {
        let words = try lan.sh("ip neigh show \(address)").split(separator: " ").map(String.init)
        return words.firstIndex(of: "lladdr").map { words[$0 + 1] }
    }
}
