import JSON
import Testing

@testable import Firewall

/// Which endpoints' packets leave by their ports without another look.
@Suite struct DeliveryTests {
    private func endpoint(_ name: String, _ network: String, _ spec: String, labels: String = "") -> String {
        "apiVersion: bulkhead.dev/v1alpha1\nkind: Endpoint\nmetadata: {name: \(name), labels: {\(labels)}}\n"
            + "spec: {network: \(network), \(spec)}\n---\n"
    }

    private func network(_ name: String, _ prefix: String, _ spec: String = "") -> String {
        "apiVersion: bulkhead.dev/v1alpha1\nkind: Network\nmetadata: {name: \(name)}\n"
            + "spec: {type: private, subnets: [{prefix: \(prefix)}]\(spec)}\n---\n"
    }

    private let policy = """
        apiVersion: bulkhead.dev/v1alpha1
        kind: Policy
        metadata: {name: shut}
        spec: {appliesTo: {endpoints: {matchLabels: {app: db}}}, ingress: {default: deny}}
        ---

        """

    private func keys(_ set: String, _ manifest: String) throws -> [String] {
        let ruleset = Compiler.compile(try resolve(manifest), HostFacts())
        let bridge = try #require(ruleset.table(.bridge))
        return try #require(bridge.sets.first { $0.name == set }).elements.map { element in
            (element.key["concat"]?.array ?? [element.key]).compactMap(\.string).joined(separator: " ")
        }
    }

    /// Ranges, and endpoints at whose ports nothing is asked, are in no such set.
    @Test func areSingleAddressesOfGuardedEndpoints() throws {
        let manifest =
            network("web", "10.88.0.0/24") + policy + endpoint("free", "web", "addresses: [10.88.0.9]")
            + endpoint(
                "db", "web",
                "mac: '02:00:00:00:00:01', addresses: [10.88.0.10], allowedAddresses: [10.99.0.0/28, 10.99.1.1/32, 'fd00::1/128']",
                labels: "app: db")
        #expect(
            try keys("deliveries4", manifest) == [
                "ep-db 02:00:00:00:00:01 10.88.0.10", "ep-db 02:00:00:00:00:01 10.99.1.1",
            ])
        #expect(try keys("deliveries6", manifest) == ["ep-db 02:00:00:00:00:01 fd00::1"])
    }

    @Test func areNoGroups() throws {
        let manifest =
            network("web", "10.88.0.0/24") + policy
            + endpoint(
                "a", "web", "addresses: [10.88.0.10], allowedAddresses: [224.0.0.18/32, 'ff02::1/128']",
                labels: "app: db")
        #expect(try keys("deliveries4", manifest).count == 1)
        #expect(try keys("deliveries6", manifest) == [])
    }

    /// It is asked who may receive at groups, wherever else the address is that of one card.
    @Test func areNoBroadcastAddressesOfOtherNetworks() throws {
        let manifest =
            network("web", "10.88.0.0/24") + network("wide", "10.89.0.0/16") + policy
            + endpoint("a", "web", "addresses: [10.88.0.10], allowedAddresses: [10.89.255.255/32]", labels: "app: db")
        #expect(try keys("deliveries4", manifest).map { $0.split(separator: " ").last } == ["10.88.0.10"])
    }
}
