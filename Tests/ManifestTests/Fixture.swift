import Foundation
import Manifest
import Model
import Testing

/// One folder below `Tests/Fixtures/manifest`: `input.yaml` and what comes of it.
struct Fixture: Sendable, CustomTestStringConvertible {
    let folder: URL
    var name: String { folder.lastPathComponent }
    var testDescription: String { name }

    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Fixtures/manifest")

    /// All fixtures of a folder, by name.
    static func all(_ group: String) -> [Fixture] {
        let names =
            (try? FileManager.default.contentsOfDirectory(atPath: root.appendingPathComponent(group).path)) ?? []
        return names.filter { !$0.hasPrefix(".") }.sorted()
            .map { Fixture(folder: root.appendingPathComponent(group).appendingPathComponent($0)) }
    }

    /// The manifests, under the name that messages have.
    func source() throws -> SourceText {
        SourceText(name: "input.yaml", bytes: Array(try Data(contentsOf: folder.appendingPathComponent("input.yaml"))))
    }

    /// Text of a file of the fixture.
    func text(_ file: String) throws -> String {
        try String(contentsOf: folder.appendingPathComponent(file), encoding: .utf8)
    }

    /// Compares with a file of the fixture; `UPDATE_FIXTURES=1` writes it instead, for a human to read the difference.
    func agrees(_ actual: String, with file: String) throws -> Bool {
        if ProcessInfo.processInfo.environment["UPDATE_FIXTURES"] == "1" {
            try actual.write(to: folder.appendingPathComponent(file), atomically: true, encoding: .utf8)
        }
        return try text(file) == actual
    }
}

/// Everything that `validate` says about files, as text.
func complaints(_ sources: [SourceText]) -> String {
    DiagnosticText.render(Input(sources).validate(), sources: sources)
}

/// Manifests from texts, as the command line has them from files.
struct Input {
    var decoder = Decoder()

    init(_ sources: [SourceText]) {
        for source in sources { decoder.decode(source) }
    }

    init(_ text: String) { self.init([SourceText(name: "input.yaml", bytes: Array(text.utf8))]) }

    func validate() -> [Diagnostic] { decoder.diagnostics + Resolver.validate(decoder.documents) }

    /// The desired state of a host.
    func resolve(host: String = "here") throws -> DesiredState {
        guard let scope = ObjectName("default") else { throw BadManifests(description: "scope") }
        let outcome = Resolver.resolve(decoder.documents, scope: scope, host: host)
        guard decoder.diagnostics.isEmpty, let state = outcome.state else {
            throw BadManifests(
                description: DiagnosticText.render(decoder.diagnostics + outcome.diagnostics, sources: []))
        }
        return state
    }
}

/// Manifests that are wrong where a test needs right ones.
struct BadManifests: Error, CustomStringConvertible {
    let description: String
}
