import Foundation
import TestSupport

/// Manifests and questions that several tests have.
enum Manifests {
    static let network = """
        apiVersion: bulkhead.dev/v1alpha1
        kind: Network
        metadata: {name: web}
        spec: {type: nat, subnets: [{prefix: 10.88.0.0/24}]}

        """

    static func endpoint(_ name: String) -> String {
        """
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Endpoint
        metadata: {name: \(name)}
        spec: {network: web}

        """
    }
}

extension ScratchHost {
    func declare(_ documents: String...) throws { try write("all.yaml", documents.joined()) }

    func apply(_ options: String..., environment: [String: String] = [:]) throws -> Result {
        try run([Self.binary, "apply", "--yes", "manifests"] + options, environment: environment)
    }

    /// `history` as a table without times: number, user, verb, scope, result, changes, revision.
    func rows() throws -> [String] {
        let result = try bulkhead("history", environment: ["SUDO_USER": "ann"])
        return result.output.split(separator: "\n").dropFirst().map { line in
            let cells = line.split(separator: "  ").map { $0.trimmingCharacters(in: .whitespaces) }
            return (cells.prefix(1) + cells.dropFirst(2)).filter { !$0.isEmpty }.joined(separator: " | ")
        }
    }

    /// `history show N --output json`.
    func record(_ number: Int) throws -> [String: Any] {
        let result = try bulkhead("history", "show", "\(number)", "--output", "json")
        let document = try JSONSerialization.jsonObject(with: Data(result.output.utf8))
        return document as? [String: Any] ?? [:]
    }

    /// Files of the history, below it.
    func files(_ folder: String = "history") throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: self.folder.path + "/state/" + folder).sorted()
    }
}
