import Foundation
import TestSupport
import Testing

/// The apply dies between two steps of those that cannot be undone by the apply itself, and the guard puts all back.
@Suite struct DeathTests {
    private static let network = """
        apiVersion: bulkhead.dev/v1alpha1
        kind: Network
        metadata: {name: db}
        spec: {type: nat, subnets: [{prefix: 10.89.0.0/24}]}
        """

    private static func endpoint(_ name: String) -> String {
        """
        apiVersion: bulkhead.dev/v1alpha1
        kind: Endpoint
        metadata: {name: \(name)}
        spec: {network: db, portMappings: [{hostPort: 80\(name.suffix(1))0, port: 80}]}
        """
    }

    /// A bridge, its cards and their namespaces go, while all the rest changes.
    @Test(arguments: ["kill-before", "kill-after"])
    func betweenTwoDeletions(_ fault: String) throws {
        let pending = try PendingHost()
        let host = pending.host
        let gone = [Self.network] + (1...5).map { Self.endpoint("db-\($0)") }
        try host.write("all.yaml", ([PendingHost.before] + gone).joined(separator: "\n---\n"))
        #expect(try host.bulkhead("apply", "manifests", "--yes", "--quiet").status == 0)
        try host.write("all.yaml", PendingHost.after.replacingOccurrences(of: "db", with: "store"))
        let plan = try host.bulkhead("plan", "manifests", "--output", "json")
        let document = try JSONSerialization.jsonObject(with: Data(plan.output.utf8)) as? [String: Any]
        let steps = document?["steps"] as? [[String: Any]] ?? []
        let first = try #require(steps.firstIndex { $0["irreversible"] as? Bool == true })
        #expect(steps.count - first > 12)
        var before = try HostDump(host)
        for step in first..<steps.count {
            let apply = try host.run(
                [
                    ScratchHost.binary, "apply", "manifests", "--yes", "--allow-mass-delete", "--confirm-within", "1h",
                ], environment: ["BULKHEAD_FAULT": "\(fault):\(step)"])
            #expect(apply.status == 137, "\(apply.errors)")
            try pending.waitForEnd()
            let now = try HostDump(host)
            #expect(now.differences(from: before) == [], "\(fault):\(step) \(steps[step]["id"] ?? "")")
            // What was not deleted yet is not made anew.
            let doomed = Set(steps[first...step].compactMap { ($0["id"] as? String)?.split(separator: "/").last })
            let kept = now.changedIdentities(from: before).filter { line in
                !doomed.contains { line.contains($0) || line.contains($0.dropFirst(3)) }
            }
            #expect(kept == [], "\(fault):\(step)")
            before = now
        }
        #expect(Set(try pending.results().dropFirst(2)) == ["reverted"])
    }
}
