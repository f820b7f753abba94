import Addressing
import Foundation
import Manifest
import Model
import Reachability
import TestSupport
import Testing

/// Random networks, endpoints and policies: what the model says is compared with what packets do, and a ruleset that
/// was changed step by step with a fresh one.
@Suite struct DifferentialTests {
    /// `make verify-policies` asks for more.
    private static let environment = ProcessInfo.processInfo.environment
    private static func number(_ name: String, _ usual: Int) -> Int { environment[name].flatMap { Int($0) } ?? usual }
    private static let first = UInt64(number("BULKHEAD_SEED", 1))
    private static let seeds = UInt64(number("BULKHEAD_SEEDS", 3))
    /// Joined to others the same is tried with a third of the seeds, and a step less: with the LAN, on either sort of bridge, and on
    /// overlays. `BULKHEAD_SURROUNDINGS=uplink` tries these alone.
    private static let cases: [(Surroundings, UInt64)] = Surroundings.allCases.filter { surroundings in
        environment["BULKHEAD_SURROUNDINGS"].map { $0 == surroundings.rawValue } ?? true
    }.flatMap { surroundings in
        (first..<(first + (surroundings == .alone ? seeds : max(1, seeds / 3)))).map { (surroundings, $0) }
    }
    private static let steps = number("BULKHEAD_STEPS", 3)
    private static let probes = number("BULKHEAD_PROBES", 250)

    @Test(arguments: cases)
    func packetsDoWhatTheModelSays(_ surroundings: Surroundings, _ seed: UInt64) throws {
        let manifests = RandomManifests(
            seed: seed, endpointCount: surroundings == .alone ? 6 : 8, surroundings: surroundings)
        let site = try Site(surroundings)
        let name = "\(surroundings.rawValue), seed \(seed)"
        var count = (allowed: 0, denied: 0)
        let steps = surroundings == .alone ? Self.steps : max(2, Self.steps - 1)
        for step in 0..<steps {
            let text = manifests.text(step: step)
            try site.neighbourhood.apply(text)
            let states = try Self.resolve(text, surroundings)
            if step == 0 { try site.startAgents(states) }
            var plan = ProbePlan(states, surroundings, seed: seed, step: step)
            let probes = plan.probes(Self.probes)
            #expect(probes.count == Self.probes)
            for probe in plan.contradictions(probes) {
                Issue.record("\(name), step \(step): \(probe.description), the model of the other Host does not")
            }
            for (probe, result) in try Self.disagreements(site, probes) {
                Issue.record("\(name), step \(step): \(probe.description), packets: \(result)")
            }
            count.allowed += probes.count { $0.answer.allows }
            count.denied += probes.count { !$0.answer.allows }
        }
        try Self.compareWithFresh(site, manifests.text(step: steps - 1), name)
        // A run in which nothing passes, or all does, shows little.
        #expect(count.allowed > 0 && count.denied > 0)
        print("differential: \(name): \(count.allowed) allowed and \(count.denied) denied probes as the model says")
    }

    /// A probe that disagrees is tried again with more patience: a busy machine may be slow, a rule is always wrong.
    private static func disagreements(_ site: Site, _ probes: [Probe]) throws -> [(Probe, String)] {
        var open = probes
        var results: [Int: String] = [:]
        for wait in [0.8, 2.5, 4, 15] where !open.isEmpty {
            results = try site.run(open, wait: wait)
            open = open.filter { (results[$0.id] == "ok") != $0.answer.allows }
        }
        return open.map { ($0, results[$0.id] ?? "nothing") }
    }

    private static func compareWithFresh(_ site: Site, _ text: String, _ name: String) throws {
        let fresh = try Site(site.neighbourhood.surroundings)
        try fresh.neighbourhood.apply(text)
        for (old, new) in zip(site.neighbourhood.machines, fresh.neighbourhood.machines) {
            let differences = try HostDump(old.host).differences(from: HostDump(new.host))
                .filter { $0.contains("nft") }
            #expect(differences == [], "\(name): a ruleset changed in place differs from a fresh one")
        }
    }

    /// What each host under test is to be.
    private static func resolve(_ text: String, _ surroundings: Surroundings) throws -> [DesiredState] {
        let source = SourceText(name: "random.yaml", bytes: Array(text.utf8))
        var decoder = Decoder()
        decoder.decode(source)
        guard let scope = ObjectName("default") else { throw ScratchHost.Failure(description: "no scope") }
        let own = try String(contentsOfFile: "/proc/sys/kernel/hostname", encoding: .utf8)
            .prefix { $0 != "." && $0 != "\n" }.lowercased()
        let hosts = surroundings.hosts.isEmpty ? [own] : surroundings.hosts.map(\.name)
        return try hosts.map { host in
            let outcome = Resolver.resolve(decoder.documents, scope: scope, host: host)
            guard decoder.diagnostics.isEmpty, let state = outcome.state else {
                let all = decoder.diagnostics + outcome.diagnostics
                throw ScratchHost.Failure(description: DiagnosticText.render(all, sources: [source]))
            }
            return state
        }
    }
}
