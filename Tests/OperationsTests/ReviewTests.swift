import Foundation
import TestSupport
import Testing

/// Plans for a comment under a pull request, made where neither the host nor root is.
@Suite struct ReviewTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("review-\(UUID().uuidString)")

    private static let before =
        Documents.network + Documents.endpoint("a") + Documents.endpoint("b") + Documents.endpoint("c")
        + Documents.policy("b", from: "a", port: 80)
    private static let after =
        Documents.network + Documents.endpoint("a") + Documents.endpoint("b") + Documents.endpoint("d")
        + Documents.policy("b", from: "a", port: 443)

    private func write(_ name: String, _ text: String) throws {
        let url = folder.appendingPathComponent(name)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try text.write(to: url, atomically: true, encoding: .utf8)
    }

    private func elsewhere(_ arguments: String...) throws -> (status: Int32, output: String, errors: String) {
        try Elsewhere.bulkhead(arguments, in: folder)
    }

    @Test func aCommentSaysWhatOpensAndCloses() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try write("old/all.yaml", Self.before)
        try write("new/all.yaml", Self.after)
        let result = try elsewhere(
            "plan", "new", "--assume-empty", "--base", "old", "--host", "node-a", "--output", "markdown")
        #expect(result.status == 0, "\(result.errors)")
        let text = result.output
        #expect(text.hasPrefix("### Plan for host `node-a`, scope `default`\n\n**Plan: "))
        let changes = """
            #### Who reaches whom

            ```diff
            - a → b, tcp 80: no longer allowed
            + a → b, tcp 443: now allowed
            + d is new
            - c goes
            ```

            <details><summary>
            """
        #expect(text.contains(changes), "\(text)")
        #expect(text.contains("\n+ create bridge bh-web, mtu 1500  (new/all.yaml:3, disruption: none)\n"), "\(text)")
        #expect(text.hasSuffix("\n```\n\n</details>\n"))
        // The same for people and programs.
        let plain = try elsewhere("plan", "new", "--assume-empty", "--base", "old")
        #expect(
            plain.output.hasSuffix(
                "\nWho reaches whom:\n  - a → b, tcp 80: no longer allowed\n  + a → b, tcp 443: now allowed\n  + d is new\n  - c goes\n"
            ),
            "\(plain.output)")
        let json = try elsewhere("plan", "new", "--assume-empty", "--base", "old", "--output", "json")
        let document = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any]
        let reachability = try #require(document?["reachability"] as? [String: Any])
        #expect(reachability["complete"] as? Bool == true)
        let found = try #require(reachability["changes"] as? [[String: Any]])
        #expect(
            found.map { "\($0["from"] ?? "") \($0["to"] ?? "") \($0["service"] ?? "") \($0["now"] ?? "")" }
                == ["a b tcp 80 denied", "a b tcp 443 allowed"])
        #expect(reachability["added"] as? [String] == ["d"])
    }

    @Test func withoutABaseNothingIsClaimed() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try write("new/all.yaml", Self.after)
        let result = try elsewhere("plan", "new", "--assume-empty", "--output", "markdown")
        #expect(result.output.contains("\nNot compared: there is nothing to compare with (`--base PATH` names"))
        try write("same/all.yaml", Self.after)
        let same = try elsewhere("plan", "new", "--assume-empty", "--base", "same", "--output", "markdown")
        #expect(same.output.contains("\nNo connection between endpoints, host and world is opened or closed.\n"))
    }

    /// Names of files come from whoever asks for the review.
    @Test func namesCannotBecomeMarkup() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try write("new/```\n# <b>.yaml", Self.after)
        let result = try elsewhere("plan", "new", "--assume-empty", "--output", "markdown")
        #expect(result.status == 0, "\(result.errors)")
        let fences = result.output.split(separator: "\n").filter { $0.hasPrefix("```") }
        #expect(fences == ["````diff", "````"])
        #expect(result.output.contains("(new/```\\u{a}# <b>.yaml:3, disruption"), "\(result.output)")
    }

    @Test func otherVerbsRefuseThatFormat() throws {
        try write("new/all.yaml", Self.after)
        defer { try? FileManager.default.removeItem(at: folder) }
        let result = try elsewhere("validate", "new", "--output", "markdown")
        #expect(result.status == 64)
        #expect(
            result.errors == "bulkhead: `bulkhead validate` writes its results as text or json, not as markdown\n")
        #expect(try elsewhere("plan", "new", "--assume-empty", "--output", "prometheus").status == 64)
    }

    @Test func aSavedStateIsPlannedAgainstElsewhere() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let host = try ScratchHost()
        try host.declare(Self.before)
        #expect(try host.bulkhead("apply", "--yes", "manifests", "--host", "node-a").status == 0)
        let saved = try host.bulkhead("show", "--full", "--output", "json", "--host", "node-a")
        #expect(saved.status == 0, "\(saved.errors)")
        try write("node-a.json", saved.output)
        try write("old/all.yaml", Self.before)
        try write("new/all.yaml", Self.after)

        let same = try elsewhere("plan", "old", "--against", "node-a.json")
        #expect(same.status == 0, "\(same.errors)")
        #expect(same.output == "In sync: nothing to do.\n\nWho reaches whom:\n  as before\n", "\(same.output)")

        // Elsewhere the plan is the one that the host makes.
        try host.declare(Self.after)
        let there = try host.json("plan", "manifests", "--host", "node-a")
        let result = try elsewhere("plan", "new", "--against", "node-a.json", "--output", "json", "--detailed-exitcode")
        #expect(result.status == 2, "\(result.errors)")
        let here = try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any]
        func steps(_ document: [String: Any]?) -> [String] {
            (document?["steps"] as? [[String: Any]] ?? []).map { "\($0["id"] ?? "") \($0["summary"] ?? "")" }
        }
        #expect(steps(here) == steps(there))
        #expect(steps(here).count > 5)
        #expect(
            (here?["fingerprint"] as? [String: String])?["live"] == (there["fingerprint"] as? [String: String])?["live"]
        )
        #expect(here?["host"] as? String == "node-a")
        let comment = try elsewhere("plan", "new", "--against", "node-a.json", "--output", "markdown")
        #expect(comment.output.contains("\n- a → b, tcp 80: no longer allowed\n+ a → b, tcp 443: now allowed\n"))
        #expect(comment.output.contains("** Outage of `c`.\n"), "\(comment.output)")
        // On the host the history knows what was before.
        let live = try host.bulkhead("plan", "manifests", "--host", "node-a", "--output", "markdown")
        #expect(
            live.output.contains("\n- a → b, tcp 80: no longer allowed\n+ a → b, tcp 443: now allowed\n"), "\(live)")
    }

    @Test func aStateThatIsNoneIsRefused() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try write("new/all.yaml", Self.after)
        let good = #"{"format": "bulkhead.state/v1", "bulkhead": "\#(try version())", "host": "a", "scope": "default"}"#
        for (text, reason) in [
            ("{", "cannot be planned against: "), ("{}", "its format is not 'bulkhead.state/v1'"),
            (#"{"format": "bulkhead.state/v1", "bulkhead": "0.0.0"}"#, "bulkhead 0.0.0 wrote it, and this is "),
            (good, "`bulkhead show --full --output json` on the host writes such a file"),
        ] {
            try write("state.json", text)
            let result = try elsewhere("plan", "new", "--against", "state.json")
            #expect(result.status == 1)
            #expect(result.errors.contains(reason), "\(result.errors)")
        }
        #expect(try elsewhere("plan", "new", "--against", "none.json").errors.contains("ENOENT"))
        #expect(try elsewhere("plan", "new", "--against", "state.json", "--assume-empty").status == 64)
        #expect(try elsewhere("plan", "new", "--against", "state.json", "--out", "x").status == 64)
    }

    private func version() throws -> String {
        String(try elsewhere("--version").output.prefix { !$0.isWhitespace })
    }
}
