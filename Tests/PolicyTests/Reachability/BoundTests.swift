import Addressing
import Model
import Reachability
import Testing

/// What no policy opens: types, `inbound`, `peerNetworks`, published ports, routes.
@Suite struct BoundTests {
    static let manifests =
        network("nat", "type: nat, subnets: [{prefix: 10.1.0.0/24}]")
        + network("open", "type: nat, inbound: routed, subnets: [{prefix: 10.2.0.0/24}]")
        + network("in", "type: internal, subnets: [{prefix: 10.3.0.0/24}], peerNetworks: [{network: near}]")
        + network("near", "type: nat, subnets: [{prefix: 10.4.0.0/24}], peerNetworks: [{network: in}]")
        + network("lone", "type: internal, subnets: [{prefix: 10.5.0.0/24}]")
        + network("shut", "type: private, subnets: [{prefix: 10.6.0.0/24}]")
        + ["nat", "open", "in", "near", "lone", "shut"].enumerated().map { place, name in
            document("Endpoint", "\(name)-a", "network: \(name), addresses: [10.\(place + 1).0.10]")
                + document("Endpoint", "\(name)-b", "network: \(name), addresses: [10.\(place + 1).0.11]")
        }.joined()
        + document("Endpoint", "off", "network: nat, addresses: [10.1.0.20], enabled: false")
        + document(
            "Endpoint", "pub",
            "network: nat, addresses: [10.1.0.30], portMappings: [{hostPort: 8080, port: 80}, {hostPort: 9000-9003, port: 90-93, protocol: udp}, {hostPort: 8081, port: 81, hostAddress: 127.0.0.1}]"
        )
        + document("Compartment", "pod", "namespace: {name: pod}")
        + document(
            "Endpoint", "pod-1",
            "network: nat, compartment: pod, interface: eth0, defaultRoute: true, addresses: [10.1.0.40]")
        + document("Endpoint", "pod-2", "network: in, compartment: pod, interface: eth1, addresses: [10.3.0.40]")
        + document(
            "Policy", "all",
            "appliesTo: {endpoints: {}}, ingress: {default: allow, rules: [{action: allow}]}, egress: {default: allow, rules: [{action: allow}]}"
        )

    static let table: [(from: String, to: String, service: String, expected: String)] = [
        ("nat-a", "nat-b", "tcp/80", "egress allow by all/egress-1, ingress allow by all/ingress-1"),
        ("shut-a", "shut-b", "tcp/80", "egress allow by all/egress-1, ingress allow by all/ingress-1"),
        ("nat-a", "open-a", "tcp/80", "closed: Network/nat and Network/open are not peers"),
        ("in-a", "near-a", "tcp/80", "egress allow by all/egress-1, ingress allow by all/ingress-1"),
        ("near-a", "in-a", "icmp/8", "egress allow by all/egress-1, ingress allow by all/ingress-1"),
        ("in-a", "lone-a", "tcp/80", "closed: Network/in and Network/lone are not peers"),
        ("shut-a", "nat-a", "tcp/80", "closed: Network/shut and Network/nat are not peers"),
        ("nat-a", "world", "tcp/80", "egress allow by all/egress-1"),
        ("open-a", "world", "47", "egress allow by all/egress-1"),
        ("in-a", "world", "tcp/80", "closed: Network/in is internal: no way out"),
        ("shut-a", "world", "tcp/80", "closed: Network/shut is private: no way out"),
        (
            "world", "nat-a", "tcp/80",
            "closed: Network/nat has 'inbound: published': from outside only published ports lead in"
        ),
        ("world", "open-a", "tcp/80", "ingress allow by all/ingress-1"),
        ("world", "in-a", "tcp/80", "closed: Network/in is internal: no way in from outside"),
        ("world", "shut-a", "tcp/80", "closed: Network/shut is private: no way in from outside"),
        ("nat-a", "host", "tcp/22", "egress allow by all/egress-1"),
        ("nat-a", "10.4.0.1", "tcp/22", "egress allow by all/egress-1"),
        ("lone-a", "host", "tcp/22", "egress allow by all/egress-1"),
        ("lone-a", "10.4.0.1", "tcp/22", "closed: Endpoint/lone-a has no route to 10.4.0.1"),
        ("shut-a", "host", "tcp/22", "closed: Network/shut is private: no way to any address of the host"),
        ("host", "nat-a", "tcp/80", "ingress allow by all/ingress-1"),
        ("host", "shut-a", "tcp/80", "closed: Network/shut is private: no way from the host"),
        ("nat-a", "off", "tcp/80", "closed: Endpoint/off is disabled"),
        ("off", "nat-a", "tcp/80", "closed: Endpoint/off is disabled"),
        ("world", "host", "tcp/22", "foreign"),
        ("pod-1", "pod-2", "tcp/80", "inside"),
        // pod-2 has no default route: the way back from it leads through pod-1.
        ("near-a", "pod-2", "tcp/80", "closed: Endpoint/pod-2 has no route to 10.4.0.10"),
    ]

    @Test(arguments: table) func bounds(row: (from: String, to: String, service: String, expected: String)) throws {
        let reachability = Reachability(try resolve(Self.manifests))
        #expect(try reachability.ask(row.from, row.to, row.service).summary == row.expected)
    }

    /// A published port is one of `host`; bounds are those of whoever reaches that address.
    static let published: [(from: String, to: String, service: String, expected: String)] = [
        ("world", "host", "tcp/8080", "ingress allow by all/ingress-1"),
        ("world", "host", "udp/9003", "ingress allow by all/ingress-1"),
        ("world", "host", "udp/9004", "foreign"),
        ("world", "host", "tcp/9000", "foreign"),
        ("host", "host", "tcp/8080", "ingress allow by all/ingress-1"),
        ("open-a", "host", "tcp/8080", "egress allow by all/egress-1, ingress allow by all/ingress-1"),
        ("nat-a", "host", "tcp/8080", "egress allow by all/egress-1, ingress allow by all/ingress-1"),
        ("pub", "host", "tcp/8080", "egress allow by all/egress-1, ingress allow by all/ingress-1"),
        ("in-a", "host", "tcp/8080", "closed: Network/in and Network/nat are not peers"),
        ("lone-a", "host", "tcp/8080", "closed: Network/lone and Network/nat are not peers"),
        ("shut-a", "host", "tcp/8080", "closed: Network/shut is private: no way to any address of the host"),
        ("host", "127.0.0.1", "tcp/8081", "ingress allow by all/ingress-1"),
        ("world", "127.0.0.1", "tcp/8081", "closed: 127.0.0.1 is published to the host itself only"),
    ]

    @Test(arguments: published) func publishedPorts(
        row: (from: String, to: String, service: String, expected: String)
    ) throws {
        let reachability = Reachability(try resolve(Self.manifests))
        #expect(try reachability.ask(row.from, row.to, row.service).summary == row.expected)
    }
}
