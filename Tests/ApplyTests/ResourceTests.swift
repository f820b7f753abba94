import Foundation
import TestSupport
import Testing

/// Disks that are full, limits that are low.
@Suite(.enabled(if: Needs.root, Needs.rootText)) struct ResourceTests {
    private func hostWithWeb() throws -> ScratchHost {
        let host = try ScratchHost()
        try host.declare(Manifests.web, Manifests.endpoint("web-1"), Manifests.endpoint("web-2"))
        return host
    }

    @Test func aFullStateFolderIsRefusedBeforeAnything() throws {
        let host = try hostWithWeb()
        let before = try HostDump(host)
        try host.sh(
            "mount -t tmpfs -o size=8k tmpfs state && (head -c 1M /dev/zero > state/filler 2>/dev/null || true)")
        let result = try host.apply()
        #expect(result.status == 1)
        #expect(result.errors.hasPrefix("bulkhead: the state folder \(host.folder.path)/state cannot be written: "))
        #expect(result.errors.contains("ENOSPC (No space left on device); nothing was changed; "))
        #expect(result.output == "")
        #expect(try HostDump(host).differences(from: before) == [])
    }

    @Test func aStateFolderThatCannotBeMadeIsRefusedBeforeAnything() throws {
        let host = try hostWithWeb()
        let before = try HostDump(host)
        let result = try host.apply("--state-dir", "/proc/bulkhead")
        #expect(result.status == 1)
        #expect(
            result.errors
                == "bulkhead: the state folder /proc/bulkhead cannot be written: mkdir /proc/bulkhead: ENOENT "
                + "(No such file or directory); nothing was changed; run as root, make room, or choose another with "
                + "--state-dir\n")
        #expect(try HostDump(host).differences(from: before) == [])
    }

    @Test func aFullFolderOfNamespaceFilesUndoesAll() throws {
        let host = try hostWithWeb()
        try host.sh("mount -t tmpfs -o size=8k tmpfs etc && (head -c 1M /dev/zero > etc/filler 2>/dev/null || true)")
        let before = try HostDump(host)
        let result = try host.apply()
        #expect(result.status == 1)
        #expect(result.errors.contains("ENOSPC (No space left on device)"))
        #expect(result.errors.contains("Everything was undone: the host is as it was before.\n"))
        #expect(try HostDump(host).differences(from: before) == [])
    }

    /// There the kernel refuses to remove even what is not there.
    @Test func aReadOnlyFolderOfNamespaceFilesUndoesAll() throws {
        let host = try hostWithWeb()
        try host.sh("mount -t tmpfs -o ro tmpfs etc")
        let before = try HostDump(host)
        let result = try host.apply("--quiet")
        #expect(result.status == 1)
        let folder = "\(host.folder.path)/etc/web-1"
        #expect(
            result.errors
                == "manifests/all.yaml:8:18: error: write \(folder)/hosts: mkdir \(folder): EROFS (Read-only file system); "
                + "it lies on a file system that is mounted read-only\nEverything was undone: the host is as it was before.\n"
        )
        #expect(try HostDump(host).differences(from: before) == [])
    }

    @Test func aFileThatGrowsOnAFullDiskKeepsItsContents() throws {
        let host = try hostWithWeb()
        try host.sh("mount -t tmpfs -o size=64k tmpfs etc")
        #expect(try host.apply().status == 0)
        try host.sh("head -c 1M /dev/zero > etc/filler 2>/dev/null || true")
        let before = try HostDump(host)
        let long = (0..<200).map { "{ip: 10.1.0.\($0), hostnames: [a-very-long-name-of-some-host-number-\($0)]}" }
        try host.declare(
            Manifests.web, Manifests.endpoint("web-1"), Manifests.endpoint("web-2"),
            """
            apiVersion: bulkhead.dev/v1alpha1
            kind: Compartment
            metadata: {name: web-1}
            spec: {hostAliases: [\(long.joined(separator: ", "))]}
            """)
        let result = try host.apply()
        #expect(result.status == 1)
        #expect(result.errors.contains("ENOSPC (No space left on device)"))
        #expect(try HostDump(host).differences(from: before) == [])
    }

    @Test func tooFewOpenFilesAreRefusedBeforeAnything() throws {
        let host = try ScratchHost()
        try host.declare(
            ([Manifests.web] + (1...60).map { Manifests.endpoint("web-\($0)") }).joined(separator: "\n---\n"))
        let before = try HostDump(host)
        let result = try host.run([
            "sh", "-c", "ulimit -n 64; exec \(ScratchHost.binary) apply --yes manifests",
        ])
        #expect(result.status == 1)
        #expect(result.errors.contains("the change, with 60 new namespaces, needs "))
        #expect(
            result.errors.contains(
                " open files, and this process may have 64; raise the limit (`ulimit -n`, or LimitNOFILE= in a systemd unit)"
            ))
        #expect(try HostDump(host).differences(from: before) == [])
        #expect(try host.apply().status == 0)
        let again = try host.run(["sh", "-c", "ulimit -n 64; exec \(ScratchHost.binary) plan manifests"])
        #expect(again.status == 1)
        #expect(again.errors.contains("EMFILE (Too many open files); raise the limit (`ulimit -n`"))
    }

    /// libnftables ends the process with status 3 where it gets no socket, and 3 means a host that is half configured.
    @Test func whateverTheNumberOfOpenFilesNothingIsLeftHalfDone() throws {
        let host = try hostWithWeb()
        try tryLimits(host, "apply --yes --quiet manifests")
        #expect(try host.steps() == [])
        // What needs no new namespaces needs files for a moment.
        try host.declare(
            Manifests.web, Manifests.endpoint("web-1", "addresses: [10.88.0.77]"), Manifests.endpoint("web-2"),
            Manifests.policy("closed"))
        try tryLimits(host, "apply --yes --quiet manifests")
        #expect(try host.steps() == [])
        try tryLimits(host, "destroy --all --yes --quiet")
    }

    /// Runs a verb under one limit of open files after another, until it succeeds. All that were refused together have
    /// changed nothing.
    private func tryLimits(_ host: ScratchHost, _ verb: String) throws {
        let before = try HostDump(host)
        var refused = 0
        for limit in 5...40 {
            let result = try host.run(["sh", "-c", "ulimit -n \(limit); exec \(ScratchHost.binary) \(verb) "])
            if result.status == 0 { break }
            refused += 1
            #expect(result.status == 1, "\(verb), \(limit): \(result.errors)")
            #expect(
                limit < 8 || result.errors.contains("raise the limit (`ulimit -n`"),
                "\(verb), \(limit): \(result.errors)")
            if limit == 40 { Issue.record("\(verb) never succeeded") }
            if limit % 8 == 0 || refused == 12 {
                #expect(try HostDump(host).differences(from: before) == [], "\(verb), \(limit)")
            }
        }
        #expect(refused > 4, "\(verb)")
    }

    /// libnftables cannot use descriptors from 1024 on.
    @Test func moreThanAThousandOpenFilesAreNoHindrance() throws {
        let host = try ScratchHost()
        let names = (1...540).map { "c\($0)" }
        let compartments = names.map {
            "apiVersion: bulkhead.dev/v1alpha1\nkind: Compartment\nmetadata: {name: \($0)}\nspec: {}"
        }
        try host.declare(([Manifests.web] + compartments).joined(separator: "\n---\n"))
        #expect(try host.apply("--quiet").status == 0)
        let result = try host.bulkhead("destroy", "--all", "--yes", "--quiet")
        #expect(result.status == 0, "\(result.errors.prefix(300))")
        #expect(try host.sh("ls /run/netns") == "")
    }

    /// Gives every netlink socket of a process a small receive buffer: some forty answers fit.
    private static let strangler = """
        import ctypes, os, socket, sys
        process = os.pidfd_open(int(sys.argv[1])); libc = ctypes.CDLL(None, use_errno=True)
        for number in os.listdir(f"/proc/{sys.argv[1]}/fd"):
            if not os.readlink(f"/proc/{sys.argv[1]}/fd/{number}").startswith("socket:"): continue
            own = libc.syscall(438, process, int(number), 0)  # pidfd_getfd
            assert own >= 0, os.strerror(ctypes.get_errno())
            s = socket.socket(fileno=own)
            if s.family == socket.AF_NETLINK and s.proto == 0:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
                print(s.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF))
        """

    /// Answers of the kernel that find no room are lost, and nobody knows what was done.
    @Test func answersThatFindNoRoomUndoAll() throws {
        let host = try ScratchHost()
        try host.declare(
            ([Manifests.web] + (1...30).map { Manifests.endpoint("web-\($0)") }).joined(separator: "\n---\n"))
        let before = try HostDump(host)
        let steps = try host.steps()
        let process = try host.applyStopped(before: try #require(steps.firstIndex(of: "link/ep-web-1")))
        let buffers = try host.run(["python3", "-c", Self.strangler, "\(process.processID)"])
        #expect(buffers.status == 0 && !buffers.output.isEmpty, "\(buffers.errors)")
        let result = try host.resume(process)
        #expect(result.status == 1)
        #expect(
            result.errors.contains("ENOBUFS (No buffer space available); the kernel's buffers are full, so try again"),
            "\(result.errors.prefix(500))")
        #expect(result.errors.contains("Everything was undone: the host is as it was before.\n"))
        #expect(try HostDump(host).differences(from: before) == [])
        #expect(try host.apply().status == 0)
    }

    /// Memory that runs out ends the process wherever it is: the next run converges.
    @Test func tooLittleMemoryNeverLeavesWhatTheNextRunCannotRepair() throws {
        let host = try hostWithWeb()
        for limit in stride(from: 20_000, through: 400_000, by: 20_000) {
            let result = try host.run([
                "sh", "-c", "ulimit -v \(limit); exec \(ScratchHost.binary) apply --yes manifests",
            ])
            if result.status == 0 { break }
        }
        #expect(try host.apply().status == 0)
        #expect(try host.steps() == [])
        #expect(try host.bulkhead("destroy", "--all", "--yes").status == 0)
        #expect(try host.sh("ip -o link").split(separator: "\n").count == 1)
    }
}
