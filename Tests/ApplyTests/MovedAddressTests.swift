import Foundation
import TestSupport
import Testing

/// An automatic address that moves is said, with who moves it.
@Suite struct MovedAddressTests {
    private static let network = """
        apiVersion: bulkhead.dev/v1alpha1
        kind: Network
        metadata: {name: web}
        spec: {type: nat, subnets: [{prefix: 10.88.0.0/24, pool: [10.88.0.10-10.88.0.11]}]}
        """

    private func warnings(_ host: ScratchHost) throws -> [String] {
        let plan = try host.bulkhead("plan", "manifests")
        #expect(plan.status == 0, "\(plan.errors)")
        return plan.output.split(separator: "\n").filter { $0.contains(" moves because ") }.map(String.init)
    }

    @Test func whoTakesItAndWhoGivesAnotherOneUpIsNamed() throws {
        let host = try ScratchHost()
        try host.declare(Self.network, Manifests.endpoint("a"))
        #expect(try host.apply().status == 0)
        let shown = try host.bulkhead("show", "endpoint/a", "--output", "json").output
        let old = shown.contains("10.88.0.10/24") ? "10.88.0.10" : "10.88.0.11"
        let new = old == "10.88.0.10" ? "10.88.0.11" : "10.88.0.10"
        // Another one that asks for the address gets it.
        try host.declare(Self.network, Manifests.endpoint("a"), Manifests.endpoint("c", "addresses: [\(old)]"))
        let remedy = "`bulkhead plan --pin` prints the `addresses:` lines that keep addresses where they are"
        #expect(
            try warnings(host) == [
                "manifests/all.yaml:8:18: warning: address of Endpoint/a moves because of Endpoint/c: \(old) → \(new); \(remedy)"
            ])
        #expect(try host.apply().status == 0)
        #expect(try warnings(host) == [])
        // When it goes, the first one gets its better place back.
        try host.declare(Self.network, Manifests.endpoint("a"))
        #expect(
            try warnings(host) == [
                "manifests/all.yaml:8:18: warning: address of Endpoint/a moves because of Endpoint/c: \(new) → \(old); \(remedy)"
            ])
    }
}
