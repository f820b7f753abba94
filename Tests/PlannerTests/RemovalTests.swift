import Firewall
import Model
import Planner
import Testing

/// What is switched off, or goes, and what goes with it.
@Suite struct RemovalTests {
    private func manifests(_ more: String = "") -> String {
        """
        apiVersion: bulkhead.dev/v1alpha1
        kind: Network
        metadata: {name: web}
        spec: {type: nat, subnets: [{prefix: 10.88.0.0/24}, {prefix: "fd00:88::/64"}]}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Network
        metadata: {name: db}
        spec: {type: nat, subnets: [{prefix: 10.89.0.0/24}, {prefix: "fd00:89::/64"}]}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Endpoint
        metadata: {name: web-1}
        spec: {network: web}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Endpoint
        metadata: {name: db-1}
        spec: {network: db\(more)}
        """
    }

    /// It lasts until somebody switches it on again.
    @Test func whatIsSwitchedOffIsOut() throws {
        var host = SimulatedHost.fresh()
        try host.apply(manifests())
        let off = try host.plan(try resolve(manifests(", enabled: false"))).steps.filter { $0.kind == .veth }
        let db = try #require(ObjectName("db-1"))
        #expect(off.map(\.disruption) == [.outage([db])])
        try host.apply(manifests(", enabled: false"))
        let on = try host.plan(try resolve(manifests())).steps.filter { $0.kind == .veth }
        #expect(on.map(\.disruption) == [.none])
    }

    /// Chains and sets of a network go with it, and stay when only its last endpoint goes.
    @Test func rulesOfANetworkGoWithIt() throws {
        var host = SimulatedHost.fresh()
        try host.apply(manifests())
        let live = host.firewall.ruleset
        func names(_ ruleset: Ruleset) -> Set<String> {
            Set(ruleset.tables.flatMap { $0.chains.map(\.name) + $0.sets.map(\.name) }.filter { $0.contains("-db") })
        }
        #expect(names(live).isSuperset(of: ["locals-db", "locals_used-db", "outbound-db"]))
        #expect(names(live.leaving(["Network/db", "Endpoint/db-1"])).isEmpty)
        #expect(names(live.leaving(["Endpoint/db-1"])) == ["locals-db", "locals_used-db", "outbound-db"])
        // As long as an endpoint is led there, the kernel would refuse it.
        #expect(names(live.leaving(["Network/db"])).contains("locals-db"))
    }
}
