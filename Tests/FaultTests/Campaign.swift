import Foundation
import TestSupport

/// A way from one state of a fixture to another.
struct Passage: Sendable, CustomStringConvertible {
    let fixture: URL
    /// Folder of manifests that are in force; nil for a host with nothing of bulkhead on it.
    let before: String?
    /// Folder of manifests to be applied; nil for `destroy --all`.
    let after: String?

    var description: String { "\(fixture.lastPathComponent): \(before ?? "nothing") → \(after ?? "nothing")" }

    /// All, or those that were asked for.
    static var chosen: [Passage] {
        guard let words = ProcessInfo.processInfo.environment["BULKHEAD_PASSAGES"] else { return all }
        return all.filter { "\($0)".contains(words) }
    }

    /// Create all, change all (additions, changes, replacements and deletions mixed), the same back, delete all.
    static let all: [Passage] = {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Fixtures/faults")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: root.path)) ?? []
        return names.sorted().flatMap { name in
            let ways: [(String?, String?)] = [(nil, "a"), ("a", "b"), ("b", "a"), ("b", nil)]
            return ways.map { Passage(fixture: root.appendingPathComponent(name), before: $0.0, after: $0.1) }
        }
    }()
}

/// One fault, as `BULKHEAD_FAULT` names it.
enum Fault: Hashable, CustomStringConvertible {
    case refuse(step: Int, operation: Int, request: Int)
    case killBefore(step: Int)
    case killAfter(step: Int, operation: Int)
    case refuseUndo(step: Int, failing: Int)
    /// The apply dies under guard.
    case killGuarded(step: Int, after: Bool)

    var description: String {
        switch self {
        case .refuse(let step, let operation, let request): "refuse:\(step):\(operation):\(request)"
        case .killBefore(let step): "kill-before:\(step)"
        case .killAfter(let step, let operation): "kill-after:\(step):\(operation)"
        case .refuseUndo(let step, let failing): "refuse:\(failing):0,refuse-undo:\(step)"
        case .killGuarded(let step, let after): "kill-\(after ? "after" : "before"):\(step)"
        }
    }
}

/// All faults of one passage on one host.
final class Campaign {
    private let passage: Passage
    private let host: ScratchHost
    private let pristine: HostDump
    private let start: HostDump
    private let goal: HostDump
    /// Objects that the plan deletes or makes anew: their indexes and inodes cannot stay.
    private let replaced: Set<String>
    private(set) var faults: [Fault] = []
    let steps: Int
    private(set) var failures: [String] = []
    /// The host as it is, where nothing was done to it since.
    private var latest: HostDump?

    init(_ passage: Passage) throws {
        self.passage = passage
        host = try ScratchHost()
        let setup = passage.fixture.appendingPathComponent("host.sh")
        if FileManager.default.fileExists(atPath: setup.path) { try host.sh(". \(setup.path)") }
        pristine = try HostDump(host)
        try Self.prepare(host, passage)
        start = try HostDump(host)
        let listing = try Self.move(host, passage, fault: "list")
        try Self.succeed(listing, "\(passage)")
        goal = try HostDump(host)
        let (start, goal) = (start, goal)
        replaced = Set(start.identities.filter { goal.identities[$0.key] != $0.value }.keys)
        let points = listing.errors.split(separator: "\n").filter { $0.hasPrefix("fault-point ") }
            .map { $0.split(separator: " ").compactMap { Int($0) } }
        steps = Set(points.map { $0[0] }).count
        faults = Self.faults(points, isGuardable: passage.after != nil)
        try restart()
        let back = try HostDump(host)
        for line in back.differences(from: start) { failures.append("there and back: \(line)") }
    }

    /// A `destroy` is not put under guard.
    private static func faults(_ points: [[Int]], isGuardable: Bool) -> [Fault] {
        let last = points.map { $0[0] }.max() ?? 0
        var faults: [Fault] = []
        for point in points {
            for request in 0..<point[2] {
                faults.append(.refuse(step: point[0], operation: point[1], request: request))
            }
            if point[1] == 0 {
                faults.append(.killBefore(step: point[0]))
                if isGuardable {
                    faults += [.killGuarded(step: point[0], after: false), .killGuarded(step: point[0], after: true)]
                }
                if point[0] < last { faults.append(.refuseUndo(step: point[0], failing: last)) }
            }
            faults.append(.killAfter(step: point[0], operation: point[1]))
        }
        return faults
    }

    /// The state before: applied, then touched by hand.
    private static func prepare(_ host: ScratchHost, _ passage: Passage) throws {
        guard let before = passage.before else { return }
        try succeed(try apply(host, passage, before), "apply \(before)")
        let touch = passage.fixture.appendingPathComponent("touch.sh")
        if FileManager.default.fileExists(atPath: touch.path) { try host.sh(". \(touch.path)") }
    }

    /// Back to the state before.
    private func restart() throws {
        if passage.before == nil {
            try Self.succeed(try host.bulkhead("destroy", "--all", "--yes", "--host", "here"), "destroy")
        } else {
            try Self.prepare(host, passage)
        }
    }

    /// Tries one fault; what is not as promised is added to `failures`.
    func inject(_ fault: Fault) throws {
        // Links that were made anew meanwhile have other indexes than at the start.
        let before = try latest ?? HostDump(host)
        latest = nil
        var isGuarded = false
        if case .killGuarded = fault { isGuarded = true }
        let result = try Self.move(host, passage, fault: "\(fault)", isGuarded: isGuarded)
        switch fault {
        case .refuse:
            expect(result.status == 1, fault, "status \(result.status), not 1: \(result.errors)")
            let after = try HostDump(host)
            for line in after.differences(from: before) { expect(false, fault, line) }
            for line in after.changedIdentities(from: before, except: replaced) {
                expect(false, fault, "made anew: \(line)")
            }
            if result.status == 1 { latest = after } else { try restart() }
        case .killBefore, .killAfter:
            expect(result.status == 137, fault, "status \(result.status), not 137: \(result.errors)")
            try converge(fault)
            try Self.succeed(try host.bulkhead("destroy", "--all", "--yes", "--host", "here"), "destroy after \(fault)")
            for line in try HostDump(host).differences(from: pristine) {
                expect(false, fault, "not destroyed: \(line)")
            }
            try restart()
        case .killGuarded:
            expect(result.status == 137, fault, "status \(result.status), not 137: \(result.errors)")
            try host.sh("while [ -e state/pending/change.json ]; do sleep 0.05; done; flock state/lock true")
            let outcome = try host.sh("cat state/pending/outcome.json")
            expect(outcome.contains("\"left\": []"), fault, "guard: \(outcome)")
            let after = try HostDump(host)
            for line in after.differences(from: before) { expect(false, fault, "guard: \(line)") }
            for line in after.changedIdentities(from: before, except: replaced) {
                expect(false, fault, "guard: made anew: \(line)")
            }
            latest = after
        case .refuseUndo:
            // A step that has nothing to undo can be undone.
            expect(
                result.status == 3 && result.errors.contains("injected fault") || result.status == 1, fault,
                "status \(result.status), not 3: \(result.errors)")
            if result.status == 1 {
                for line in try HostDump(host).differences(from: before) { expect(false, fault, line) }
            }
            try converge(fault)
            try restart()
        }
    }

    /// The next run finishes the work.
    private func converge(_ fault: Fault) throws {
        let again = try Self.move(host, passage, fault: nil)
        expect(again.status == 0, fault, "the next run ended with \(again.status): \(again.errors)")
        if let after = passage.after {
            let folder = passage.fixture.appendingPathComponent(after).path
            let plan = try host.bulkhead("plan", "--detailed-exitcode", "--host", "here", folder)
            expect(plan.status == 0, fault, "not in sync after the next run: \(plan.output)")
        }
        for line in try HostDump(host).differences(from: goal) { expect(false, fault, "not converged: \(line)") }
    }

    private func expect(_ condition: Bool, _ fault: Fault, _ text: @autoclosure () -> String) {
        if !condition { failures.append("\(passage), \(fault): \(text())") }
    }

    private static func move(_ host: ScratchHost, _ passage: Passage, fault: String?, isGuarded: Bool = false) throws
        -> ScratchHost.Result
    {
        let environment = fault.map { ["BULKHEAD_FAULT": $0] } ?? [:]
        guard let after = passage.after else {
            return try host.bulkhead("destroy", "--all", "--yes", "--host", "here", environment: environment)
        }
        return try apply(host, passage, after, environment, options: isGuarded ? ["--confirm-within", "1h"] : [])
    }

    private static func apply(
        _ host: ScratchHost, _ passage: Passage, _ folder: String, _ environment: [String: String] = [:],
        options: [String] = []
    ) throws -> ScratchHost.Result {
        let path = passage.fixture.appendingPathComponent(folder).path
        return try host.run(
            [ScratchHost.binary, "apply", "--yes", "--host", "here", path] + options, environment: environment)
    }

    private static func succeed(_ result: ScratchHost.Result, _ what: String) throws {
        guard result.status == 0 else {
            throw ScratchHost.Failure(description: "\(what) ended with \(result.status): \(result.errors)")
        }
    }
}
