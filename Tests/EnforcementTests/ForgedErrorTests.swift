import TestSupport
import Testing

/// An error is taken from where the packet that it quotes went, whoever quotes it.
@Suite struct ForgedErrorTests {
    private static let flows = [
        "10.77.0.10,4444,10.78.0.10,7000", "fd00:77::10,4444,fd00:78::10,7000",
        "192.0.2.2,4445,192.0.2.129,7000", "2001:db8::2,4445,2001:db8::200,7000",
        "192.0.2.2,4446,192.0.2.129,7000", "2001:db8::2,4446,2001:db8::200,7000",
        "10.77.0.1,4447,10.77.0.10,7000", "fd00:77::1,4447,fd00:77::10,7000",
    ]

    @Test func nobodyEndsConnectionsOfOthers() throws {
        let site = try PathSite()
        let victims = try site.conversations(with: ["192.0.2.129", "2001:db8::200"])
        let froms = [
            "guest": "10.79.0.50", "loose": "10.79.0.12", "stray": "10.80.0.50", "physical": "198.51.100.50",
            "vpn": "10.81.0.13", "wide": "198.51.100.14",
        ]
        for (place, from4) in froms.sorted(by: { $0.key < $1.key }) {
            // The manifests say that the world may be behind the last two.
            let flows = ["vpn", "wide"].contains(place) ? Self.flows.prefix(2) + Self.flows.suffix(2) : Self.flows[...]
            try site.forge(place, flows.map { "error,\($0.contains("::") ? "fd00:79::50" : from4),\($0)" })
        }
        for victim in victims { try expectSaid(victim, "none") }
        // The same from where they are awaited.
        try site.forge(
            "peer", Self.flows.prefix(2).map { "error,\($0.contains("::") ? "fd00:78::10" : "10.78.0.10"),\($0)" })
        try expectSaid(victims[0], "refused refused")
        try site.forge(
            "v", Self.flows.suffix(2).map { "error,\($0.contains("::") ? "fd00:77::10" : "10.77.0.10"),\($0)" })
        try expectSaid(victims[3], "refused refused")
        try site.forge(
            "lan", Self.flows[2...5].map { "error,\($0.contains("::") ? "2001:db8::9" : "192.0.2.9"),\($0)" })
        try expectSaid(victims[1], "refused refused")
        try expectSaid(victims[2], "refused refused")
    }

    /// The kernel lowers the path MTU to an address of IPv6 on the word of anybody who quotes an echo that nobody sent: no
    /// connection is known that it could belong to.
    @Test func nobodyLowersPathMTUs() throws {
        let site = try PathSite()
        for place in PathSite.attackers {
            let from = place == "guest" ? "fd00:79::50" : "2001:db8:9::9"
            try site.forge(
                place, ["big,\(from),2001:db8::2,7,2001:db8::1,7", "big,\(from),fd00:77::1,7,fd00:77::10,7"])
        }
        let routes = try site.host.sh("ip -6 route get 2001:db8::1; ip -6 route get fd00:77::10")
        #expect(!routes.contains("mtu 1280"), "\(routes)")
    }

    /// Nobody is there who answers; routers behind a router that is an endpoint say so, though no route leads to them.
    @Test func routersBehindEndpointsAreHeard() throws {
        let site = try PathSite()
        try site.host.sh(
            "ip -n r address add 10.200.0.5/32 dev lo; ip route add 10.200.0.0/16 via 10.79.0.20")
        try site.serve("r", ["10.200.0.5,7000"])
        let asker = try site.open(nil, 4449, ["10.200.0.5,7000"])
        try site.forge("stray", ["error,10.80.0.50,10.79.0.1,4449,10.200.0.5,7000"])
        try site.forge("r", ["error,172.31.0.5,10.79.0.1,4449,10.200.0.5,7000"])
        try expectSaid(asker, "refused")
    }
}
