import Foundation
import TestSupport

/// A page of the documentation that a reader can follow: its files and its commands.
///
/// A block of YAML that begins with a comment `# some/file.yaml` is that file. In a block `console`, a line that begins
/// with `$ ` is a command for a shell, which ends well or with what a comment `# status N` at its end says; the lines
/// below it are what it prints, one after another, with `…` for what is left out.
struct Page {
    /// What a reader does, in order.
    enum Act {
        case file(path: String, text: String)
        case command(line: String, status: Int32, output: [String])
    }

    let acts: [Act]

    init(_ markdown: String) {
        var acts: [Act] = []
        for match in markdown.matches(of: #/(?ms)^```(\w+)\n(.*?)^```$/#) {
            let lines = match.2.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
            switch match.1 {
            case "yaml":
                guard let path = lines.first?.wholeMatch(of: #/# (\S+\.ya?ml)/#)?.1 else { continue }
                acts.append(.file(path: String(path), text: lines.joined(separator: "\n") + "\n"))
            case "console": acts += Self.commands(lines)
            case _: continue
            }
        }
        self.acts = acts
    }

    private static func commands(_ lines: [String]) -> [Act] {
        var acts: [Act] = []
        var current: (line: String, output: [String])?
        func end() {
            guard let current else { return }
            let status = current.line.firstMatch(of: #/# status (\d+)$/#).flatMap { Int32($0.1) } ?? 0
            acts.append(.command(line: current.line, status: status, output: current.output))
        }
        for line in lines {
            if line.hasPrefix("$ ") {
                end()
                current = (String(line.dropFirst(2)), [])
            } else {
                current?.output.append(line)
            }
        }
        end()
        return acts
    }

    /// Follows the page on a scratch host; what did not go as it says.
    func follow(on host: ScratchHost, prelude: String = ":") throws -> [String] {
        try host.sh(
            """
            mkdir bin; ln -s \(ScratchHost.binary) bin/bulkhead
            printf '#!/bin/sh\\nexec "$@"\\n' > bin/sudo; chmod +x bin/sudo
            mkdir home; cd home; \(prelude)
            """)
        let environment = [
            "PATH": host.folder.path + "/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "GIT_AUTHOR_NAME": "ann", "GIT_AUTHOR_EMAIL": "ann@example.test", "GIT_COMMITTER_NAME": "ann",
            "GIT_COMMITTER_EMAIL": "ann@example.test", "SUDO_USER": "ann", "LC_ALL": "C.UTF-8",
        ]
        var wrong: [String] = []
        for act in acts {
            switch act {
            case .file(let path, let text):
                let url = host.folder.appendingPathComponent("home/" + path)
                try FileManager.default.createDirectory(
                    at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
                try text.write(to: url, atomically: true, encoding: .utf8)
            case .command(let line, let status, let output):
                let result = try host.run(Self.shell(line), environment: environment)
                let said = result.output + result.errors
                if result.status != status { wrong.append("$ \(line)\nended with \(result.status): \(said)") }
                let missing = Self.missing(output, from: result.output)
                if let missing { wrong.append("$ \(line)\ndid not print '\(missing)' but: \(said)") }
            }
        }
        return wrong
    }

    /// What stays in the background must not keep open what tells Foundation that the command has ended.
    private static func shell(_ line: String) -> [String] {
        guard line.contains(" & ") else { return ["sh", "-c", "cd home; \(line)"] }
        let close = "for n in $(ls /proc/$$/fd); do [ $n -gt 2 ] && eval \"exec $n>&-\"; done"
        return ["bash", "-c", "cd home; \(close); \(line)"]
    }

    /// The first line that is not there behind those before it.
    static func missing(_ expected: [String], from output: String) -> String? {
        var rest = output.split(separator: "\n").map(String.init)[...]
        for line in expected where line != "…" && !line.isEmpty {
            let parts = line.split(separator: "…", omittingEmptySubsequences: false).map { steady(String($0)) }
            guard let place = rest.firstIndex(where: { Self.fits(steady($0), parts) }) else { return line }
            rest = rest[(place + 1)...]
        }
        return nil
    }

    private static func fits(_ line: String, _ parts: [String]) -> Bool {
        guard parts.count > 1 else { return line == parts[0] }
        guard line.hasPrefix(parts[0]), line.hasSuffix(parts[parts.count - 1]) else { return false }
        var rest = line[...]
        for part in parts where !part.isEmpty {
            guard let range = rest.range(of: part) else { return false }
            rest = rest[range.upperBound...]
        }
        return true
    }

    /// Times, commits and counts of steps, of which another run has others.
    private static func steady(_ line: String) -> String {
        line.replacing(#/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/#, with: "TIME").replacing(
            #/\b[0-9a-f]{12,64}\b/#, with: "COMMIT"
        )
        .replacing(#/\d+ (created|changed|replaced|deleted)/#) { "N \($0.1)" }
        .replacing(#/ +/#, with: " ")
    }
}
