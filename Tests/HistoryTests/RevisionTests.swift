import Foundation
import Reconciler
import TestSupport
import Testing

@Suite struct RevisionTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("revision-\(UUID().uuidString)")
    private let commit = String(repeating: "a1", count: 20)
    private let other = String(repeating: "b2", count: 20)

    private func write(_ files: [String: String]) throws {
        for (name, text) in files {
            let url = folder.appendingPathComponent(name)
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try text.write(to: url, atomically: true, encoding: .utf8)
        }
    }

    private func revision(_ names: String...) -> String? {
        Revision.of(names.map { folder.appendingPathComponent($0).path })
    }

    private func remove() { try? FileManager.default.removeItem(at: folder) }

    @Test func itIsFoundWhereverGitKeepsIt() throws {
        defer { remove() }
        try write([
            "loose/.git/HEAD": "ref: refs/heads/main\n", "loose/.git/refs/heads/main": "\(commit)\n",
            "loose/deep/er/a.yaml": "",
            "packed/.git/HEAD": "ref: refs/heads/x\n",
            "packed/.git/packed-refs":
                "# pack-refs with: peeled\n\(other) refs/heads/other/refs/heads/x\n\(commit) refs/heads/x\n^\(other)\n",
            "packed/a.yaml": "",
            "detached/.git/HEAD": "\(commit)\n",
            "linked/.git": "gitdir: ../loose/.git/worktrees/linked\n",
            "loose/.git/worktrees/linked/HEAD": "ref: refs/heads/side\n",
            "loose/.git/worktrees/linked/commondir": "../..\n",
            "loose/.git/refs/heads/side": "\(other)\n",
        ])
        #expect(revision("loose/deep/er/a.yaml") == commit)
        #expect(revision("loose") == commit)
        #expect(revision("packed/a.yaml") == commit)
        #expect(revision("detached") == commit)
        #expect(revision("linked") == other)
        #expect(revision("loose", "packed", "missing") == commit)
        #expect(revision("loose", "linked") == nil)
    }

    @Test func whatIsNoRepositoryIsNone() throws {
        defer { remove() }
        try write([
            "unborn/.git/HEAD": "ref: refs/heads/main\n", "nonsense/.git/HEAD": "nothing\n",
            "outside/.git/HEAD": "ref: refs/../../secret\n", "outside/secret": "\(commit)\n",
            "nowhere/.git": "gitdir: /nonexistent\n", "endless/.git/HEAD": "ref: refs/a\n",
            "endless/.git/refs/a": "ref: refs/a\n",
        ])
        for name in ["unborn", "nonsense", "outside", "nowhere", "endless"] { #expect(revision(name) == nil) }
    }

    @Test func itIsWhatGitSays() throws {
        let host = try ScratchHost()
        try host.declare(Manifests.network)
        let git = "git -c user.name=a -c user.email=a@example.test"
        try host.sh("git init -q . && git add manifests && \(git) commit -qm one")
        #expect(try host.apply().status == 0)
        let first = try host.sh("git rev-parse HEAD").trimmingCharacters(in: .newlines)
        #expect(try host.record(1)["revision"] as? String == first)
        #expect(try host.rows().first?.hasSuffix("| \(first.prefix(12))") == true)
        try host.declare(Manifests.network, Manifests.endpoint("a"))
        try host.sh("\(git) commit -qam two && git pack-refs --all && git worktree add -q side -b side")
        #expect(try host.bulkhead("apply", "--yes", "side/manifests").status == 0)
        let second = try host.sh("git rev-parse HEAD").trimmingCharacters(in: .newlines)
        #expect(second != first)
        #expect(try host.record(2)["revision"] as? String == second)
        // A rollback is of the commit it goes back to.
        #expect(try host.bulkhead("rollback", "1", "--yes").status == 0)
        #expect(try host.record(3)["revision"] as? String == first)
    }
}
