import Foundation
import TestSupport
import Testing

/// What no manifest says is said, and is as before when the rest was taken over.
@Suite struct ImportLimitTests {
    /// Makes namespaces with a card on a bridge: NAME HOST-SIDE CARD BRIDGE [ADDRESS].
    private static let tools = """
        card() {
          ip netns add "$1"; ip link add "$2" type veth peer name "$3" netns "$1"
          ip link set "$2" master "$4" up; ip -n "$1" link set lo up; ip -n "$1" link set "$3" up
          [ -z "$5" ] || ip -n "$1" address add "$5" dev "$3"
        }
        """

    private func host(_ lines: String) throws -> ScratchHost {
        let host = try ScratchHost()
        try host.sh(
            "\(Self.tools)\nip link add br0 type bridge; ip address add 10.9.0.1/24 dev br0; ip link set br0 up\n\(lines)"
        )
        return host
    }

    /// Takes over what an import writes, all that it names.
    private func takeOver(_ host: ScratchHost) throws -> (text: String, errors: String) {
        let result = try host.bulkhead("import")
        try host.write("imported.yaml", result.output)
        #expect(result.status == 0)
        #expect(try host.bulkhead("validate", "manifests").status == 0, "\(result.output)")
        let adopts = result.output.matches(of: #/--adopt (\S+)/#).flatMap { ["--adopt", String($0.1)] }
        let applied = try host.run([ScratchHost.binary, "apply", "--yes", "manifests"] + adopts)
        #expect(applied.status == 0, "\(applied.errors)")
        #expect(try host.bulkhead("plan", "manifests", "--detailed-exitcode").status == 0)
        return (result.output, result.errors)
    }

    struct Case: CustomTestStringConvertible, Sendable {
        /// What is done with a card v1, eth0 in namespace `odd`, 10.9.0.20/24.
        let lines: String
        /// What is said of it.
        let words: String
        var testDescription: String { words }
    }

    private static let cases = [
        Case(
            lines: "tc -n odd qdisc add dev eth0 root tbf rate 1mbit burst 32k latency 100ms",
            words: "remove queueing discipline tbf"),
        Case(
            lines: "ip -n odd neighbour add 10.9.0.99 lladdr 02:00:00:00:00:99 dev eth0 nud permanent",
            words: "remove neighbour 10.9.0.99"),
        Case(lines: "ip -n odd route add 10.60.0.0/16 dev eth0", words: "remove route 10.60.0.0/16"),
        Case(
            lines: "ip -n odd address add 10.9.0.21/16 dev eth0",
            words: "10.9.0.21/16 is in no subnet of the network (10.9.0.0/24)"),
        Case(
            lines: "ip -n odd address add 10.9.0.21/24 dev eth0 valid_lft 3000 preferred_lft 2000",
            words: "10.9.0.21/24 has a lifetime"),
        Case(lines: "ip -n odd address add 10.9.0.21 peer 10.9.0.22/32 dev eth0", words: "has a peer"),
        Case(lines: "bridge link set dev v1 isolated on", words: "set as no manifest says (isolated)"),
        Case(lines: "bridge link set dev v1 learning off", words: "set as no manifest says (learning)"),
        Case(lines: "ip -n odd link set eth0 down", words: "it is down in its namespace"),
        Case(lines: "ip address add 10.70.0.1/24 dev v1", words: "which the host itself uses (address 10.70.0.1/24)"),
        Case(
            lines: "ip -n odd link add name inner type bridge; ip -n odd link set eth0 master inner",
            words: "a port of a bridge in its namespace"),
        Case(lines: "ip -n odd link set eth0 name 'e\"x'", words: "its name cannot stand in a manifest"),
    ]

    /// The card is left out with the reason, and stays as it was when the other is taken over.
    @Test(arguments: cases) func aCardThatWouldLoseSomethingIsLeftOut(_ odd: Case) throws {
        let host = try host("card odd v1 eth0 br0 10.9.0.20/24; card even v2 eth0 br0 10.9.0.30/24; \(odd.lines)")
        let look =
            "ip -4 -n odd address; ip -n odd route; ip -n odd neighbour show nud permanent; tc -n odd qdisc; ip -4 address show v1; bridge -d link show dev v1"
        func state() throws -> String { try host.sh(look).replacing(#/valid_lft.*/#, with: "") }
        let before = try state()
        let (text, errors) = try takeOver(host)
        let line = errors.split(separator: "\n").first { $0.hasPrefix("warning: left out: card v1 ") }
        #expect(line?.contains(odd.words) ?? false, "\(errors)")
        #expect(text.contains("metadata: {name: even}") && !text.contains("metadata: {name: odd}"))
        #expect(text.contains(odd.words))
        #expect(try state() == before)
        #expect(try host.sh("ip -d link show v2").contains("alias bulkhead:default/Endpoint/even"))
    }

    /// What is on a host beside is named, each with the reason.
    @Test func whatIsNoCardIsSaid() throws {
        let host = try host(
            """
            card web v1 eth0 br0 10.9.0.20/24
            ip link add docker0 type bridge; card c1 v2 eth0 docker0 172.17.0.2/16
            ip link add br-0123456789ab type bridge; ip link add virbr0 type bridge
            ip link add bare type bridge
            ip link add br1 type bridge; card twin v3 eth0 br1 10.9.0.40/24
            ip link add 'br"2' type bridge; card quoted v4 eth0 'br"2' 10.33.0.2/24
            ip netns add empty; ip netns add mac; ip link add link br0 name mv0 type macvlan; ip link set mv0 netns mac
            ip link add lone type veth peer name eth9 netns empty
            ip link add here type veth peer name there
            ip netns attach self $$; touch /run/netns/file
            nft 'table inet guard { chain a { type filter hook input priority 0; }; chain b { type filter hook forward priority 0; }; }'
            """)
        let errors = try host.bulkhead("import").errors
        let expected = [
            "namespace file: its file is no network namespace, or cannot be opened",
            "it is the host's own",
            "table inet guard: its rules (forward, input) stay in force beside those of bulkhead; where they say who may talk to whom, write policies",
            "bridge bare: nothing is on it; a Network makes one when an Endpoint needs it",
            "bridge br\"2: its name cannot stand in a manifest",
            "so are the cards on it: v4 (eth0 in namespace quoted)",
            "bridge br-0123456789ab: Docker makes and deletes it",
            "bridge br1: prefix 10.9.0.0/24 overlaps 10.9.0.0/24 of Network/br0; so are the cards on it: v3 (eth0 in namespace twin)",
            "bridge docker0: Docker makes and deletes it, and what is on it; leave both to it; so are the cards on it: v2 (eth0 in namespace c1)",
            "bridge virbr0: libvirt makes and deletes it",
            "veth here: both its ends are on the host",
            "veth lone: it is on no bridge; endpoints are",
            "namespace empty: none of its cards is on a bridge of the host (veth eth9)",
            "namespace mac: none of its cards is on a bridge of the host (macvlan mv0)",
        ]
        for words in expected { #expect(errors.contains(words), "\(words) is not in:\n\(errors)") }
        let (text, _) = try takeOver(host)
        #expect(text.contains("#   bulkhead apply \\\n#     --adopt Endpoint/"))
    }

    /// Names that mean something to YAML, to a shell or to a terminal.
    @Test func hostileNamesStayInTheirPlaces() throws {
        let escape = "es\u{1b}[31mc"
        let host = try host(
            """
            card 'we ird' v1 eth0 br0 10.9.0.21/24; card 'Wéb' v2 eth0 br0 10.9.0.22/24
            card "$(printf 'es\\033[31mc')" v3 eth0 br0 10.9.0.23/24; card 'a: [b], {c}' v4 eth0 br0 10.9.0.24/24
            card true v5 yes br0 10.9.0.25/24; card n123 123 0x10 br0 10.9.0.26/24
            card '#x' v6 'a#b' br0 10.9.0.27/24; card "it's" "v'7" "- x" br0 10.9.0.28/24 || true
            card WEB v8 '$(id)' br0 10.9.0.29/24; card web v9 'a,b' br0 10.9.0.30/24
            ip link set dev v9 alias "$(printf 'one\\ntwo: [\\033]0;x\\007')"
            ip link add 1e3 type bridge; ip link set 1e3 up; card '~' v10 null 1e3 10.8.0.2/24
            """)
        let (text, errors) = try takeOver(host)
        #expect(!text.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" || $0.value == 0x7f })
        #expect(!errors.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" || $0.value == 0x7f })
        for words in [
            "path: \"/run/netns/we ird\"", "path: \"/run/netns/a: [b], {c}\"", "path: \"/run/netns/#x\"",
            "metadata: {name: \"true\"}",
            "interface: \"yes\"", "hostInterface: \"123\"", "interface: \"0x10\"", "interface: \"a#b\"",
            "interface: \"$(id)\"",
            "interface: \"a,b\"", "metadata: {name: web-2}", "metadata: {name: w--b}", "existing: \"1e3\"",
            "metadata: {name: \"1e3\"}",
            "# Its alias gives way to bulkhead's mark: one\\u{a}two: [\\u{1b}]0;x\\u{7}",
        ] { #expect(text.contains(words), "\(words) is not in:\n\(text)") }
        #expect(!text.contains(escape) && errors.contains("the name of its namespace holds control characters"))
        #expect(try host.bulkhead("import").errors.contains("bulkhead has cards on it already"))
    }

    /// Spanning tree is its owner's: cards on such a bridge are taken over, and it decides on their ports as before.
    @Test func aBridgeWithSpanningTreeKeepsIt() throws {
        let host = try host(
            "ip link set br0 type bridge stp_state 1; card web v1 eth0 br0 10.9.0.20/24; ip link add bh-own type bridge stp_state 1; "
                + "ip link set bh-own up; ip address add 10.8.0.1/24 dev bh-own; card own v2 eth0 bh-own 10.8.0.2/24")
        let (text, _) = try takeOver(host)
        #expect(text.contains("# Its spanning tree is no part of a manifest."))
        #expect(text.contains("# It cannot be taken over: it has spanning tree on."))
        #expect(text.contains("bridge: {existing: bh-own}"))
        for bridge in ["br0", "bh-own"] {
            #expect(try host.sh("ip -d link show \(bridge)").contains("stp_state 1"))
        }
    }

    /// A namespace that forwards goes on forwarding, and sends from others' addresses.
    @Test func aRouterGoesOnRouting() throws {
        let host = try host(
            """
            ip link add br1 type bridge; ip link set br1 up
            card router v1 eth0 br0 10.9.0.20/24; ip link add v2 type veth peer name eth1.7 netns router
            ip link set v2 master br1 up; ip -n router link set eth1.7 up; ip -n router address add 10.8.0.1/24 dev eth1.7
            ip netns exec router sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'
            card web v3 eth0 br0 10.9.0.30/24; ip -n web route add default via 10.9.0.20
            card db v4 eth0 br1 10.8.0.40/24; ip -n db route add default via 10.8.0.1
            """)
        let ping = "ip netns exec web ping -c 1 -W 20 10.8.0.40"
        #expect(try host.sh(ping).contains(" 0% packet loss"))
        let (text, _) = try takeOver(host)
        #expect(
            text.contains(
                "  sysctls: {net.ipv4.conf.eth0.forwarding: \"1\", \"net.ipv4.conf.eth1/7.forwarding\": \"1\"}\n")
                || text.contains("net.ipv4.conf.eth1/7.forwarding: \"1\""), "\(text)")
        #expect(text.contains("antiSpoof: false"))
        #expect(try host.sh(ping).contains(" 0% packet loss"))
    }

    /// What router advertisements gave a card goes on coming.
    @Test func advertisedAddressesStay() throws {
        let host = try host(
            """
            card web v1 eth0 br0 10.9.0.20/24
            ip -n web address add 2001:db8::20/64 dev eth0 nodad valid_lft 86400 preferred_lft 43200
            """)
        let (text, _) = try takeOver(host)
        #expect(text.contains("  sysctls: {net.ipv6.conf.eth0.accept_ra: \"1\"}\n"), "\(text)")
        #expect(text.contains("# By router advertisements, which it keeps: 2001:db8::20/64\n"))
        #expect(text.contains("addresses: [10.9.0.20]\n"))
        #expect(try host.sh("ip -n web address show eth0").contains("2001:db8::20/64"))
        #expect(try host.sh("ip netns exec web cat /proc/sys/net/ipv6/conf/eth0/accept_ra") == "1\n")
    }

    /// A scope that has objects already is warned of, and keeps them.
    @Test func whatIsBulkheadsAlreadyIsLeftAlone() throws {
        // Names that its objects have are taken; a second card of one of its compartments is its maker's to declare.
        let host = try host("card other v1 eth0 br0 10.9.0.20/24; card WEB v4 eth0 br0 10.9.0.22/24")
        try host.declare(Documents.network, Documents.endpoint("web"), Documents.policy("web", from: "web", port: 80))
        try #require(try host.bulkhead("apply", "--yes", "manifests").status == 0)
        try host.sh(
            "rm manifests/all.yaml; ip link add v2 type veth peer name eth1 netns web; ip link set v2 master br0 up; "
                + "ip -n web link set eth1 up")
        let result = try host.bulkhead("import")
        let adopts = result.output.matches(of: #/--adopt (\S+)/#).map { String($0.1) }
        #expect(adopts == ["Endpoint/other", "Endpoint/web-2"], "\(result.output)")
        #expect(result.output.contains("#   bulkhead apply --no-prune \\\n"))
        #expect(
            result.errors.contains(
                "card v2 (eth1 in namespace web): bulkhead has a card in its namespace already (ep-web); write an Endpoint beside"
            ))
        #expect(result.output.contains("# Scope default has objects already."))
        #expect(result.errors.contains("bridge bh-web: it is bulkhead's already (Network/web of scope default)"))
        #expect(
            result.errors.contains(
                "policy guard: it is in force in scope default, and no import writes policies; keep its manifest"))
        try host.write("imported.yaml", result.output)
        let applied = try host.bulkhead(
            "apply", "--yes", "--no-prune", "--adopt", "Endpoint/other", "--adopt", "Endpoint/web-2", "manifests")
        #expect(applied.status == 0, "\(applied.errors)")
        #expect(try host.sh("ip link show ep-web").contains("ep-web"))
    }

    @Test func itNeedsRights() throws {
        let folder = FileManager.default.temporaryDirectory
        let result = try Elsewhere.bulkhead(["import"], in: folder)
        #expect(result.status == 1)
        #expect(result.errors.hasPrefix("bulkhead: bulkhead needs CAP_NET_ADMIN"))
        #expect(result.output == "")
    }
}
