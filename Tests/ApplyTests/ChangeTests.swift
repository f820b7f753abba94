import TestSupport
import Testing

/// Changes in which a step of one object must wait for a step of another.
@Suite(.enabled(if: Needs.root, Needs.rootText)) struct ChangeTests {
    struct Change: Sendable, CustomStringConvertible {
        let description: String
        let before: [String]
        let after: [String]
    }

    private static func network(_ type: String) -> String {
        """
        apiVersion: bulkhead.dev/v1alpha1
        kind: Network
        metadata: {name: web}
        spec: {type: \(type), subnets: [{prefix: 10.88.0.0/24}, {prefix: "fd00:88::/64"}]}
        """
    }

    private static func pod(_ name: String, _ interface: String, defaultRoute: Bool) -> String {
        Manifests.endpoint(name, "compartment: pod, interface: \(interface), defaultRoute: \(defaultRoute)")
    }

    static let changes = [
        Change(
            description: "nat to private", before: [network("nat"), Manifests.endpoint("a")],
            after: [network("private"), Manifests.endpoint("a")]),
        Change(
            description: "nat to internal", before: [network("nat"), Manifests.endpoint("a")],
            after: [network("internal"), Manifests.endpoint("a")]),
        Change(
            description: "an endpoint is renamed",
            before: [network("nat"), Manifests.endpoint("a", "compartment: pod")],
            after: [network("nat"), Manifests.endpoint("b", "compartment: pod")]),
        Change(
            description: "two cards exchange their names",
            before: [network("nat"), pod("a", "eth0", defaultRoute: true), pod("b", "eth1", defaultRoute: false)],
            after: [network("nat"), pod("a", "eth1", defaultRoute: true), pod("b", "eth0", defaultRoute: false)]),
        Change(
            description: "another card has the default route",
            before: [network("nat"), pod("a", "eth0", defaultRoute: true), pod("b", "eth1", defaultRoute: false)],
            after: [network("nat"), pod("a", "eth0", defaultRoute: false), pod("b", "eth1", defaultRoute: true)]),
    ]

    /// There and back, each time verified by the apply itself.
    @Test(arguments: changes) func theyApply(_ change: Change) throws {
        let host = try ScratchHost()
        for documents in [change.before, change.after, change.before] {
            try host.declare(documents.joined(separator: "\n---\n"))
            let result = try host.apply()
            #expect(result.status == 0, "\(result.errors)")
            #expect(try host.steps() == [])
        }
    }
}
