import Foundation
import Testing

/// What is made from the sources is what the sources make.
@Suite struct CurrencyTests {
    private static let kinds = ["host", "network", "compartment", "endpoint", "policy"]

    @Test(arguments: kinds) func schemaIsCurrent(_ kind: String) throws {
        let current = try Repository.bulkhead("schema", kind)
        #expect(try Repository.text("schemas/\(kind).schema.json") == current, "say `make schemas`")
    }

    @Test func schemaOfAnyKindIsCurrent() throws {
        let current = try Repository.bulkhead("schema")
        #expect(try Repository.text("schemas/bulkhead.schema.json") == current, "say `make schemas`")
    }

    @Test func thereAreNoOtherSchemas() throws {
        let expected = (Self.kinds + ["bulkhead"]).map { "\($0).schema.json" }.sorted()
        #expect(try Repository.names(in: "schemas") == expected)
    }

    @Test func fieldTablesAreCurrent() throws {
        #expect(
            try Repository.text("docs/fields.md") == Repository.bulkhead("explain", "--markdown"), "say `make docs`")
    }
}
