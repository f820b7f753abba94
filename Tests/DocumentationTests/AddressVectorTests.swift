import Addressing
import Foundation
import Model
import Testing

@testable import Manifest

/// The tables of `docs/addresses.md`: what they say is what everybody's network was built by.
@Suite struct AddressVectorTests {
    private static func page() throws -> String { try Repository.text("docs/addresses.md") }

    private static func texts(_ cell: some StringProtocol) -> String {
        cell.replacingOccurrences(of: "␀", with: "\0")
    }

    @Test func hashes() throws {
        let rows = try Self.page().matches(of: #/(?m)^\| `([^`]*)` \| `([0-9a-f]{16})` \|$/#)
        #expect(rows.count >= 10)
        for row in rows {
            #expect(String(StableHash.hash(Self.texts(row.1)), radix: 16) == row.2, "hash of \(row.1)")
            let parts = row.1.split(separator: "␀", omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 3 else { continue }
            #expect(String(StableHash.hash(parts[0], parts[1], parts[2]), radix: 16) == row.2, "hash of \(parts)")
        }
    }

    @Test func automaticAddresses() throws {
        let rows = try Self.page().matches(
            of: #/(?m)^\| `([a-z]+)` \| `([0-9a-f.:]+/\d+)` \|([^|]*)\| `([0-9a-f.:]+)` \|(.*)\|$/#)
        #expect(rows.count >= 5)
        for row in rows {
            let prefix = try #require(IPPrefix(row.2))
            let gateway = try #require(IPAddress(row.4))
            let pool = try row.3.matches(of: #/`([^`]+)`/#).map { try #require(IPRange(String($0.1))) }
            var expected: [String: IPAddress] = [:]
            for pair in row.5.matches(of: #/`([a-z]+)` → `([^`]+)`/#) {
                let address = try #require(IPAddress(pair.2))
                expected[String(pair.1)] = address
            }
            let allocation = Allocation(
                network: String(row.1), prefix: prefix, pool: pool, reserved: [], excluded: [gateway])
            #expect(allocation.assign(Array(expected.keys)) == expected)
        }
    }

    @Test func cardAddresses() throws {
        let rows = try Self.page().matches(
            of: #/(?m)^\| `endpoint/([a-z]+)␀([^`␀]+)␀([^`␀]+)` \| `([0-9a-f:]{17})` \|$/#)
        #expect(rows.count >= 2)
        for row in rows {
            let network = try #require(ObjectName(row.1))
            let endpoint = try #require(ObjectName(row.2))
            let address = Naming.endpointMAC(network: network, endpoint: endpoint, host: String(row.3))
            #expect(address.description == row.4)
        }
    }

    @Test func interfaceNames() throws {
        let rows = try Self.page().matches(of: #/(?m)^\| `bh-([a-z-]+)` \| `(bh-[a-z0-9-]+)` \|$/#)
        #expect(rows.count >= 2)
        for row in rows {
            let name = try #require(ObjectName(row.1))
            #expect(Naming.bridge(name)?.interface.description == String(row.2))
        }
    }
}
