import Foundation
import TestSupport

/// A folder of files, and the binary run in it; needs neither root nor a kernel.
final class InputFolder {
    let url: URL

    init() throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("bulkhead-input-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func path(_ name: String) -> String { url.appendingPathComponent(name).path }

    /// Writes a file, with the folders above it.
    func write(_ name: String, _ text: String) throws {
        let file = url.appendingPathComponent(name)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try text.write(to: file, atomically: false, encoding: .utf8)
    }

    /// Writes a network under a name, which tells in the output which files were read.
    func network(_ file: String, _ name: String) throws { try write(file, Self.manifest(name)) }

    func link(_ name: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(atPath: path(name), withDestinationPath: target)
    }

    func run(_ arguments: String..., input: String? = nil) throws -> ScratchHost.Result {
        try run(arguments, input: input)
    }

    func run(_ arguments: [String], input: String? = nil) throws -> ScratchHost.Result {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: ScratchHost.binary)
        process.arguments = arguments
        process.currentDirectoryURL = url
        return try RunningProcess(process, hasInput: input != nil).finish(input: input)
    }

    /// The networks that a plan of these paths would make, in their order.
    func networks(_ paths: String..., input: String? = nil) throws -> [String] {
        let plan = try run(["plan", "--assume-empty"] + paths, input: input)
        guard plan.status == 0 else { return ["status \(plan.status): \(plan.errors)"] }
        return plan.output.matches(of: #/create bridge bh-([a-z0-9-]+)/#).map { String($0.1) }
    }

    static func manifest(_ name: String) -> String {
        """
        apiVersion: bulkhead.dev/v1alpha1
        kind: Network
        metadata: {name: \(name)}
        spec: {type: internal}

        """
    }
}
