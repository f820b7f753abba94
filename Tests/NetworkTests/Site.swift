import Foundation
import TestSupport
import Testing

/// Documents of the manifests: networks `10.N.0.0/24` and `fd00:N::/64`, endpoints `.M` and `::M` on them.
enum Document {
    static func network(_ name: String, _ number: Int, _ spec: String = "type: nat") -> String {
        """
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Network
        metadata: {name: \(name)}
        spec: {subnets: [{prefix: 10.\(number).0.0/24}, {prefix: "fd00:\(number)::/64"}], \(spec)}

        """
    }

    static func endpoint(_ name: String, _ network: String, _ number: Int, _ host: Int, _ spec: String = "") -> String {
        """
        ---
        apiVersion: bulkhead.dev/v1alpha1
        kind: Endpoint
        metadata: {name: \(name)}
        spec: {network: \(network), addresses: [10.\(number).0.\(host), "fd00:\(number)::\(host)"]\(spec.isEmpty ? "" : ", \(spec)")}

        """
    }
}

extension PolicyHost {
    /// A host of these documents alone.
    convenience init(documents: [String]) throws {
        try self.init([])
        try declare(documents)
    }

    /// Puts these documents in the place of what is declared.
    func declare(_ documents: [String]) throws { try host.write("base.yaml", documents.joined()) }

    /// What a server that tells both ends says to this client: its address as the server sees it, its port, the
    /// server's port. Empty where there is no such answer.
    func ends(_ client: String, _ protocolName: String, _ address: String, _ port: Int) throws -> [String] {
        Self.parts(try probe(client, protocolName, address, "\(port)", "60"))
    }

    static func parts(_ answer: String) -> [String] {
        let parts = answer.split(separator: " ").map(String.init)
        return parts.count == 3 ? parts : []
    }
}

/// Expects that an answer says that nobody was reached.
func expectNobody(_ answer: String, _ what: String, location: SourceLocation = #_sourceLocation) {
    #expect(answer == "silent" || answer == "refused", "\(what): \(answer)", sourceLocation: location)
}
