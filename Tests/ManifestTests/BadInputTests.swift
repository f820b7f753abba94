import Manifest
import Model
import Testing

/// Every rule of validation by example: the folder's `expected.txt` is all that is said, carets included.
@Suite struct BadInputTests {
    static let fixtures = Fixture.all("bad")

    @Test func thereAreFixtures() { #expect(Self.fixtures.count >= 80) }

    @Test(arguments: fixtures) func says(_ fixture: Fixture) throws {
        let said = complaints([try fixture.source()])
        #expect(!said.isEmpty, "nothing is wrong with it")
        #expect(try fixture.agrees(said, with: "expected.txt"), "\(said)")
    }

    /// What the input holds may be printed, but never obeyed by a terminal.
    @Test(arguments: fixtures) func staysPrintable(_ fixture: Fixture) throws {
        let said = complaints([try fixture.source()])
        let hazards = said.unicodeScalars.filter { ($0.value < 0x20 && $0 != "\n") || (0x7f..<0xa0).contains($0.value) }
        #expect(hazards.isEmpty)
    }
}
