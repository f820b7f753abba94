import Foundation
import TestSupport

/// A scratch host with two states of its manifests, between which everything happens: things are made, changed and
/// deleted, a namespace among them.
final class PendingHost {
    let host: ScratchHost

    deinit {
        if isPending, let number = try? guardID() { kill(number, SIGKILL) }
    }

    /// The manifests are those of the first state, and in force.
    init() throws {
        host = try ScratchHost()
        try host.write("all.yaml", Self.before)
        let apply = try host.bulkhead("apply", "manifests", "--yes", "--quiet")
        guard apply.status == 0 else { throw ScratchHost.Failure(description: apply.errors) }
        try host.write("all.yaml", Self.after)
    }

    /// Whether a change is pending.
    var isPending: Bool {
        FileManager.default.fileExists(atPath: host.folder.appendingPathComponent("state/pending/change.json").path)
    }

    /// Waits until nothing is pending and nobody holds the lock any more.
    func waitForEnd() throws {
        while isPending { usleep(20_000) }
        try host.sh("flock -w 60 state/lock true")
    }

    /// Process id of the guard, as it wrote it down.
    func guardID() throws -> Int32 {
        let text = try host.sh("cat state/pending/guard")
        let words = text.split(whereSeparator: { " ,\n".contains($0) })
        guard words.count > 1, let number = Int32(words[1]) else {
            throw ScratchHost.Failure(description: "no guard: \(text)")
        }
        return number
    }

    /// Results of the history, oldest first.
    func results() throws -> [String] {
        let text = try host.bulkhead("history", "--output", "json").output
        let document = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
        return (document?["records"] as? [[String: Any]] ?? []).compactMap { $0["result"] as? String }
    }

    static let before = """
        apiVersion: bulkhead.dev/v1alpha1
        kind: Network
        metadata: {name: web}
        spec: {type: nat, subnets: [{prefix: 10.88.0.0/24}, {prefix: "fd00:88::/64"}]}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Endpoint
        metadata: {name: stays}
        spec: {network: web, addresses: [10.88.0.10], portMappings: [{hostPort: 8080, port: 80}]}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Endpoint
        metadata: {name: goes}
        spec: {network: web, addresses: [10.88.0.11]}
        """

    static let after = """
        apiVersion: bulkhead.dev/v1alpha1
        kind: Network
        metadata: {name: web}
        spec: {type: nat, mtu: 1400, subnets: [{prefix: 10.88.0.0/24}, {prefix: "fd00:88::/64"}]}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Network
        metadata: {name: db}
        spec: {type: internal, subnets: [{prefix: 10.89.0.0/24}]}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Endpoint
        metadata: {name: stays}
        spec: {network: web, addresses: [10.88.0.12], portMappings: [{hostPort: 8081, port: 80}]}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Endpoint
        metadata: {name: comes}
        spec: {network: db}
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Policy
        metadata: {name: closed}
        spec: {appliesTo: {networks: [web]}, ingress: {default: deny}}
        """
}
