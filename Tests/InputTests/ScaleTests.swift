import Foundation
import TestSupport
import Testing

/// As much as is taken is taken; one more is an error.
@Suite struct ScaleTests {
    /// 100 000 documents: one network, and endpoints without addresses.
    private func documents(_ count: Int) -> String {
        var text = InputFolder.manifest("many")
        text.reserveCapacity(count * 110)
        for number in 1..<count {
            text += """
                ---
                apiVersion: bulkhead.dev/v1alpha1
                kind: Policy
                metadata: {name: p\(number)}
                spec: {appliesTo: {networks: [many]}, priority: \(number % 65536), ingress: {default: allow}}

                """
        }
        return text
    }

    @Test func aHundredThousandDocumentsAreTaken() throws {
        let folder = try InputFolder()
        let text = documents(100_000)
        // More than one file may hold.
        let middle = try #require(
            text.range(of: "---\n", range: text.index(text.startIndex, offsetBy: text.count / 2)..<text.endIndex))
        try folder.write("a.yaml", String(text[..<middle.lowerBound]))
        try folder.write("b.yaml", String(text[middle.upperBound...]))
        let result = try folder.run("validate", ".")
        #expect(result.status == 0, "\(result.errors.prefix(500))")
        try folder.network("c.yaml", "one-too-many")
        let more = try folder.run("validate", ".")
        #expect(more.status == 1)
        let errors = more.errors.split(separator: "\n").filter { $0.contains(" error: ") }
        #expect(errors == ["c.yaml:1:1: error: more than 100000 documents"], "\(errors.prefix(3))")
    }
}
