import Foundation
import TestSupport
import Testing

/// The units of systemd, and what they must not do.
@Suite struct UnitTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("packaging/systemd")
    private static let names = [
        "bulkhead-boot.service", "bulkhead-reconcile.service", "bulkhead-reconcile.timer", "bulkhead-watch.service",
    ]

    private static func text(_ name: String) throws -> String {
        try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
    }

    private func run(_ command: [String]) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: command[0])
        process.arguments = Array(command.dropFirst())
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, output)
    }

    @Test func thereAreNoOthers() throws {
        #expect(try FileManager.default.contentsOfDirectory(atPath: Self.folder.path).sorted() == Self.names)
    }

    /// Everything that gives a service a mount namespace (systemd.exec(5)).
    @Test(arguments: names) func noneMakesAMountNamespace(_ name: String) throws {
        let forbidden = [
            "ProtectSystem", "ProtectHome", "PrivateTmp", "PrivateDevices", "PrivateMounts", "ProtectKernelTunables",
            "ProtectKernelModules", "ProtectKernelLogs", "ProtectControlGroups", "ProtectProc", "ProcSubset",
            "ReadWritePaths", "ReadOnlyPaths", "InaccessiblePaths", "ExecPaths", "NoExecPaths", "TemporaryFileSystem",
            "BindPaths", "BindReadOnlyPaths", "RootDirectory", "RootImage", "MountFlags", "MountImages", "DynamicUser",
            "PrivateNetwork", "PrivateUsers", "PrivateIPC", "NetworkNamespacePath", "ExtensionImages", "MountAPIVFS",
        ]
        let lines = try Self.text(name).split(separator: "\n").filter { !$0.hasPrefix("#") }
        let found = lines.filter { line in forbidden.contains { line.hasPrefix("\($0)=") } }
        #expect(found == [])
    }

    /// It makes `openat2(2)` fail with `ENOSYS`, whose argument a filter cannot see.
    @Test(arguments: names) func noneTakesAwayWhatFilesAreReadBy(_ name: String) throws {
        #expect(!(try Self.text(name)).contains("\nRestrictSUIDSGID="))
    }

    @Test func systemdTakesThem() throws {
        guard FileManager.default.fileExists(atPath: "/usr/bin/systemd-analyze") else {
            return print("skipped: systemd-analyze is not installed (package systemd)")
        }
        let place = FileManager.default.temporaryDirectory.appendingPathComponent("units-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: place) }
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        for name in Self.names {
            // The binary is where the tests were built, and manual pages are elsewhere.
            let text = try Self.text(name).replacing("/usr/bin/bulkhead", with: ScratchHost.binary)
                .replacing(#/(?m)^Documentation=.*\n/#, with: "")
            try text.write(to: place.appendingPathComponent(name), atomically: true, encoding: .utf8)
        }
        let files = Self.names.map { place.appendingPathComponent($0).path }
        let verified = try run(["/usr/bin/systemd-analyze", "verify"] + files)
        #expect(verified.status == 0, "\(verified.output)")
        #expect(!verified.output.contains("Unknown"), "\(verified.output)")
        for name in Self.names where name.hasSuffix(".service") {
            let path = Self.folder.appendingPathComponent(name).path
            // In tenths, as the page says.
            let security = try run(["/usr/bin/systemd-analyze", "security", "--offline=true", "--threshold=52", path])
            #expect(security.status == 0, "\(security.output)")
        }
    }

    /// What a unit with ProtectSystem= would do: bind namespaces where nobody else sees them.
    @Test func aMountNamespaceOfItsOwnIsRefused() throws {
        let host = try ScratchHost()
        try host.declare(Documents.network)
        // A machine of its own: process 1, and others beside it.
        func inside(_ command: String) throws -> ScratchHost.Result {
            try host.run(["unshare", "--pid", "--fork", "--mount", "--mount-proc", "sh", "-c", command])
        }
        let apply = "\(ScratchHost.binary) apply --yes manifests"
        let refused = try inside("unshare --mount --propagation slave \(apply)")
        #expect(refused.status == 1)
        #expect(
            refused.errors.hasPrefix(
                "bulkhead: this process has a mount namespace of its own, so that what it binds in /run/netns would be invisible"
            ),
            "\(refused.errors)")
        // As the units have it: without the right to trace process 1.
        let confined = "setpriv --bounding-set -sys_ptrace --inh-caps -sys_ptrace"
        let alike = try inside("\(confined) unshare --mount --propagation slave \(apply); exit $?")
        #expect(alike.status == 1)
        #expect(alike.errors == refused.errors)
        #expect(try host.bulkhead("history").output == "Nothing was applied yet.\n")
        let beside = try inside(": ; \(apply)")
        #expect(beside.status == 0, "\(beside.errors)")
        let confinedBeside = try inside("\(confined) \(apply); exit $?")
        #expect(confinedBeside.status == 0, "\(confinedBeside.errors)")
        #expect(try inside("unshare --mount --propagation slave \(ScratchHost.binary) drift manifests").status == 0)
        // Mounts that spread are seen.
        let spreading = try inside("mount --make-shared /run; unshare --mount --propagation unchanged \(apply)")
        #expect(spreading.status == 0, "\(spreading.errors)")
        // The folder itself is another, though the one of process 1 is mounted beneath.
        let covered = try inside(
            "mkdir -p /run/netns; mount --bind /run/netns /run/netns; unshare --mount --propagation private sh -c "
                + "'mount -t tmpfs none /run; mkdir /run/netns; \(apply)'")
        #expect(covered.status == 0, "\(covered.errors)")
    }

    @Test func theBootServicePutsTheLastGoodCommitInForce() throws {
        let host = try ScratchHost()
        try host.declare(Documents.network, Documents.endpoint("a"))
        let git = "git -c user.name=a -c user.email=a@example.test"
        try host.sh(
            "git init -q -b main repository; mv manifests repository/net; cd repository; git add .; \(git) commit -qm one"
        )
        func round(_ options: String...) throws -> ScratchHost.Result {
            try host.run([ScratchHost.binary, "reconcile", "--repo", "repository", "--path", "net"] + options)
        }
        let nothing = try round("--offline")
        #expect(nothing.status == 0)
        #expect(nothing.errors == "reconcile default: no commit was in force yet; nothing was changed\n")
        #expect(try round().status == 0)
        let commit = try host.sh("git -C repository rev-parse --short=12 HEAD").trimmingCharacters(in: .newlines)
        // A restart of the machine: all is gone but the state folder; the repository has moved on and is out of reach.
        try host.sh("echo nonsense > repository/net/all.yaml; \(git) -C repository commit -qam two")
        #expect(try host.bulkhead("destroy", "--all", "--yes").status == 0)
        try host.sh("chmod 0 repository; mv repository/.git repository/gone")
        let restored = try round("--offline")
        #expect(restored.status == 0, "\(restored)")
        #expect(
            restored.output.hasPrefix("reconcile default: repaired drift from commit \(commit) of main: "),
            "\(restored)")
        #expect(try host.sh("ip link show ep-a").contains("bh-web"))
    }
}
