import Foundation
import TestSupport

/// Manifests of these tests.
enum Documents {
    static let network = """
        apiVersion: bulkhead.dev/v1alpha1
        kind: Network
        metadata: {name: web}
        spec: {type: nat, subnets: [{prefix: 10.88.0.0/24}]}

        """

    static func endpoint(_ name: String, _ more: String = "") -> String {
        """
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Endpoint
        metadata: {name: \(name), labels: {app: \(name)}}
        spec: {network: web\(more)}

        """
    }

    /// Lets nobody but `from` reach `to`, at one port.
    static func policy(_ to: String, from: String, port: Int) -> String {
        """
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Policy
        metadata: {name: guard}
        spec:
          appliesTo: {endpoints: {matchLabels: {app: \(to)}}}
          ingress:
            default: deny
            rules:
              - name: in
                action: allow
                from: [{endpoints: {matchLabels: {app: \(from)}}}]
                protocols: [{protocol: tcp, ports: [\(port)]}]

        """
    }
}

extension ScratchHost {
    func declare(_ documents: String...) throws { try write("all.yaml", documents.joined()) }

    /// What a program reads of a verb that prints JSON.
    func json(_ arguments: String...) throws -> [String: Any] {
        let result = try run([Self.binary] + arguments + ["--output", "json"])
        return try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any] ?? [:]
    }
}

/// The binary as an ordinary user's program on no host at all: nothing of this machine is asked.
enum Elsewhere {
    static func bulkhead(_ arguments: [String], in folder: URL) throws -> (
        status: Int32, output: String, errors: String
    ) {
        let process = Process()
        // Without any capability, so that a look at the kernel would be refused.
        process.executableURL = URL(fileURLWithPath: "/usr/bin/setpriv")
        let drop = getuid() == 0 ? ["--bounding-set=-all", "--inh-caps=-all"] : []
        process.arguments = drop + ["--", ScratchHost.binary] + arguments
        process.currentDirectoryURL = folder
        process.environment = ["PATH": "/usr/bin:/bin", "SWIFT_BACKTRACE": "enable=no"]
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let words = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let complaints = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, words, complaints)
    }
}
