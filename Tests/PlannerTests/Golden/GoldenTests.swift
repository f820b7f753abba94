import Foundation
import JSON
import Model
import Planner
import Testing

@testable import Commands

/// Whole plans, as people and programs read them, for a change of every kind.
///
/// `Tests/Fixtures/plan/CASE` holds what is wanted (`manifest.yaml`), what was applied before (`before.yaml`; without it
/// the host is fresh) and the plan. `BULKHEAD_RECORD=1` writes the plans anew, for a human to read the difference.
@Suite struct GoldenTests {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
        "../../Fixtures/plan")
    static let cases =
        ((try? FileManager.default.contentsOfDirectory(atPath: root.path)) ?? []).filter { !$0.hasPrefix(".") }.sorted()

    private func text(_ name: String, _ file: String) -> String? {
        try? String(contentsOf: Self.root.appendingPathComponent("\(name)/\(file)"), encoding: .utf8)
    }

    private func host(_ name: String) throws -> SimulatedHost {
        let features = name == "new-old-kernel" ? KernelFeatures(bridgeNetfilter: false, forceForwarding: false) : nil
        var host = SimulatedHost.fresh(features ?? KernelFeatures())
        if let before = text(name, "before.yaml") { try host.apply(before) }
        try Drift.change(&host, name)
        return host
    }

    @Test func thereAreCases() { #expect(Self.cases.count >= 28) }

    @Test(arguments: cases) func thePlanIsAsRecorded(name: String) throws {
        let plan = try host(name).plan(try resolve(try #require(text(name, "manifest.yaml"))))
        try compare(name, "plan.txt", plain(PlanText.render(plan)))
        try compare(name, "plan.json", PlanDocument.make(plan).text(pretty: true) + "\n")
    }

    @Test(arguments: cases) func thePlanLeadsThere(name: String) throws {
        let desired = try resolve(try #require(text(name, "manifest.yaml")))
        var host = try host(name)
        try host.apply(try host.plan(desired))
        #expect(try host.plan(desired).steps.map(\.summary) == [])
    }

    /// All of it, what cannot be undone included, as long as nobody lets go of what was deleted.
    @Test(arguments: cases) func thePlanCanBeUndone(name: String) throws {
        let before = try host(name)
        let plan = try before.plan(try resolve(try #require(text(name, "manifest.yaml"))))
        var host = before
        for step in plan.steps { for operation in step.operations { try host.run(operation, in: step) } }
        for step in plan.steps.reversed() { try host.undo(step, done: Set(step.operations.indices)) }
        host.finish()
        host.state.features = before.state.features
        let difference = host.difference(from: before).filter { !Drift.isRepairedForGood($0, name) }
        #expect(difference == [])
    }

    /// Without the colours of a terminal.
    private func plain(_ text: String) -> String {
        text.split(separator: "\u{1b}[", omittingEmptySubsequences: false).enumerated().map { place, part in
            place == 0 ? String(part) : String(part.drop { $0 != "m" }.dropFirst())
        }.joined()
    }

    private func compare(_ name: String, _ file: String, _ actual: String) throws {
        if ProcessInfo.processInfo.environment["BULKHEAD_RECORD"] == "1" {
            let place = Self.root.appendingPathComponent("\(name)/\(file)")
            try actual.write(to: place, atomically: true, encoding: .utf8)
        }
        let expected = (text(name, file) ?? "").split(separator: "\n", omittingEmptySubsequences: false)
        let lines = actual.split(separator: "\n", omittingEmptySubsequences: false)
        let place = zip(lines, expected).prefix { $0 == $1 }.count
        #expect(
            lines == expected,
            "\(file), line \(place + 1): \(lines.dropFirst(place).first ?? "") instead of \(expected.dropFirst(place).first ?? "")"
        )
    }
}
