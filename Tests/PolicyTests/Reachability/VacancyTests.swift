import Addressing
import Model
import Reachability
import Testing

/// Addresses inside a network's prefix that nobody has.
@Suite struct VacancyTests {
    private func reachability(_ type: String) throws -> Reachability {
        Reachability(
            try resolve(
                network("web", "type: \(type), subnets: [{prefix: 10.88.0.0/24}]")
                    + network("other", "type: nat, inbound: routed, subnets: [{prefix: 10.99.0.0/24}]")
                    + document(
                        "Endpoint", "a", "network: web, addresses: [10.88.0.10], allowedAddresses: [10.88.0.64/30]")
                    + document("Endpoint", "b", "network: other, addresses: [10.99.0.10]")))
    }

    @Test(arguments: ["nat", "internal", "private"])
    func nobodyIsThere(_ type: String) throws {
        let model = try reachability(type)
        for (from, to) in [("a", "10.88.0.200"), ("10.88.0.200", "a"), ("b", "10.88.0.200"), ("host", "10.88.0.200")] {
            let answer = try model.ask(from, to, "tcp/80")
            #expect(answer.summary == "closed: nobody on Network/web has 10.88.0.200", "\(from) → \(to)")
            #expect(!answer.allows)
        }
    }

    /// What is somebody's by `allowedAddresses`, and what is outside, is what it was.
    @Test func othersAreWhoTheyWere() throws {
        let model = try reachability("nat")
        #expect(model.party(of: try #require(IPAddress("10.88.0.65"))) == .endpoint(try #require(ObjectName("a"))))
        #expect(try model.ask("a", "203.0.113.9", "tcp/80").allows)
        #expect(try model.ask("203.0.113.9", "b", "tcp/80").allows)
        #expect(
            try model.ask("203.0.113.9", "10.99.0.77", "tcp/80").summary
                == "closed: nobody on Network/other has 10.99.0.77")
    }

    @Test func linkLocalAddressesSpeakToLinkLocalOnes() throws {
        let state = try resolve(
            network("web", "type: nat, subnets: [{prefix: \"fd00:88::/64\"}]")
                + document("Endpoint", "a", "network: web, addresses: [\"fd00:88::a\"]")
                + document("Endpoint", "b", "network: web, addresses: [\"fd00:88::b\"]"))
        let model = Reachability(state)
        let (a, b) = (try #require(state.endpoints.first), try #require(state.endpoints.last))
        let pair = try #require(
            model.pairs(.endpoint(a.metadata.name), .address(.v6(b.mac.linkLocal)), .ipv6).first)
        #expect(pair.source.address == .v6(a.mac.linkLocal))
        #expect(pair.destination.party == .endpoint(b.metadata.name))
        let host = try #require(model.pairs(.host, .address(.v6(b.mac.linkLocal)), .ipv6).first)
        #expect(host.source.address == .v6(try #require(state.networks.first).mac.linkLocal))
    }
}
