import Model
import Planner
import TestSupport
import Testing

/// A compartment that cannot be read steadily keeps nobody else from what the manifests say, and gets no steps of its own
/// but those of the host's side.
@Suite struct UnreadTests {
    private static func manifests(_ more: String = "") -> String {
        """
        apiVersion: bulkhead.dev/v1alpha1
        kind: Network
        metadata: {name: web}
        spec: {type: nat, subnets: [{prefix: 10.88.0.0/24}]}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Endpoint
        metadata: {name: a}
        spec: {network: web, addresses: [10.88.0.10]\(more)}
        """
    }

    private static let other = """

        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Endpoint
        metadata: {name: b}
        spec: {network: web, addresses: [10.88.0.11]}
        """

    /// A host on which nothing of compartment a is seen but that it is there.
    private func host() throws -> SimulatedHost {
        var host = SimulatedHost.fresh()
        try host.apply(Self.manifests())
        for index in host.state.namespaces.indices {
            host.state.namespaces[index].isUnsteady = true
            host.state.namespaces[index].addresses = []
            host.state.namespaces[index].links = []
        }
        return host
    }

    @Test func nothingInItIsCompared() throws {
        let plan = try host().plan(try resolve(Self.manifests()))
        #expect(plan.steps.map(\.id) == [])
        #expect(plan.unread.map(\.description) == ["Compartment/a"])
        #expect(plan.isInSync && !plan.isKnownInSync)
        #expect(
            plan.warnings.map(\.headline) == [
                "manifest.yaml:8:18: warning: Compartment/a: a changes faster than it can be read, so nothing in it is compared "
                    + "or put right; end what changes it (`ip monitor all` in there shows it)"
            ])
    }

    /// Nor does one that others make, and that is not there: told to a person, left out where nobody is there to be told.
    @Test func anAdoptedOneThatIsNotThereIsLeftOut() throws {
        let adopted = """

            ---
            apiVersion: bulkhead.dev/v1alpha1
            kind: Compartment
            metadata: {name: b}
            spec: {namespace: {path: /run/netns/ext}}
            """
        let desired = try resolve(Self.manifests() + Self.other + adopted)
        let host = SimulatedHost.fresh()
        #expect(throws: Planner.Failure.self) { try host.plan(desired) }
        var options = PlanOptions()
        options.leavesAbsent = true
        let plan = try host.plan(desired, options)
        #expect(plan.unreadReasons == ["the namespace that Compartment/b adopts is not there"])
        var odd = host
        odd.state.unopened = [UnopenedNamespace(reference: .path("/run/netns/ext"), reason: "is no network namespace")]
        #expect(
            try odd.plan(desired, options).unreadReasons
                == ["Compartment/b: /run/netns/ext is no network namespace"])
        #expect(plan.steps.filter { $0.owner?.name.text == "b" }.map(\.id) == [])
        #expect(plan.steps.contains { $0.id == "link/ep-a" })
        #expect(
            plan.warnings.map(\.message).contains(
                "Compartment/b adopts the namespace /run/netns/ext, which is not there; its endpoints are left out until it is"
            ))
    }

    @Test func othersComeAndItIsQuarantined() throws {
        let plan = try host().plan(try resolve(Self.manifests(", enabled: false") + Self.other))
        let own = plan.steps.filter { $0.owner?.name.text == "a" }
        #expect(own.map(\.summary) == ["change ep-a: state up → down", "rewrite /etc/netns/a/hosts"])
        #expect(plan.steps.contains { $0.id == "link/ep-b" })
    }

    @Test func itIsRemoved() throws {
        let plan = try host().plan(
            try resolve(
                """
                apiVersion: bulkhead.dev/v1alpha1
                kind: Network
                metadata: {name: web}
                spec: {type: nat, subnets: [{prefix: 10.88.0.0/24}]}
                """))
        #expect(plan.unread == [])
        let ids = plan.steps.map(\.id).filter { $0.hasPrefix("link/") || $0.hasPrefix("namespace/") }
        #expect(ids == ["link/ep-a", "namespace/a"])
    }

    /// Nor is it forgotten what is to be put back in it once that can be seen.
    @Test func settingsThatWereTakenOutStayNoted() throws {
        let compartment = { (more: String) in
            "\n---\napiVersion: bulkhead.dev/v1alpha1\nkind: Compartment\nmetadata: {name: a}\nspec: {\(more)}"
        }
        var host = SimulatedHost.fresh()
        try host.apply(Self.manifests() + compartment("sysctls: {net.ipv4.ip_default_ttl: '77'}"))
        host.state.freshSettings = ["net/ipv4/ip_default_ttl": "64"]
        let desired = try resolve(Self.manifests() + compartment(""))
        let ids = ["setting/a", "file//etc/netns/.bulkhead/a"]
        #expect(try host.plan(desired).steps.map(\.id) == ids)
        for index in host.state.namespaces.indices { host.state.namespaces[index].isUnsteady = true }
        #expect(try host.plan(desired).steps.map(\.id) == [])
    }
}
