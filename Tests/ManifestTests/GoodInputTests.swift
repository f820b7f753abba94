import Manifest
import Model
import TestSupport
import Testing

/// What manifests mean: the folder's `state.txt` is the whole desired state, defaults filled in.
@Suite struct GoodInputTests {
    static let fixtures = Fixture.all("good")

    @Test func thereAreFixtures() { #expect(Self.fixtures.count >= 12) }

    @Test(arguments: fixtures) func means(_ fixture: Fixture) throws {
        let source = try fixture.source()
        #expect(complaints([source]) == "")
        let state = try Input([source]).resolve(host: Self.host)
        #expect(try fixture.agrees(StateText.of(state), with: "state.txt"), "\(StateText.of(state))")
    }

    /// Fixtures with Host documents have one of this name.
    static let host = "node-a"

    @Test(arguments: fixtures, [1, 2, 3, 4] as [UInt64])
    func orderOfDocumentsDoesNotMatter(_ fixture: Fixture, seed: UInt64) throws {
        let source = try fixture.source()
        var generator = SeededGenerator(seed: seed)
        let parts = Self.documents(String(decoding: source.bytes, as: UTF8.self)).shuffled(using: &generator)
        let shuffled = try Input(parts.joined(separator: "\n---\n")).resolve(host: Self.host)
        let state = try Input([source]).resolve(host: Self.host)
        #expect(StateText.of(shuffled) == StateText.of(state))
        #expect(shuffled.fingerprint == state.fingerprint)
    }

    private static func documents(_ text: String) -> [String] {
        text.split(separator: "\n", omittingEmptySubsequences: false)
            .split { $0 == "---" }.map { $0.joined(separator: "\n") }
    }
}
