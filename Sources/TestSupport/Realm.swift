internal import Foundation

/// For ordinary users: the user namespace that all scratch hosts of a test run share, in which they are root. In one
/// each they could not be wired to one another. It ends with the test run, however that ends.
final class Realm: @unchecked Sendable {
    /// Made when first asked for; nil where the kernel does not let ordinary users have one.
    static let shared: Realm? = try? Realm()

    private let keeper = Process()
    private let leash = Pipe()

    private init() throws {
        keeper.executableURL = URL(fileURLWithPath: "/usr/bin/unshare")
        keeper.arguments = ["--user", "--map-root-user", "sh", "-c", "echo ready && exec cat"]
        keeper.standardInput = leash
        let output = Pipe()
        keeper.standardOutput = output
        try keeper.run()
        guard String(decoding: output.fileHandleForReading.availableData, as: UTF8.self).hasPrefix("ready") else {
            throw ScratchHost.Failure(description: "user namespaces are not allowed here")
        }
    }

    /// What has to stand before a command that is to run in it.
    var entrance: [String] {
        ["/usr/bin/nsenter", "--target", "\(keeper.processIdentifier)", "--user", "--preserve-credentials", "--"]
    }
}
