import Foundation
import TestSupport
import Testing

/// What is installed beside the program is made from what it says of itself.
@Suite struct InstallationTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("install-\(UUID().uuidString)")

    /// Verbs that help lists, `help` itself among them.
    private func verbs() throws -> [String] {
        let list = try #require(
            try output("\(ScratchHost.binary) --help").components(separatedBy: "SUBCOMMANDS:\n").last)
        let verbs = list.matches(of: #/(?m)^  ([a-z]+) {2,}/#).map { String($0.1) }
        try #require(verbs.count > 15)
        return verbs
    }

    /// What a shell command prints; it must end well.
    private func output(_ command: String) throws -> String {
        let (status, text) = try run(command)
        try #require(status == 0, "\(command): \(text)")
        return text
    }

    private func run(_ command: String) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        process.arguments = ["-c", command]
        process.environment = [
            "PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "SOURCE_DATE_EPOCH": "86400",
        ]
        process.currentDirectoryURL = Self.root
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, text)
    }

    private func install() throws {
        _ = try output("packaging/install \(ScratchHost.binary) \(folder.path) /usr /usr/share/zsh/vendor-completions")
    }

    @Test func theVersionIsANumberAndPerhapsACommit() throws {
        let text = try output("\(ScratchHost.binary) --version")
        #expect(text.wholeMatch(of: #/\d+\.\d+\.\d+( \(commit [0-9a-f]{12}(-dirty)?\))?\n/#) != nil, "\(text)")
    }

    @Test func everythingIsInItsPlace() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try install()
        let pages = try verbs().filter { $0 != "help" }.map { "usr/share/man/man1/bulkhead-\($0).1" }
        let expected =
            pages + [
                "usr/bin/bulkhead", "usr/share/man/man1/bulkhead.1", "usr/share/bash-completion/completions/bulkhead",
                "usr/share/fish/vendor_completions.d/bulkhead.fish", "usr/share/zsh/vendor-completions/_bulkhead",
            ]
        let found = try output("cd \(folder.path) && find * -type f | LC_ALL=C sort")
        #expect(found.split(separator: "\n").map(String.init) == expected.sorted())
        let modes = try output("cd \(folder.path) && find * -type f -perm 644 | wc -l; stat -c %a usr/bin/bulkhead")
        #expect(modes == "\(expected.count - 1)\n755\n")
    }

    @Test func manualPagesSayWhatHelpSays() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try install()
        let pages = folder.appendingPathComponent("usr/share/man/man1")
        #expect(try output("mandoc -T lint -W warning \(pages.path)/*.1") == "")
        for verb in try verbs() where verb != "help" {
            let page = try output("mandoc -T utf8 \(pages.path)/bulkhead-\(verb).1 | col -b")
            let options = try output("\(ScratchHost.binary) \(verb) --help").matches(
                of: #/(?m)^  (?:-h, )?(--[a-z-]+)/#)
            #expect(!options.isEmpty)
            for option in options where !page.contains("\n       \(option.1)") && option.1 != "--help" {
                Issue.record("bulkhead-\(verb)(1) lacks \(option.1)")
            }
            #expect(page.contains("1970-01-02"), "the date is that of SOURCE_DATE_EPOCH")
        }
        let main = try output("mandoc -T utf8 \(pages.path)/bulkhead.1 | col -b")
        for verb in try verbs() { #expect(main.contains("\n       \(verb)"), "bulkhead(1) lacks \(verb)") }
        for status in [0, 1, 2, 3, 64, 75] { #expect(main.contains(try Regex("\n       \(status) +[a-z]")), "\(main)") }
        #expect(main.contains("BULKHEAD_STATE_DIR"))
    }

    /// The checker is only worth something if it complains.
    @Test func aBadPageIsSeen() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let page = folder.appendingPathComponent("bad.1")
        try ".TH BAD 1 1970-01-02\n.SH NAME\nbad \\- x\n.NOSUCH\n".write(to: page, atomically: true, encoding: .utf8)
        #expect(try run("mandoc -T lint -W warning \(page.path)").status != 0)
    }

    /// Words before the cursor, and what Bash offers.
    private static let completions: [(words: [String], offered: [String])] = [
        (["recon"], ["reconcile"]), (["plan", "--det"], ["--detailed-exitcode"]),
        (["plan", "--output", ""], ["text", "json", "markdown", "prometheus"]),
        (["doctor", "--rules", "n"], ["networkmanager", "networkd"]), (["history", "sh"], ["show"]),
        (["graph", "--format", "s"], ["svg"]), (["schema", "Net"], ["Network"]),
        (["plan", "packaging/inst"], ["packaging/install"]),
        (["show", "--state-dir", "packaging/sys"], ["packaging/systemd"]),
        (["nonsense-"], []),
    ]

    @Test func bashCompletes() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try install()
        let script = folder.path + "/usr/share/bash-completion/completions/bulkhead"
        for (words, offered) in Self.completions {
            let line = (["bulkhead"] + words).map { "'\($0)'" }.joined(separator: " ")
            let last = words[words.count - 1]
            let previous = words.count > 1 ? words[words.count - 2] : "bulkhead"
            let reply = try output(
                """
                . \(script); COMP_WORDS=(\(line)); COMP_CWORD=\(words.count)
                COMP_LINE="${COMP_WORDS[*]}" COMP_POINT=999
                _bulkhead bulkhead '\(last)' '\(previous)'; printf '%s\\n' "${COMPREPLY[@]}"
                """)
            #expect(reply.split(separator: "\n").map(String.init) == offered, "\(words)")
        }
    }

    @Test func otherShellsTakeTheirs() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try install()
        for (shell, file) in [
            ("zsh", "zsh/vendor-completions/_bulkhead"), ("fish", "fish/vendor_completions.d/bulkhead.fish"),
        ] {
            let path = folder.path + "/usr/share/" + file
            for verb in try verbs() { #expect(try String(contentsOfFile: path, encoding: .utf8).contains(verb)) }
            guard try run("command -v \(shell)").status == 0 else {
                print("skipped: \(shell) is not installed, so that its completion is not parsed")
                continue
            }
            #expect(try output("\(shell) -n \(path)") == "")
        }
    }

    /// As in a root folder in which nobody mounted anything.
    @Test func withoutProcNothingIsDone() throws {
        let host = try ScratchHost()
        let result = try host.run([
            "unshare", "--mount", "--propagation", "private", "sh", "-c",
            "mount -t tmpfs none /proc && exec \(ScratchHost.binary) drift manifests",
        ])
        #expect(result.status == 1)
        #expect(result.output == "")
        #expect(
            result.errors
                == "bulkhead: the command line cannot be read from /proc/self/cmdline; is /proc mounted?\n")
    }
}
