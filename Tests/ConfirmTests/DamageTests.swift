import Foundation
import TestSupport
import Testing

/// What lies in the state folder is damaged, is something else, or cannot be written any more.
@Suite struct DamageTests {
    private func apply(_ host: ScratchHost, _ options: String...) throws -> ScratchHost.Result {
        try host.run([ScratchHost.binary, "apply", "manifests", "--yes"] + options)
    }

    /// Whatever lies in the place of the folder or its files: said at once, and nothing is done.
    @Test(arguments: [
        ("ln -s /tmp state/pending", " is no folder; look at it, then remove it\n"),
        ("mkfifo state/pending", " is no folder; look at it, then remove it\n"),
        ("echo > state/pending", " is no folder; look at it, then remove it\n"),
        (
            "mkdir state/pending; mkfifo state/pending/change.json",
            "/change.json cannot be read (it is no regular file); look at it, then remove PENDING\n"
        ),
        (
            "mkdir state/pending; ln -s /etc/passwd state/pending/change.json",
            "/change.json cannot be read (it is no regular file); look at it, then remove PENDING\n"
        ),
        (
            "mkdir state/pending; echo '{' > state/pending/change.json",
            "/change.json cannot be read (line 2, column 0: string or '}' expected near end of file); look at it, then remove PENDING\n"
        ),
    ])
    func isSaid(_ setup: String, _ words: String) throws {
        let host = try PendingHost().host
        let before = try HostDump(host)
        try host.sh(setup)
        let folder = "\(host.folder.path)/state/pending"
        let message = "bulkhead: " + folder + words.replacingOccurrences(of: "PENDING", with: folder)
        for arguments in [["apply", "manifests", "--yes"], ["confirm"], ["revert"]] {
            let result = try host.run([ScratchHost.binary] + arguments)
            #expect(result.status == 1)
            #expect(result.errors == message)
        }
        #expect(try apply(host, "--confirm-within", "1h").errors == message)
        #expect(try HostDump(host).differences(from: before) == [])
    }

    @Test func aPipeInPlaceOfTheLockIsNotWaitedFor() throws {
        let host = try PendingHost().host
        try host.sh("rm state/lock; mkfifo state/lock")
        let result = try apply(host)
        #expect(result.status == 1)
        #expect(result.errors.contains("/state cannot be written: lock "), "\(result.errors)")
    }

    /// Pipes and links in the place of other files of the state folder.
    @Test func whatIsNoFileIsNeitherFollowedNorWaitedFor() throws {
        let host = try PendingHost().host
        let verbs = [["plan", "manifests"], ["drift", "manifests"], ["show"], ["apply", "manifests", "--yes"]]
        for setup in ["mkfifo state/originals", "ln -sf /etc/passwd state/originals"] {
            try host.sh("rm -f state/originals; \(setup)")
            for arguments in verbs {
                let result = try host.run([ScratchHost.binary] + arguments)
                #expect(result.status == 1, "\(arguments): \(result.errors)")
                #expect(
                    result.errors.contains(
                        "\(host.folder.path)/state/originals is no regular file of at most 1 MiB; look at it, then remove it\n"
                    ),
                    "\(arguments): \(result.errors)")
            }
        }
        try host.sh("rm state/originals state/last-default; mkfifo state/last-default")
        #expect(try host.bulkhead("plan", "manifests").status == 0)
        #expect(try apply(host).status == 0)
        #expect(try host.sh("test -f state/last-default && echo file") == "file\n")
    }

    /// The guard knows what it needs.
    @Test(arguments: ["change.json", "plan.json", "start.json", "journal", "manifest-0"])
    func whileTheChangeRunsDoesNotKeepTheGuardFromUndoing(_ file: String) throws {
        let pending = try PendingHost()
        let host = pending.host
        let before = try HostDump(host)
        let apply = try host.start(
            [ScratchHost.binary, "apply", "manifests", "--yes", "--confirm-within", "1h"],
            environment: ["BULKHEAD_FAULT": "stop-before:15"])
        #expect(apply.waitForStop())
        try host.sh("echo '{' > state/pending/\(file)")
        apply.signal(SIGKILL)
        #expect(try apply.finish().status == 137)
        try pending.waitForEnd()
        #expect(try HostDump(host).differences(from: before) == [])
        #expect(try pending.results() == ["applied", "reverted"])
    }

    @Test(arguments: ["plan.json", "start.json", "manifest-0"])
    func withoutAGuardIsSaidAndCanBeConfirmed(_ file: String) throws {
        let pending = try PendingHost()
        let host = pending.host
        #expect(try apply(host, "--confirm-within", "1h").status == 0)
        kill(try pending.guardID(), SIGKILL)
        try host.sh("flock -w 60 state/pending/guard true; rm state/pending/\(file)")
        let folder = "\(host.folder.path)/state/pending"
        let revert = try host.bulkhead("revert")
        #expect(revert.status == 3)
        #expect(
            revert.errors
                == "bulkhead: the change cannot be undone, for its guard is gone and \(folder)/\(file) cannot be read (it is "
                + "gone); look at it, then remove \(folder); then apply the manifests that are to be in force\n")
        #expect(pending.isPending)
        #expect(try host.bulkhead("confirm").status == 0)
        #expect(try pending.results() == ["applied", "confirmed"])
        #expect(try apply(host).status == 0)
    }

    /// Collects what is written to the system's log.
    private static let logger = """
        import os, socket, sys
        s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind("/dev/log"); print("ready", flush=True)
        while True:
            with open(sys.argv[1], "a") as f: f.write(s.recv(65536).decode() + "\\n")
        """

    @Test(.enabled(if: getuid() == 0, "needs root: device files of a /dev of its own"))
    func aFolderThatCanOnlyBeReadKeepsNoGuardFromUndoing() throws {
        let pending = try PendingHost()
        let host = pending.host
        try host.sh(
            """
            mkdir dev; mount -t tmpfs tmpfs dev
            for name in null zero random urandom tty; do touch dev/$name; mount --bind /dev/$name dev/$name; done
            mount --rbind dev /dev
            """)
        let log = try host.start(["python3", "-c", Self.logger, "log"])
        log.waitForOutput()
        defer { log.signal(SIGKILL) }
        let before = try HostDump(host)
        #expect(try apply(host, "--confirm-within", "15s").status == 0)
        let number = try pending.guardID()
        try host.sh("mount --bind state state; mount -o remount,bind,ro state")
        while try HostDump(host).differences(from: before) != [] { usleep(100_000) }
        // It goes on trying to write that down, ever more slowly, and says so once.
        sleep(3)
        let turns = { try host.sh("sed -n 's/^voluntary_ctxt_switches:\\t*//p' /proc/\(number)/status") }
        let first = try #require(Int(try turns().filter(\.isNumber)))
        sleep(10)
        let second = try #require(Int(try turns().filter(\.isNumber)))
        #expect(second - first < 30)
        #expect(pending.isPending)
        let said = try host.sh("cat log").split(separator: "\n").map(String.init)
        #expect(said.count == 2, "\(said)")
        #expect(said.first?.contains("cannot use \(host.folder.path)/state: ") ?? false, "\(said)")
        #expect(said.last?.hasSuffix(" has undone it") ?? false, "\(said)")
        try host.sh("umount -l state")
        try pending.waitForEnd()
        #expect(try pending.results() == ["applied", "reverted"])
    }
}
