import Foundation
import TestSupport
import Testing

/// Which files are read, and what is done about those that are not what they seem.
@Suite struct InputTests {
    @Test func foldersAreReadToTheirGroundButNotWhatIsHiddenOrNoManifest() throws {
        let folder = try InputFolder()
        for (file, name) in [
            ("b.yaml", "b"), ("a.yml", "a"), ("deep/er/c.yaml", "c"), (".hidden.yaml", "hidden"),
            (".git/d.yaml", "git"), ("notes.txt", "notes"), ("e.yaml.orig", "orig"),
        ] {
            try folder.network(file, name)
        }
        #expect(try folder.networks() == ["a", "b", "c"])
        #expect(try folder.networks(".") == ["a", "b", "c"])
        #expect(try folder.networks("deep") == ["c"])
        // A file that is named is read whatever it is called, and none is read twice.
        #expect(try folder.networks("notes.txt", "deep/er/c.yaml", "deep") == ["c", "notes"])
    }

    @Test func ignoreFilesAreReadAsGitReadsThem() throws {
        let folder = try InputFolder()
        for file in [
            "a.yaml", "draft-1.yaml", "keep/draft-2.yaml", "keep/x.yaml", "old/b.yaml", "sub/old/c.yaml",
            "sub/top.yaml", "top.yaml", "sub/k1.yaml", "sub/k9.yaml", "old.yaml",
        ] {
            let name = file.replacing("/", with: "-").replacing(".yaml", with: "")
            try folder.network(file, name)
        }
        try folder.write(".bulkheadignore", "# drafts\ndraft-*\n!draft-2.yaml\nold/\n/top.yaml\n\n")
        try folder.write("sub/.bulkheadignore", "k[0-4].yaml\n")
        #expect(
            try folder.networks(".") == ["a", "keep-draft-2", "keep-x", "old", "sub-k9", "sub-top"])
        // What git says of the same patterns, where it is installed.
        let git =
            "cp .bulkheadignore .gitignore && cp sub/.bulkheadignore sub/.gitignore && git init -q . && git ls-files -oc --exclude-standard '*.yaml' | sort"
        let listed = try shell(git, in: folder)
        #expect(
            listed == "a.yaml\nkeep/draft-2.yaml\nkeep/x.yaml\nold.yaml\nsub/k9.yaml\nsub/top.yaml\n")
    }

    @Test func aLinkMayNotLeadOut() throws {
        let (folder, outside) = (try InputFolder(), try InputFolder())
        try outside.network("secret.yaml", "secret")
        try folder.network("real/a.yaml", "a")
        try folder.link("in.yaml", to: "real/a.yaml")
        #expect(try folder.networks(".") == ["a"])
        try folder.link("out.yaml", to: outside.path("secret.yaml"))
        let real = try shell("printf %s \"$(pwd -P)\"", in: folder)
        let message = { (name: String) in
            "error: \(name) is a link that leads out of \(real); put the file itself there, or give its place as a PATH of its own\n"
        }
        let file = try folder.run("validate", ".")
        #expect((file.status, file.errors) == (1, message("out.yaml")))
        try FileManager.default.removeItem(atPath: folder.path("out.yaml"))
        try folder.link("folder", to: outside.url.path)
        #expect(try folder.run("validate", ".").errors == message("folder"))
        try FileManager.default.removeItem(atPath: folder.path("folder"))
        // A sibling whose name begins alike is outside, too.
        let twin = URL(fileURLWithPath: folder.url.path + "-twin")
        try FileManager.default.createDirectory(at: twin, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: twin) }
        try InputFolder.manifest("twin").write(
            to: twin.appendingPathComponent("t.yaml"), atomically: true, encoding: .utf8)
        try folder.link("t.yaml", to: twin.path + "/t.yaml")
        #expect(try folder.run("validate", ".").errors == message("t.yaml"))
        // What the user names himself may be a link anywhere.
        #expect(try folder.networks("t.yaml") == ["twin"])
        try FileManager.default.removeItem(atPath: folder.path("t.yaml"))
        try folder.link("gone.yaml", to: "nowhere")
        #expect(try folder.run("validate", ".").errors == "error: gone.yaml is a link to nothing\n")
    }

    @Test func aLinkInACircleEnds() throws {
        let folder = try InputFolder()
        try folder.network("real/a.yaml", "a")
        try folder.link("real/again", to: "..")
        #expect(try folder.networks(".") == ["a"])
        try folder.link("self.yaml", to: "self.yaml")
        #expect(try folder.run("validate", ".").errors == "error: self.yaml is a link to nothing\n")
    }

    @Test func whatIsNoFileIsNotWaitedFor() throws {
        let folder = try InputFolder()
        try folder.network("a.yaml", "a")
        _ = try shell("mkfifo pipe.yaml", in: folder)
        // In a folder it is passed over; nobody would ever write to it.
        #expect(try folder.networks(".") == ["a"])
        let named = try folder.run("validate", "pipe.yaml")
        #expect(named.status == 1)
        #expect(
            named.errors
                == "error: pipe.yaml is neither a file nor a folder; to read from a pipe, give - and pipe it in\n")
    }

    @Test func standardInputIsAPath() throws {
        let folder = try InputFolder()
        try folder.network("a.yaml", "a")
        #expect(try folder.networks("-", "a.yaml", input: InputFolder.manifest("piped")) == ["a", "piped"])
        let bad = try folder.run("validate", "-", input: "kind: Nonsense\n")
        #expect(bad.status == 1)
        #expect(bad.errors.hasPrefix("<stdin>:1:"), "\(bad.errors)")
    }

    @Test func nothingToReadIsNeverAnOrder() throws {
        let host = try ScratchHost()
        try host.sh("mkdir empty && echo nothing > empty/notes.txt")
        for verb in [["validate"], ["plan"], ["apply", "--yes"], ["drift"], ["destroy", "--yes"]] {
            let none = try host.run([ScratchHost.binary] + verb + ["empty"])
            #expect(none.status == 1, "\(verb)")
            #expect(none.errors == "error: no manifests (*.yaml, *.yml) in empty\n", "\(verb)")
            let gone = try host.run([ScratchHost.binary] + verb + ["gone"])
            #expect(gone.status == 1, "\(verb)")
            #expect(
                gone.errors
                    == "error: gone: ENOENT (No such file or directory); give files, folders or - for standard input\n",
                "\(verb)")
        }
    }

    @Test func aNameCannotSpeakToTheTerminal() throws {
        let folder = try InputFolder()
        try folder.link("\u{1b}]0;owned\u{7}.yaml", to: "nowhere")
        let result = try folder.run("validate", ".")
        #expect(result.status == 1)
        #expect(!result.errors.utf8.contains(0x1b) && !result.errors.utf8.contains(7), "\(result.errors)")
    }

    private func shell(_ line: String, in folder: InputFolder) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-ec", line]
        process.currentDirectoryURL = folder.url
        let result = try RunningProcess(process, hasInput: false).finish()
        #expect(result.status == 0, "\(result.errors)")
        return result.output
    }
}
