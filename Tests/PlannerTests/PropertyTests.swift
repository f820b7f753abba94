import Model
import Planner
import TestSupport
import Testing

/// What holds for every plan, on random manifests, from an empty host and from one with other manifests.
@Suite struct PropertyTests {
    static let seeds = Array(UInt64(1)...24)

    /// A host with other manifests on it, and what is wanted now: other policies, or other networks and cards.
    private func change(_ seed: UInt64) throws -> (host: SimulatedHost, desired: DesiredState) {
        var host = SimulatedHost.fresh(
            KernelFeatures(bridgeNetfilter: seed % 5 != 0, forceForwarding: seed % 4 != 0))
        if seed % 3 == 0 {
            try host.apply(RandomManifests(seed: seed).text())
            return (host, try resolve(RandomManifests(seed: seed).text(step: 4)))
        }
        if seed % 8 != 1 { try host.apply(RandomTopology(seed: seed, revision: 0).text()) }
        return (host, try resolve(RandomTopology(seed: seed, revision: 1).text()))
    }

    @Test(arguments: seeds) func aSecondPlanIsEmpty(seed: UInt64) throws {
        var (host, desired) = try change(seed)
        try host.apply(try host.plan(desired))
        let again = try host.plan(desired).steps.map { "\($0.id): \($0.summary)" }
        #expect(again.isEmpty, "\(again.prefix(5).joined(separator: "\n"))")
    }

    @Test(arguments: seeds) func allCanBeDeleted(seed: UInt64) throws {
        var (host, desired) = try change(seed)
        try host.apply(try host.plan(desired))
        desired.networks = []
        desired.compartments = []
        desired.endpoints = []
        desired.policies = []
        try host.apply(try host.plan(desired))
        let fresh = SimulatedHost.fresh(host.state.features)
        #expect(Set(host.snapshot).symmetricDifference(fresh.snapshot).sorted() == [])
    }

    @Test(arguments: seeds) func everyPrefixCanBeUndone(seed: UInt64) throws {
        let (before, desired) = try change(seed)
        let plan = try before.plan(desired)
        var host = before
        for (number, step) in plan.steps.enumerated() {
            if step.comesLast { break }
            for done in step.operations.indices {
                try host.run(step.operations[done], in: step)
                var undone = host
                try undone.undo(step, done: Set(0...done))
                for earlier in plan.steps[..<number].reversed() {
                    try undone.undo(earlier, done: Set(earlier.operations.indices))
                }
                undone.finish()
                // A module stays.
                undone.state.features = before.state.features
                let difference = undone.difference(from: before)
                guard difference.isEmpty else {
                    Issue.record("undoing up to \(step.id) \(done): \(difference.prefix(6).joined(separator: "\n"))")
                    return
                }
            }
        }
    }

    @Test(arguments: seeds) func theOrderIsStable(seed: UInt64) throws {
        let (host, desired) = try change(seed)
        let plan = try host.plan(desired)
        #expect(try host.plan(desired) == plan)
        guard seed % 3 != 0 else { return }
        for order in UInt64(1)...3 {
            let shuffled = try resolve(RandomTopology(seed: seed, revision: 1).text(shuffled: order))
            #expect(try host.plan(shuffled).withoutPlaces.steps == plan.withoutPlaces.steps)
        }
    }

    @Test(arguments: seeds) func stepsComeAfterWhatTheyNeed(seed: UInt64) throws {
        let (host, desired) = try change(seed)
        let steps = try host.plan(desired).steps
        #expect(Set(steps.map(\.id)).count == steps.count)
        var done: Set<String> = []
        for step in steps {
            #expect(done.isSuperset(of: step.requires), "\(step.id) needs \(step.requires)")
            done.insert(step.id)
        }
    }

    /// Before a step that cannot be undone all is done that does not wait for such a step itself.
    @Test(arguments: seeds) func whatCannotBeUndoneComesLast(seed: UInt64) throws {
        let (host, desired) = try change(seed)
        var waiting: Set<String> = []
        var isOver = false
        for step in try host.plan(desired).steps {
            if step.comesLast { isOver = true }
            if step.comesLast || !waiting.isDisjoint(with: step.requires) { waiting.insert(step.id) }
            #expect(!isOver || waiting.contains(step.id), "\(step.id) could have been done before")
        }
    }
}
