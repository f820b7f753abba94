import TestSupport
import Testing

/// An answer belongs to a connection by its addresses and ports, whichever way it comes. Who takes the address of somebody
/// else in a network to which no path leads says nothing within connections of others by that.
@Suite struct ReversePathTests {
    @Test func nobodyAnswersForOthersByAnotherNetwork() throws {
        let site = try PathSite()
        let victims = try site.conversations()
        let toVictims = [
            "10.78.0.10,7000,10.77.0.10,4444", "fd00:78::10,7000,fd00:77::10,4444",
            "192.0.2.1,7000,192.0.2.2,4445", "2001:db8::1,7000,2001:db8::2,4445",
            "192.0.2.1,7000,192.0.2.2,4446", "2001:db8::1,7000,2001:db8::2,4446",
            "10.77.0.10,7000,10.77.0.1,4447", "fd00:77::10,7000,fd00:77::1,4447",
        ]
        for place in PathSite.attackers { try site.forge(place, toVictims.map { "udp,\($0),by-\(place)" }) }
        // Of the world's own words the machines outside have to think themselves.
        try site.forge("lan", (toVictims.prefix(2) + toVictims.suffix(2)).map { "udp,\($0),by-lan" })
        for victim in victims { try expectSaid(victim, "none") }
    }

    /// Nor does anybody go on where another one began.
    @Test func nobodyGoesOnForOthers() throws {
        let site = try PathSite()
        let server = try site.serve("w", ["10.80.0.10,7000"])
        _ = try site.open("lan", 6000, ["192.0.2.2,8080"])
        // What begins there is dropped from now on, so that who is heard has gone on.
        try site.host.sh("nft insert rule inet bulkhead bounds ct status dnat drop")
        for place in PathSite.attackers {
            try site.forge(place, ["udp,192.0.2.1,6000,192.0.2.2,8080,by-\(place)"])
        }
        try expectSaid(server, "none")
        try site.forge("lan", ["udp,192.0.2.1,6000,192.0.2.2,8080,more"])
        try expectSaid(server, "more")
    }

    /// The world's own answers still come, also those of which the victim knows nothing yet.
    @Test func theWorldAnswersItself() throws {
        let site = try PathSite()
        try site.serve("lan", ["192.0.2.1,7000", "2001:db8::1,7000"])
        let victim = try site.open("w", 4445, ["192.0.2.1,7000", "2001:db8::1,7000"])
        try site.forge(
            "lan", ["udp,192.0.2.1,7000,192.0.2.2,4445,late", "udp,2001:db8::1,7000,2001:db8::2,4445,late"])
        try expectSaid(victim, "late late")
    }

    /// Which way an answer must come is asked as the kernel asks for the way there: with the mark that a connection has.
    @Test func answersComeWhereMarksLead() throws {
        let site = try PathSite()
        try site.host.sh(
            "ip route add default via 192.0.2.1; ip -n r address add 203.0.113.5/32 dev lo; ip rule add fwmark 1 lookup 100; "
                + "ip route add default via 10.79.0.20 dev bh-third table 100; nft -f - <<'END'\n"
                    + """
                    table inet marks {
                      chain out { type route hook output priority mangle; udp dport 7070 meta mark set 1 ct mark set 1; }
                      chain in { type filter hook prerouting priority mangle; ct mark 1 meta mark set 1; }
                    }
                    END
                    """)
        try site.serve("r", ["203.0.113.5,7070"])
        _ = try site.open(nil, 4448, ["203.0.113.5,7070"])
    }
}
