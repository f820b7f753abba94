import Firewall
import Model
import TestSupport
import Testing

@testable import Planner

/// What an earlier plan found right, and is the same, is not compared again; the plan is that of the whole all the same.
@Suite struct StandingTests {
    /// Drift, a plan, some of its steps done, drift again, and another plan, of many random hosts.
    @Test func aPlanAfterAnotherIsThatOfTheWhole() throws {
        var (compared, standing, rules, differing) = (0, 0, 0, 0)
        for seed in UInt64(1)...400 {
            var generator = SeededGenerator(seed: seed, 71)
            var host = SimulatedHost.fresh(KernelFeatures(forceForwarding: seed % 3 != 0))
            try host.apply(RandomTopology(seed: seed % 40, revision: 0).text())
            let isOther = generator.chance(20)
            let desired = try resolve(RandomTopology(seed: seed % 40, revision: isOther ? 1 : 0).text())
            for _ in 0..<generator.pick([0, 0, 1, 2]) { Meddling.change(&host.state, &generator) }
            let first = Look(state: host.state, firewall: Meddling.changed(host.firewall.ruleset, 10, &generator))
            // What a conflict stands against is never applied.
            guard let plan = try? first.plan(desired) else { continue }
            for step in plan.steps where generator.chance(80) {
                // What needs a step that was left out fails.
                for operation in step.operations { try? host.run(operation) }
            }
            for _ in 0..<generator.pick([0, 0, 1, 2]) { Meddling.change(&host.state, &generator) }
            let second = Look(state: host.state, firewall: Meddling.changed(host.firewall.ruleset, 5, &generator))
            let earlier = EarlierPlan(
                plan, desired: desired, observed: first.state, firewall: first.firewall, options: PlanOptions())
            let whole = Result { try second.plan(desired) }
            let short = Result { try second.plan(desired, after: earlier) }
            expectSame(whole, short, beside: plan.warnings, "seed \(seed)")
            let stands = Standing(
                of: earlier, desired: desired, observed: second.state, firewall: second.firewall,
                options: PlanOptions())
            compared += 1
            standing += desired.compartments.contains(where: stands.holds) ? 1 : 0
            rules += stands.hasRules ? 1 : 0
            differing += (try? whole.get().isInSync) ?? false ? 0 : 1
        }
        // It has tried what it is for.
        #expect(
            compared > 200 && standing > 60 && rules > 30 && differing > 100,
            "\((compared, standing, rules, differing))")
    }

    private func expectSame(
        _ whole: Result<Plan, any Error>, _ short: Result<Plan, any Error>, beside warnings: [Diagnostic],
        _ what: String
    ) {
        switch (whole, short) {
        case (.success(let whole), .success(let short)):
            #expect(whole.steps == short.steps, "\(what): \(whole.steps.map(\.id)) is not \(short.steps.map(\.id))")
            #expect(whole.unread == short.unread, "\(what)")
            #expect(Set(short.warnings).isSubset(of: whole.warnings), "\(what)")
            #expect(Set(whole.warnings).subtracting(short.warnings).isSubset(of: warnings), "\(what)")
        case (.failure(let whole), .failure(let short)): #expect("\(whole)" == "\(short)", "\(what)")
        case (.success, .failure(let error)), (.failure(let error), .success):
            Issue.record("\(what): only one of both fails: \(error)")
        }
    }

    private static let manifests = (1...3).map { number in
        """
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Endpoint
        metadata: {name: e\(number)}
        spec: {network: web, addresses: [10.88.0.1\(number)]}

        """
    }.joined()

    private func site() throws -> (host: SimulatedHost, desired: DesiredState) {
        let desired = try resolve(
            """
            apiVersion: bulkhead.dev/v1alpha1
            kind: Network
            metadata: {name: web}
            spec: {type: nat, subnets: [{prefix: 10.88.0.0/24}]}

            """ + Self.manifests)
        var host = SimulatedHost.fresh()
        try host.apply(try host.plan(desired))
        return (host, desired)
    }

    /// Were an earlier plan wrong, a later one would be: that nothing is compared shows by nothing else.
    @Test func whatStandsIsNotComparedAgain() throws {
        var (host, desired) = try site()
        var generator = SeededGenerator(seed: 1)
        let inSync = try host.plan(desired)
        #expect(inSync.isInSync)
        host.state.namespaces[1].addresses.removeAll { "\($0.address)" == "10.88.0.12/24" }
        var lie = Look(state: host.state, firewall: Meddling.changed(host.firewall.ruleset, 100, &generator))
        var earlier = EarlierPlan(
            inSync, desired: desired, observed: lie.state, firewall: lie.firewall, options: PlanOptions())
        #expect(try lie.plan(desired).steps.map(\.id).sorted().first == "address/e2/eth0/10.88.0.12/24")
        #expect(try lie.plan(desired).steps.contains { $0.id == "firewall" })
        #expect(try lie.plan(desired, after: earlier).isInSync)
        // Of the host nothing stands.
        lie.state.host.addresses.removeAll { "\($0.address)" == "10.88.0.1/24" }
        #expect(try lie.plan(desired, after: earlier).steps == lie.plan(desired).steps)
        // Nor where the manifests are others.
        lie.state = host.state
        desired.endpoints[2].mtu = 1400
        #expect(try lie.plan(desired, after: earlier).steps == lie.plan(desired).steps)
        earlier = EarlierPlan(
            inSync, desired: desired, observed: lie.state, firewall: host.firewall.ruleset, options: PlanOptions())
        #expect(try lie.plan(desired, after: earlier).steps.contains { $0.id == "firewall" })
    }

    @Test func onlyWhatChangedIsComparedAgain() throws {
        let (host, desired) = try site()
        let plan = try host.plan(desired)
        let earlier = EarlierPlan(
            plan, desired: desired, observed: host.state, firewall: host.firewall.ruleset, options: PlanOptions())
        func held(_ state: ObservedState) -> [String] {
            let standing = Standing(
                of: earlier, desired: desired, observed: state, firewall: host.firewall.ruleset,
                options: PlanOptions())
            return desired.endpoints.filter { endpoint in
                standing.holds(
                    endpoint, in: desired.compartments.first { $0.metadata.name == endpoint.compartment })
            }.map(\.metadata.name.text)
        }
        #expect(held(host.state) == ["e1", "e2", "e3"])
        var state = host.state
        state.namespaces[0].settings["net/ipv4/conf/all/forwarding"] = "1"
        #expect(held(state) == ["e2", "e3"])
        state = host.state
        let card = try #require(state.host.links.firstIndex { $0.name == "ep-e3" })
        state.host.links[card].isUp = false
        #expect(held(state) == ["e1", "e2"])
        state = host.state
        let file = try #require(state.files.firstIndex { $0.path.hasSuffix("/e2/hosts") })
        state.files[file].content = "127.0.0.1 localhost"
        #expect(held(state) == ["e1", "e3"])
        for name in ["bh-web", "eth0"] {
            state = host.state
            let link = try #require(state.host.links.firstIndex { $0.name == name })
            state.host.links[link].mtu = 1300
            #expect(held(state) == [], "\(name)")
        }
        state = host.state
        state.features.ipv6 = false
        #expect(held(state) == [])
    }
}

/// What a planner is given of a host.
private struct Look {
    var state: ObservedState
    var firewall: Ruleset

    func plan(_ desired: DesiredState, after earlier: EarlierPlan? = nil) throws -> Plan {
        try Planner.plan(
            desired: desired, observed: state, firewall: firewall, options: PlanOptions(), after: earlier)
    }
}

/// What others do to a host.
private enum Meddling {
    /// Without an element of a set, in so many of a hundred cases.
    static func changed(_ rules: Ruleset, _ percent: Int, _ generator: inout SeededGenerator) -> Ruleset {
        var rules = rules
        let places = rules.tables.indices.flatMap { table in
            rules.tables[table].sets.indices.filter { !rules.tables[table].sets[$0].elements.isEmpty }
                .map { (table, $0) }
        }
        guard !places.isEmpty, generator.chance(percent) else { return rules }
        let (table, set) = generator.pick(places)
        rules.tables[table].sets[set].elements.removeLast()
        return rules
    }

    /// Something of it.
    static func change(_ state: inout ObservedState, _ generator: inout SeededGenerator) {
        switch generator.pick(Array(0..<10)) {
        case 0 where !state.files.isEmpty:
            let place = generator.pick(Array(state.files.indices))
            if generator.chance(50) { state.files.remove(at: place) } else { state.files[place].content = "other\n" }
        case 1 where !state.originals.isEmpty: state.originals.removeLast()
        case 2: state.features.ipv6.toggle()
        case 3, 4: change(&state.host, &generator)
        case _ where !state.namespaces.isEmpty:
            change(&state.namespaces[generator.pick(Array(state.namespaces.indices))], &generator)
        case _: break
        }
    }

    private static func change(_ space: inout ObservedNamespace, _ generator: inout SeededGenerator) {
        switch generator.pick(Array(0..<6)) {
        case 0 where !space.addresses.isEmpty:
            space.addresses.remove(at: generator.pick(Array(space.addresses.indices)))
        case 1 where !space.routes.isEmpty: space.routes.remove(at: generator.pick(Array(space.routes.indices)))
        case 2: space.settings[generator.pick(space.settings.keys.sorted() + ["net/ipv4/ip_forward"])] = "7"
        case 3 where space.reference != .host: space.isUnsteady = generator.chance(50)
        case _ where !space.links.isEmpty:
            change(&space.links[generator.pick(Array(space.links.indices))], &generator)
        case _: break
        }
    }

    private static func change(_ link: inout ObservedLink, _ generator: inout SeededGenerator) {
        switch generator.pick(Array(0..<7)) {
        case 0: link.mtu += 8
        case 1: link.isUp.toggle()
        case 2: link.master = nil
        case 3: link.mac = nil
        case 4: link.alias = nil
        case 5: link.alternativeNames = ["other"]
        case _: link.set("ipv4", "forwarding", "1")
        }
    }
}
