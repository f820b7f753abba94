import JSON
import Testing

@testable import Firewall

/// Sets whose keys are raw bytes of packets are declared in nft's language, in a transaction of their own.
@Suite struct RawSetsTests {
    private let set: JSON = [
        "add": [
            "set": ["family": "bridge", "table": "bulkhead", "name": "claims4", "typeof": "meta iifname . @th,192,32"]
        ]
    ]
    private let table: JSON = ["add": ["table": ["family": "bridge", "name": "bulkhead"]]]
    private let rule: JSON = ["add": ["rule": ["family": "bridge", "table": "bulkhead", "chain": "nd"]]]

    @Test func areMadeFirst() {
        let sets = RawSets([table, set, rule])
        #expect(sets.before == [])
        #expect(
            sets.declarations == [
                "add table bridge bulkhead", "add set bridge bulkhead claims4 { typeof meta iifname . @th,192,32; }",
            ])
        #expect(sets.rest == [table, rule])
    }

    @Test func areGoneAgainWithTheirTable() {
        let sets = RawSets([table, set, rule])
        #expect(sets.removal(tables: ["inet bulkhead"]) == "delete table bridge bulkhead")
        #expect(sets.removal(tables: ["bridge bulkhead"]) == "delete set bridge bulkhead claims4")
    }

    @Test func makeWayFirstWhereAnotherTypeHasTheName() {
        let flush: JSON = ["flush": ["chain": ["family": "bridge", "table": "bulkhead", "name": "nd"]]]
        let old: JSON = ["delete": ["set": ["family": "bridge", "table": "bulkhead", "name": "claims4"]]]
        let sets = RawSets([flush, old, set, rule])
        #expect(sets.before == [flush, old])
        #expect(sets.rest == [rule])
    }

    @Test func aNameThatMeansMoreIsNotTaken() {
        let odd: JSON = ["add": ["set": ["family": "bridge", "table": "x; flush ruleset", "name": "s", "typeof": "k"]]]
        let sets = RawSets([odd])
        #expect(sets.declarations == [])
        #expect(sets.rest == [odd])
    }
}
