import Foundation
import Manifest
import Model
import TestSupport
import Testing

/// A short, seeded relative of the fuzzing that `make fuzz` does: whatever the bytes, the answer is an answer.
@Suite struct MutationTests {
    @Test(arguments: 1...8 as ClosedRange<UInt64>) func survivesMutations(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let corpus = try (Fixture.all("good") + Fixture.all("bad")).map { try $0.source().bytes }
        try #require(corpus.count > 90)
        let pieces = [
            "---\n", "&a ", "*a", "<<: ", "[", "]", "{", "}", ": ", "- ", "\"", "'", "|\n", "!!str ", "~", "\0",
            "\u{85}", "\u{feff}", "0x",
        ]
        for _ in 0..<60 {
            var bytes = generator.pick(corpus)
            for _ in 0..<Int.random(in: 1...8, using: &generator) {
                let place = Int.random(in: 0...bytes.count, using: &generator)
                switch Int.random(in: 0..<5, using: &generator) {
                case 0: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: place)
                case 1: bytes.insert(contentsOf: generator.pick(pieces).utf8, at: place)
                case 2:
                    bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 0...20, using: &generator)))
                case 3: bytes.insert(contentsOf: generator.pick(corpus).prefix(400), at: place)
                case _: if place < bytes.count { bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator) }
                }
            }
            let source = SourceText(name: "input.yaml", bytes: bytes)
            let input = Input([source])
            let found = input.validate()
            let text = DiagnosticText.render(found, sources: [source])
            #expect(
                text.unicodeScalars.allSatisfy { $0 == "\n" || ($0.value >= 0x20 && !(0x7f..<0xa0).contains($0.value)) }
            )
            // What is valid can be resolved, and the other way round.
            let isValid = !found.contains { $0.severity == .error }
            let scope = try #require(ObjectName("default"))
            let outcome = Resolver.resolve(input.decoder.documents, scope: scope, host: "node-a")
            if !isValid && input.decoder.diagnostics.isEmpty { #expect(outcome.state == nil) }
        }
    }
}
