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
    private static let seeds: [UInt64] = {
        let first = number("BULKHEAD_SEED", 1)
        return (first..<(first + number("BULKHEAD_SEEDS", 3))).map { UInt64($0) }
    }()
    private static let steps = number("BULKHEAD_STEPS", 3)
    private static let probes = number("BULKHEAD_PROBES", 250)

    @Test(arguments: seeds)
    func packetsDoWhatTheModelSays(_ seed: UInt64) throws {
        let manifests = RandomManifests(seed: seed)
        let site = try Site()
        var count = (allowed: 0, denied: 0)
        for step in 0..<Self.steps {
            let text = manifests.text(step: step)
            try site.apply(text)
            let desired = try Self.resolve(text)
            if step == 0 { try site.startAgents(desired.endpoints.map(\.metadata.name.text)) }
            var plan = ProbePlan(desired, seed: seed, step: step)
            let probes = plan.probes(Self.probes)
            #expect(probes.count == Self.probes)
            for (probe, result) in try Self.disagreements(site, probes) {
                Issue.record("seed \(seed), step \(step): \(probe.description), packets: \(result)")
            }
            count.allowed += probes.count { $0.answer.allows }
            count.denied += probes.count { !$0.answer.allows }
        }
        try Self.compareWithFresh(site, manifests.text(step: Self.steps - 1), seed)
        // A run in which nothing passes, or all does, shows little.
        #expect(count.allowed > 0 && count.denied > 0)
        print(
            "differential: seed \(seed): \(count.allowed) allowed and \(count.denied) denied probes as the model says")
    }

    /// A probe that disagrees is tried again with more patience: a busy machine may be slow, a rule is always wrong.
    private static func disagreements(_ site: Site, _ probes: [Probe]) throws -> [(Probe, String)] {
        var open = probes
        var results: [Int: String] = [:]
        for wait in [0.8, 2.5, 4] where !open.isEmpty {
            results = try site.run(open, wait: wait)
            open = open.filter { (results[$0.id] == "ok") != $0.answer.allows }
        }
        return open.map { ($0, results[$0.id] ?? "nothing") }
    }

    private static func compareWithFresh(_ site: Site, _ text: String, _ seed: UInt64) throws {
        let fresh = try Site()
        try fresh.apply(text)
        let differences = try HostDump(site.host).differences(from: HostDump(fresh.host))
            .filter { $0.contains("nft") }
        #expect(differences == [], "seed \(seed): a ruleset changed in place differs from a fresh one")
    }

    private static func resolve(_ text: String) throws -> DesiredState {
        let source = SourceText(name: "random.yaml", bytes: Array(text.utf8))
        var decoder = Decoder()
        decoder.decode(source)
        guard let scope = ObjectName("default") else { throw ScratchHost.Failure(description: "no scope") }
        let name = try String(contentsOfFile: "/proc/sys/kernel/hostname", encoding: .utf8)
            .prefix { $0 != "." && $0 != "\n" }.lowercased()
        let outcome = Resolver.resolve(decoder.documents, scope: scope, host: name)
        guard decoder.diagnostics.isEmpty, let state = outcome.state else {
            let all = decoder.diagnostics + outcome.diagnostics
            throw ScratchHost.Failure(description: DiagnosticText.render(all, sources: [source]))
        }
        return state
    }
}
