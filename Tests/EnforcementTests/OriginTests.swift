import TestSupport
import Testing

/// What is answered goes to the address that asked. Who asks with the address of somebody else has answers sent to one whom
/// policies keep from those who answer, and who answered may go on.
@Suite struct OriginTests {
    /// `v` is internal; nobody but `peer` reaches it. `x` is on a physical network.
    @Test func nobodyAsksForOthers() throws {
        let site = try PathSite()
        try site.host.sh("ip -n r address add 10.200.0.5/32 dev lo; ip route add 10.200.0.0/16 via 10.79.0.20")
        try site.serve("lan", ["192.0.2.1,7000", "2001:db8::1,7000"])
        try site.serve("w", ["10.80.0.10,7000"])
        try site.serve(nil, ["10.79.0.1,7777", "fd00:79::1,7777", "198.51.100.2,7777"])
        let victims = [
            try site.serve("v", ["10.77.0.10,4444", "fd00:77::10,4444"]),
            try site.serve("x", ["198.51.100.10,4444", "2001:db8:2::10,4444"]),
            try site.serve("r", ["10.200.0.5,4444"]),
        ]
        func asks(_ address: String) -> [String] {
            let targets =
                address.contains(":")
                ? ["2001:db8::1,7000", "fd00:79::1,7777"]
                : ["192.0.2.1,7000", "192.0.2.2,8080", "10.79.0.1,7777", "198.51.100.2,7777"]
            return targets.map { "udp,\(address),4444,\($0),?" }
        }
        for place in PathSite.attackers {
            try site.forge(place, asks("10.77.0.10") + asks("fd00:77::10"))
            // On the physical network itself addresses are as safe as there; and what the manifests give two is both's.
            if !["physical", "wide"].contains(place) {
                try site.forge(place, asks("198.51.100.10") + asks("2001:db8:2::10"))
            }
        }
        for place in ["stray", "physical"] { try site.forge(place, asks("10.200.0.5")) }
        for victim in victims { try expectSaid(victim, "none") }
        // Everybody asks with an address of his own, and hears.
        try site.forge("peer", ["udp,10.78.0.10,4444,10.77.0.10,4444,hello"])
        try expectSaid(victims[0], "hello")
        _ = try site.open("r", 4445, ["192.0.2.1,7000"])
        _ = try site.open("x", 4445, ["198.51.100.2,7777"])
        _ = try site.open("guest", 4445, ["10.79.0.1,7777", "fd00:79::1,7777"])
    }

    /// A published port is there for what is for the host's MAC: the kernel would take anything else for that, too, after its
    /// address was translated, by us or by somebody else.
    @Test func noOtherMACLeadsToPublishedPorts() throws {
        let site = try PathSite()
        let server = try site.serve("w", ["10.80.0.10,7000", "fd00:80::10,7000"])
        try site.host.sh(
            "nft -f - <<'END'\n"
                + """
                table inet others {
                  chain in { type nat hook prerouting priority dstnat + 1;
                    udp dport 8081 dnat ip to 10.80.0.10:7000; ip6 daddr 2001:db8::2 udp dport 8081 dnat ip6 to [fd00:80::10]:7000; }
                }
                END
                """)
        for place in ["guest", "loose", "vpn", "stray"] {
            let own = try site.mac(of: "ep-\(place)")
            for mac in [own, try site.mac(of: "bh-two"), "02:de:ad:00:00:02", "ff:ff:ff:ff:ff:ff"] {
                let words = [
                    "10.77.0.10,4444,192.0.2.2,8080", "10.77.0.10,4444,192.0.2.2,8081",
                    "fd00:77::10,4444,2001:db8::2,8081",
                ]
                try site.forge(place, words.map { "udp,\($0),by-\(place)" }, to: mac)
            }
        }
        try expectSaid(server, "none")
        _ = try site.open("r", 4445, ["192.0.2.2,8080"])
        _ = try site.open("lan", 4446, ["192.0.2.2,8080"])
    }

    /// Nor where somebody's rules lead to the host itself.
    @Test func noOtherMACLeadsToTheHost() throws {
        let site = try PathSite()
        let victim = try site.serve("v", ["10.77.0.10,4444"])
        let server = try site.serve(nil, ["0.0.0.0,7777"])
        try site.host.sh(
            "nft 'table inet others { chain in { type nat hook prerouting priority dstnat; udp dport 9999 redirect to :7777; }; }'"
        )
        for place in ["guest", "loose", "vpn", "stray"] {
            for mac in [try site.mac(of: "ep-\(place)"), "02:de:ad:00:00:02"] {
                try site.forge(
                    place, ["udp,10.77.0.10,4444,192.0.2.2,9999,?", "udp,10.77.0.10,4444,192.0.2.2,9999,by-\(place)"],
                    to: mac)
            }
        }
        try expectSaid(victim, "none")
        try expectSaid(server, "none")
        _ = try site.open("r", 4445, ["192.0.2.2,9999"])
    }

    /// Of IPv6 the kernel itself does not see to it.
    @Test func nobodyIsTheHost() throws {
        let site = try PathSite()
        let host = try site.serve(nil, ["fd00:79::1,7777", "10.79.0.1,7777"])
        for place in ["guest", "loose"] {
            try site.forge(
                place,
                ["udp,2001:db8::2,4444,fd00:79::1,7777,by-\(place)", "udp,192.0.2.2,4444,10.79.0.1,7777,by-\(place)"])
        }
        try expectSaid(host, "none")
    }

    /// Nor does a machine outside ask the host.
    @Test func noMachineOutsideAsksTheHostForOthers() throws {
        let site = try PathSite()
        let victim = try site.serve("v", ["10.77.0.10,4444", "fd00:77::10,4444"])
        try site.serve(nil, ["192.0.2.2,7777", "2001:db8::2,7777"])
        try site.forge(
            "lan", ["udp,10.77.0.10,4444,192.0.2.2,7777,?", "udp,fd00:77::10,4444,2001:db8::2,7777,?"])
        try expectSaid(victim, "none")
        _ = try site.open("lan", 4445, ["192.0.2.2,7777", "2001:db8::2,7777"])
    }

    /// The host talks to its own addresses, those on switches among them.
    @Test func theHostTalksToItself() throws {
        let site = try PathSite()
        try site.serve(nil, ["10.77.0.1,7777", "fd00:77::1,7777"])
        _ = try site.open(nil, 4445, ["10.77.0.1,7777", "fd00:77::1,7777"])
    }
}
