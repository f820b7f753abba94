import Foundation
import TestSupport
import Testing

/// The units as they are packaged, under a real systemd.
@Suite(.enabled(if: SystemdMachine.isPossible, SystemdMachine.reason)) struct WatchUnitTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("packaging/systemd")

    /// Times are shorter than those of the package, and the folders are the test's.
    private static let dropIn = """
        [Service]
        Environment=BULKHEAD_STATE_DIR=FOLDER/state BULKHEAD_NETNS_ETC_DIR=FOLDER/etc SWIFT_BACKTRACE=enable=no
        RestartSec=100ms
        WatchdogSec=20s
        StandardOutput=append:FOLDER/log
        StandardError=append:FOLDER/log
        """

    /// Puts a unit in its place, with a file of options.
    private func install(_ name: String, _ options: String, on machine: SystemdMachine) throws {
        let text = try String(
            contentsOf: Self.folder.appendingPathComponent("bulkhead-\(name).service"), encoding: .utf8
        )
        .replacing("/usr/bin/bulkhead", with: ScratchHost.binary)
        let place = "/etc/systemd/system/bulkhead-\(name).service"
        try machine.sh(
            """
            mkdir -p /etc/bulkhead \(place).d
            echo 'OPTIONS=\(options)' > /etc/bulkhead/\(name).env
            cat > \(place) <<'END'
            \(text)
            END
            cat > \(place).d/test.conf <<'END'
            \(Self.dropIn)
            END
            systemctl daemon-reload
            """)
    }

    @Test func aRoundIsMade() throws {
        let machine = try SystemdMachine()
        try install("reconcile", "--repo FOLDER/repository", on: machine)
        try machine.sh(
            """
            git init -q -b main FOLDER/repository; cp FOLDER/manifests/* FOLDER/repository; cd FOLDER/repository; git add .
            git -c user.name=a -c user.email=a@example.test commit -qm one
            systemctl start bulkhead-reconcile || { cat FOLDER/log >&2; exit 1; }
            BULKHEAD drift FOLDER/manifests
            """)
        #expect(try machine.sh("cat FOLDER/log").contains("reconcile default: applied commit "))
        try machine.sh("BULKHEAD suspend --reason test && : > FOLDER/log && systemctl start bulkhead-reconcile")
        #expect(try machine.sh("cat FOLDER/log").contains("reconcile default: suspended since "))
    }

    /// What a round says is found by what it was about, as by the unit.
    @Test func theJournalHasFields() throws {
        let machine = try SystemdMachine()
        try install("reconcile", "--repo FOLDER/repository", on: machine)
        try machine.sh(
            """
            systemctl start systemd-journald.socket systemd-journald.service
            printf '[Service]\\nStandardOutput=journal\\n' > /etc/systemd/system/bulkhead-reconcile.service.d/z.conf
            systemctl daemon-reload
            git init -q -b main FOLDER/repository; cp FOLDER/manifests/* FOLDER/repository; cd FOLDER/repository; git add .
            git -c user.name=a -c user.email=a@example.test commit -qm one
            systemctl start bulkhead-reconcile || { cat FOLDER/log >&2; exit 1; }
            journalctl --sync
            """)
        func lines(_ matches: String) throws -> String {
            try machine.sh("journalctl --no-pager -q -o cat -u bulkhead-reconcile -t bulkhead \(matches)")
        }
        let commit = try machine.sh("git -C FOLDER/repository rev-parse HEAD").trimmingCharacters(in: .newlines)
        let said = try lines("-p notice BULKHEAD_RESULT=applied BULKHEAD_COMMIT=\(commit)")
        #expect(said.hasPrefix("reconcile default: applied commit \(commit.prefix(12)) of "), "\(said)")
        #expect(try lines("BULKHEAD_RESULT=bad") == "")
    }

    @Test func systemdStartsReloadsAndStopsIt() throws {
        let machine = try SystemdMachine()
        try install("watch", "FOLDER/manifests", on: machine)
        func show(_ property: String) throws -> String {
            try machine.sh("systemctl show --property=\(property) --value bulkhead-watch").trimmingCharacters(
                in: .newlines)
        }
        // It comes back when the service says that it is ready: the manifests are in force.
        try machine.sh(
            "systemctl start bulkhead-watch && BULKHEAD drift FOLDER/manifests || { cat FOLDER/log >&2; exit 1; }")
        #expect(try show("ActiveState") == "active")
        let folder = try machine.sh("echo FOLDER").trimmingCharacters(in: .newlines)
        #expect(try show("StatusText") == "keeping \(folder)/manifests in force")
        try machine.sh("ip link del ep-stays; until ip link show ep-stays >/dev/null 2>&1; do sleep 0.1; done")
        try machine.sh("systemctl reload bulkhead-watch")
        // Longer than the service may be silent.
        try machine.sh("sleep 24")
        #expect(try show("ActiveState") == "active")
        #expect(try show("NRestarts") == "0")
        // One that hangs is started anew.
        let process = try show("MainPID")
        try machine.sh(
            """
            kill -STOP \(process); while [ "$(systemctl show --property=NRestarts --value bulkhead-watch)" = 0 ]; do sleep 0.1; done
            until systemctl is-active --quiet bulkhead-watch; do sleep 0.1; done
            ip link del ep-stays; until ip link show ep-stays >/dev/null 2>&1; do sleep 0.1; done
            systemctl stop bulkhead-watch
            """)
        #expect(try show("ActiveState") == "inactive")
        #expect(try show("Result") == "success")
        #expect(try show("ExecMainStatus") == "0")
        try machine.sh("BULKHEAD apply FOLDER/manifests --yes --quiet")
    }
}
