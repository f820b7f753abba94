import Foundation
import TestSupport
import Testing

/// A scratch host with a bare repository beside it, into which a work tree pushes.
final class RoundHost {
    let host: ScratchHost

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

    /// A work tree `work` with a remote `origin.git`, no commit yet.
    init() throws {
        host = try ScratchHost()
        try host.sh(
            """
            git init -q --bare -b main origin.git
            git init -q -b main work
            cd work
            git config user.name ann
            git config user.email ann@example.test
            git config commit.gpgsign false
            git remote add origin ../origin.git
            """)
    }

    /// Writes a file of the work tree.
    func write(_ name: String, _ text: String) throws {
        let url = host.folder.appendingPathComponent("work").appendingPathComponent(name)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try text.write(to: url, atomically: true, encoding: .utf8)
    }

    /// Commits everything and pushes; the commit.
    @discardableResult
    func push(_ documents: String..., options: String = "") throws -> String {
        if !documents.isEmpty { try write("net/all.yaml", documents.joined()) }
        return try host.sh(
            """
            cd work
            git add -A
            git commit -q --allow-empty \(options) -m change
            git push -q --force origin HEAD:main
            git rev-parse HEAD
            """
        ).trimmingCharacters(in: .newlines)
    }

    /// A round of the folder `net` at `main`.
    func round(_ options: String..., environment: [String: String] = [:]) throws -> ScratchHost.Result {
        try host.run(
            [ScratchHost.binary, "reconcile", "--repo", "origin.git", "--path", "net"] + options,
            environment: environment)
    }

    /// The same as a document, with its status.
    func document(_ options: String..., environment: [String: String] = [:]) throws -> (Int32, [String: Any]) {
        let result = try host.run(
            [ScratchHost.binary, "reconcile", "--repo", "origin.git", "--path", "net", "--output", "json"] + options,
            environment: environment)
        let object = try JSONSerialization.jsonObject(with: Data(result.output.utf8))
        return (result.status, object as? [String: Any] ?? [:])
    }

    /// Names of the scope's endpoints in the kernel.
    func endpoints() throws -> [String] {
        try host.sh("ip -o link show | sed -n 's/^[0-9]*: ep-\\([^@:]*\\).*/\\1/p'").split(separator: "\n").map(
            String.init
        )
        .sorted()
    }

    /// `history`, each record as `verb result revision`.
    func history() throws -> [String] {
        let result = try host.bulkhead("history", "--output", "json")
        let object = try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any]
        return (object?["records"] as? [[String: Any]] ?? []).map { record in
            let revision = (record["revision"] as? String).map { String($0.prefix(12)) } ?? "-"
            return "\(record["verb"] ?? "") \(record["result"] ?? "") \(revision)"
        }
    }
}

extension String {
    /// As lines of results name commits.
    var short: String { String(prefix(12)) }
}
