import Foundation
import Testing

/// What a reader finds: every verb, every example, no dead link.
@Suite struct ReadingTests {
    private static func documents() throws -> [String] {
        try ["README.md", "CHANGELOG.md"]
            + Repository.names(in: "docs").filter { $0.hasSuffix(".md") }.map { "docs/\($0)" }
    }

    @Test func everyVerbHasItsSection() throws {
        let help = try Repository.bulkhead("--help")
        let list = try #require(help.components(separatedBy: "SUBCOMMANDS:\n").last)
        let verbs = list.matches(of: #/(?m)^  ([a-z]+) {2,}/#).map { String($0.1) }
        #expect(verbs.count >= 9)
        let manual = try Repository.text("docs/cli.md")
        let missing = verbs.filter { verb in !manual.contains("\n### `bulkhead \(verb)") }
        #expect(missing == [], "docs/cli.md has a heading '### `bulkhead VERB …`' for each verb")
    }

    @Test func everyExampleIsListed() throws {
        let readme = try Repository.text("README.md")
        let missing = try Repository.names(in: "examples").filter { !readme.contains("(examples/\($0)/)") }
        #expect(missing == [], "README.md links every folder of examples")
    }

    @Test func everyDocumentIsLinkedFromTheReadme() throws {
        let readme = try Repository.text("README.md")
        #expect(try Self.documents().filter { $0 != "README.md" && !readme.contains("(\($0))") } == [])
    }

    @Test func linksLeadSomewhere() throws {
        var dead: [String] = []
        for document in try Self.documents() {
            let folder = Repository.root.appendingPathComponent(document).deletingLastPathComponent()
            for match in try Repository.text(document).matches(of: #/\]\(([^)#\s]+)(?:#[^)]*)?\)/#) {
                let target = String(match.1)
                if target.contains("://") { continue }
                if !FileManager.default.fileExists(atPath: folder.appendingPathComponent(target).path) {
                    dead.append("\(document): \(target)")
                }
            }
        }
        #expect(dead == [])
    }

    @Test func theChangelogBeginsWithWhatIsNew() throws {
        let headings = try Repository.text("CHANGELOG.md").matches(of: #/(?m)^## (.*)$/#).map { String($0.1) }
        #expect(headings.first == "[Unreleased]")
    }
}
