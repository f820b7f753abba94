import Foundation
import TestSupport
import Testing

/// A program of an ordinary user, in a user namespace of its own.
private enum OrdinaryUser {
    /// `nobody`, where the tests run as root, with a network of its own.
    private static let prefix =
        (getuid() == 0 ? ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"] : [])
        + ["unshare", "--user", "--map-root-user", "--net", "--mount", "--propagation", "private"]

    static let isAllowed = (try? run(["true"], in: URL(fileURLWithPath: "/")))?.status == 0

    static func run(_ command: [String], in folder: URL) throws -> (status: Int32, text: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = prefix + command
        process.currentDirectoryURL = folder
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, text)
    }
}

/// Without root.
@Suite(.enabled(if: OrdinaryUser.isAllowed, "needs user namespaces for ordinary users")) struct OrdinaryUserTests {
    /// The firewall of fifty endpoints is larger than what the kernel lets an ordinary user's socket send unless it is told.
    @Test func fiftyEndpoints() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("bulkhead-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let anybody: [FileAttributeKey: Any] = [.posixPermissions: 0o777]
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try FileManager.default.setAttributes(anybody, ofItemAtPath: folder.path)
        // The folder of the build may be closed to others.
        try FileManager.default.copyItem(
            atPath: ScratchHost.binary, toPath: folder.appendingPathComponent("bulkhead").path)
        let documents = [Manifests.web] + (1...50).map { Manifests.endpoint("e\($0)") }
        try documents.joined(separator: "\n---\n")
            .write(to: folder.appendingPathComponent("all.yaml"), atomically: true, encoding: .utf8)
        let script = """
            set -e
            mount -t tmpfs none /run
            mkdir /run/netns /run/etc
            options="--host here --state-dir $PWD/state --netns-dir /run/netns --netns-etc-dir /run/etc"
            ip link set lo up
            ./bulkhead apply --yes --quiet $options all.yaml
            ./bulkhead drift $options all.yaml
            ip netns exec e7 ping -c 1 -w 60 -q 10.88.0.1 | grep '1 received'
            ./bulkhead destroy --all --yes --quiet $options
            ip -o link
            """
        let result = try OrdinaryUser.run(["bash", "-c", script], in: folder)
        #expect(result.status == 0, "\(result.text)")
        #expect(result.text.hasPrefix("In sync: nothing to do.\n"), "\(result.text)")
        #expect(!result.text.contains("bh-web") && result.text.contains(": lo:"), "\(result.text)")
    }
}
