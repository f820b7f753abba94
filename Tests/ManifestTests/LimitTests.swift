import Manifest
import Model
import Testing

/// What is too much is an error, whatever it is made of, and does not take long to be one.
@Suite struct LimitTests {
    private func said(_ bytes: [UInt8]) -> [String] {
        let source = SourceText(name: "input.yaml", bytes: bytes)
        return DiagnosticText.sort(Input([source]).validate()).map(\.headline)
    }

    private static let head = "apiVersion: bulkhead.dev/v1alpha1\nkind: Compartment\nmetadata: {name: a}\n"

    @Test func aliasesExpandingToBillions() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
        for level in 1...20 {
            text += "a\(level): &a\(level) [\(Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", "))]\n"
        }
        let all = said(Array(text.utf8))
        #expect(all.count == 1)
        #expect(all.first?.hasSuffix("error: aliases expand to more than 1000000 nodes") == true)
    }

    @Test func mergeKeysExpandingToBillions() {
        var text = "a0: &a0 {k0: 1, k1: 1}\n"
        for level in 1...60 { text += "a\(level): &a\(level) {k\(level)x: *a\(level - 1), <<: *a\(level - 1)}\n" }
        let all = said(Array(text.utf8))
        #expect(all.count == 1)
        #expect(all.first?.hasSuffix("error: aliases expand to more than 1000000 nodes") == true)
    }

    @Test func aFileOfTheLargestSize() {
        let largest = Array("\(Self.head)#".utf8) + Array(repeating: UInt8(ascii: "x"), count: Decoder.byteLimit)
        #expect(said(Array(largest.prefix(Decoder.byteLimit))) == [])
        #expect(
            said(Array(largest.prefix(Decoder.byteLimit + 1))) == ["error: input.yaml is larger than 16 MiB; split it"])
    }

    @Test(arguments: ["[", "{a: ", "- ", "? ", "[[{"]) func deepNesting(_ piece: String) {
        let all = said(Array(String(repeating: piece, count: 100_000).utf8))
        #expect(all.count == 1)
        #expect(all.first?.contains("error: ") == true)
    }

    @Test func nestingOfJustEnough() {
        let deep = String(repeating: "[", count: 63) + String(repeating: "]", count: 63)
        #expect(said(Array("\(Self.head)x: \(deep)\n".utf8)) == ["input.yaml:4:1: error: unknown key 'x'"])
    }

    @Test func tooManyDocuments() {
        let one = Self.head + "---\n"
        var decoder = Decoder()
        // Documents of nothing do not count.
        decoder.decode(SourceText(name: "empty.yaml", bytes: Array(String(repeating: "---\n", count: 200_000).utf8)))
        #expect(decoder.diagnostics.isEmpty)
        decoder.decode(SourceText(name: "a.yaml", bytes: Array(String(repeating: "---\n1\n", count: 99_999).utf8)))
        #expect(decoder.diagnostics.count == 99_999)
        decoder.decode(SourceText(name: "b.yaml", bytes: Array((one + one + one).utf8)))
        #expect(decoder.diagnostics.count == 100_000)
        #expect(decoder.diagnostics.last?.headline == "b.yaml:5:1: error: more than 100000 documents")
    }
}
