import Foundation
import TestSupport
import Testing

/// Under systemd the guard is a unit of its own: it outlives the session and the service that it was started from, whose
/// processes systemd kills to the last one.
@Suite(.enabled(if: SystemdMachine.isPossible, SystemdMachine.reason)) struct SystemdTests {
    @Test func theGuardOutlivesTheServiceThatCalledIt() throws {
        let machine = try SystemdMachine()
        let before = try machine.state()
        // What an ordinary process of the service comes to.
        try machine.sh(
            """
            systemd-run --quiet --unit=deploy --property=Type=oneshot --no-block sh -c \
              'setsid sleep 1000 & echo $! > FOLDER/leftover; BULKHEAD apply FOLDER/manifests --yes --confirm-within 45s'
            until [ -s FOLDER/leftover ]; do sleep 0.1; done
            while systemctl is-active deploy | grep -q activating; do sleep 0.1; done
            [ "$(systemctl show --property=Result --value deploy)" = success ]
            """)
        try expectUndone(machine, before)
    }

    @Test func theGuardOutlivesTheLogOut() throws {
        let machine = try SystemdMachine()
        let before = try machine.state()
        // Whoever logs in moves into the scope of the session, as `sshd` does, and a log-out stops that (logind, with
        // KillUserProcesses=yes).
        try machine.sh(
            """
            systemd-run --quiet --unit=login systemd-run --quiet --scope --unit=session-9 sh -c \
              'setsid sleep 1000 & echo $! > FOLDER/leftover; BULKHEAD apply FOLDER/manifests --yes --confirm-within 45s; sleep 1000'
            until grep -qs waiting FOLDER/state/pending/change.json; do sleep 0.1; done
            systemctl stop session-9.scope
            """)
        try expectUndone(machine, before)
    }

    private func expectUndone(_ machine: SystemdMachine, _ before: String) throws {
        // One that is killed is there until systemd has looked after it.
        let isDead =
            "for n in $(seq 300); do kill -0 $(cat FOLDER/leftover) 2>/dev/null || exit 0; sleep 0.1; done; echo alive"
        #expect(try machine.sh(isDead) == "")
        let unit = try machine.sh("systemctl list-units --plain --no-legend 'bulkhead-guard-*'")
        #expect(unit.contains("active running Undoes a change of bulkhead unless it is confirmed"), "\(unit)")
        #expect(try machine.state() != before)
        try machine.sh("while [ -e FOLDER/state/pending/change.json ]; do sleep 0.1; done")
        #expect(
            Set(try machine.state().split(separator: "\n")).symmetricDifference(before.split(separator: "\n")) == [])
        // Nothing of the unit is left either, once it has ended and systemd has forgotten it.
        let list = "systemctl list-units --all --plain --no-legend 'bulkhead-guard-*'"
        try machine.sh("for n in $(seq 600); do [ -n \"$(\(list))\" ] || break; sleep 0.1; done")
        #expect(try machine.sh(list) == "")
    }
}

/// A scratch host on which systemd is process 1. It ends with this object.
final class SystemdMachine {
    private let host: ScratchHost
    private let machine: RunningProcess
    private let process: Int

    static let isPossible =
        getuid() == 0
        && ["/usr/bin/systemd-run", "/lib/systemd/systemd", "/usr/bin/systemctl"]
            .allSatisfy(FileManager.default.isExecutableFile)
    static let reason: Comment = "needs root, systemd's programs, and a kernel with overlayfs and control groups (v2)"

    private static let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Tools/systemd-machine.sh").path

    /// The first state of the manifests of `PendingHost` is in force, the second is what is there to be applied.
    init() throws {
        host = try ScratchHost()
        try host.write("all.yaml", PendingHost.before)
        let folders = [host.folder.path, URL(fileURLWithPath: ScratchHost.binary).deletingLastPathComponent().path]
        machine = try host.start(["sh", Self.script] + folders)
        process = try Self.systemd(below: machine)
        try sh("until systemctl is-system-running --quiet; do sleep 0.1; done; BULKHEAD apply manifests --yes --quiet")
        try host.write("all.yaml", PendingHost.after)
    }

    /// Process id of systemd, as soon as it is that.
    private static func systemd(below machine: RunningProcess) throws -> Int {
        let parent = machine.processID
        func read(_ path: String) -> String { (try? String(contentsOfFile: "/proc/" + path, encoding: .utf8)) ?? "" }
        while !read("\(parent)/stat").contains(") Z ") {
            for child in read("\(parent)/task/\(parent)/children").split(separator: " ") {
                if read("\(child)/comm") == "systemd\n", let number = Int(child) { return number }
            }
            usleep(20_000)
        }
        throw ScratchHost.Failure(description: "systemd did not start: \(try machine.finish().errors)")
    }

    deinit {
        // All its processes go with process 1, which goes with its parent; then its control group can.
        machine.signal(SIGKILL)
        _ = try? machine.finish()
        _ = try? host.sh(
            "d=$(mktemp -d); mount -t cgroup2 cgroup2 $d; find $d/bulkhead-test-\(machine.processID) -depth -type d -exec rmdir {} +"
        )
    }

    /// Runs a line of shell on it; BULKHEAD is the program with this host's folders, FOLDER the test's.
    @discardableResult func sh(_ line: String) throws -> String {
        let folder = host.folder.path
        let program =
            "env BULKHEAD_STATE_DIR=\(folder)/state BULKHEAD_NETNS_ETC_DIR=\(folder)/etc \(ScratchHost.binary)"
        let words = line.replacingOccurrences(of: "BULKHEAD ", with: program + " ").replacingOccurrences(
            of: "FOLDER", with: folder)
        let result = try host.run([
            "nsenter", "--target", "\(process)", "--mount", "--pid", "--cgroup", "--uts", "--ipc", "--", "sh", "-ec",
            "cd \(folder); \(words)",
        ])
        guard result.status == 0 else {
            throw ScratchHost.Failure(description: "`\(words)` ended with \(result.status): \(result.errors)")
        }
        return result.output
    }

    /// What is there of the change's objects, indexes of links that are not deleted included.
    func state() throws -> String {
        try sh(
            """
            ip -o link show bh-web; ip -o link show ep-stays; ip -o address show bh-web; ip -o link | grep -c ep-
            ls -i /run/netns | sort; ip netns exec stays ip -o address show eth0; nft -s list ruleset; cat etc/*/hosts
            """)
    }
}
