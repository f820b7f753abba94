import Foundation
import TestSupport
import Testing

/// Manifests that several tests apply.
enum Manifests {
    static let web = """
        apiVersion: bulkhead.dev/v1alpha1
        kind: Network
        metadata: {name: web}
        spec: {type: nat, subnets: [{prefix: 10.88.0.0/24}]}
        """

    static func endpoint(_ name: String, _ more: String = "", network: String = "web", annotations: String = "")
        -> String
    {
        """
        apiVersion: bulkhead.dev/v1alpha1
        kind: Endpoint
        metadata: {name: \(name)\(annotations)}
        spec: {network: \(network)\(more.isEmpty ? "" : ", \(more)")}
        """
    }

    static func policy(_ name: String, network: String = "web") -> String {
        """
        apiVersion: bulkhead.dev/v1alpha1
        kind: Policy
        metadata: {name: \(name)}
        spec: {appliesTo: {networks: [\(network)]}, ingress: {default: deny}}
        """
    }

    static let protected = ", annotations: {bulkhead.dev/prevent-destroy: \"true\"}"
}

extension ScratchHost {
    /// Puts documents into the manifests folder in place of what is there.
    func declare(_ documents: String...) throws { try write("all.yaml", documents.joined(separator: "\n---\n")) }

    /// Applies the manifests folder.
    func apply(_ options: String..., fault: String? = nil) throws -> Result {
        try run(
            [Self.binary, "apply", "--yes"] + options + ["manifests"],
            environment: fault.map { ["BULKHEAD_FAULT": $0] } ?? [:])
    }

    /// Starts an apply that stops itself before a step of its plan, and waits until it has.
    func applyStopped(before step: Int) throws -> RunningProcess {
        let process = try start(
            [Self.binary, "apply", "--yes", "manifests"], environment: ["BULKHEAD_FAULT": "stop-before:\(step)"])
        guard process.waitForStop() else {
            throw Failure(description: "the apply ended before step \(step): \(try process.finish().errors)")
        }
        return process
    }

    /// Lets it go on.
    func resume(_ process: RunningProcess) throws -> Result {
        process.signal(SIGCONT)
        return try process.finish()
    }

    /// Ids of the steps that an apply of the manifests folder would do.
    func steps(_ options: [String] = []) throws -> [String] {
        let result = try run([Self.binary, "plan", "--output", "json", "manifests"] + options)
        let document = try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any]
        return (document?["steps"] as? [[String: Any]] ?? []).compactMap { $0["id"] as? String }
    }
}

/// Why tests of this target may not run.
enum Needs {
    static let root = getuid() == 0
    static let rootText: Comment = "needs root: settings of the host's namespace and signals between its processes"
}
