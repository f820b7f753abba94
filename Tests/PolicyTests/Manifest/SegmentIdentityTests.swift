import Testing

/// On a segment that others share, whoever sends from an address of an endpoint is taken for it, with policies or without.
@Suite struct SegmentIdentityTests {
    private func complaints(_ endpoints: [(name: String, spec: String)]) -> [String] {
        diagnostics(
            network("lan", "type: transparent, uplink: {interface: eth0}, subnets: [{prefix: 192.0.2.0/24}]")
                + endpoints.map { document("Endpoint", $0.name, "network: lan, \($0.spec)") }.joined())
    }

    @Test func addressesOfEverybody() {
        let expected = [
            "192.0.2.0/24": "192.0.2.0/24, all", "192.0.0.0/16": "192.0.2.0/24, all", "0.0.0.0/0": "192.0.2.0/24, all",
            "\"::/0\"": "all",
        ]
        for (prefix, all) in expected {
            let shown = prefix.replacing("\"", with: "")
            #expect(
                complaints([("router", "addresses: [192.0.2.10], allowedAddresses: [\(prefix)]")]) == [
                    "test.yaml:8:18: error: 'allowedAddresses' of Endpoint/router has \(shown) with \(all) of Network/lan, on which there are others than endpoints; their packets would count as forged: name what is behind the endpoint"
                ])
        }
    }

    @Test func addressesOfTwoEndpoints() {
        let web = ("web-1", "addresses: [192.0.2.10]")
        #expect(
            complaints([web, ("router", "addresses: [192.0.2.2], allowedAddresses: [192.0.2.0/28]")]) == [
                "test.yaml:8:18: error: 192.0.2.10 may be a source of both Endpoint/router (test.yaml:13:18) and Endpoint/web-1 (test.yaml:8:18), on Network/lan, where there are others than endpoints, and these are known by address: narrow 'allowedAddresses'"
            ])
        #expect(
            complaints([web, ("router", "addresses: [192.0.2.2], allowedAddresses: [10.0.0.0/8, 192.0.2.16/28]")])
                .isEmpty)
    }
}
